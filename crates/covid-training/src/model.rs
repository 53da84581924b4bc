//! A trained model: what a registered version holds, and its file.

use covid_core::{
    Date, Forecast, Location, PanelView, Predicted, Target, WEEKS_AHEAD, WeeklyForecast, one_line, sha256_hex,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Calibration, ErrorQuantiles, Fitted, FittedForecaster, HubBaseline, Recipe, Replay, Spec, TrainingError,
    TrainingSettings,
    calibration::{point, predicted, within_interval},
    error::check,
    models::recent::Recent,
    paths::Centres,
    train::{train_on_origins, with_teachers},
};

/// The version of the model file that this program writes. Every older one must still load (`tests/golden`).
pub const FORMAT_VERSION: u64 = 3;

/// A recipe with what was learned once: hyper-parameters, pooled coefficients, quantiles of past errors, as of a date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "File", try_from = "File")]
pub struct Model {
    recipe: Recipe,
    spec: Spec,
    fitted: Fitted,
    /// What was learned as of the six days before, the latest first, for use on their weekdays; empty where a fit knows no
    /// weekday.
    weekdays: Vec<Fitted>,
    trained_as_of: Date,
    intervals: Intervals,
}

#[derive(Debug, Clone, PartialEq)]
enum Intervals {
    /// Those of format version 1.
    Pooled(ErrorQuantiles),
    /// By size of the forecast, of weeks and of cumulative counts.
    Sized(Calibration),
}

/// The model file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format_version: u64,
    recipe: Recipe,
    spec: Spec,
    fitted: Fitted,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weekdays: Vec<Fitted>,
    trained_as_of: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_quantiles: Option<ErrorQuantiles>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calibration: Option<Calibration>,
}

impl From<Model> for File {
    fn from(model: Model) -> Self {
        let Model { recipe, spec, fitted, weekdays, trained_as_of, intervals } = model;
        let (format_version, error_quantiles, calibration) = match intervals {
            Intervals::Pooled(errors) => (1, Some(errors), None),
            Intervals::Sized(calibration) if weekdays.is_empty() => (2, None, Some(calibration)),
            Intervals::Sized(calibration) => (3, None, Some(calibration)),
        };
        Self { format_version, recipe, spec, fitted, weekdays, trained_as_of, error_quantiles, calibration }
    }
}

impl TryFrom<File> for Model {
    type Error = TrainingError;

    fn try_from(file: File) -> Result<Self, TrainingError> {
        let File { format_version, recipe, spec, fitted, weekdays, trained_as_of, error_quantiles, calibration } = file;
        let intervals = match (format_version, error_quantiles, calibration, weekdays.len()) {
            (1, Some(errors), None, 0) => Intervals::Pooled(errors),
            (2, None, Some(calibration), 0) | (3, None, Some(calibration), 6) => Intervals::Sized(calibration),
            _ => {
                let cause = "it has not the intervals, or not the weekdays, of its format version";
                return Err(TrainingError::ModelFile(cause.into()));
            }
        };
        Ok(Self { recipe, spec, fitted, weekdays, trained_as_of, intervals })
    }
}

impl Model {
    /// Trains a recipe on the published counts up to the replay's as-of date, calibrated for every day ahead of the replay.
    ///
    /// # Errors
    /// If the history is too short for it, or a fit fails.
    pub fn train(replay: &Replay<'_>, recipe: Recipe, settings: &TrainingSettings) -> Result<Self, TrainingError> {
        let last = [replay.published().as_of()];
        let mut models = train_on_origins(replay, recipe, &last, replay.horizon(), settings)?;
        models.pop().ok_or_else(|| TrainingError::UnknownModel(recipe.to_string()))?.for_every_weekday(replay)
    }

