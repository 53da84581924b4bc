//! Exponential smoothing with a damped additive trend, ETS(A, Ad, N), on x = ln(1 + count), each series by itself
//! (Hyndman, Koehler, Ord & Snyder 2008, Forecasting with Exponential Smoothing, 2.5; Gardner & McKenzie 1985, doi
//! 10.1287/mnsc.31.10.1237).
//!
//! With level l, trend b and error e = x(t) - (l + phi b): l = l + phi b + alpha e; b = phi b + alpha beta e;
//! x(h) = l + b (phi + ... + phi^h), not below x(0), since cumulative counts do not fall but for corrections.
//!
//! Estimated for each series: alpha, beta and phi, by the smallest sum of squared one-step errors over the last days, on a
//! grid that is refined three times around its best point. Not estimated: the first state (level: the first count of the
//! window; trend: 0) and whether there is a trend. The grid's points run through a series side by side, in lanes: the
//! recursion waits for its own result, so eight of them take hardly longer than one.

use std::fmt;

use covid_core::{PanelView, Target};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster};
use crate::{LogPaths, TrainingError, error::check};

/// Damped exponential smoothing of every series over its last days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Ets {
    window: usize,
}

/// Grid points that run side by side.
const LANES: usize = 8;

/// Smallest and largest alpha, beta and phi. The damping is that of the R package forecast, 0.8 to 0.98.
const BOUNDS: [(f64, f64); 3] = [(0.05, 0.99), (0.01, 0.6), (0.8, 0.98)];

/// Points a parameter in the first grid, and refinements of half the step after it.
const COARSE: usize = 4;
const REFINEMENTS: usize = 3;

impl Ets {
    /// Half a year: older reporting habits say little of the next weeks.
    pub const DEFAULT: Self = Self { window: 182 };

    /// Parameters from the last `window` days (14 to 3650), or from what there is.
    ///
    /// # Errors
    /// If it is outside its range.
    pub fn new(window: usize) -> Result<Self, TrainingError> {
        Ok(Self { window: check("ets window", "from 14 to 3650 days", window, (14..=3650).contains(&window))? })
    }

