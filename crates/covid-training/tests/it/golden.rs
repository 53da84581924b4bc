//! Model files: exact to the bit, and every format version still loads.

use std::{fs, path::PathBuf};

use covid_core::Explain;
use covid_training::{FORMAT_VERSION, Model, Recipe, Replay};

use crate::{SETTINGS, as_published, epidemics};

fn trained(recipe: Recipe) -> Model {
    let panel = epidemics(6, 70, 5);
    Model::train(&Replay::new(panel.view(), &as_published, 3), recipe, &SETTINGS).unwrap()
}

fn golden(version: u64, recipe: Recipe) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/model-v{version}-{recipe}.json"))
}

/// The recipes of which there is a file of a format version. Of version 2 they are those that learn coefficients, one day
/// ahead, for a calibration is large; version 3 adds what the other weekdays teach to those that learn by the weekday.
fn kept(version: u64) -> Vec<Recipe> {
    let names: &[&str] = match version {
        1 => &["persistence", "polynomial", "damped-growth"],
        2 => &["polynomial", "residual-ridge", "ensemble"],
        _ => &["residual-ridge", "ensemble"],
    };
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn a_round_trip_is_exact_to_the_bit() {
    for recipe in Recipe::CANDIDATES {
        let model = trained(recipe);
        let read = Model::from_json(&model.to_json().unwrap()).unwrap();
        assert_eq!(read, model);
        let view = epidemics(6, 70, 5);
        assert_eq!(read.forecast(&view.view(), 3).unwrap(), model.forecast(&view.view(), 3).unwrap());
    }
}

/// Those of the newest version were written once by `COVID_TEST_BLESS=1 cargo test -p covid-training golden`; a change of
/// these files is a change of format.
#[test]
fn golden_files_of_every_version_still_load() {
    let panel = epidemics(6, 70, 5);
    if std::env::var_os("COVID_TEST_BLESS").is_some() {
        for recipe in kept(FORMAT_VERSION) {
            let model = Model::train(&Replay::new(panel.view(), &as_published, 1), recipe, &SETTINGS).unwrap();
            fs::write(golden(FORMAT_VERSION, recipe), model.to_json().unwrap()).unwrap();
        }
    }
    for (version, recipe) in
        (1..=FORMAT_VERSION).flat_map(|version| kept(version).into_iter().map(move |recipe| (version, recipe)))
    {
        let bytes = fs::read(golden(version, recipe)).unwrap();
        let model = Model::from_json(&bytes).unwrap();
        assert_eq!(model.recipe(), recipe);
        assert!(model.forecast(&panel.view(), 1).unwrap().exploded().is_none());
        assert_eq!(model.to_json().unwrap(), bytes, "{recipe}: what was read is written again the same");
    }
}

#[test]
fn damaged_files_are_refused_with_a_reason() {
    let text = fs::read_to_string(golden(1, Recipe::Polynomial)).unwrap();
    let damage = [
        text.replace("\"format_version\": 1", "\"format_version\": 4"),
        text.replace("\"format_version\": 1", "\"format_version\": 2"),
        text.replace("\"degree\": ", "\"degree\": 1"),
        text.replace("\"window\": 21", "\"window\": 0"),
        text.replace("\"recipe\": \"polynomial\"", "\"recipe\": \"oracle\""),
        text.replace("\"trained_as_of\"", "\"trained\""),
        text.replace("\"trained_as_of\"", "\"trained\\nas_of\""),
        text[..text.len() / 2].to_owned(),
        String::new(),
    ];
    let reasons: Vec<String> = damage
        .iter()
        .map(|text| {
            let error = Model::from_json(text.as_bytes()).unwrap_err();
            assert!(error.hint().is_some() && !error.to_string().contains('\n'), "{error}");
            error.to_string()
        })
        .collect();
    assert_eq!(reasons[0], "the model file has format version 4, this program reads up to 3");
    assert!(reasons[1].contains("has not the intervals, or not the weekdays, of its format version"), "{}", reasons[1]);
    assert!(reasons[2].contains("polynomial degree must be 1, 2 or 3, not 1"), "{}", reasons[2]);
    assert!(reasons[3].contains("polynomial window must be from 1 to 365 days, not 0"), "{}", reasons[3]);
    assert!(reasons[4].contains("there is no model `oracle`"), "{}", reasons[4]);
}
