//! Damped growth, the idea of several winners of the Kaggle competitions of spring 2020 (a growth that decays by a
//! constant factor a day): with x = ln(1 + count), g = max((x(0) - x(-w)) / w, 0), the forecast is
//! x(h) = x(0) + g * (phi + phi^2 + ... + phi^h).

use std::fmt;

use covid_core::{PanelView, Target};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster};
use crate::{LogPaths, TrainingError, error::check};

/// A place's mean daily growth over a window, damped by a factor a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct DampedGrowth {
    window: usize,
    phi: f64,
}

impl DampedGrowth {
    /// Growth over `window` days (1 to 60), damped by `phi` (0 to 1) a day.
    ///
    /// # Errors
    /// If one is outside its range.
    pub fn new(window: usize, phi: f64) -> Result<Self, TrainingError> {
        Ok(Self {
            window: check("damped-growth window", "from 1 to 60 days", window, (1..=60).contains(&window))?,
            phi: check("damped-growth phi", "from 0 to 1", phi, (0.0..=1.0).contains(&phi))?,
        })
    }

    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        vec![("window", self.window.to_string()), ("phi", self.phi.to_string())]
    }

    /// Mean daily growth of one series, at least 0; over what there is where the window is longer.
    fn growth(&self, view: &PanelView<'_>, location: usize, target: Target) -> f64 {
        let window = self.window.min(view.days() - 1);
        if window == 0 {
            return 0.0;
        }
        let change = view.last_log(location, target) - view.log_at(location, target, view.days() - 1 - window);
        (change / window as f64).max(0.0)
    }
}

impl Forecaster for DampedGrowth {
    type Fitted = Self;

    fn fit(&self, _view: &PanelView<'_>) -> Result<Self, TrainingError> {
        Ok(*self)
    }
}

impl FittedForecaster for DampedGrowth {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            for (target, path) in Target::ALL.into_iter().zip([cases, deaths]) {
                let (mut level, mut growth) = (view.last_log(places[i], target), self.growth(view, places[i], target));
                for x in path {
                    growth *= self.phi;
                    level += growth;
                    *x = level;
                }
            }
        })
    }
}

impl fmt::Display for DampedGrowth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "damped-growth-{}-{}", self.window, self.phi)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    window: usize,
    phi: f64,
}

impl TryFrom<Unchecked> for DampedGrowth {
    type Error = TrainingError;

    fn try_from(raw: Unchecked) -> Result<Self, TrainingError> {
        Self::new(raw.window, raw.phi)
    }
}

#[cfg(test)]
mod tests {
    use covid_core::{Date, Location, Panel};

    use super::*;

    #[test]
    fn the_formula_by_hand() {
        // ln(1 + count) is 0, 1, 2 for cases: growth 1 a day over 2 days.
        let e = std::f64::consts::E;
        let counts = vec![0.0, e - 1.0, e * e - 1.0, 5.0, 3.0, 3.0];
        let panel = Panel::new(vec![Location::country("Dataland")], Date::constant(2020, 1, 1), 3, counts).unwrap();
        let paths = DampedGrowth::new(2, 0.5).unwrap().predict(&panel.view(), 2);
        let expected = [2.5, 2.75];
        for (x, want) in paths.path(0, Target::ConfirmedCases).iter().zip(expected) {
            assert!((x - want).abs() < 1e-12);
        }
        assert_eq!(paths.path(0, Target::Fatalities), [3f64.ln_1p(); 2], "a falling count does not grow");
    }
}
