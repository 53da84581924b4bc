//! Many recipes refitted on many days, as a replay of years needs it: the scores of a backtest, without keeping what made
//! them. A point does not depend on the calibration, but for the full candidate's, which is drawn into its 95 % interval: so
//! the others are scored without one.

use covid_core::{Date, MAX_COUNT, PanelView, Target};
use rayon::prelude::*;

use crate::{
    FittedForecaster, OriginScore, Recipe, Replay, Spec, TrainingError, TrainingSettings,
    backtest::{score_at_origin, squared_errors},
    calibration::point,
    replay::days_at_once,
    train::{days_of, learn_tuning_losses, train_in_turn, tune},
};

/// Scores every recipe, refitted at every origin, 1 to `horizon` days ahead: the scores of [`crate::backtest`], to the bit.
/// `each` gets a recipe's position and a score, for an origin that is named twice one; the earlier origins first, but the
/// full candidate's after all others. Memory does not grow with the number of origins, but for some bytes that each leaves
/// in the replay.
///
/// # Errors
/// If an origin is outside the data, or a fit fails.
pub fn roll(
    replay: &Replay<'_>,
    recipes: &[Recipe],
    origins: &[Date],
    horizon: usize,
    settings: &TrainingSettings,
    mut each: impl FnMut(usize, OriginScore),
) -> Result<(), TrainingError> {
    TrainingError::check_horizon(horizon)?;
    let days = days_of(replay, origins)?;
    let (calibrated, alone): (Vec<_>, Vec<_>) =
        recipes.iter().copied().enumerate().partition(|(_, recipe)| is_drawn(*recipe));
    let rolling = Rolling { replay, recipes: alone, horizon, settings };
    rolling.points_alone(&days, &mut each)?;
    for (position, recipe) in calibrated {
        train_in_turn(replay, &[recipe], origins, horizon, settings, |trained| {
            let scores = trained.par_iter().flatten().map(|model| score_at_origin(replay, model, horizon));
            let scores = scores.collect::<Result<Vec<OriginScore>, TrainingError>>()?;
            scores.into_iter().for_each(|score| each(position, score));
            Ok::<(), TrainingError>(())
        })?;
    }
    Ok(())
}

/// Whether the points of a recipe are drawn into its intervals.
fn is_drawn(recipe: Recipe) -> bool {
    matches!(recipe, Recipe::Fixed(Spec::Ensemble(_)))
}

struct Rolling<'r, 'a> {
    replay: &'r Replay<'a>,
    /// Those whose points are all that is needed, with their positions.
    recipes: Vec<(usize, Recipe)>,
    horizon: usize,
    settings: &'r TrainingSettings,
}

impl Rolling<'_, '_> {
    fn points_alone(&self, days: &[usize], each: &mut impl FnMut(usize, OriginScore)) -> Result<(), TrainingError> {
        if self.recipes.is_empty() {
            return Ok(());
        }
        let recipes: Vec<Recipe> = self.recipes.iter().map(|(_, recipe)| *recipe).collect();
        learn_tuning_losses(self.replay, &recipes, days, self.settings)?;
        for days in days.chunks(days_at_once(&self.replay.published())) {
            let scores = days.par_iter().map(|&day| self.score_points(day));
            let scores: Vec<Vec<(usize, OriginScore)>> = scores.collect::<Result<_, TrainingError>>()?;
            scores.into_iter().flatten().for_each(|(position, score)| each(position, score));
        }
        Ok(())
    }

    fn score_points(&self, day: usize) -> Result<Vec<(usize, OriginScore)>, TrainingError> {
        let prepared = self.replay.prepared(day)?;
        let score = |&(position, recipe): &(usize, Recipe)| {
            let spec = tune(self.replay, recipe, day, self.settings)?;
            Ok((position, self.score_points_of(spec, &prepared.view())?))
        };
        self.recipes.iter().map(score).collect()
    }

    fn score_points_of(&self, spec: Spec, view: &PanelView<'_>) -> Result<OriginScore, TrainingError> {
        let (horizon, origin, places) = (self.horizon, view.as_of(), view.locations().len());
        let paths = self.replay.fit(&spec, view)?.predict(view, horizon);
        let series = (0..places).flat_map(|place| Target::ALL.map(|target| (place, target)));
        let counts = series.flat_map(|(place, target)| {
            let last = view.last_count(place, target);
            paths.path(place, target).iter().map(move |&x| point(x, last))
        });
        let points: Vec<f64> = counts.collect();
        let exploded = points.iter().any(|point| !point.is_finite() || *point > MAX_COUNT);
        let series = |place, target: Target| place * Target::ALL.len() + target.index();
        let point = |place, target, ahead| points[series(place, target) * horizon + ahead - 1];
        let errors = || squared_errors(&self.replay.published(), origin, [places, horizon], point);
        Ok(OriginScore { origin, spec, horizon, errors: (!exploded).then(errors) })
    }
}