    /// Its hyper-parameters in the order of its name.
    pub(super) fn numbers(&self) -> [f64; 1] {
        [self.window as f64]
    }

    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        vec![("window", self.window.to_string())]
    }

    fn path(&self, view: &PanelView<'_>, place: usize, target: Target, path: &mut [f64]) {
        let series = view.logs_from(place, target, view.days().saturating_sub(self.window));
        let params = estimate(&series);
        let Smoothed { level, trend, .. } = smooth(&series, &[params])[0];
        let (mut x, mut damped) = (level, trend);
        let floor = view.last_log(place, target);
        for value in path {
            damped *= params.phi;
            x += damped;
            *value = x.max(floor);
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Params {
    alpha: f64,
    beta: f64,
    phi: f64,
}

impl Params {
    fn within(point: [f64; 3]) -> Self {
        let [alpha, beta, phi] = [0, 1, 2].map(|i| point[i].clamp(BOUNDS[i].0, BOUNDS[i].1));
        Self { alpha, beta, phi }
    }
}

/// The state after a series, and the sum of squared one-step errors.
#[derive(Debug, Clone, Copy)]
struct Smoothed {
    level: f64,
    trend: f64,
    squares: f64,
}

/// Runs a series through the recursion with every parameter side by side.
fn smooth<const N: usize>(series: &[f64], params: &[Params; N]) -> [Smoothed; N] {
    let first = series.first().copied().unwrap_or(0.0);
    let (mut level, mut trend, mut squares) = ([first; N], [0.0; N], [0.0; N]);
    let (alpha, gain, phi) = (params.map(|p| p.alpha), params.map(|p| p.alpha * p.beta), params.map(|p| p.phi));
    for &x in series.iter().skip(1) {
        for lane in 0..N {
            let carried = phi[lane] * trend[lane];
            let error = x - level[lane] - carried;
            squares[lane] += error * error;
            level[lane] += carried + alpha[lane] * error;
            trend[lane] = carried + gain[lane] * error;
        }
    }
    std::array::from_fn(|lane| Smoothed { level: level[lane], trend: trend[lane], squares: squares[lane] })
}

/// The parameters with the smallest sum of squares; the first of equals, so that a constant series has the grid's first.
fn estimate(series: &[f64]) -> Params {
    let mut step = BOUNDS.map(|(low, high)| (high - low) / COARSE as f64);
    let coarse = grid(COARSE).map(|offset| [0, 1, 2].map(|i| BOUNDS[i].0 + (offset[i] + 0.5) * step[i]));
    let mut best = best_of(series, coarse.map(Params::within), (f64::INFINITY, Params::default()));
    for _ in 0..REFINEMENTS {
        step = step.map(|step| step / 2.0);
        let centre = [best.1.alpha, best.1.beta, best.1.phi];
        let around = grid(3).map(|offset| [0, 1, 2].map(|i| centre[i] + (offset[i] - 1.0) * step[i]));
        best = best_of(series, around.map(Params::within), best);
    }
    best.1
}

/// The points of a cube of some points a side.
fn grid(side: usize) -> impl Iterator<Item = [f64; 3]> {
    (0..side.pow(3)).map(move |i| [i / (side * side), i / side % side, i % side].map(|offset| offset as f64))
}

fn best_of(series: &[f64], points: impl Iterator<Item = Params>, best: (f64, Params)) -> (f64, Params) {
    let (mut best, mut points) = (best, points.peekable());
    while let Some(&first) = points.peek() {
        let lanes: [Params; LANES] = std::array::from_fn(|_| points.next().unwrap_or(first));
        for (params, smoothed) in lanes.iter().zip(smooth(series, &lanes)) {
            if smoothed.squares < best.0 {
                best = (smoothed.squares, *params);
            }
        }
    }
    best
}

impl Forecaster for Ets {
    type Fitted = Self;

    fn fit(&self, _view: &PanelView<'_>) -> Result<Self, TrainingError> {
        Ok(*self)
    }
}

impl FittedForecaster for Ets {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            self.path(view, places[i], Target::ConfirmedCases, cases);
            self.path(view, places[i], Target::Fatalities, deaths);
        })
    }
}

impl fmt::Display for Ets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::names::write(f, "ets", self.numbers(), Self::DEFAULT.numbers())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    window: usize,
}

impl TryFrom<Unchecked> for Ets {
    type Error = TrainingError;

    fn try_from(raw: Unchecked) -> Result<Self, TrainingError> {
        Self::new(raw.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A series that the recursion itself makes, with errors of a fixed pattern.
    fn made_by(params: Params) -> Vec<f64> {
        let (mut level, mut trend) = (5.0, 0.0);
        let mut series = vec![level];
        for day in 0..400 {
            let error = [0.3, -0.1, 0.05, 0.2, -0.25, 0.1, -0.05][day % 7] * if day % 3 == 0 { 1.0 } else { -0.6 };
            let carried = params.phi * trend;
            series.push(level + carried + error);
            level += carried + params.alpha * error;
            trend = carried + params.alpha * params.beta * error;
        }
        series
    }

    #[test]
    fn the_grid_comes_close_to_the_smallest_sum_of_squares() {
        let wanted = Params { alpha: 0.7, beta: 0.3, phi: 0.9 };
        let series = made_by(wanted);
        let found = estimate(&series);
        let [best, least] = [found, wanted].map(|params| smooth(&series, &[params])[0].squares);
        assert!(best < 1.01 * least, "{found:?}: {best}, not {least}");
    }

    #[test]
    fn a_constant_or_short_series_stays() {
        for series in [vec![3.0; 20], vec![3.0], Vec::new()] {
            let smoothed = smooth(&series, &[estimate(&series)])[0];
            assert_eq!((smoothed.level, smoothed.trend), (series.first().copied().unwrap_or(0.0), 0.0));
        }
    }
}
