//! Fit and predict of every model on a panel of the real data's size (289 x 1143, simulated).
#![allow(missing_docs, clippy::unwrap_used)]

use covid_data::Simulation;
use covid_training::{FittedForecaster, Forecaster, Spec};
use criterion::{Criterion, criterion_group, criterion_main};

fn fit_and_predict(c: &mut Criterion) {
    let panel = Simulation::new(289, 1143, 1).unwrap().panel();
    let view = panel.view();
    for name in ["persistence", "polynomial-1", "polynomial-2", "polynomial-3", "damped-growth-7-0.9"] {
        let spec: Spec = name.parse().unwrap();
        let fitted = spec.fit(&view).unwrap();
        c.bench_function(&format!("fit/{name}"), |b| b.iter(|| spec.fit(&view).unwrap()));
        c.bench_function(&format!("predict-7-days/{name}"), |b| b.iter(|| fitted.predict(&view, 7)));
    }
}

criterion_group!(benches, fit_and_predict);
criterion_main!(benches);
