//! The model file: one that is read forecasts, or says why not, and is the same when it is written and read again.

#![no_main]

use std::sync::LazyLock;

use covid_core::{Date, Location, MAX_COUNT, Panel, Target};
use covid_fuzz::explained;
use covid_training::Model;
use libfuzzer_sys::fuzz_target;

/// A table of errors is a thousand numbers, and a row of coefficients up to 26, in a place where libFuzzer would change
/// nothing else for long: an input writes `$T`, `$26`, `$23` and `$9` for them.
static LONG: LazyLock<[(&str, String); 4]> = LazyLock::new(|| {
    let row = |width: usize| format!("[{}]", vec!["0.01"; width].join(","));
    let errors: Vec<String> = (-16..17).map(|level| (f64::from(level) / 8.0).to_string()).collect();
    let node = format!(r#"{{"zero":0.1,"errors":[{}]}}"#, errors.join(","));
    [("$T", format!("[{}]", vec![node; 23].join(","))), ("$26", row(26)), ("$23", row(23)), ("$9", row(9))]
});

/// More than any model file has.
const MOST_LONG: usize = 100;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    if text.matches('$').count() > MOST_LONG {
        return;
    }
    let text = LONG.iter().fold(text.to_owned(), |text, (short, long)| text.replace(short, long));
    let Some(model) = explained(Model::from_json(text.as_bytes())) else { return };
    let written = model.to_json().expect("numbers that were read can be written");
    assert_eq!(Model::from_json(&written).expect("what was written"), model);
    for panel in [panel(80), panel(2)] {
        for horizon in [1, model.max_horizon()] {
            forecast(&model, &panel, horizon);
        }
    }
});

/// What is forecast is finite, and its quantiles do not fall.
fn forecast(model: &Model, panel: &Panel, horizon: usize) {
    let Some(forecast) = explained(model.forecast(&panel.view(), horizon)) else { return };
    for place in 0..panel.locations().len() {
        for target in Target::ALL {
            for day in forecast.path(place, target) {
                assert!((0.0..=MAX_COUNT).contains(&day.point), "{day:?}");
                assert!(
                    day.quantiles.is_sorted() && day.quantiles.iter().all(|count| (0.0..=MAX_COUNT).contains(count))
                );
            }
        }
    }
}

/// Three places: one that grows, one with gaps, one without a count.
fn panel(days: usize) -> Panel {
    let growing = (0..days).map(|day| (day * day) as f64);
    let gaps = (0..days).map(|day| if day % 3 == 0 { f64::NAN } else { 5.0 });
    let nothing = (0..days).map(|_| f64::NAN);
    let counts = growing.clone().chain(growing).chain(gaps.clone()).chain(gaps).chain(nothing.clone()).chain(nothing);
    let places = ["Growth", "Gaps", "Nothing"].map(Location::country).to_vec();
    Panel::new(places, Date::constant(2020, 1, 22), days, counts.collect()).expect("a panel")
}
