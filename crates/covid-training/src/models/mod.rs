//! The closed set of models. Each module states its formula and where it comes from.

mod blend;
mod damped_growth;
mod ensemble;
mod ets;
mod hub_baseline;
mod lagged_deaths;
mod linear_drift;
mod names;
mod past;
pub(crate) mod pause;
mod persistence;
mod polynomial;
pub(crate) mod recent;
mod residual_ridge;
mod shrunk_growth;
mod weekly_ridge;
mod weekly_trend;
pub(crate) mod weeks;

use std::{fmt, str::FromStr};

use covid_core::PanelView;
use serde::{Deserialize, Serialize};

pub(crate) use self::past::PastDays;
pub use self::{
    blend::Blend,
    damped_growth::DampedGrowth,
    ensemble::{Ensemble, FittedEnsemble},
    ets::Ets,
    hub_baseline::HubBaseline,
    lagged_deaths::LaggedDeaths,
    linear_drift::LinearDrift,
    persistence::Persistence,
    polynomial::{FittedPolynomial, Polynomial},
    residual_ridge::{FittedResidualRidge, ResidualRidge},
    shrunk_growth::ShrunkGrowth,
    weekly_trend::WeeklyTrend,
};
use crate::{LogPaths, TrainingError, paths::Centres};

/// A model that has its hyper-parameters and has seen no data.
pub trait Forecaster {
    /// What fitting makes of it.
    type Fitted: FittedForecaster;

    /// Learns what is learned once for all places, from the view and nothing later.
    ///
    /// # Errors
    /// If the history is too short, or the fit fails.
    fn fit(&self, view: &PanelView<'_>) -> Result<Self::Fitted, TrainingError>;
}

/// A model that can forecast. A place's own state (level, growth) is read from the view that it is given, so that it
/// serves places and dates it was not fitted on; what places share (a mean growth) is read from all of the view, so that a
/// part of the places has the forecasts that it has in the whole.
pub trait FittedForecaster {
    /// Points on ln(1 + count) for some locations of the view, by position, 1 to `horizon` days (at most 60) after its as-of
    /// date; in the order of `places`.
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths;

    /// What the intervals are laid around, and the points, both up to at least `horizon` days ahead.
    fn centres(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> Centres {
        Centres::of_points(view, places, self.predict_places(view, places, Centres::days(horizon)))
    }

    /// The same for every location of the view.
    fn predict(&self, view: &PanelView<'_>, horizon: usize) -> LogPaths {
        self.predict_places(view, &(0..view.locations().len()).collect::<Vec<usize>>(), horizon)
    }
}

/// The closed set of models: one variant each of [`Spec`] and [`Fitted`], and one arm each where they differ in nothing
/// but the type inside.
macro_rules! models {
    ($($(#[$doc:meta])* $name:ident($spec:ty, $fitted:ty),)*) => {
        /// A model with its hyper-parameters, not fitted: the closed set.
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "model", rename_all = "kebab-case")]
        pub enum Spec {
            $($(#[$doc])* $name($spec),)*
        }

        /// A fitted model: the closed set.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "model", rename_all = "kebab-case")]
        pub enum Fitted {
            $($(#[$doc])* $name($fitted),)*
        }

        impl Forecaster for Spec {
            type Fitted = Fitted;

            fn fit(&self, view: &PanelView<'_>) -> Result<Fitted, TrainingError> {
                Ok(match self {
                    $(Self::$name(spec) => Fitted::$name(spec.fit(view)?),)*
                })
            }
        }

        impl FittedForecaster for Fitted {
            fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
                match self {
                    $(Self::$name(fitted) => fitted.predict_places(view, places, horizon),)*
                }
            }

            fn centres(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> Centres {
                match self {
                    $(Self::$name(fitted) => fitted.centres(view, places, horizon),)*
                }
            }
        }

        impl Spec {
            /// Hyper-parameters by name, for the tracker.
            pub fn params(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(Self::$name(spec) => spec.params(),)*
                }
            }
        }

        impl fmt::Display for Spec {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(spec) => spec.fmt(f),)*
                }
            }
        }
    };
}

models! {
    /// No change.
    Persistence(Persistence, Persistence),
    /// The capstone's pooled polynomial regression.
    Polynomial(Polynomial, FittedPolynomial),
    /// Each place's mean growth, damped.
    DampedGrowth(DampedGrowth, DampedGrowth),
    /// A straight line through the last days of counts.
    LinearDrift(LinearDrift, LinearDrift),
    /// Each place's growth, drawn to that of others, damped.
    ShrunkGrowth(ShrunkGrowth, ShrunkGrowth),
    /// New counts with a damped weekly trend.
    WeeklyTrend(WeeklyTrend, WeeklyTrend),
    /// Deaths from the cases before them.
    LaggedDeaths(LaggedDeaths, LaggedDeaths),
    /// Exponential smoothing with a damped trend.
    Ets(Ets, Ets),
    /// Three simple models with fixed weights.
    Blend(Blend, Blend),
    /// The blend with a learned correction.
    ResidualRidge(ResidualRidge, FittedResidualRidge),
    /// The forecast hubs' baseline.
    HubBaseline(HubBaseline, HubBaseline),
    /// The full candidate.
    Ensemble(Ensemble, FittedEnsemble),
}

/// Reads `persistence`, `polynomial-DEGREE[-window-DAYS][-clip-X]`, `damped-growth-WINDOW-PHI`, or a name of the others with
/// or without all of its hyper-parameters behind it, such as `weekly-trend` and `weekly-trend-0.85-0.7-0.5-0`.
impl FromStr for Spec {
    type Err = TrainingError;

