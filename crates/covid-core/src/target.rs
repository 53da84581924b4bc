//! What is forecast, and in which measure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A cumulative count that is forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Target {
    /// Cumulative confirmed cases.
    ConfirmedCases,
    /// Cumulative deaths.
    Fatalities,
}

impl Target {
    /// Both targets, in the order of every array in the project.
    pub const ALL: [Self; 2] = [Self::ConfirmedCases, Self::Fatalities];

    /// The name in files and tables (the Kaggle competition's).
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfirmedCases => "ConfirmedCases",
            Self::Fatalities => "Fatalities",
        }
    }

    /// The position in every array that is indexed by target.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a count is measured in a backtest file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The count since the beginning.
    Cumulative,
    /// New counts of the 7 days that end at the date.
    WeeklyNew,
}

impl Measure {
    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cumulative => "cumulative",
            Self::WeeklyNew => "weekly_new",
        }
    }
}
