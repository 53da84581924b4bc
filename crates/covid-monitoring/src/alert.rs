//! What monitoring raises when a rule is broken, and what people are told of it.

use std::fmt;

use covid_core::Date;
use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Shown in the report, and told to nobody.
    Notice,
    /// To be looked at: an alert.
    Warning,
    /// To be looked at now: an alert.
    Critical,
}

/// What is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// The model is wrong.
    Model,
    /// The data are: whoever publishes them stopped, revised or renamed.
    Data,
    /// The model is stale: it was not refitted for long.
    Age,
}

/// A broken rule, from the first day on which it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The rule's name in the settings.
    pub rule: String,
    /// What is at fault.
    pub blame: Blame,
    /// How bad it is.
    pub severity: Severity,
    /// The as-of date on which it was raised.
    pub since: Date,
    /// The score that the rule looks at, now.
    pub value: f64,
    /// What the score was allowed to be.
    pub limit: f64,
    /// Score, limit and days in one sentence, without a full stop.
    pub sentence: String,
}

impl Alert {
    /// Whether somebody has to look at it: notices are for the report alone.
    pub fn is_loud(&self) -> bool {
        self.severity > Severity::Notice
    }
}

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It was not there before.
    Raised,
    /// It stands no more.
    Recovered,
}

/// What people are told, once for each cause and event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The dataset.
    pub dataset: String,
    /// What happened.
    pub event: Event,
    /// The alert; of a recovered one, as it stood last.
    pub alert: Alert,
    /// The as-of date of the monitoring run that says so.
    pub as_of: Date,
    /// That monitoring run.
    pub run: String,
    /// Where its report is, if it has one.
    pub report: Option<String>,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Model => "model",
            Self::Data => "data",
            Self::Age => "age",
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Raised => "raised",
            Self::Recovered => "recovered",
        })
    }
}
