//! The shards of a planned run: any process that has the plan may forecast any of them.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use covid_core::{Panel, Timestamp};
use covid_data::Table;
use covid_registry::Registry;
use covid_storage::ObjectStore;
use covid_training::{Model, TrainingSettings};

use crate::{
    Branch, Champion, Ledger, Manifest, Part, Plan, PredictionError, Predictions, RunId,
    champion::prepared,
    predict::{blocking, prediction_ledger},
    read_vintage,
    rows::table_of,
};

/// A planned run, with all that its shards need: the model and the vintage that the plan names.
#[derive(Debug)]
pub struct Planned {
    plan: Plan<Predictions>,
    branch: Branch,
    model: Arc<Model>,
    panel: Arc<Panel>,
    /// Positions of the locations in the panel, in the order of the plan.
    order: Vec<usize>,
    /// What models see of the whole panel, made when the first shard needs it: places share what they say together.
    seen: Arc<Mutex<Option<Arc<Panel>>>>,
    /// Parts that were found or made here.
    parts: Mutex<BTreeMap<usize, Part>>,
}

impl Planned {
    pub(crate) fn new(
        plan: Plan<Predictions>,
        model: Arc<Model>,
        panel: Arc<Panel>,
        branch: Branch,
    ) -> Result<Self, PredictionError> {
        let locations = panel.locations();
        let mut order: Vec<usize> = (0..locations.len()).collect();
        order.sort_by_key(|&i| locations[i].name());
        let is_planned = order.len() == plan.work.locations.len()
            && order.iter().zip(&plan.work.locations).all(|(&i, name)| locations[i].name() == name);
        if !is_planned {
            let cause = "its locations are not those of the vintage that it names".to_owned();
            return Err(PredictionError::Damaged { key: plan.run.to_string(), cause });
        }
        Ok(Self { plan, branch, model, panel, order, seen: Arc::default(), parts: Mutex::default() })
    }

    /// Reads the plan of a run that another process wrote, with its vintage from the store and its model from the registry:
    /// no other champion, and no other download. None where nothing is left to do: the run is committed, or a later one of
    /// its as-of date is.
    ///
    /// # Errors
    /// If there is no such plan, its model is gone or cannot be made again as it was, or store or registry fail.
    pub async fn read(
        store: &dyn ObjectStore,
        registry: &dyn Registry,
        dataset: &str,
        run: &RunId,
        settings: TrainingSettings,
    ) -> Result<Option<Self>, PredictionError> {
        let plan = prediction_ledger(store, dataset, Branch::Real).plan(run).await?;
        if is_settled(store, &plan).await? {
            return Ok(None);
        }
        let panel = Arc::new(read_vintage(store, dataset, &plan.work.vintage).await?);
        let used = &plan.work.model;
        let number = used.version.split('+').next().and_then(|number| number.parse().ok());
        let unknown = || PredictionError::OtherModel { run: run.to_string(), version: used.version.clone() };
        let version = registry.get_version(&used.name, number.ok_or_else(unknown)?).await?;
        let champion = Champion::load(registry, &version).await?;
        let (work, view) = (plan.work.clone(), Arc::clone(&panel));
        let model = blocking(move || {
            let dated = champion.on(view.as_of(work.as_of)?, work.repair, &settings)?;
            Ok(dated.model.into_owned())
        })
        .await?;
        if model.digest()? != used.digest {
            return Err(unknown());
        }
        Self::new(plan, Arc::new(model), panel, Branch::Real).map(Some)
    }

    /// The run's id.
    pub fn run(&self) -> &RunId {
        &self.plan.run
    }

    /// Its shards.
    pub fn shards(&self) -> Range<usize> {
        0..self.plan.shards
    }

    /// Makes the part of a shard, unless it is there; says whether it made it.
    ///
    /// # Errors
    /// If there is no such shard, a forecast is not finite, or the store fails.
    pub async fn forecast(&self, store: &dyn ObjectStore, shard: usize) -> Result<bool, PredictionError> {
        if !self.shards().contains(&shard) {
            let (name, range, value) = ("shard", "one of the plan's", shard.to_string());
            return Err(PredictionError::OutOfRange { name, range, value });
        }
        if self.part(store, shard).await?.is_some() {
            return Ok(false);
        }
        let table = self.rows(shard).await?;
        // Another process may have written it meanwhile: one part is enough.
        if self.part(store, shard).await?.is_some() {
            return Ok(false);
        }
        let part = self.ledger(store).put_part(&self.plan, shard, &table).await?;
        self.keep(part);
        Ok(true)
    }

