//! How long each rule has been broken: what stands from one monitoring run to the next, and what is new.

use std::collections::BTreeMap;

use covid_core::{Date, add_days};
use covid_prediction::{Manifest, get_json};
use covid_storage::{ObjectStore, PutMode, StorageError, list_all};
use serde::{Deserialize, Serialize};

use crate::{Alert, Event, Finding, Monitoring, MonitoringError, Rule, Severity};

/// The version of the record that this program writes.
const FORMAT_VERSION: u64 = 1;

/// The record of a monitoring run: what its rules said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    format_version: u64,
    /// The as-of date.
    pub as_of: Date,
    /// The monitoring run.
    pub run: String,
    /// Rules that are broken, by name.
    pub broken: BTreeMap<String, Broken>,
}

/// A rule that is broken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Broken {
    /// The as-of date on which it was first found so.
    pub since: Date,
    /// The alert, once it was broken for long enough.
    pub alert: Option<Alert>,
}

impl Standing {
    /// What stands after a monitoring run, and what changed. A rule that cannot be judged stays as it was; one that is not
    /// in the settings any more is forgotten.
    pub fn after(
        previous: Option<&Self>,
        rules: &[Rule],
        findings: &[Finding],
        as_of: Date,
        run: &str,
    ) -> (Self, Vec<(Event, Alert)>) {
        let (mut broken, mut events) = (BTreeMap::new(), Vec::new());
        for (rule, finding) in rules.iter().zip(findings) {
            let before = previous.and_then(|previous| previous.broken.get(&rule.name));
            let raised = before.and_then(|before| before.alert.clone());
            match finding.broken {
                None => {
                    broken.extend(before.map(|before| (rule.name.clone(), before.clone())));
                }
                Some(false) => events.extend(raised.map(|alert| (Event::Recovered, alert))),
                Some(true) => {
                    let since = before.map_or(as_of, |before| before.since.min(as_of));
                    let long_enough = add_days(since, rule.for_days as i64 - 1) <= as_of;
                    let alert = (long_enough || raised.is_some()).then(|| alert(rule, finding, raised.as_ref(), as_of));
                    if raised.is_none() {
                        events.extend(alert.clone().map(|alert| (Event::Raised, alert)));
                    }
                    broken.insert(rule.name.clone(), Broken { since, alert });
                }
            }
        }
        (Self { format_version: FORMAT_VERSION, as_of, run: run.to_owned(), broken }, events)
    }

    /// The alerts that stand, the worst first.
    pub fn alerts(&self) -> Vec<Alert> {
        let mut alerts: Vec<Alert> = self.broken.values().filter_map(|broken| broken.alert.clone()).collect();
        alerts.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(&b.rule)));
        alerts
    }

    /// Whether any of them is to be looked at.
    pub fn is_alarming(&self) -> bool {
        self.alerts().iter().any(|alert| alert.severity > Severity::Notice)
    }

    /// The record before a monitoring run: of an earlier as-of date, or of an earlier run of the same one.
    ///
    /// # Errors
    /// If the store fails, or the record is damaged.
    pub async fn before(
        store: &dyn ObjectStore,
        manifest: &Manifest<Monitoring>,
    ) -> Result<Option<Self>, MonitoringError> {
        let own = key(manifest);
        let prefix = folder(&manifest.work.dataset);
        // Keys sort by as-of date, then by the run's time.
        let earlier = list_all(store, &prefix).await?.into_iter().map(|object| object.key).rfind(|key| *key < own);
        match earlier {
            Some(key) => Ok(Some(get_json(store, &key).await?)),
            None => Ok(None),
        }
    }

    /// The record of a monitoring run, if it was written.
    ///
    /// # Errors
    /// If the store fails, or the record is damaged.
    pub async fn of(store: &dyn ObjectStore, manifest: &Manifest<Monitoring>) -> Result<Option<Self>, MonitoringError> {
        let key = key(manifest);
        if list_all(store, &key).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(get_json(store, &key).await?))
    }

    /// Writes the record of a monitoring run, unless another program has.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn write(&self, store: &dyn ObjectStore, manifest: &Manifest<Monitoring>) -> Result<(), MonitoringError> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| MonitoringError::Record(error.to_string()))?;
        match store.put(&key(manifest), bytes.into(), PutMode::CreateOnly).await {
            Ok(_) | Err(StorageError::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn alert(rule: &Rule, finding: &Finding, raised: Option<&Alert>, as_of: Date) -> Alert {
    Alert {
        rule: rule.name.clone(),
        blame: finding.blame,
        severity: rule.severity,
        since: raised.map_or(as_of, |alert| alert.since),
        value: finding.value.unwrap_or(f64::NAN),
        limit: finding.limit.unwrap_or(f64::NAN),
        sentence: finding.sentence.clone(),
    }
}

fn folder(dataset: &str) -> String {
    format!("{dataset}/monitoring/rules/")
}

fn key(manifest: &Manifest<Monitoring>) -> String {
    let work = &manifest.work;
    format!("{}as_of={}/{}.json", folder(&work.dataset), work.as_of, manifest.run)
}
