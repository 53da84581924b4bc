//! Many recipes refitted on many days, as a replay of years needs it: the scores of a backtest, without keeping what made
//! them. A point does not depend on the calibration, but for the full candidate's, which is drawn into its 95 % interval: so
//! the others are scored without one.

use std::collections::BTreeSet;

use covid_core::{Date, MAX_COUNT, PanelView, Target};
use rayon::prelude::*;

use crate::{
    FittedForecaster, Model, OriginScore, Recipe, Replay, Spec, TrainingError, TrainingSettings,
    backtest::squared_errors,
    calibration::{Calibration, point},
    model::{learn_tuning_losses, tune},
    replay::days_at_once,
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
    let day_of = |&origin: &Date| Ok(replay.published().earlier(origin)?.days() - 1);
    let days = origins.iter().map(day_of).collect::<Result<BTreeSet<usize>, TrainingError>>()?;
    let days: Vec<usize> = days.into_iter().collect();
    let (calibrated, alone): (Vec<_>, Vec<_>) =
        recipes.iter().copied().enumerate().partition(|(_, recipe)| drawn(*recipe).is_some());
    let rolling = Rolling { replay, recipes: alone, horizon, settings };
    rolling.points_alone(&days, &mut each)?;
    for (position, spec) in calibrated.into_iter().filter_map(|(position, recipe)| Some((position, drawn(recipe)?))) {
        rolling.calibrated(&days, spec, |score| each(position, score))?;
    }
    Ok(())
}

/// The model of a recipe whose points are drawn into its intervals.
fn drawn(recipe: Recipe) -> Option<Spec> {
    match recipe {
        Recipe::Fixed(spec @ Spec::Ensemble(_)) => Some(spec),
        _ => None,
    }
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

    fn calibrated(&self, days: &[usize], spec: Spec, mut each: impl FnMut(OriginScore)) -> Result<(), TrainingError> {
        Calibration::learn_in_turn(self.replay, &spec, days, self.horizon, self.settings, |learned| {
            let score = |(day, calibration)| self.score_calibrated(spec, day, calibration);
            let scores: Vec<OriginScore> = learned.into_par_iter().map(score).collect::<Result<_, TrainingError>>()?;
            scores.into_iter().for_each(&mut each);
            Ok(())
        })
    }

    fn score_calibrated(&self, spec: Spec, day: usize, calibration: Calibration) -> Result<OriginScore, TrainingError> {
        let prepared = self.replay.prepared(day)?;
        let view = prepared.view();
        let fitted = self.replay.fit(&spec, &view)?;
        let model = Model::new(Recipe::Fixed(spec), spec, fitted, view.as_of(), calibration);
        let (forecast, _) = model.forecast_unchecked(&view, self.horizon);
        Ok(OriginScore::new(spec, &forecast, &self.replay.published()))
    }
}
