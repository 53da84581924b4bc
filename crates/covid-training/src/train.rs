//! Training on past days: hyper-parameters, coefficients and past errors as they were known then.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use covid_core::{Date, Panel, PanelError, PanelView, Target};
use rayon::prelude::*;

use crate::{
    Calibration, Model, Recipe, Replay, Spec, TrainingError, TrainingSettings,
    backtest::mean,
    calibration::Learner,
    replay::{days_at_once, origins_before},
};

/// Trains every recipe as it would have been on each of some origins, calibrated for 1 to `horizon` days ahead. `each` gets the
/// models of some origins at a time, the earliest first and of an origin that is named twice once; those of one origin in the
/// order of the recipes. Memory does not grow with the number of origins.
///
/// # Errors
/// If an origin is outside the data, a fit or `each` fails.
pub fn train_in_turn<E: From<TrainingError>>(
    replay: &Replay<'_>,
    recipes: &[Recipe],
    origins: &[Date],
    horizon: usize,
    settings: &TrainingSettings,
    mut each: impl FnMut(Vec<Vec<Model>>) -> Result<(), E>,
) -> Result<(), E> {
    TrainingError::check_horizon(horizon)?;
    with_teachers(replay, |teachers| train_with(replay, teachers, recipes, origins, horizon, settings, &mut each))
}

/// The most places that teach what holds for all: coefficients and past errors. More would not make them better, and cost time.
const MOST_TEACHERS: usize = 20_000;

