//! Fit and predict of every candidate on a panel of the real data's size (289 x 1143, simulated), and the training and the
//! forecast of the full candidate with its intervals.
#![allow(missing_docs, clippy::unwrap_used)]

use covid_core::PanelView;
use covid_data::Simulation;
use covid_training::{FittedForecaster, Forecaster, Model, Recipe, Replay, TrainingSettings};
use criterion::{Criterion, criterion_group, criterion_main};

const SETTINGS: TrainingSettings =
    TrainingSettings { horizon: 7, every: 7, tuning_origins: 8, calibration_half_life: 20 };

fn fit_and_predict(c: &mut Criterion) {
    let panel = Simulation::new(289, 1143, 1).unwrap().panel();
    let view = panel.view();
    for recipe in Recipe::CANDIDATES {
        let spec = recipe.grid()[0];
        let fitted = spec.fit(&view).unwrap();
        c.bench_function(&format!("fit/{spec}"), |b| b.iter(|| spec.fit(&view).unwrap()));
        c.bench_function(&format!("predict-28-days/{spec}"), |b| b.iter(|| fitted.predict(&view, 28)));
    }
}

fn with_intervals(c: &mut Criterion) {
    let panel = Simulation::new(289, 1143, 1).unwrap().panel();
    let view = panel.view();
    let ensemble: Recipe = "ensemble".parse().unwrap();
    let prepare = |view: &PanelView<'_>| view.to_panel();
    let train = || Model::train(&Replay::new(view, &prepare, 28), ensemble, &SETTINGS).unwrap();
    let model = train();
    let mut group = c.benchmark_group("with-intervals");
    group.sample_size(10);
    group.bench_function("train/ensemble", |b| b.iter(train));
    group.bench_function("forecast-28-days/ensemble", |b| b.iter(|| model.forecast(&view, 28).unwrap()));
}

criterion_group!(benches, fit_and_predict, with_intervals);
criterion_main!(benches);
