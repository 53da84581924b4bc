//! Intervals follow the size of a place, whatever its model forecasts.

use covid_core::{Panel, Target};
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
