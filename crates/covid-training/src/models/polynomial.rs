//! The capstone's own model: with c, d = yesterday's ln(1 + cases), ln(1 + deaths), both targets of a day are linear in
//! every monomial of c and d up to degree 1, 2 or 3 and one intercept, pooled over locations and fitted by ordinary
//! least squares on the last days; a forecast applies it day after day to its own output.

use std::fmt;

use covid_core::{PanelView, Target};
use serde::{Deserialize, Serialize};
use smartcore::{
    linalg::basic::{arrays::Array, matrix::DenseMatrix},
    linear::linear_regression::{LinearRegression, LinearRegressionParameters},
};

use super::{FittedForecaster, Forecaster};
use crate::{LogPaths, TrainingError, error::check};

/// The pooled polynomial regression, not fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Polynomial {
    degree: usize,
    window: usize,
    clip: Option<f64>,
}

impl Polynomial {
    /// Pairs of days that the capstone trained on.
    pub const WINDOW: usize = 21;

    /// Degree 1, 2 or 3; `window` pairs (yesterday, today) ending at the as-of date; `clip` is the largest ln(1 + count)
    /// a forecast may reach. The capstone clipped at 16 (8.9 million), which the US passed in 2020: none is better.
    ///
    /// # Errors
    /// If one is outside its range.
    pub fn new(degree: usize, window: usize, clip: Option<f64>) -> Result<Self, TrainingError> {
        if let Some(clip) = clip {
            check("polynomial clip", "a positive number", clip, clip.is_finite() && clip > 0.0)?;
        }
        Ok(Self {
            degree: check("polynomial degree", "1, 2 or 3", degree, (1..=3).contains(&degree))?,
            window: check("polynomial window", "from 1 to 365 days", window, (1..=365).contains(&window))?,
            clip,
        })
    }

    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        let mut params = vec![("degree", self.degree.to_string()), ("window", self.window.to_string())];
        params.extend(self.clip.map(|clip| ("clip", clip.to_string())));
        params
    }

    /// Inputs and outputs of the regression: one row for each location and pair of days, [cases, deaths] of a day.
    fn pairs(&self, view: &PanelView<'_>) -> (Vec<[f64; 2]>, Vec<[f64; 2]>) {
        let from = view.days() - self.window - 1;
        let rows = view.locations().len() * self.window;
        let (mut before, mut after) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for location in 0..view.locations().len() {
            let [cases, deaths] = Target::ALL.map(|target| view.logs_from(location, target, from));
            let days: Vec<[f64; 2]> = cases.into_iter().zip(deaths).map(|(c, d)| [c, d]).collect();
            before.extend_from_slice(&days[..self.window]);
            after.extend_from_slice(&days[1..]);
        }
        (before, after)
    }
}

impl Forecaster for Polynomial {
    type Fitted = FittedPolynomial;

    fn fit(&self, view: &PanelView<'_>) -> Result<FittedPolynomial, TrainingError> {
        let too_short = |days, needed, what| TrainingError::TooShort { days, as_of: view.as_of(), what, needed };
        if view.days() <= self.window {
            return Err(too_short(view.days(), self.window + 1, self.to_string()));
        }
        let (before, after) = self.pairs(view);
        let unknowns = monomials(self.degree).count() + 1;
        if before.len() < unknowns {
            return Err(too_short(before.len(), unknowns, format!("{self} (location-days)")));
        }
        let coefficients = least_squares(self.degree, &before, &after).map_err(|cause| TrainingError::Fit {
            model: self.to_string(),
            as_of: view.as_of(),
            cause,
        })?;
        Ok(FittedPolynomial { spec: *self, coefficients })
    }
}

/// Coefficients of both targets, in the order of the monomials, the intercept last.
fn least_squares(degree: usize, before: &[[f64; 2]], after: &[[f64; 2]]) -> Result<[Vec<f64>; 2], String> {
    let width = monomials(degree).count();
    let mut features = Vec::with_capacity(before.len() * width);
    before.iter().for_each(|&day| features.extend(expand(degree, day)));
    // Columns scaled to at most 1, so that the solver's tolerance treats ln(1 + x) and its cube alike.
    let scales: Vec<f64> = (0..width)
        .map(|column| features.iter().skip(column).step_by(width).fold(0f64, |most, x| most.max(x.abs())))
        .map(|most| if most > 0.0 { most } else { 1.0 })
        .collect();
    features.iter_mut().enumerate().for_each(|(i, x)| *x /= scales[i % width]);

    let failed = |error: smartcore::error::Failed| error.to_string();
    let x = DenseMatrix::new(before.len(), width, features, false).map_err(failed)?;
    let y = DenseMatrix::new(after.len(), 2, after.as_flattened().to_vec(), false).map_err(failed)?;
    let fitted: LinearRegression<f64, f64, _, Vec<f64>> =
        LinearRegression::fit_matrix(&x, &y, LinearRegressionParameters::default()).map_err(failed)?;
    let column = |target: usize| {
        let slopes = (0..width).map(|i| fitted.coefficients().get((i, target)) / scales[i]);
        slopes.chain([*fitted.intercept_matrix().get((0, target))]).collect::<Vec<f64>>()
    };
    let coefficients = [column(0), column(1)];
    if coefficients.iter().flatten().all(|c| c.is_finite()) {
        Ok(coefficients)
    } else {
        Err("it has no finite solution".into())
    }
}

