//! Many recipes refitted on many days, as a replay of years needs it: the scores of a backtest, without keeping what made
//! them.
//!
//! A point does not depend on the calibration, but for the full candidate's, which is drawn into its 95 % interval. So the
//! others are fitted and scored alone, some days at a time. Where hyper-parameters are chosen, the loss of each on an origin
//! is the same for every later day that asks, and is kept instead of the forecast.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use covid_core::{Date, MAX_COUNT, PanelView, Target};
use rayon::prelude::*;

use crate::{
    FittedForecaster, LogPaths, Model, OriginScore, Recipe, Replay, Spec, TrainingError, TrainingSettings,
    backtest::{loss, squared_errors},
    calibration::{Calibration, point},
    model::best_of,
    replay::{days_at_once, origins_before},
};

/// Scores every recipe, refitted at every origin, 1 to `horizon` days ahead: the scores of [`crate::backtest`], to the bit.
/// `each` gets a recipe's position and a score, for an origin that is named twice one; the earlier origins first, but the
/// full candidate's after all others. Memory does not grow with the number of origins.
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
    let origins = origins.iter().map(day_of).collect::<Result<BTreeSet<usize>, TrainingError>>()?;
    let rolling = Rolling { replay, settings, horizon, origins };
    rolling.points_alone(&Choices::new(recipes), &mut each)?;
    for (position, &recipe) in recipes.iter().enumerate() {
        if let Recipe::Fixed(spec @ Spec::Ensemble(_)) = recipe {
            rolling.calibrated(recipe, &spec, |score| each(position, score))?;
        }
    }
    Ok(())
}

/// The recipes whose points do not depend on the calibration.
struct Choices {
    /// Their models, each once, and whether it is one of several of a recipe.
    specs: Vec<(Spec, bool)>,
    /// The recipes' positions and grids.
    recipes: Vec<(usize, Vec<Spec>)>,
}

impl Choices {
    fn new(recipes: &[Recipe]) -> Self {
        let alone =
            recipes.iter().enumerate().filter(|(_, recipe)| !matches!(recipe, Recipe::Fixed(Spec::Ensemble(_))));
        let recipes: Vec<(usize, Vec<Spec>)> = alone.map(|(position, recipe)| (position, recipe.grid())).collect();
        let mut specs: Vec<(Spec, bool)> = Vec::new();
        for (spec, tuned) in recipes.iter().flat_map(|(_, grid)| grid.iter().map(|spec| (*spec, grid.len() > 1))) {
            match specs.iter_mut().find(|(known, _)| *known == spec) {
                Some((_, known)) => *known |= tuned,
                None => specs.push((spec, tuned)),
            }
        }
        Self { specs, recipes }
    }

    fn position(&self, spec: &Spec) -> Result<usize, TrainingError> {
        let found = self.specs.iter().position(|(known, _)| known == spec);
        found.ok_or_else(|| TrainingError::UnknownModel(spec.to_string()))
    }
}

/// What a model said on a day.
struct Said {
    /// The loss by which it is chosen, where it is one of several.
    loss: Option<f64>,
    /// Counts by place, target and day ahead, where the day is an origin.
    points: Option<Vec<f64>>,
}

/// The losses of the models by position, on past days.
type Losses = HashMap<(usize, usize), f64>;

struct Rolling<'r, 'a> {
    replay: &'r Replay<'a>,
    settings: &'r TrainingSettings,
    horizon: usize,
    origins: BTreeSet<usize>,
}

impl Rolling<'_, '_> {
    fn points_alone(&self, choices: &Choices, each: &mut impl FnMut(usize, OriginScore)) -> Result<(), TrainingError> {
        let has_choice = choices.specs.iter().any(|(_, tuned)| *tuned);
        let tuned_on = self.origins.iter().filter(|_| has_choice).flat_map(|&day| self.tuned_on(day)).collect();
        let days: Vec<usize> = self.origins.union(&tuned_on).copied().collect();
        let mut losses = Losses::new();
        for days in days.chunks(days_at_once(&self.replay.published())) {
            let say = |&day: &usize| self.say(day, choices, tuned_on.contains(&day));
            let said: Vec<Vec<Said>> = days.par_iter().map(say).collect::<Result<_, TrainingError>>()?;
            for (&day, said) in days.iter().zip(&said) {
                let known = said.iter().enumerate().filter_map(|(spec, said)| Some(((spec, day), said.loss?)));
                losses.extend(known);
            }
            let origins = days.par_iter().zip(&said).filter(|(day, _)| self.origins.contains(day));
            let score = |(&day, said): (&usize, &Vec<Said>)| {
                let of = |(position, grid): &(usize, Vec<Spec>)| {
                    Ok((*position, self.score(day, &self.chosen(day, grid, choices, &losses)?, choices, said)?))
                };
                choices.recipes.iter().map(of).collect()
            };
            let scores: Vec<Vec<(usize, OriginScore)>> = origins.map(score).collect::<Result<_, TrainingError>>()?;
            scores.into_iter().flatten().for_each(|(position, score)| each(position, score));
            // Later days are tuned on none that is older.
            let reach = self.tuning_horizon() + self.settings.every * self.settings.tuning_origins;
            let oldest = days.last().map_or(0, |last| last.saturating_sub(reach));
            losses.retain(|(_, day), _| *day >= oldest);
        }
        Ok(())
    }

