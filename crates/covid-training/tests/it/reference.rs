//! Figures computed outside the project (numpy, scikit-learn), on real data: 289 locations, no repair, 7 days ahead.

use covid_core::{Date, Panel};
use covid_training::{Recipe, Replay, backtest, rolling_origins};

use crate::{SETTINGS, as_published};

const MODELS: [&str; 5] = ["persistence", "polynomial-1", "polynomial-2", "polynomial-3", "damped-growth-7-0.9"];

/// Relative to the reference.
const TOLERANCE: f64 = 0.01;

fn real_panel() -> Option<Panel> {
    let folder = covid_testing::real_data()?.join("jhu");
    Some(covid_data::load(folder.to_str().unwrap(), &covid_data::LoadOptions::default()).unwrap().panel)
}

fn mean_rmsle(panel: &Panel, model: &str, origins: &[Date]) -> f64 {
    let replay = Replay::new(panel.view(), &as_published, 7);
    let recipe: Recipe = model.parse().unwrap();
    backtest(&replay, recipe, origins, 7, &SETTINGS).unwrap().mean_loss()
}

fn assert_close(found: f64, wanted: f64, what: &str) {
    assert!((found / wanted - 1.0).abs() < TOLERANCE, "{what}: {found:.5}, not {wanted:.5}");
}

#[test]
fn single_days() {
    let Some(panel) = real_panel() else { return };
    let days = [
        (Date::constant(2020, 4, 1), [0.40876, 0.35478, 0.36585, 0.37362, 0.32375]),
        (Date::constant(2021, 1, 10), [0.06998, 0.06065, 0.06073, 0.06088, 0.05044]),
        (Date::constant(2022, 8, 2), [0.04441, 0.04364, 0.04367, 0.04402, 0.04837]),
    ];
    for (day, figures) in days {
        for (model, wanted) in MODELS.into_iter().zip(figures) {
            assert_close(mean_rmsle(&panel, model, &[day]), wanted, &format!("{model} on {day}"));
        }
    }
}

#[test]
fn thirty_nine_origins() {
    let Some(panel) = real_panel() else { return };
    let origins = rolling_origins(&panel.view(), Date::constant(2020, 4, 1), 28, 7).unwrap();
    assert_eq!(origins.len(), 39);
    for (model, wanted) in MODELS.into_iter().zip([0.0768, 0.0712, 0.0724, 0.0718, 0.0612]) {
        assert_close(mean_rmsle(&panel, model, &origins), wanted, model);
    }
    assert_close(mean_rmsle(&panel, "polynomial-2-clip-16", &origins), 0.1219, "polynomial-2-clip-16");
}
