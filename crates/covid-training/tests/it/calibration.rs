//! Intervals follow the size of a place, whatever its model forecasts, and those of sums follow their parts.

use covid_core::{Panel, Predicted, Target};
use covid_training::{Model, Recipe, Replay};

use crate::{SETTINGS, as_published, epidemics};

const PLACES: usize = 40;
const TODAY: usize = 160;

fn trained(panel: &Panel, recipe: Recipe, horizon: usize) -> Model {
    let view = panel.as_of(panel.date(TODAY)).unwrap();
    Model::train(&Replay::new(view, &as_published, horizon), recipe, &SETTINGS).unwrap()
}

#[test]
fn a_forecast_of_nothing_has_intervals_of_the_place_s_size() {
    let panel = epidemics(PLACES, TODAY + 15, 11);
    let view = panel.as_of(panel.date(TODAY)).unwrap();
    let forecast = trained(&panel, Recipe::Persistence, 14).forecast(&view, 14).unwrap();
    for ahead in [7, 14] {
        let within = (0..PLACES).filter(|&place| {
            let last = view.last_count(place, Target::ConfirmedCases);
            let predicted = forecast.get(place, Target::ConfirmedCases, ahead);
            let seen = panel.view().count_at(place, Target::ConfirmedCases, TODAY + ahead);
            let [low, .., high] = predicted.quantiles;
            assert_eq!(predicted.point, last);
            assert!(low > last, "places that never stopped go on: {last} {predicted:?}");
            (low..=high).contains(&seen)
        });
        let within = within.count();
        assert!(within >= 36, "{ahead} days ahead: {within} of {PLACES} within the 95 % interval");
    }
}

#[test]
fn sums_have_honest_quantiles_in_order() {
    let panel = epidemics(PLACES, TODAY + 15, 11);
    let (view, model) = (panel.as_of(panel.date(TODAY)).unwrap(), trained(&panel, Recipe::FULL, 14));
    let replay = Replay::new(view, &as_published, 14);
    let all: Vec<usize> = (0..PLACES).collect();
    for places in [&all[..], &all[..3]] {
        for (target, path) in Target::ALL.into_iter().zip(model.forecast_sum(&replay, places, 14).unwrap()) {
            let sum = |day: usize| places.iter().map(|&place| panel.view().count_at(place, target, day)).sum::<f64>();
            assert_eq!(path.len(), 14);
            for (i, predicted) in path.iter().enumerate() {
                assert!(predicted.quantiles.is_sorted() && predicted.quantiles[0] >= sum(TODAY), "{predicted:?}");
                let within = predicted.quantiles[0]..=predicted.quantiles[6];
                assert!(within.contains(&predicted.point) && within.contains(&sum(TODAY + 1 + i)), "{i} {predicted:?}");
            }
            let falls = |pair: &[Predicted]| pair[0].quantiles.iter().zip(pair[1].quantiles).any(|(a, b)| *a > b);
            assert!(!path.windows(2).any(falls));
        }
    }
}

#[test]
fn a_sum_is_surer_than_its_parts() {
    let panel = epidemics(PLACES, TODAY + 15, 11);
    let (view, model) = (panel.as_of(panel.date(TODAY)).unwrap(), trained(&panel, Recipe::FULL, 7));
    let replay = Replay::new(view, &as_published, 7);
    let width = |places: &[usize]| {
        let week = model.forecast_sum(&replay, places, 7).unwrap()[0][6].quantiles;
        let last: f64 = places.iter().map(|&place| view.last_count(place, Target::ConfirmedCases)).sum();
        (week[6] - week[0]) / (week[3] - last)
    };
    let all: Vec<usize> = (0..PLACES).collect();
    let mean_part = all.iter().map(|&place| width(&[place])).sum::<f64>() / PLACES as f64;
    assert!(width(&all) < 0.7 * mean_part, "{} {mean_part}", width(&all));
}
