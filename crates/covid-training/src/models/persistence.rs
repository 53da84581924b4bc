//! Persistence: x(h) = x(0). Every other model must beat it.

use std::fmt;

use covid_core::{PanelView, Target};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster, LinearDrift};
use crate::{LogPaths, TrainingError, paths::Centres};

/// The last published count, for every day ahead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Persistence;

impl Forecaster for Persistence {
    type Fitted = Self;

    fn fit(&self, _view: &PanelView<'_>) -> Result<Self, TrainingError> {
        Ok(*self)
    }
}

impl FittedForecaster for Persistence {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            cases.fill(view.last_log(places[i], Target::ConfirmedCases));
            deaths.fill(view.last_log(places[i], Target::Fatalities));
        })
    }

    /// The points say that nothing new will be counted. It is, and by far the most where much was: so the intervals are laid
    /// around the last week's new counts.
    fn centres(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> Centres {
        let points = self.predict_places(view, places, Centres::days(horizon));
        Centres { points, ..LinearDrift::DEFAULT.centres(view, places, horizon) }
    }
}

impl Persistence {
    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

impl fmt::Display for Persistence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("persistence")
    }
}
