//! What every flow works on: settings, panel, store, registry, clock.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use covid_core::{Date, Fault, MAX_HORIZON, Panel, PanelView, Timestamp};
use covid_data::{Findings, Loaded, Repair, RepairReport, SourceKind, repair};
use covid_monitoring::Baseline;
use covid_prediction::registered_model_name;
use covid_registry::Registry;
use covid_storage::{ObjectStore, StoreUri};
use covid_training::{Backtest, Model, Recipe};

use crate::{PipelineError, Settings, candidates::gate_origins, replay::KeptBacktests, serving::Serving};

/// What time it is.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// An opened project. Nothing is written to its store by opening it.
#[derive(Clone)]
pub struct Project {
    /// The settings, checked.
    pub settings: Settings,
    /// The dataset's name.
    pub dataset: String,
    /// What kind of source was read.
    pub source_kind: SourceKind,
    /// The path of the source, or what was simulated.
    pub description: String,
    /// The panel as read.
    pub panel: Arc<Panel>,
    /// What was noticed while reading.
    pub findings: Findings,
    /// People, by position of the location; none where the source says nothing of people.
    pub populations: Option<Vec<Option<f64>>>,
    /// When it was downloaded; read, if it was not.
    pub fetched_at: Timestamp,
    /// The as-of date.
    pub as_of: Date,
    /// What models see of the counts.
    pub repair: Repair,
    /// Where predictions are kept.
    pub store: Arc<dyn ObjectStore>,
    tracking: String,
    now: Now,
    /// Where a replay of history keeps what it needs again: its projects differ by the as-of date alone.
    pub(crate) replay: Option<Arc<KeptBacktests>>,
    /// The champion that was loaded last.
    pub(crate) serving: Arc<Mutex<Option<Arc<Serving>>>>,
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project").field("dataset", &self.dataset).field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

impl Project {
    /// Reads the source, says what was read and repaired, and finds the store.
    ///
    /// # Errors
    /// If a setting cannot be obeyed, or the source cannot be fetched or read or holds a count below 0.
    pub async fn open(settings: Settings, now: Now) -> Result<Self, Fault> {
        let project = Self::look(settings, now).await?;
        project.findings.refuse_negative()?;
        Ok(project)
    }

    /// The same for who only looks at the data: counts below 0 are told and not refused.
    ///
    /// # Errors
    /// If a setting cannot be obeyed, or the source cannot be fetched or read.
    pub async fn look(settings: Settings, now: Now) -> Result<Self, Fault> {
        let mut settings = settings.checked()?;
        let store_uri: StoreUri = settings.store.parse()?;
        let loaded = covid_data::open(&settings.source, &settings.load_options(), &settings.fetch, now()).await?;
        let Loaded { panel, kind, dataset, description, findings, populations, fetched_at } = loaded;
        settings.as_of = settings.as_of.map(|asked| known_on(&panel, kind, asked));
        let as_of = panel.as_of(settings.as_of.unwrap_or(panel.last_date()))?.as_of();
        let project = Self {
            dataset: dataset_name(settings.dataset.as_deref(), dataset)?,
            source_kind: kind,
            description,
            panel: Arc::new(panel),
            findings,
            populations,
            fetched_at: fetched_at.unwrap_or_else(|| now()),
            as_of,
            repair: settings.repair,
            store: store_uri.open()?,
            tracking: tracking_uri(settings.tracking.as_deref(), &store_uri),
            now,
            settings,
            replay: None,
            serving: Arc::default(),
        };
        tracing::info!("{}", project.headline()?);
        for remark in &project.findings.remarks {
            tracing::warn!("{remark}");
        }
        Ok(project)
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Keeps experiments and models elsewhere.
    pub(crate) fn track_at(&mut self, uri: String) {
        self.tracking = uri;
    }

    /// Lets no time pass.
    pub(crate) fn stop_clock(&mut self, at: Timestamp) {
        self.now = Arc::new(move || at);
    }

    /// The published counts up to the as-of date.
    ///
    /// # Errors
    /// None once the project is open: its as-of date was checked.
    pub fn published(&self) -> Result<PanelView<'_>, Fault> {
        Ok(self.panel.as_of(self.as_of)?)
    }

    /// What repair changes of the published counts.
    ///
    /// # Errors
    /// As [`Self::published`].
    pub fn repaired(&self) -> Result<(Panel, RepairReport), Fault> {
        Ok(repair(&self.published()?, self.repair))
    }

    /// Days ahead for which models are calibrated: as many as anybody may ask for, but for a replay, which asks for its own.
    pub(crate) fn calibrated_days(&self) -> usize {
        match self.replay {
            Some(_) => self.asked_days(),
            None => MAX_HORIZON,
        }
    }

    /// Days ahead that predictions, or the comparison of candidates, ask for.
    pub(crate) fn asked_days(&self) -> usize {
        self.settings.prediction.horizon.max(self.settings.training.horizon)
    }

