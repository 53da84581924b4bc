//! A model that is used on later days than that of its training knows what every weekday taught.

use covid_core::Target;
use covid_training::{Model, Recipe, Replay};

use crate::{SETTINGS, as_published, epidemics};

#[test]
fn a_later_day_is_forecast_by_what_its_own_weekday_taught() {
    let panel = epidemics(6, 120, 5);
    let recipe: Recipe = "residual-ridge".parse().unwrap();
    let trained_on = |day: usize| {
        let view = panel.as_of(panel.date(day)).unwrap();
        Model::train(&Replay::new(view, &as_published, 7), recipe, &SETTINGS).unwrap()
    };
    let points = |model: &Model, day: usize| -> Vec<f64> {
        let view = panel.as_of(panel.date(day)).unwrap();
        let forecast = model.forecast(&view, 7).unwrap();
        (0..6).map(|place| forecast.get(place, Target::ConfirmedCases, 7).point).collect()
    };
    let model = trained_on(105);
    for later in 0..=14 {
        let same_weekday = trained_on(if later % 7 == 0 { 105 } else { 98 + later % 7 });
        assert_eq!(points(&model, 105 + later), points(&same_weekday, 105 + later), "{later} days later");
    }
    let mut file: serde_json::Value = serde_json::from_slice(&model.to_json().unwrap()).unwrap();
    file.as_object_mut().unwrap().remove("weekdays");
    file["format_version"] = 2.into();
    let of_one_weekday = Model::from_json(file.to_string().as_bytes()).unwrap();
    assert_eq!(points(&of_one_weekday, 105), points(&model, 105));
    assert_ne!(points(&of_one_weekday, 106), points(&model, 106), "another weekday teaches something else");
}
