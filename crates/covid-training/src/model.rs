//! A trained model: what a registered version holds, and its file.

use covid_core::{Date, Forecast, PanelView, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::{
    ErrorQuantiles, Fitted, FittedForecaster, Forecaster, Recipe, Replay, Spec, TrainingError, TrainingSettings,
    backtest::{loss, mean},
    replay::origins_before,
};

/// The version of the model file that this program writes. Every older one must still load (`tests/golden`).
pub const FORMAT_VERSION: u64 = 1;

/// A recipe with what was learned once: hyper-parameters, pooled coefficients, error quantiles, as of a date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    format_version: u64,
    recipe: Recipe,
    spec: Spec,
    fitted: Fitted,
    trained_as_of: Date,
    error_quantiles: ErrorQuantiles,
}

impl Model {
    /// Trains a recipe on the published counts up to the replay's as-of date, calibrated for every day ahead of the replay.
    ///
    /// # Errors
    /// If the history is too short for it, or a fit fails.
    pub fn train(replay: &Replay<'_>, recipe: Recipe, settings: &TrainingSettings) -> Result<Self, TrainingError> {
        Self::train_on_day(replay, recipe, replay.published().days() - 1, replay.horizon(), settings)
    }

    /// Trains a recipe as it would have been on a day, calibrated for 1 to `horizon` days ahead.
    pub(crate) fn train_on_day(
        replay: &Replay<'_>,
        recipe: Recipe,
        day: usize,
        horizon: usize,
        settings: &TrainingSettings,
    ) -> Result<Self, TrainingError> {
        let spec = tune(replay, recipe, day, settings)?;
        let prepared = replay.prepared(day)?;
        Ok(Self {
            format_version: FORMAT_VERSION,
            recipe,
            spec,
            fitted: spec.fit(&prepared.view())?,
            trained_as_of: prepared.last_date(),
            error_quantiles: ErrorQuantiles::learn(replay, &spec, day, horizon, settings)?,
        })
    }

    /// What it is an instance of.
    pub fn recipe(&self) -> Recipe {
        self.recipe
    }

    /// The hyper-parameters that were chosen.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The last date of what it learned from.
    pub fn trained_as_of(&self) -> Date {
        self.trained_as_of
    }

    /// The furthest day ahead for which it has quantiles.
    pub fn max_horizon(&self) -> usize {
        self.error_quantiles.horizon()
    }

    /// Forecast counts of every location of a prepared view. Whether the view is of a date before the training is the
    /// caller's to look at.
    ///
    /// # Errors
    /// If the horizon is out of range, or any number is not finite or above 1e12.
    pub fn forecast(&self, view: &PanelView<'_>, horizon: usize) -> Result<Forecast, TrainingError> {
        self.check_horizon(horizon)?;
        let forecast = self.forecast_unchecked(view, horizon);
        match forecast.exploded() {
            None => Ok(forecast),
            Some(location) => Err(TrainingError::Exploded {
                model: self.spec.to_string(),
                location: location.name().to_owned(),
                horizon,
                as_of: view.as_of(),
            }),
        }
    }

    /// Refuses a horizon beyond the quantiles that the model has.
    pub(crate) fn check_horizon(&self, horizon: usize) -> Result<(), TrainingError> {
        TrainingError::check_horizon(horizon)?;
        let within = horizon <= self.max_horizon();
        crate::error::check("horizon", "within what the model was calibrated for", horizon, within).map(|_| ())
    }

    pub(crate) fn forecast_unchecked(&self, view: &PanelView<'_>, horizon: usize) -> Forecast {
        let paths = self.fitted.predict(view, horizon);
        Forecast::from_fn(view.as_of(), horizon, view.locations().to_vec(), |location, target, ahead| {
            let x = paths.path(location, target)[ahead - 1];
            self.error_quantiles.around(target, ahead, x, view.last_count(location, target))
        })
    }

    /// The model file: JSON, exact to the bit after a round trip.
    ///
    /// # Errors
    /// If a number is not finite.
    pub fn to_json(&self) -> Result<Vec<u8>, TrainingError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| TrainingError::ModelFile(error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a model file of any version up to [`FORMAT_VERSION`].
    ///
    /// # Errors
    /// If it is not one, is of a newer version, or holds values outside their range.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TrainingError> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u64,
        }
        let unreadable = |error: serde_json::Error| TrainingError::ModelFile(error.to_string());
        let Version { format_version: found } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if found != FORMAT_VERSION {
            return Err(TrainingError::ModelVersion { found, known: FORMAT_VERSION });
        }
        serde_json::from_slice(bytes).map_err(unreadable)
    }

    /// SHA-256 of the model file.
    ///
    /// # Errors
    /// As [`Self::to_json`].
    pub fn digest(&self) -> Result<String, TrainingError> {
        Ok(sha256_hex(&self.to_json()?))
    }
}

/// The model of a recipe's grid with the smallest mean loss on the origins before a day whose whole horizon is known on
/// that day. A model that exploded on one of them is last.
pub(crate) fn tune(
    replay: &Replay<'_>,
    recipe: Recipe,
    day: usize,
    settings: &TrainingSettings,
) -> Result<Spec, TrainingError> {
    let grid = recipe.grid();
    let horizon = settings.horizon.min(replay.horizon());
    let origins = origins_before(day, horizon, settings.every, settings.tuning_origins);
    if let [only] = grid[..] {
        return Ok(only);
    }
    replay.make(&grid, &origins)?;
    let mut best = (f64::INFINITY, grid[0]);
    for &spec in &grid {
        let at = |&origin: &usize| loss(replay, &spec, day, origin, horizon);
        let mean = mean(&origins.iter().map(at).collect::<Result<Vec<f64>, TrainingError>>()?);
        if mean < best.0 {
            best = (mean, spec);
        }
    }
    Ok(best.1)
}
