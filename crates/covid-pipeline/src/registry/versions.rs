//! The registered versions: where they stand, how they came to, and what each forecast best.

use std::collections::BTreeMap;

use covid_core::{Fault, Target};
use covid_registry::{ModelVersion, PromotionEvent, Registry, RegistryError, Run};
use serde::Serialize;

use super::compare::latest;
use crate::Project;

/// A version, how it became champion if it did, and what it forecast best.
#[derive(Debug, Clone, Serialize)]
pub struct VersionReport {
    /// The version.
    #[serde(flatten)]
    pub version: ModelVersion,
    /// Its last promotion or return.
    pub event: Option<PromotionEvent>,
    /// What it forecast best, by target; empty where its training did not track it.
    pub strengths: Vec<Strength>,
}

/// What a version forecast best of a target on the origins of its training. Versions of different days are scored on
/// different origins, so every score is a share: the RMSLE divided by that of persistence on the same forecasts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Strength {
    /// The target.
    pub target: Target,
    /// The share over all places and days ahead.
    pub to_persistence: f64,
    /// By days ahead, where it is smallest.
    pub horizon: Option<Best>,
    /// By size of series at the origin, named by its smallest count, where it is smallest.
    pub size: Option<Best>,
    /// The days ahead at which no version has a smaller share; empty without another version to compare with.
    pub leads_at_horizons: Vec<i64>,
    /// The sizes at which no version has a smaller share.
    pub leads_at_sizes: Vec<i64>,
}

/// Where a share is smallest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Best {
    /// Days ahead, or the smallest count of a size.
    pub at: i64,
    /// The share there.
    pub to_persistence: f64,
}

/// The shares of a version's training, by days ahead and by size.
struct Shares {
    target: Target,
    all: f64,
    by: [BTreeMap<i64, f64>; 2],
}

/// The versions of the dataset's registered model, newest first.
///
/// # Errors
/// If the registry fails.
pub async fn versions(project: &Project, registry: &dyn Registry) -> Result<Vec<VersionReport>, Fault> {
    let events = promotions(project, registry).await?;
    let versions = registry.list_versions(&project.model_name()).await?;
    let mut shares = Vec::with_capacity(versions.len());
    for version in &versions {
        shares.push(tracked(registry, version).await?);
    }
    let describe = |(version, own): (ModelVersion, &Vec<Shares>)| {
        let event = events.iter().rev().find(|event| event.version == version.version).cloned();
        VersionReport { version, event, strengths: own.iter().map(|own| strength(own, &shares)).collect() }
    };
    Ok(versions.into_iter().zip(&shares).map(describe).collect())
}

/// Every change of champion of the dataset's registered model, oldest first.
///
/// # Errors
/// If the registry fails.
pub async fn promotions(project: &Project, registry: &dyn Registry) -> Result<Vec<PromotionEvent>, Fault> {
    Ok(registry.promotions(&project.model_name()).await?)
}

/// What the training of a version tracked. A run may have been deleted at its server, or be older than these metrics.
async fn tracked(registry: &dyn Registry, version: &ModelVersion) -> Result<Vec<Shares>, Fault> {
    let run = match registry.get_run(&version.run_id).await {
        Err(RegistryError::UnknownRun { .. }) => return Ok(Vec::new()),
        found => found?,
    };
    let mut shares = Vec::new();
    for target in Target::ALL {
        let key = |group: &str| format!("rmsle_to_persistence{group}.{target}");
        let Some(&all) = run.metrics.get(&key("")).filter(|share| !share.is_nan()) else { continue };
        let by = [known(registry, &run, &key("_by_horizon")).await?, known(registry, &run, &key("_by_size")).await?];
        shares.push(Shares { target, all, by });
    }
    Ok(shares)
}

async fn known(registry: &dyn Registry, run: &Run, key: &str) -> Result<BTreeMap<i64, f64>, Fault> {
    Ok(latest(registry, run, key).await?.into_iter().filter(|(_, share)| share.is_finite()).collect())
}

fn strength(own: &Shares, versions: &[Vec<Shares>]) -> Strength {
    let rivals: Vec<&Shares> = versions.iter().flatten().filter(|shares| shares.target == own.target).collect();
    let best = |by: usize| own.by[by].iter().min_by(|a, b| a.1.total_cmp(b.1));
    let best = |by: usize| best(by).map(|(&at, &to_persistence)| Best { at, to_persistence });
    let leads = |by: usize| -> Vec<i64> {
        let at = |shares: &&&Shares, step: &i64| shares.by[by].contains_key(step);
        let compared = |step: &i64| rivals.iter().filter(|rival| at(rival, step)).count() > 1;
        let leads = |step: &i64| {
            rivals.iter().filter_map(|rival| rival.by[by].get(step)).all(|other| own.by[by][step] <= *other)
        };
        own.by[by].keys().filter(|step| compared(step) && leads(step)).copied().collect()
    };
    Strength {
        target: own.target,
        to_persistence: own.all,
        horizon: best(0),
        size: best(1),
        leads_at_horizons: leads(0),
        leads_at_sizes: leads(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(by_horizon: &[(i64, f64)]) -> Vec<Shares> {
        let by = [by_horizon.iter().copied().collect(), BTreeMap::from([(100, 0.5)])];
        vec![Shares { target: Target::ConfirmedCases, all: 0.5, by }]
    }

    #[test]
    fn a_version_leads_where_no_other_has_a_smaller_share() {
        let versions = [shares(&[(1, 0.3), (2, 0.5), (3, 0.2)]), shares(&[(1, 0.3), (2, 0.4)])];
        let [first, second] = [0, 1].map(|i| strength(&versions[i][0], &versions));
        assert_eq!(first.horizon, Some(Best { at: 3, to_persistence: 0.2 }));
        assert_eq!((first.leads_at_horizons, second.leads_at_horizons), (vec![1], vec![1, 2]), "nobody else has day 3");
        assert_eq!(first.leads_at_sizes, [100]);
        let alone = strength(&versions[0][0], &versions[..1]);
        assert!(alone.leads_at_horizons.is_empty() && alone.horizon == first.horizon);
    }
}