    /// The backtest of a recipe on some origins, if a replay has kept all of them.
    pub(crate) fn kept_backtest(&self, recipe: Recipe, origins: &[Date]) -> Option<Backtest> {
        self.replay.as_ref()?.backtest(recipe, origins, self.settings.training.horizon)
    }

    /// The full candidate as of the as-of date, with its backtest, if a replay has kept it.
    pub(crate) async fn kept_full(&self) -> Result<Option<(Model, Baseline)>, Fault> {
        match &self.replay {
            Some(kept) => kept.full(self, &gate_origins(self)?).await,
            None => Ok(None),
        }
    }

    /// Another source, read as this one was, to be compared with it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn load_other(&self, source: &str) -> Result<Loaded, Fault> {
        Ok(covid_data::open(source, &self.settings.load_options(), &self.settings.fetch, self.now()).await?)
    }

    /// The name of the dataset's registered model, which is also that of its experiment.
    pub fn model_name(&self) -> String {
        registered_model_name(&self.dataset)
    }

    /// Opens tracker and registry; an embedded one is created.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn registry(&self) -> Result<Arc<dyn Registry>, Fault> {
        let registry = covid_registry::resolve(&self.tracking, &self.settings.mlflow).await?;
        if self.place_is_remote() {
            tracing::info!("experiments and models are kept at {}", registry.uri());
        }
        Ok(registry)
    }

    /// The source and what repair did, in one line.
    ///
    /// # Errors
    /// As [`Self::published`].
    pub fn headline(&self) -> Result<String, Fault> {
        let view = self.published()?;
        let (places, days) = (view.locations().len(), view.days());
        let (_, repaired) = self.repaired()?;
        let (kind, description, as_of) = (self.source_kind, &self.description, self.as_of);
        let revised = if self.is_revised() { "; revised data" } else { "" };
        Ok(format!(
            "{kind} ({description}{revised}): {places} locations x {days} days up to {as_of}; repair: {repaired}"
        ))
    }

    /// Whether the counts are what was published in the end: not what was known on a day, as a vintage is.
    pub(crate) fn is_revised(&self) -> bool {
        match self.source_kind {
            SourceKind::Sample => false,
            // A replay takes one vintage for all its days.
            SourceKind::Vintages => self.replay.is_some(),
            _ => true,
        }
    }

    /// Whether the store is no folder of this machine, so that the tracker lies elsewhere.
    fn place_is_remote(&self) -> bool {
        self.store.uri().parse::<StoreUri>().is_ok_and(|uri| uri.folder().is_none())
    }

    /// Where an object of the store is, for people: a path where the store is a folder.
    pub fn place_of(&self, key: &str) -> String {
        let uri = self.store.uri();
        match uri.parse::<StoreUri>().ok().as_ref().and_then(StoreUri::folder) {
            Some(folder) => folder.join(key).display().to_string(),
            None => format!("{uri}/{key}"),
        }
    }
}

/// The as-of date that stands for what was known on a day. Between two vintages, that is the older one whole: its last
/// date is the latest there was, and a forecast from it is what could have been made on that day.
fn known_on(panel: &Panel, kind: SourceKind, asked: Date) -> Date {
    let last = panel.last_date();
    if kind != SourceKind::Vintages || asked <= last {
        return asked;
    }
    tracing::warn!("the newest vintage of {asked} or before ends on {last}, which is the as-of date now");
    last
}

/// The name that was set, else the source's own: a folder in the store, so no path.
fn dataset_name(set: Option<&str>, own: String) -> Result<String, Fault> {
    let Some(set) = set else { return Ok(own) };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if set.chars().all(allowed) && set.starts_with(|c: char| c.is_ascii_alphanumeric()) && set.len() <= 100 {
        return Ok(set.to_owned());
    }
    let range = "at most 100 letters, digits, `-`, `_` or `.`, the first a letter or digit";
    Err(PipelineError::BadSetting { name: "--dataset", range, value: set.to_owned() }.into())
}

/// The tracker that was set, else one beside a local store, else one in `./store`.
pub(crate) fn tracking_uri(set: Option<&str>, store: &StoreUri) -> String {
    if let Some(set) = set {
        return set.to_owned();
    }
    let folder = store.folder().map_or_else(|| PathBuf::from("./store"), Path::to_path_buf);
    format!("embedded:{}", folder.join("tracking.db").display())
}

/// CPU work, off the threads that wait for bytes.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    // What is logged there belongs to the same flow run.
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .map_err(|error| PipelineError::CutOff(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use covid_data::Simulation;

    use super::*;

    #[test]
    fn between_two_vintages_the_older_one_is_what_was_known() {
        let panel = Simulation::sample().panel();
        let (last, later) = (panel.last_date(), Date::constant(2022, 1, 1));
        assert_eq!(known_on(&panel, SourceKind::Vintages, later), last);
        assert_eq!(known_on(&panel, SourceKind::Vintages, panel.first_date()), panel.first_date());
        assert_eq!(known_on(&panel, SourceKind::JhuTimeSeries, later), later);
    }
}