    /// The model, ready for later days than that of its training. The regressions learn from days of one weekday, since
    /// places report by the week; so that a later day is forecast by what its own weekday taught, the fits of the six days
    /// before are kept as well. On the day of its training, and on that weekday, the model forecasts what it did.
    ///
    /// # Errors
    /// If a fit fails.
    pub fn for_every_weekday(mut self, replay: &Replay<'_>) -> Result<Self, TrainingError> {
        if !self.spec.learns_for_all() {
            return Ok(self);
        }
        let day = replay.published().earlier(self.trained_as_of)?.days() - 1;
        self.weekdays = with_teachers(replay, |teachers| {
            let fit = |before: usize| match day.checked_sub(before) {
                Some(day) => teachers.fit(&self.spec, &teachers.prepared(day)?.view()),
                None => Ok(self.fitted.clone()),
            };
            (1..7).into_par_iter().map(fit).collect::<Result<_, TrainingError>>()
        })?;
        Ok(self)
    }

    pub(crate) fn new(
        recipe: Recipe,
        spec: Spec,
        fitted: Fitted,
        trained_as_of: Date,
        calibration: Calibration,
    ) -> Self {
        let intervals = Intervals::Sized(calibration);
        Self { recipe, spec, fitted, weekdays: Vec::new(), trained_as_of, intervals }
    }

    /// What it is an instance of.
    pub fn recipe(&self) -> Recipe {
        self.recipe
    }

    /// The hyper-parameters that were chosen.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What was learned for the weekday of a date.
    pub(crate) fn fitted_for(&self, as_of: Date) -> &Fitted {
        let later = self.trained_as_of.until(as_of).map_or(0, |span| span.get_days().rem_euclid(7));
        match usize::try_from(7 - later) {
            // 7 days before is the same weekday.
            Ok(before) if before < 7 => self.weekdays.get(before - 1).unwrap_or(&self.fitted),
            _ => &self.fitted,
        }
    }

    /// The last date of what it learned from.
    pub fn trained_as_of(&self) -> Date {
        self.trained_as_of
    }

    /// The furthest day ahead for which it has quantiles.
    pub fn max_horizon(&self) -> usize {
        match &self.intervals {
            Intervals::Pooled(errors) => errors.horizon(),
            Intervals::Sized(calibration) => calibration.horizon(),
        }
    }

    /// Forecast counts of every location of a prepared view. Whether the view is of a date before the training is the
    /// caller's to look at.
    ///
    /// # Errors
    /// If the horizon is out of range, or any number is not finite or above 1e12.
    pub fn forecast(&self, view: &PanelView<'_>, horizon: usize) -> Result<Forecast, TrainingError> {
        self.forecast_places(view, &all_places(view), horizon)
    }