/// Exponents of (cases, deaths), by degree, without the constant: (1,0) (0,1) (2,0) (1,1) (0,2) ...
fn monomials(degree: usize) -> impl Iterator<Item = (i32, i32)> {
    (1..=degree as i32).flat_map(|total| (0..=total).map(move |deaths| (total - deaths, deaths)))
}

fn expand(degree: usize, [cases, deaths]: [f64; 2]) -> impl Iterator<Item = f64> {
    monomials(degree).map(move |(i, j)| cases.powi(i) * deaths.powi(j))
}

/// The pooled polynomial regression with its coefficients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedFitted")]
pub struct FittedPolynomial {
    spec: Polynomial,
    /// For cases and deaths: a coefficient a monomial, the intercept last.
    coefficients: [Vec<f64>; 2],
}

impl FittedPolynomial {
    fn next_day(&self, today: [f64; 2]) -> [f64; 2] {
        let clip = self.spec.clip.unwrap_or(f64::INFINITY);
        [0, 1].map(|target| {
            let features = expand(self.spec.degree, today).chain([1.0]);
            let x: f64 = self.coefficients[target].iter().zip(features).map(|(c, feature)| c * feature).sum();
            // Not `min`, which would turn a NaN into the clip and hide an explosion.
            if x > clip { clip } else { x }
        })
    }
}

impl FittedForecaster for FittedPolynomial {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            let mut day = Target::ALL.map(|target| view.last_log(places[i], target));
            for (cases, deaths) in cases.iter_mut().zip(deaths) {
                day = self.next_day(day);
                [*cases, *deaths] = day;
            }
        })
    }
}

impl fmt::Display for Polynomial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "polynomial-{}", self.degree)?;
        if self.window != Self::WINDOW {
            write!(f, "-window-{}", self.window)?;
        }
        self.clip.map_or(Ok(()), |clip| write!(f, "-clip-{clip}"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    degree: usize,
    window: usize,
    clip: Option<f64>,
}

impl TryFrom<Unchecked> for Polynomial {
    type Error = TrainingError;

    fn try_from(raw: Unchecked) -> Result<Self, TrainingError> {
        Self::new(raw.degree, raw.window, raw.clip)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedFitted {
    spec: Polynomial,
    coefficients: [Vec<f64>; 2],
}

impl TryFrom<UncheckedFitted> for FittedPolynomial {
    type Error = TrainingError;

    fn try_from(UncheckedFitted { spec, coefficients }: UncheckedFitted) -> Result<Self, TrainingError> {
        let width = monomials(spec.degree).count() + 1;
        let right = coefficients.iter().all(|column| column.len() == width);
        check("number of polynomial coefficients", "one a monomial and an intercept", coefficients[0].len(), right)?;
        Ok(Self { spec, coefficients })
    }
}

#[cfg(test)]
mod tests {
    use covid_core::{Date, Location, Panel};

    use super::*;

    #[test]
    fn monomials_are_in_the_order_of_scikit_learn() {
        assert_eq!(monomials(2).collect::<Vec<_>>(), [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]);
        assert_eq!(monomials(3).count(), 9);
    }

    #[test]
    fn a_linear_law_is_found_and_followed() {
        // x grows by 1 % and 0.05 a day in every place: a law that degree 1 holds exactly.
        let (places, days) = (6, 30);
        let mut counts = Vec::new();
        for series in 0..places * 2 {
            let mut x = 1.0 + 0.3 * series as f64;
            counts.extend((0..days).map(|_| {
                x = 1.01 * x + 0.05;
                f64::exp_m1(x)
            }));
        }
        let locations = (0..places).map(|i| Location::country(&format!("Dataland {i}"))).collect();
        let panel = Panel::new(locations, Date::constant(2020, 1, 1), days, counts).unwrap();
        let view = panel.view();
        let paths = Polynomial::new(1, 21, None).unwrap().fit(&view).unwrap().predict(&view, 3);
        let mut x = view.last_log(4, Target::Fatalities);
        for predicted in paths.path(4, Target::Fatalities) {
            x = 1.01 * x + 0.05;
            assert!((predicted - x).abs() < 1e-6, "{predicted} {x}");
        }
    }

    #[test]
    fn a_constant_panel_is_no_obstacle() {
        let locations = (0..4).map(|i| Location::country(&format!("Dataland {i}"))).collect();
        let panel = Panel::new(locations, Date::constant(2020, 1, 1), 25, vec![0.0; 200]).unwrap();
        let fitted = Polynomial::new(3, 21, None).unwrap().fit(&panel.view()).unwrap();
        assert!(fitted.predict(&panel.view(), 60).path(0, Target::ConfirmedCases).iter().all(|x| x.abs() < 1e-9));
    }

    #[test]
    fn too_little_history_is_said() {
        let panel =
            Panel::new(vec![Location::country("Dataland")], Date::constant(2020, 1, 1), 10, vec![1.0; 20]).unwrap();
        let error = Polynomial::new(1, 21, None).unwrap().fit(&panel.view()).unwrap_err();
        assert_eq!(error.to_string(), "10 days of data up to 2020-01-10 are too few: polynomial-1 needs 22");
    }
}