    fn ledger<'a>(&self, store: &'a dyn ObjectStore) -> Ledger<'a, Predictions> {
        prediction_ledger(store, &self.plan.work.dataset, self.branch)
    }

    /// The part of a shard, whoever wrote it.
    async fn part(&self, store: &dyn ObjectStore, shard: usize) -> Result<Option<Part>, PredictionError> {
        let known = self.parts.lock().unwrap_or_else(PoisonError::into_inner).get(&shard).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let found = self.ledger(store).part(&self.plan, shard).await?;
        found.iter().cloned().for_each(|part| self.keep(part));
        Ok(found)
    }

    fn keep(&self, part: Part) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(part.shard, part);
    }

    /// The rows of a shard, of the targets that were published anywhere.
    async fn rows(&self, shard: usize) -> Result<Table, PredictionError> {
        let positions = self.order[shard_bounds(self.order.len(), self.plan.shards, shard)].to_vec();
        let (model, panel, work) = (Arc::clone(&self.model), Arc::clone(&self.panel), self.plan.work.clone());
        let kept = Arc::clone(&self.seen);
        blocking(move || {
            let seen = {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let made = match kept.take() {
                    Some(made) => made,
                    None => Arc::new(prepared(&panel.as_of(work.as_of)?, work.repair)),
                };
                kept.insert(made).clone()
            };
            let forecast = model.forecast_places(&seen.view(), &positions, work.horizon)?;
            Ok(table_of(&forecast, &seen.view().targets(), &work.model.name, &work.model.version)?)
        })
        .await
    }

    /// Commits the run, of which every part is there, for who asked for it.
    ///
    /// # Errors
    /// If a part is missing, or the store fails.
    pub async fn commit(
        &self,
        store: &dyn ObjectStore,
        now: Timestamp,
    ) -> Result<Manifest<Predictions>, PredictionError> {
        let missing = || PredictionError::Damaged {
            key: self.plan.run.to_string(),
            cause: "a part that was written is not there".to_owned(),
        };
        let parts = self.all_parts(store).await?.ok_or_else(missing)?;
        self.ledger(store).commit(self.plan.clone(), parts, now).await
    }

    /// Commits the run if every part of it is there, whoever wrote it, and no later run of its as-of date was committed: who
    /// only helps does not put an old forecast in the place of a newer one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn commit_if_whole(
        &self,
        store: &dyn ObjectStore,
        now: Timestamp,
    ) -> Result<Option<Manifest<Predictions>>, PredictionError> {
        match self.all_parts(store).await? {
            Some(parts) if !is_settled(store, &self.plan).await? => {
                self.ledger(store).commit(self.plan.clone(), parts, now).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// One part a shard; none if one is missing.
    async fn all_parts(&self, store: &dyn ObjectStore) -> Result<Option<Vec<Part>>, PredictionError> {
        let mut parts = Vec::with_capacity(self.plan.shards);
        for shard in self.shards() {
            match self.part(store, shard).await? {
                Some(part) => parts.push(part),
                None => return Ok(None),
            }
        }
        Ok(Some(parts))
    }
}

/// Whether the run of a plan, or a later one of its as-of date, is committed.
async fn is_settled(store: &dyn ObjectStore, plan: &Plan<Predictions>) -> Result<bool, PredictionError> {
    let ledger = prediction_ledger(store, &plan.work.dataset, Branch::Real);
    let commits = ledger.commits_of(plan.work.as_of).await?;
    Ok(commits.iter().any(|manifest| !manifest.work.shadow && manifest.run >= plan.run))
}

fn shard_bounds(locations: usize, shards: usize, shard: usize) -> Range<usize> {
    locations * shard / shards..locations * (shard + 1) / shards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_every_location_once() {
        for (locations, shards) in [(289, 1), (289, 4), (3, 5), (10, 10)] {
            let covered: Vec<usize> = (0..shards).flat_map(|shard| shard_bounds(locations, shards, shard)).collect();
            assert_eq!(covered, (0..locations).collect::<Vec<_>>());
        }
    }
}