    /// The same of some locations of the view, by position, in the order given. A location's forecast is what it is among
    /// all: the view must be of the whole panel.
    ///
    /// # Errors
    /// As [`Self::forecast`].
    pub fn forecast_places(
        &self,
        view: &PanelView<'_>,
        places: &[usize],
        horizon: usize,
    ) -> Result<Forecast, TrainingError> {
        self.check_horizon(horizon)?;
        let forecast =
            self.cumulative(view, places, horizon, &self.fitted_for(view.as_of()).centres(view, places, horizon));
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

    /// New counts of the next four weeks of some locations of the view, by position, in the order given; none of a model of
    /// format version 1, or of a forecast that exploded. The view must be of the whole panel.
    pub fn forecast_weeks(&self, view: &PanelView<'_>, places: &[usize]) -> Option<WeeklyForecast> {
        let centres = self.fitted_for(view.as_of()).centres(view, places, 7 * WEEKS_AHEAD);
        self.weekly(view, places, &centres).filter(|weeks| weeks.exploded().is_none())
    }

    /// Refuses a horizon beyond the quantiles that the model has.
    pub(crate) fn check_horizon(&self, horizon: usize) -> Result<(), TrainingError> {
        TrainingError::check_horizon(horizon)?;
        let within = horizon <= self.max_horizon();
        check("horizon", "within what the model was calibrated for", horizon, within).map(|_| ())
    }

    /// Cumulative counts, which may have exploded, and new counts of weeks (none of a model of format version 1).
    pub(crate) fn forecast_unchecked(
        &self,
        view: &PanelView<'_>,
        horizon: usize,
    ) -> (Forecast, Option<WeeklyForecast>) {
        let places = all_places(view);
        let centres = self.fitted_for(view.as_of()).centres(view, &places, horizon);
        (self.cumulative(view, &places, horizon, &centres), self.weekly(view, &places, &centres))
    }

    fn cumulative(&self, view: &PanelView<'_>, places: &[usize], horizon: usize, centres: &Centres) -> Forecast {
        let today = view.days() - 1;
        let path = |i: usize, target: Target| -> Vec<Predicted> {
            let last = view.last_count(places[i], target);
            let points = &centres.points.path(i, target)[..horizon];
            match &self.intervals {
                Intervals::Pooled(errors) => {
                    points.iter().enumerate().map(|(day, &x)| errors.around(target, day + 1, x, last)).collect()
                }
                Intervals::Sized(calibration) => {
                    let recent = Recent::on(view, places[i], today);
                    let series = calibration.series(&recent, target, &centres.weekly[i][target.index()]);
                    let new = &centres.new.path(i, target)[..horizon];
                    let quantiles = calibration.cumulative(target, last, new, &series);
                    let made = points.iter().zip(quantiles).map(|(&x, quantiles)| predicted(point(x, last), quantiles));
                    // The ensemble's points and intervals come from models of their own.
                    let of_two = matches!(self.fitted, Fitted::Ensemble(_));
                    made.map(|made| if of_two { within_interval(made) } else { made }).collect()
                }
            }
        };
        let paths: Vec<[Vec<Predicted>; 2]> =
            (0..places.len()).into_par_iter().map(|i| Target::ALL.map(|target| path(i, target))).collect();
        Forecast::from_fn(view.as_of(), horizon, locations(view, places), |i, target, ahead| {
            paths[i][target.index()][ahead - 1]
        })
    }

    fn weekly(&self, view: &PanelView<'_>, places: &[usize], centres: &Centres) -> Option<WeeklyForecast> {
        let Intervals::Sized(calibration) = &self.intervals else { return None };
        let weeks = |i: usize| {
            Target::ALL.map(|target| {
                let centre = centres.weekly[i][target.index()];
                // The hubs' baseline has quantiles of its own.
                let own = matches!(self.fitted, Fitted::HubBaseline(_))
                    .then(|| HubBaseline::quantiles(view.counts(places[i], target)));
                let series = calibration.series(&Recent::on(view, places[i], view.days() - 1), target, &centre);
                std::array::from_fn(|week| {
                    let calibrated = || calibration.weekly(target, week, centre[week], &series);
                    // Its intervals are laid around more than its points say.
                    let nothing = matches!(self.fitted, Fitted::Persistence(_));
                    let point = if nothing { 0.0 } else { centre[week].exp_m1() };
                    predicted(point, own.map_or_else(calibrated, |own| own[week]))
                })
            })
        };
        let values = (0..places.len()).into_par_iter().map(weeks).collect();
        Some(WeeklyForecast::new(view.as_of(), locations(view, places), values))
    }

    /// The model file: JSON, exact to the bit after a round trip.
    ///
    /// # Errors
    /// If a number is not finite.
    pub fn to_json(&self) -> Result<Vec<u8>, TrainingError> {
        // A calibration is thousands of numbers, which nobody reads a line each.
        let write = match self.intervals {
            Intervals::Pooled(_) => serde_json::to_vec_pretty(self),
            Intervals::Sized(_) => serde_json::to_vec(self),
        };
        let mut bytes = write.map_err(|error| TrainingError::ModelFile(error.to_string()))?;
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
        // It may name a key of the file, which may hold anything.
        let unreadable = |error: serde_json::Error| TrainingError::ModelFile(one_line(&error.to_string()).into_owned());
        let Version { format_version: found } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if !(1..=FORMAT_VERSION).contains(&found) {
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

fn all_places(view: &PanelView<'_>) -> Vec<usize> {
    (0..view.locations().len()).collect()
}

fn locations(view: &PanelView<'_>, places: &[usize]) -> Vec<Location> {
    places.iter().map(|&place| view.locations()[place].clone()).collect()
}
