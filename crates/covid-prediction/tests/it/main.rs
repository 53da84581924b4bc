//! Prediction runs as a reader of the store sees them: whole or not at all, and the same bytes for the same question.
#![allow(clippy::unwrap_used)]

mod crash;
mod digest;
mod golden;
mod refit;
mod shards;
mod sweep;

use std::sync::Arc;

use covid_core::{Date, Panel, PanelView, Timestamp};
use covid_data::{Repair, Simulation, SourceKind, repair};
use covid_prediction::{Branch, Champion, Outcome, PredictionError, Request, predict};
use covid_storage::ObjectStore;
use covid_training::{Model, Recipe, Replay, TrainingSettings};

const SETTINGS: TrainingSettings =
    TrainingSettings { horizon: 7, every: 7, tuning_origins: 2, calibration_half_life: 20 };

fn now() -> Timestamp {
    "2030-01-02T03:04:05Z".parse().unwrap()
}

fn panel() -> Panel {
    Simulation::new(6, 120, 7).unwrap().panel()
}

fn day(panel: &Panel, day: usize) -> Date {
    panel.date(day)
}

/// Damped growth, trained on the panel up to a day.
fn champion(panel: &Panel, trained_on: usize) -> Champion {
    let prepare = |view: &PanelView<'_>| repair(view, Repair::Monotone).0;
    let view = panel.as_of(day(panel, trained_on)).unwrap();
    let model = Model::train(&Replay::new(view, &prepare, 14), Recipe::DampedGrowth, &SETTINGS).unwrap();
    Champion { name: "covid-predictor-test".into(), version: 3, run_id: "0".repeat(32), model }
}

fn request(panel: &Panel, as_of: usize) -> Request {
    Request {
        dataset: "test".into(),
        source_kind: SourceKind::Sample,
        fetched_at: now(),
        panel: Arc::new(panel.clone()),
        as_of: day(panel, as_of),
        horizon: 7,
        repair: Repair::Monotone,
        shards: 1,
        branch: Branch::Real,
        shadow: false,
        for_people: true,
    }
}

async fn run(store: &dyn ObjectStore, champion: &Champion, request: &Request) -> Result<Outcome, PredictionError> {
    predict(store, champion, request, &SETTINGS, now()).await
}
