//! Linear drift: the mean daily new count of the last w days goes on, C(h) = C(0) + h * max((C(0) - C(-w)) / w, 0). It is
//! the drift method of textbooks (Hyndman & Athanasopoulos, Forecasting: principles and practice, 5.2) on counts, with the
//! drift of a window in place of the whole series, anchored on the last published count.

use std::fmt;

use covid_core::{PanelView, Target};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster, recent::Recent};
use crate::{LogPaths, TrainingError, error::check};

/// A straight line through the last days of counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct LinearDrift {
    window: usize,
}

impl LinearDrift {
    /// A week, so that every weekday's way of reporting is in it once.
    pub const DEFAULT: Self = Self { window: 7 };

    /// New counts of `window` days (1 to 60).
    ///
    /// # Errors
    /// If it is outside its range.
    pub fn new(window: usize) -> Result<Self, TrainingError> {
        Ok(Self { window: check("linear-drift window", "from 1 to 60 days", window, (1..=60).contains(&window))? })
    }

    /// Its hyper-parameters in the order of its name.
    pub(super) fn numbers(&self) -> [f64; 1] {
        [self.window as f64]
    }

    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        vec![("window", self.window.to_string())]
    }

    fn path(&self, recent: &Recent<'_>, target: Target, path: &mut [f64]) {
        let last = recent.count(target, 0);
        let drift = recent.new_counts(target, 0, self.window) / self.window as f64;
        path.iter_mut().enumerate().for_each(|(i, x)| *x = (last + drift * (i + 1) as f64).ln_1p());
    }
}

impl Forecaster for LinearDrift {
    type Fitted = Self;

    fn fit(&self, _view: &PanelView<'_>) -> Result<Self, TrainingError> {
        Ok(*self)
    }
}

impl FittedForecaster for LinearDrift {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            let recent = Recent::on(view, places[i], view.days() - 1);
            self.path(&recent, Target::ConfirmedCases, cases);
            self.path(&recent, Target::Fatalities, deaths);
        })
    }
}

impl fmt::Display for LinearDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::names::write(f, "linear-drift", self.numbers(), Self::DEFAULT.numbers())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    window: usize,
}

impl TryFrom<Unchecked> for LinearDrift {
    type Error = TrainingError;

    fn try_from(raw: Unchecked) -> Result<Self, TrainingError> {
        Self::new(raw.window)
    }
}

#[cfg(test)]
mod tests {
    use covid_core::{Date, Location, Panel};

    use super::*;

    #[test]
    fn the_formula_by_hand() {
        let counts = vec![4.0, 6.0, 10.0, 9.0, 7.0, 5.0];
        let panel = Panel::new(vec![Location::country("Dataland")], Date::constant(2020, 1, 1), 3, counts).unwrap();
        let paths = LinearDrift::new(2).unwrap().predict(&panel.view(), 2);
        for (x, want) in paths.path(0, Target::ConfirmedCases).iter().zip([13f64, 16.0]) {
            assert!((x - want.ln_1p()).abs() < 1e-12);
        }
        assert_eq!(paths.path(0, Target::Fatalities), [5f64.ln_1p(); 2], "a falling count does not grow");
    }
}
