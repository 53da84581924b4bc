//! Rolled scores are those of a backtest.

use std::collections::BTreeMap;

use covid_core::{Date, Panel};
use covid_training::{OriginScore, Prepare, Recipe, Replay, TrainingSettings, backtest, roll};
use proptest::prelude::*;

use crate::{SETTINGS, epidemics, monotone};

/// What was chosen and scored, to the bit: shortest decimals are exact.
fn text(score: &OriginScore) -> String {
    let OriginScore { origin, spec, horizon, errors } = score;
    let errors = errors.as_ref().map(|errors| (&errors.by_day, &errors.by_size));
    format!("{origin} {spec} {horizon} {errors:?}")
}

fn rolled(
    panel: &Panel,
    recipes: &[Recipe],
    origins: &[Date],
    horizon: usize,
    settings: &TrainingSettings,
) -> Vec<Vec<String>> {
    let replay = Replay::new(panel.view(), &monotone, 28);
    let mut scores: Vec<BTreeMap<Date, String>> = vec![BTreeMap::new(); recipes.len()];
    let each = |recipe: usize, score: OriginScore| {
        assert_eq!(scores[recipe].insert(score.origin, text(&score)), None, "{} twice", score.origin);
    };
    roll(&replay, recipes, origins, horizon, settings, each).unwrap();
    scores.into_iter().map(|scores| scores.into_values().collect()).collect()
}

fn tested(panel: &Panel, recipe: Recipe, origins: &[Date], horizon: usize, settings: &TrainingSettings) -> Vec<String> {
    let replay = Replay::new(panel.view(), &monotone, 28);
    let tested = backtest(&replay, recipe, origins, horizon, settings).unwrap();
    tested.origins.iter().map(text).collect()
}

#[test]
fn daily_origins_score_as_in_a_backtest() {
    let panel = epidemics(7, 130, 3);
    // From before the first forecast that can be tuned or calibrated to the last whose horizon is half known.
    let origins: Vec<Date> = (24..127).map(|day| panel.date(day)).collect();
    let rolled = rolled(&panel, &Recipe::CANDIDATES, &origins, 7, &SETTINGS);
    for (recipe, rolled) in Recipe::CANDIDATES.into_iter().zip(rolled) {
        assert_eq!(rolled, tested(&panel, recipe, &origins, 7, &SETTINGS), "{recipe}");
    }
}

#[test]
fn the_tuned_recipes_choose_more_than_one_model() {
    // Otherwise the test above would say nothing about tuning.
    let panel = epidemics(7, 130, 3);
    let origins: Vec<Date> = (60..120).map(|day| panel.date(day)).collect();
    let recipes = [Recipe::DampedGrowth, Recipe::Polynomial];
    for chosen in rolled(&panel, &recipes, &origins, 7, &SETTINGS) {
        let specs: std::collections::BTreeSet<&str> = chosen.iter().filter_map(|text| text.split(' ').nth(1)).collect();
        assert!(specs.len() > 1, "{specs:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_origins_score_as_in_a_backtest(
        seed in any::<u64>(),
        days in prop::collection::vec(24usize..79, 1..8),
        horizon in prop::sample::select(vec![1, 7, 10, 28]),
        every in 1usize..9,
        tuning_origins in 1usize..6,
    ) {
        let panel = epidemics(5, 80, seed);
        let settings = TrainingSettings { every, tuning_origins, ..SETTINGS };
        let mut origins: Vec<Date> = days.iter().map(|&day| panel.date(day)).collect();
        let rolled = rolled(&panel, &Recipe::CANDIDATES, &origins, horizon, &settings);
        origins.sort();
        origins.dedup();
        for (recipe, rolled) in Recipe::CANDIDATES.into_iter().zip(rolled) {
            prop_assert_eq!(rolled, tested(&panel, recipe, &origins, horizon, &settings), "{}", recipe);
        }
    }
}

#[test]
fn what_cannot_be_rolled_is_an_error() {
    let panel = epidemics(3, 60, 1);
    let prepare: &Prepare<'_> = &monotone;
    let replay = Replay::new(panel.view(), prepare, 28);
    let roll = |origin, horizon| roll(&replay, &Recipe::CANDIDATES, &[origin], horizon, &SETTINGS, |_, _| ());
    let outside = roll(Date::constant(2031, 1, 1), 7).unwrap_err().to_string();
    assert_eq!(outside, "the as-of date 2031-01-01 is outside the data, which run from 2020-01-22 to 2020-03-21");
    assert_eq!(roll(panel.date(50), 61).unwrap_err().to_string(), "horizon must be from 1 to 60 days, not 61");
    assert!(rolls_nothing(&replay));
}

/// No recipe and no origin make no score.
fn rolls_nothing(replay: &Replay<'_>) -> bool {
    let none = |recipes: &[Recipe], origins: &[Date]| {
        roll(replay, recipes, origins, 7, &SETTINGS, |_, score| panic!("{score:?}")).is_ok()
    };
    none(&[], &[Date::constant(2020, 3, 1)]) && none(&Recipe::CANDIDATES, &[])
}