    /// Days ahead on which hyper-parameters are chosen.
    fn tuning_horizon(&self) -> usize {
        self.settings.horizon.min(self.replay.horizon())
    }

    /// The past origins on which a day's hyper-parameters are chosen, the newest first.
    fn tuned_on(&self, day: usize) -> Vec<usize> {
        origins_before(day, self.tuning_horizon(), self.settings.every, self.settings.tuning_origins)
    }

    /// What every model says on a day of which it is known by now that it is asked: to choose by, or as the only choice.
    fn say(&self, day: usize, choices: &Choices, tuned_on: bool) -> Result<Vec<Said>, TrainingError> {
        let prepared = self.replay.prepared(day)?;
        let (view, is_origin) = (prepared.view(), self.origins.contains(&day));
        let said = |(spec, tuned): &(Spec, bool)| {
            let with_loss = tuned_on && *tuned;
            if !with_loss && (*tuned || !is_origin) {
                return Ok(Said { loss: None, points: None });
            }
            let furthest = self.horizon.max(self.tuning_horizon());
            let paths = self.replay.fit(spec, &view)?.predict(&view, furthest);
            let loss = with_loss.then(|| loss(&self.replay.published(), &paths, day, self.tuning_horizon()));
            Ok(Said { loss, points: is_origin.then(|| points(&view, &paths, self.horizon)) })
        };
        choices.specs.iter().map(said).collect()
    }

    /// The model of a grid that a training on a day would choose.
    fn chosen(&self, day: usize, grid: &[Spec], choices: &Choices, losses: &Losses) -> Result<Spec, TrainingError> {
        if let [only] = grid {
            return Ok(*only);
        }
        best_of(grid, &self.tuned_on(day), |spec, origin| {
            let loss = losses.get(&(choices.position(spec)?, origin));
            loss.copied().ok_or_else(|| TrainingError::UnknownModel(spec.to_string()))
        })
    }

    /// The score of what a model said.
    fn score(&self, day: usize, spec: &Spec, choices: &Choices, said: &[Said]) -> Result<OriginScore, TrainingError> {
        let (horizon, published) = (self.horizon, self.replay.published());
        let points = match &said[choices.position(spec)?].points {
            Some(points) => Cow::Borrowed(points),
            None => Cow::Owned(self.points_on(day, spec)?),
        };
        let series = |place, target: Target| place * Target::ALL.len() + target.index();
        let point = |place, target, ahead| points[series(place, target) * horizon + ahead - 1];
        let exploded = points.iter().any(|point| !point.is_finite() || *point > MAX_COUNT);
        let origin = published.date(day);
        let errors =
            (!exploded).then(|| squared_errors(&published, origin, [published.locations().len(), horizon], point));
        Ok(OriginScore { origin, spec: *spec, horizon, errors })
    }

    fn points_on(&self, day: usize, spec: &Spec) -> Result<Vec<f64>, TrainingError> {
        let prepared = self.replay.prepared(day)?;
        let view = prepared.view();
        Ok(points(&view, &self.replay.fit(spec, &view)?.predict(&view, self.horizon), self.horizon))
    }

    /// Scores a recipe that has to be calibrated.
    fn calibrated(&self, recipe: Recipe, spec: &Spec, mut each: impl FnMut(OriginScore)) -> Result<(), TrainingError> {
        let score = |(day, calibration)| {
            let prepared = self.replay.prepared(day)?;
            let view = prepared.view();
            let model = Model::new(recipe, *spec, self.replay.fit(spec, &view)?, view.as_of(), calibration);
            let (forecast, _) = model.forecast_unchecked(&view, self.horizon);
            Ok(OriginScore::new(*spec, &forecast, &self.replay.published()))
        };
        let days: Vec<usize> = self.origins.iter().copied().collect();
        Calibration::learn_in_turn(self.replay, spec, &days, self.horizon, self.settings, |learned| {
            let scores: Vec<OriginScore> = learned.into_par_iter().map(score).collect::<Result<_, TrainingError>>()?;
            scores.into_iter().for_each(&mut each);
            Ok(())
        })
    }
}

/// The counts of paths, up to a horizon, by place, target and day ahead.
fn points(view: &PanelView<'_>, paths: &LogPaths, horizon: usize) -> Vec<f64> {
    let series = (0..paths.locations()).flat_map(|place| Target::ALL.map(|target| (place, target)));
    let counts = series.flat_map(|(place, target)| {
        let last = view.last_count(place, target);
        paths.path(place, target)[..horizon].iter().map(move |&x| point(x, last))
    });
    counts.collect()
}
