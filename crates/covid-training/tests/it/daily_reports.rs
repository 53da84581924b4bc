//! The capstone's own experiment, with figures computed outside the project (pandas, scikit-learn): JHU's daily reports of
//! 2022-07-12 to 2022-08-09, the 617 places with a province, no repair; trained on the 21 pairs of days up to 2022-08-02, 7
//! days ahead. On every day its production model (degree 2, clip 16) lost to predicting no change.

use covid_core::{Date, Panel, Target, log_count};
use covid_training::{FittedForecaster, Forecaster, Spec};

/// Relative to the reference.
const TOLERANCE: f64 = 0.01;

const FIRST: Date = Date::constant(2022, 7, 12);
const ORIGIN: Date = Date::constant(2022, 8, 2);
const LAST: Date = Date::constant(2022, 8, 9);

/// By day ahead, and over all days: the mean of both targets' root mean squared error of ln(1 + count).
const FIGURES: [(&str, [f64; 7], f64); 8] = [
    ("persistence", [0.01613, 0.0286, 0.0429, 0.05432, 0.06383, 0.07428, 0.05803], 0.0519),
    ("polynomial-1", [0.01766, 0.03239, 0.04863, 0.06175, 0.07344, 0.08586, 0.07652], 0.06121),
    ("polynomial-2", [0.0206, 0.03869, 0.05787, 0.07395, 0.08869, 0.10377, 0.09858], 0.07486),
    ("polynomial-3", [0.02176, 0.04065, 0.06025, 0.07656, 0.09122, 0.10607, 0.10071], 0.07693),
    ("polynomial-2-clip-16", [0.02789, 0.04338, 0.06124, 0.07657, 0.09088, 0.10566, 0.10044], 0.07738),
    ("damped-growth-7-0.9", [0.01493, 0.02622, 0.03951, 0.05, 0.05847, 0.06816, 0.05433], 0.04781),
    ("polynomial-1-clip-16", [0.02594, 0.03825, 0.05298, 0.06522, 0.07641, 0.08846, 0.07929], 0.06463),
    ("polynomial-3-clip-16", [0.02873, 0.0451, 0.06346, 0.07907, 0.09334, 0.10791, 0.10254], 0.07939),
];

/// The places with a province and every count from the first to the last day, of the whole folder from 2020 on.
fn panel() -> Option<Panel> {
    let folder = covid_testing::real_data()?.join("daily_reports");
    let panel = covid_data::load(folder.to_str().unwrap(), &covid_data::LoadOptions::default()).unwrap().panel;
    let days = panel.day(FIRST).unwrap()..=panel.day(LAST).unwrap();
    let has = |index: usize, target| panel.counts(index, target)[days.clone()].iter().all(|count| !count.is_nan());
    let wanted = |&index: &usize| {
        panel.locations()[index].province_state().is_some() && Target::ALL.into_iter().all(|target| has(index, target))
    };
    let positions: Vec<usize> = (0..panel.locations().len()).filter(wanted).collect();
    Some(panel.subset(&positions).unwrap())
}

/// The score of each day ahead, and that of all.
fn scores(panel: &Panel, model: &str) -> ([f64; 7], f64) {
    let view = panel.as_of(ORIGIN).unwrap();
    let paths = model.parse::<Spec>().unwrap().fit(&view).unwrap().predict(&view, 7);
    let today = panel.day(ORIGIN).unwrap();
    let squares = |target: Target, ahead: usize| -> f64 {
        let square = |index: usize| {
            let forecast = paths.path(index, target)[ahead - 1].max(0.0);
            (forecast - log_count(panel.counts(index, target)[today + ahead])).powi(2)
        };
        (0..panel.locations().len()).map(square).sum()
    };
    let places = panel.locations().len() as f64;
    let mean = |of: &dyn Fn(Target) -> f64| Target::ALL.into_iter().map(of).sum::<f64>() / 2.0;
    let of_day = |ahead: usize| mean(&|target| (squares(target, ahead) / places).sqrt());
    let of_all = mean(&|target| ((1..=7).map(|ahead| squares(target, ahead)).sum::<f64>() / (7.0 * places)).sqrt());
    ([1, 2, 3, 4, 5, 6, 7].map(of_day), of_all)
}

#[test]
fn every_figure_of_the_reference() {
    let Some(panel) = panel() else { return };
    assert_eq!(panel.locations().len(), 617);
    for (model, by_day, over_all) in FIGURES {
        let (found_by_day, found_over_all) = scores(&panel, model);
        let found = found_by_day.into_iter().chain([found_over_all]);
        for (day, (found, wanted)) in found.zip(by_day.into_iter().chain([over_all])).enumerate() {
            assert!((found / wanted - 1.0).abs() < TOLERANCE, "{model}, day {day}: {found:.5}, not {wanted:.5}");
        }
        println!("{model:<21} {}  {found_over_all:.4}", found_by_day.map(|score| format!("{score:.4}")).join(" "));
    }
}

#[test]
fn the_production_model_of_the_capstone_lost_to_no_change() {
    let Some(panel) = panel() else { return };
    let ([by_day, of_no_change], [over_all, of_no_change_over_all]) = {
        let (capstone, persistence) = (scores(&panel, "polynomial-2-clip-16"), scores(&panel, "persistence"));
        ([capstone.0, persistence.0], [capstone.1, persistence.1])
    };
    assert!(by_day.iter().zip(of_no_change).all(|(capstone, persistence)| *capstone > persistence));
    assert!(over_all > 1.4 * of_no_change_over_all);
}