/// Does some work with the replay of the places that teach: all, or of very many every second, third or so.
pub(crate) fn with_teachers<T, E: From<TrainingError>>(
    replay: &Replay<'_>,
    work: impl FnOnce(&Replay<'_>) -> Result<T, E>,
) -> Result<T, E> {
    match every_few(&replay.published(), MOST_TEACHERS).map_err(TrainingError::from)? {
        None => work(replay),
        Some(some) => work(&replay.of_places(&some)),
    }
}

/// At most so many places of a view, evenly over their order; none if there are no more.
fn every_few(view: &PanelView<'_>, most: usize) -> Result<Option<Panel>, PanelError> {
    let places = view.locations();
    let step = places.len().div_ceil(most);
    if step < 2 {
        return Ok(None);
    }
    let positions = (0..places.len()).step_by(step);
    let locations = positions.clone().map(|place| places[place].clone()).collect();
    let series = positions.flat_map(|place| Target::ALL.map(|target| view.counts(place, target)));
    Panel::new(locations, view.date(0), view.days(), series.flatten().copied().collect()).map(Some)
}

/// The training of [`train_in_turn`], by what some of the places teach.
fn train_with<E: From<TrainingError>>(
    replay: &Replay<'_>,
    teachers: &Replay<'_>,
    recipes: &[Recipe],
    origins: &[Date],
    horizon: usize,
    settings: &TrainingSettings,
    each: &mut impl FnMut(Vec<Vec<Model>>) -> Result<(), E>,
) -> Result<(), E> {
    let days = days_of(replay, origins)?;
    learn_tuning_losses(replay, recipes, &days, settings)?;
    let tuned = |&day: &usize| {
        let specs = recipes.iter().map(|&recipe| tune(replay, recipe, day, settings));
        Ok((day, specs.collect::<Result<Vec<Spec>, TrainingError>>()?))
    };
    let chosen = days.iter().map(tuned).collect::<Result<BTreeMap<usize, Vec<Spec>>, TrainingError>>()?;
    let mut learners = learners(&chosen, horizon, settings);
    let needed = |day: &usize| learners.iter().any(|(_, learner)| learner.needs(*day));
    let passed: Vec<usize> = (0..days.last().map_or(0, |last| last + 1)).filter(needed).collect();
    for days in passed.chunks(days_at_once(&replay.published())) {
        let mut calibrations: Vec<(Spec, HashMap<usize, Calibration>)> = Vec::new();
        for (spec, learner) in &mut learners {
            calibrations.push((*spec, learner.pass(teachers, days)?.into_iter().collect()));
        }
        let origins = days.par_iter().filter_map(|&day| Some((day, chosen.get(&day)?)));
        let models = origins.map(|(day, specs)| models([replay, teachers], recipes, day, specs, &calibrations));
        let models: Vec<Vec<Model>> = models.collect::<Result<_, TrainingError>>()?;
        if !models.is_empty() {
            each(models)?;
        }
    }
    Ok(())
}

/// The models of one recipe on a few origins, in their order, all at once: [`train_in_turn`].
///
/// # Errors
/// If an origin is outside the data, or a fit fails.
pub fn train_on_origins(
    replay: &Replay<'_>,
    recipe: Recipe,
    origins: &[Date],
    horizon: usize,
    settings: &TrainingSettings,
) -> Result<Vec<Model>, TrainingError> {
    let mut models: BTreeMap<Date, Model> = BTreeMap::new();
    train_in_turn(replay, &[recipe], origins, horizon, settings, |trained| {
        models.extend(trained.into_iter().flatten().map(|model| (model.trained_as_of(), model)));
        Ok::<(), TrainingError>(())
    })?;
    Ok(origins.iter().filter_map(|origin| models.get(origin).cloned()).collect())
}

/// The days of some origins, in order and each once.
pub(crate) fn days_of(replay: &Replay<'_>, origins: &[Date]) -> Result<Vec<usize>, TrainingError> {
    let day_of = |&origin: &Date| Ok(replay.published().earlier(origin)?.days() - 1);
    let days = origins.iter().map(day_of).collect::<Result<BTreeSet<usize>, TrainingError>>()?;
    Ok(days.into_iter().collect())
}

/// A learner for every model that is chosen on any day, which is asked for those days.
fn learners(chosen: &BTreeMap<usize, Vec<Spec>>, horizon: usize, settings: &TrainingSettings) -> Vec<(Spec, Learner)> {
    let mut asked: Vec<(Spec, BTreeSet<usize>)> = Vec::new();
    for (&day, &spec) in chosen.iter().flat_map(|(day, specs)| specs.iter().map(move |spec| (day, spec))) {
        match asked.iter_mut().find(|(known, _)| *known == spec) {
            Some((_, days)) => drop(days.insert(day)),
            None => asked.push((spec, BTreeSet::from([day]))),
        }
    }
    asked.into_iter().map(|(spec, days)| (spec, Learner::new(spec, days, horizon, settings))).collect()
}

/// The models of a day.
fn models(
    [replay, teachers]: [&Replay<'_>; 2],
    recipes: &[Recipe],
    day: usize,
    specs: &[Spec],
    calibrations: &[(Spec, HashMap<usize, Calibration>)],
) -> Result<Vec<Model>, TrainingError> {
    let prepared = replay.prepared(day)?;
    let model = |(&recipe, spec): (&Recipe, &Spec)| {
        let known = calibrations.iter().find(|(known, _)| known == spec);
        let calibration = known.and_then(|(_, known)| known.get(&day)).cloned();
        let calibration = calibration.ok_or_else(|| TrainingError::UnknownModel(spec.to_string()))?;
        let fitted = match spec.learns_for_all() {
            true => teachers.fit(spec, &teachers.prepared(day)?.view())?,
            false => replay.fit(spec, &prepared.view())?,
        };
        Ok(Model::new(recipe, *spec, fitted, prepared.last_date(), calibration))
    };
    recipes.iter().zip(specs).map(model).collect()
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
    if let [only] = grid[..] {
        return Ok(only);
    }
    let (origins, horizon) = tuned_on(replay, day, settings);
    replay.learn_losses(&grid, &origins, horizon)?;
    let mut best = (f64::INFINITY, grid[0]);
    for &spec in &grid {
        let at = |&origin: &usize| replay.loss(&spec, origin, horizon);
        let mean = mean(&origins.iter().map(at).collect::<Result<Vec<f64>, TrainingError>>()?);
        if mean < best.0 {
            best = (mean, spec);
        }
    }
    Ok(best.1)
}

/// Finds what tuning recipes on each of some days will ask for: neighbouring days are tuned on the same origins.
pub(crate) fn learn_tuning_losses(
    replay: &Replay<'_>,
    recipes: &[Recipe],
    days: &[usize],
    settings: &TrainingSettings,
) -> Result<(), TrainingError> {
    let grids: Vec<Spec> = recipes.iter().map(|recipe| recipe.grid()).filter(|grid| grid.len() > 1).flatten().collect();
    if grids.is_empty() {
        return Ok(());
    }
    let origins: Vec<usize> = days.iter().flat_map(|&day| tuned_on(replay, day, settings).0).collect();
    replay.learn_losses(&grids, &origins, tuned_on(replay, 0, settings).1)
}

/// The origins on which a recipe is tuned on a day, the newest first, and how many days ahead.
fn tuned_on(replay: &Replay<'_>, day: usize, settings: &TrainingSettings) -> (Vec<usize>, usize) {
    let horizon = settings.horizon.min(replay.horizon());
    (origins_before(day, horizon, settings.every, settings.tuning_origins), horizon)
}

#[cfg(test)]
mod tests {
    use covid_core::Location;
    use covid_data::Simulation;

    use super::*;

    /// What holds for all is learned from the teachers alone: a model of all places is the one that they alone would give.
    #[test]
    fn what_holds_for_all_is_learned_from_the_teachers() {
        let panel = Simulation::new(9, 100, 3).unwrap().panel();
        let some = every_few(&panel.view(), 3).unwrap().unwrap();
        let prepare = |view: &PanelView<'_>| view.to_panel();
        let full = Replay::new(panel.view(), &prepare, 14);
        let teachers = full.of_places(&some);
        let settings = TrainingSettings { horizon: 7, every: 7, tuning_origins: 2, calibration_half_life: 20 };
        let trained = |replay: &Replay<'_>, teachers: &Replay<'_>| {
            let mut models = Vec::new();
            let recipes = ["ensemble", "residual-ridge"].map(|name| name.parse().unwrap());
            let mut each = |trained: Vec<Vec<Model>>| {
                models.extend(trained.into_iter().flatten());
                Ok::<(), TrainingError>(())
            };
            train_with(replay, teachers, &recipes, &[panel.last_date()], 14, &settings, &mut each).unwrap();
            models
        };
        assert_eq!(trained(&full, &teachers), trained(&teachers, &teachers));
        assert_ne!(trained(&full, &teachers), trained(&full, &full));
    }

    #[test]
    fn of_very_many_places_some_teach_evenly_over_their_order() {
        let names = |panel: &Panel| panel.locations().iter().map(|place| place.name().to_owned()).collect::<Vec<_>>();
        let places = (0..25).map(|place| Location::country(&format!("P{place:02}"))).collect();
        let values = (0..25 * 2 * 3).map(f64::from).collect();
        let panel = Panel::new(places, Date::constant(2020, 1, 22), 3, values).unwrap();
        assert_eq!(every_few(&panel.view(), 25).unwrap().map(|some| some.digest()), None);
        let some = every_few(&panel.view(), 10).unwrap().unwrap();
        assert_eq!(names(&some), ["P00", "P03", "P06", "P09", "P12", "P15", "P18", "P21", "P24"]);
        assert_eq!(some.counts(1, Target::Fatalities), panel.counts(3, Target::Fatalities));
        let earlier = panel.as_of(Date::constant(2020, 1, 23)).unwrap();
        assert_eq!(every_few(&earlier, 10).unwrap().unwrap().last_date(), Date::constant(2020, 1, 23));
    }
}
