//! Persistence: x(h) = x(0). Every other model must beat it.

use covid_core::{PanelView, Target};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster};
use crate::{LogPaths, TrainingError};

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
    fn predict(&self, view: &PanelView<'_>, horizon: usize) -> LogPaths {
        let mut paths = LogPaths::zeros(view.locations().len(), horizon);
        for location in 0..view.locations().len() {
            for target in Target::ALL {
                paths.path_mut(location, target).fill(view.last_log(location, target));
            }
        }
        paths
    }
}
