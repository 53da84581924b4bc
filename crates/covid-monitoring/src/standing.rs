//! How long each rule has been broken: what stands from one monitoring run to the next, and what is new.

use std::collections::BTreeMap;

use covid_core::{Date, add_days};
use covid_prediction::{Manifest, find_json, get_json};
use covid_storage::{ObjectStore, PutMode, StorageError, list_all};
use serde::{Deserialize, Serialize};

use crate::{Alert, Event, Finding, Monitoring, MonitoringError, Rule};

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
    /// What stands after a monitoring run, and what changed. A rule that cannot be judged stays as it was; the alert of
    /// one that is not in the settings any more is over.
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
        // Nobody looks any more at what a rule that is gone was broken by.
        let is_gone = |name: &&String| !rules.iter().any(|rule| rule.name == **name);
        let before = previous.into_iter().flat_map(|previous| &previous.broken);
        let gone = before.filter(|(name, _)| is_gone(name)).filter_map(|(_, broken)| broken.alert.clone());
        events.extend(gone.map(|alert| (Event::Recovered, alert)));
        (Self { format_version: FORMAT_VERSION, as_of, run: run.to_owned(), broken }, events)
    }

    /// The alerts that stood before and do not any more.
    pub fn recovered_since(&self, before: Option<&Self>) -> Vec<(Event, Alert)> {
        let stands = |alert: &Alert| self.alerts().iter().any(|standing| standing.rule == alert.rule);
        let gone = before.map(Self::alerts).unwrap_or_default().into_iter().filter(|alert| !stands(alert));
        gone.map(|alert| (Event::Recovered, alert)).collect()
    }

    /// The alerts that stand, the worst first.
    pub fn alerts(&self) -> Vec<Alert> {
        let mut alerts: Vec<Alert> = self.broken.values().filter_map(|broken| broken.alert.clone()).collect();
        alerts.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(&b.rule)));
        alerts
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
        Ok(find_json(store, &key(manifest)).await?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blame, RuleSettings, Score, Severity};

    fn rule(for_days: usize) -> Rule {
        let settings = RuleSettings {
            score: Score::Rmsle,
            days: 7,
            above: Some("1".into()),
            below: None,
            for_days,
            severity: Severity::Warning,
            retrain: false,
        };
        Rule::new("wrong", &settings).unwrap().unwrap()
    }

    fn finding(broken: Option<bool>) -> Finding {
        Finding {
            rule: "wrong".into(),
            score: Score::Rmsle,
            value: Some(2.0),
            limit: Some(1.0),
            broken,
            blame: Blame::Model,
            sentence: "RMSLE 2, at most 1 wanted".into(),
        }
    }

    /// What happens on each day of a January.
    fn story(for_days: usize, days: &[(i8, Option<bool>)]) -> Vec<Vec<(Event, Date)>> {
        let mut before: Option<Standing> = None;
        let mut told = Vec::new();
        for &(day, broken) in days {
            let as_of = Date::constant(2022, 1, day);
            let (standing, events) =
                Standing::after(before.as_ref(), &[rule(for_days)], &[finding(broken)], as_of, "run");
            told.push(events.into_iter().map(|(event, alert)| (event, alert.since)).collect());
            before = Some(standing);
        }
        told
    }

    #[test]
    fn an_alert_is_raised_once_and_recovers_once() {
        let day = |day| Date::constant(2022, 1, day);
        let days = [(1, Some(true)), (2, Some(true)), (3, Some(false)), (4, Some(false)), (5, Some(true))];
        let raised = |at| vec![(Event::Raised, day(at))];
        assert_eq!(story(1, &days), [raised(1), vec![], vec![(Event::Recovered, day(1))], vec![], raised(5)]);
    }

    #[test]
    fn it_has_to_be_broken_for_long_enough() {
        let broken = Some(true);
        let days = [(1, broken), (2, broken), (3, broken), (4, Some(false)), (5, broken), (12, broken)];
        let day = |day| Date::constant(2022, 1, day);
        let told = story(3, &days);
        assert_eq!(told[2], [(Event::Raised, day(3))]);
        assert_eq!(told[3], [(Event::Recovered, day(3))]);
        // A week between two runs: eight days have passed.
        assert_eq!((told[4].len(), &told[5]), (0, &vec![(Event::Raised, day(12))]));
    }

    #[test]
    fn what_cannot_be_judged_stays_as_it_was() {
        let told = story(1, &[(1, Some(true)), (2, None), (3, Some(true)), (4, None), (5, Some(false))]);
        assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 0, 0, 1]);
    }

    #[test]
    fn the_alert_of_a_rule_that_is_gone_is_over() {
        let as_of = Date::constant(2022, 1, 1);
        let (before, _) = Standing::after(None, &[rule(1)], &[finding(Some(true))], as_of, "run");
        assert_eq!(before.alerts().len(), 1);
        assert!(before.alerts().iter().any(Alert::is_loud));
        let (after, events) = Standing::after(Some(&before), &[], &[], as_of, "run");
        assert_eq!((after.alerts().len(), events.len()), (0, 1));
        assert_eq!(events[0].0, Event::Recovered);
    }
}