    fn from_str(text: &str) -> Result<Self, TrainingError> {
        let unknown = || TrainingError::UnknownModel(text.to_owned());
        if let Some(rest) = text.strip_prefix("polynomial-") {
            return Ok(Self::Polynomial(polynomial(rest).ok_or_else(unknown)??));
        }
        if let Some(spec) = Self::without_parameters(text) {
            return Ok(spec);
        }
        Self::with_parameters(text).ok_or_else(unknown)?
    }
}

impl Spec {
    /// Fits on a view, given what past days teach; `past` may know more days than the view, of which nothing is taken.
    pub(crate) fn fit_from(&self, view: &PanelView<'_>, past: &PastDays<'_>) -> Result<Fitted, TrainingError> {
        match self {
            Self::ResidualRidge(spec) => Ok(Fitted::ResidualRidge(spec.fit_from(view, past)?)),
            Self::Ensemble(spec) => Ok(Fitted::Ensemble(spec.fit_from(view, past)?)),
            others => others.fit(view),
        }
    }

    /// Whether a fit is regressions over all places and past days, and keeps nothing of a single place.
    pub(crate) fn learns_for_all(&self) -> bool {
        matches!(self, Self::ResidualRidge(_) | Self::Ensemble(_))
    }

    fn without_parameters(text: &str) -> Option<Self> {
        [Self::Persistence(Persistence), Self::HubBaseline(HubBaseline), Self::Ensemble(Ensemble)]
            .into_iter()
            .find(|spec| spec.to_string() == text)
    }

    fn with_parameters(text: &str) -> Option<Result<Self, TrainingError>> {
        use names::{days, params};
        if let Some([window, phi]) =
            text.strip_prefix("damped-growth-").and_then(|_| params(text, "damped-growth", [0.0; 2]))
        {
            return Some(DampedGrowth::new(days(window), phi).map(Self::DampedGrowth));
        }
        if let Some([window]) = params(text, "linear-drift", LinearDrift::DEFAULT.numbers()) {
            return Some(LinearDrift::new(days(window)).map(Self::LinearDrift));
        }
        if let Some([phi, most, half, deaths]) = params(text, "shrunk-growth", ShrunkGrowth::DEFAULT.numbers()) {
            return Some(ShrunkGrowth::new(phi, most, half, deaths).map(Self::ShrunkGrowth));
        }
        if let Some([phi, newest, carried, world]) = params(text, "weekly-trend", WeeklyTrend::DEFAULT.numbers()) {
            return Some(WeeklyTrend::new(phi, newest, carried, world).map(Self::WeeklyTrend));
        }
        if let Some([lag]) = params(text, "lagged-deaths", LaggedDeaths::DEFAULT.numbers()) {
            return Some(LaggedDeaths::new(days(lag)).map(Self::LaggedDeaths));
        }
        if let Some([window]) = params(text, "ets", Ets::DEFAULT.numbers()) {
            return Some(Ets::new(days(window)).map(Self::Ets));
        }
        if let Some([shrunk, near, far]) = params(text, "blend", Blend::DEFAULT.numbers()) {
            return Some(Blend::new(shrunk, near, far).map(Self::Blend));
        }
        if let Some([half_life, penalty]) = params(text, "residual-ridge", ResidualRidge::DEFAULT.numbers()) {
            return Some(ResidualRidge::new(half_life, penalty).map(Self::ResidualRidge));
        }
        None
    }
}

/// What stands behind `polynomial-`; none if it cannot be read.
fn polynomial(rest: &str) -> Option<Result<Polynomial, TrainingError>> {
    let (degree, clip) = match rest.split_once("-clip-") {
        Some((degree, clip)) => (degree, Some(clip.parse().ok()?)),
        None => (rest, None),
    };
    let (degree, window) = match degree.split_once("-window-") {
        Some((degree, window)) => (degree, window.parse().ok()?),
        None => (degree, Polynomial::WINDOW),
    };
    Some(Polynomial::new(degree.parse().ok()?, window, clip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in [
            "persistence",
            "polynomial-2",
            "polynomial-3-clip-16",
            "polynomial-1-window-14-clip-9.5",
            "damped-growth-7-0.9",
            "linear-drift",
            "linear-drift-14",
            "shrunk-growth",
            "shrunk-growth-0.92-0.6-0-0.6",
            "weekly-trend",
            "weekly-trend-0.85-0.7-0.5-0",
            "lagged-deaths",
            "lagged-deaths-14",
            "ets",
            "ets-365",
            "blend",
            "blend-0.5-0-1",
            "residual-ridge",
            "residual-ridge-90-100",
            "hub-baseline",
            "ensemble",
        ] {
            assert_eq!(name.parse::<Spec>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn bad_names_and_ranges_are_refused() {
        for name in [
            "",
            "polynomial",
            "polynomial-x",
            "damped-growth-7",
            "arima",
            "polynomial-2-clip-x",
            "damped-growth",
            "blend-1",
            "ets-x",
        ] {
            assert!(matches!(name.parse::<Spec>(), Err(TrainingError::UnknownModel(_))), "{name}");
        }
        assert_eq!("a\nb".parse::<Spec>().unwrap_err().to_string(), "there is no model `a\\nb`");
        assert_eq!(
            "polynomial-4".parse::<Spec>().unwrap_err().to_string(),
            "polynomial degree must be 1, 2 or 3, not 4"
        );
        for name in [
            "damped-growth-0-0.9",
            "damped-growth-7-1.5",
            "damped-growth-7-NaN",
            "polynomial-2-clip-inf",
            "linear-drift-0",
            "ets-7.5",
        ] {
            assert!(matches!(name.parse::<Spec>(), Err(TrainingError::OutOfRange { .. })), "{name}");
        }
    }
}
