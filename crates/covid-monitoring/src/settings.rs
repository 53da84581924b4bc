//! Settings of monitoring, and their ranges.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{MonitoringError, Rule, RuleSettings};

/// Settings of monitoring.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MonitoringSettings {
    /// How many of the worst places are shown.
    pub worst: usize,
    /// Dates further back are closed: neither scored late nor looked at for revisions.
    pub lookback_days: usize,
    /// The least change of ln(1 + published count) that reopens a score.
    pub revision: f64,
    /// The chance that a week like those of the champion's backtest passes a limit that comes from it.
    pub level: f64,
    /// By name.
    pub rules: BTreeMap<String, RuleSettings>,
}

impl MonitoringSettings {
    /// The settings, if every one is within its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn checked(&self) -> Result<(), MonitoringError> {
        let check = |within: bool, name: &str, range: &'static str, value: String| match within {
            true => Ok(()),
            false => Err(MonitoringError::OutOfRange { name: format!("monitoring.{name}"), range, value }),
        };
        check((1..=1000).contains(&self.worst), "worst", "from 1 to 1000", self.worst.to_string())?;
        let days = self.lookback_days;
        check((1..=3650).contains(&days), "lookback_days", "from 1 to 3650", days.to_string())?;
        let revision = self.revision;
        check((0.0..=10.0).contains(&revision), "revision", "from 0 to 10", revision.to_string())?;
        let level = self.level;
        check(level > 0.0 && level < 0.5, "level", "above 0 and below 0.5", level.to_string())?;
        self.rules().map(|_| ())
    }

    /// The rules that have a limit, read and checked, by name.
    ///
    /// # Errors
    /// The first one that cannot be obeyed.
    pub fn rules(&self) -> Result<Vec<Rule>, MonitoringError> {
        self.rules.iter().filter_map(|(name, settings)| Rule::new(name, settings).transpose()).collect()
    }
}
