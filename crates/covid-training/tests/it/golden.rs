//! Model files: exact to the bit, and every format version still loads.

use std::{fs, path::PathBuf};

use covid_core::Explain;
use covid_training::{Model, Recipe, Replay};

use crate::{SETTINGS, as_published, epidemics};

fn trained(recipe: Recipe) -> Model {
    let panel = epidemics(6, 70, 5);
    Model::train(&Replay::new(panel.view(), &as_published, 3), recipe, &SETTINGS).unwrap()
}

fn golden(recipe: Recipe) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/model-v1-{recipe}.json"))
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

/// Written once by `COVID_TEST_BLESS=1 cargo test -p covid-training golden`; a change of these files is a change of format.
#[test]
fn golden_files_of_every_version_still_load() {
    for recipe in Recipe::CANDIDATES {
        if std::env::var_os("COVID_TEST_BLESS").is_some() {
            fs::write(golden(recipe), trained(recipe).to_json().unwrap()).unwrap();
        }
        let bytes = fs::read(golden(recipe)).unwrap();
        let model = Model::from_json(&bytes).unwrap();
        assert_eq!(model.recipe(), recipe);
        assert_eq!(model.to_json().unwrap(), bytes, "{recipe}: what was read is written again the same");
    }
}

#[test]
fn damaged_files_are_refused_with_a_reason() {
    let text = String::from_utf8(trained(Recipe::Polynomial).to_json().unwrap()).unwrap();
    let damage = [
        text.replace("\"format_version\": 1", "\"format_version\": 2"),
        text.replace("\"degree\": ", "\"degree\": 1"),
        text.replace("\"window\": 21", "\"window\": 0"),
        text.replace("\"recipe\": \"polynomial\"", "\"recipe\": \"oracle\""),
        text.replace("\"trained_as_of\"", "\"trained\""),
        text[..text.len() / 2].to_owned(),
        String::new(),
    ];
    let reasons: Vec<String> = damage
        .iter()
        .map(|text| {
            let error = Model::from_json(text.as_bytes()).unwrap_err();
            assert!(error.hint().is_some());
            error.to_string()
        })
        .collect();
    assert_eq!(reasons[0], "the model file has format version 2, this program reads up to 1");
    assert!(reasons[1].contains("polynomial degree must be 1, 2 or 3, not 1"), "{}", reasons[1]);
    assert!(reasons[2].contains("polynomial window must be from 1 to 365 days, not 0"), "{}", reasons[2]);
    assert!(reasons[3].contains("there is no model `oracle`"), "{}", reasons[3]);
}
