//! The closed set of models. Each module states its formula and where it comes from.

mod damped_growth;
mod persistence;
mod polynomial;

use std::{fmt, str::FromStr};

use covid_core::PanelView;
use serde::{Deserialize, Serialize};

pub use self::{
    damped_growth::DampedGrowth,
    persistence::Persistence,
    polynomial::{FittedPolynomial, Polynomial},
};
use crate::{LogPaths, TrainingError};

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
/// serves places and dates it was not fitted on.
pub trait FittedForecaster {
    /// Points on ln(1 + count) for every location and target of the view, 1 to `horizon` days after its as-of date.
    fn predict(&self, view: &PanelView<'_>, horizon: usize) -> LogPaths;
}

/// A model with its hyper-parameters, not fitted: the closed set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
pub enum Spec {
    /// No change.
    Persistence(Persistence),
    /// The capstone's pooled polynomial regression.
    Polynomial(Polynomial),
    /// Each place's mean growth, damped.
    DampedGrowth(DampedGrowth),
}

/// A fitted model: the closed set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
pub enum Fitted {
    /// No change.
    Persistence(Persistence),
    /// The capstone's pooled polynomial regression, with its coefficients.
    Polynomial(FittedPolynomial),
    /// Each place's mean growth, damped.
    DampedGrowth(DampedGrowth),
}

impl Forecaster for Spec {
    type Fitted = Fitted;

    fn fit(&self, view: &PanelView<'_>) -> Result<Fitted, TrainingError> {
        Ok(match self {
            Self::Persistence(spec) => Fitted::Persistence(spec.fit(view)?),
            Self::Polynomial(spec) => Fitted::Polynomial(spec.fit(view)?),
            Self::DampedGrowth(spec) => Fitted::DampedGrowth(spec.fit(view)?),
        })
    }
}

impl FittedForecaster for Fitted {
    fn predict(&self, view: &PanelView<'_>, horizon: usize) -> LogPaths {
        match self {
            Self::Persistence(fitted) => fitted.predict(view, horizon),
            Self::Polynomial(fitted) => fitted.predict(view, horizon),
            Self::DampedGrowth(fitted) => fitted.predict(view, horizon),
        }
    }
}

impl Spec {
    /// Hyper-parameters by name, for the tracker.
    pub fn params(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Persistence(_) => Vec::new(),
            Self::Polynomial(spec) => spec.params(),
            Self::DampedGrowth(spec) => spec.params(),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Persistence(_) => f.write_str("persistence"),
            Self::Polynomial(spec) => spec.fmt(f),
            Self::DampedGrowth(spec) => spec.fmt(f),
        }
    }
}

/// Reads `persistence`, `polynomial-DEGREE[-window-DAYS][-clip-X]`, `damped-growth-WINDOW-PHI`.
impl FromStr for Spec {
    type Err = TrainingError;

    fn from_str(text: &str) -> Result<Self, TrainingError> {
        let unknown = || TrainingError::UnknownModel(text.to_owned());
        if text == "persistence" {
            return Ok(Self::Persistence(Persistence));
        }
        if let Some(rest) = text.strip_prefix("polynomial-") {
            let (degree, clip) = match rest.split_once("-clip-") {
                Some((degree, clip)) => (degree, Some(clip.parse().map_err(|_| unknown())?)),
                None => (rest, None),
            };
            let (degree, window) = match degree.split_once("-window-") {
                Some((degree, window)) => (degree, window.parse().map_err(|_| unknown())?),
                None => (degree, Polynomial::WINDOW),
            };
            return Ok(Self::Polynomial(Polynomial::new(degree.parse().map_err(|_| unknown())?, window, clip)?));
        }
        let rest = text.strip_prefix("damped-growth-").ok_or_else(unknown)?;
        let (window, phi) = rest.split_once('-').ok_or_else(unknown)?;
        let (window, phi) = (window.parse().map_err(|_| unknown())?, phi.parse().map_err(|_| unknown())?);
        Ok(Self::DampedGrowth(DampedGrowth::new(window, phi)?))
    }
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
        ] {
            assert_eq!(name.parse::<Spec>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn bad_names_and_ranges_are_refused() {
        for name in ["", "polynomial", "polynomial-x", "damped-growth-7", "arima", "polynomial-2-clip-x"] {
            assert!(matches!(name.parse::<Spec>(), Err(TrainingError::UnknownModel(_))), "{name}");
        }
        assert_eq!(
            "polynomial-4".parse::<Spec>().unwrap_err().to_string(),
            "polynomial degree must be 1, 2 or 3, not 4"
        );
        for name in ["damped-growth-0-0.9", "damped-growth-7-1.5", "damped-growth-7-NaN", "polynomial-2-clip-inf"] {
            assert!(matches!(name.parse::<Spec>(), Err(TrainingError::OutOfRange { .. })), "{name}");
        }
    }
}
