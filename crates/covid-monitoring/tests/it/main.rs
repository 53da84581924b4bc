//! Monitoring on a store in memory: every due row is scored once, against what was published.
#![allow(clippy::unwrap_used)]

mod drift;
mod notify;

use std::{collections::BTreeMap, sync::Arc};

use covid_core::{Panel, PanelView, Target, Timestamp, log_count};
use covid_data::{Repair, Simulation, SourceKind, repair};
use covid_monitoring::{
    Monitored, MonitoringSettings, Request, Tally, Window, Windows, monitor, monitoring_ledger, scores, tallies,
};
use covid_prediction::{Branch, Champion, predict};
use covid_storage::{MemoryStore, list_all};
use covid_training::{Model, Recipe, Replay, TrainingSettings};

const SETTINGS: TrainingSettings =
    TrainingSettings { horizon: 7, every: 7, tuning_origins: 2, calibration_half_life: 20 };

fn settings() -> MonitoringSettings {
    MonitoringSettings { worst: 5, lookback_days: 90, revision: 0.001, level: 0.01, rules: BTreeMap::new() }
}

fn panel() -> Panel {
    Simulation::new(6, 120, 7).unwrap().panel()
}

/// One second after another, so that the later of two runs is the current one.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + second).unwrap()
}

fn champion(panel: &Panel, recipe: Recipe) -> Champion {
    let prepare = |view: &PanelView<'_>| repair(view, Repair::Monotone).0;
    let view = panel.as_of(panel.date(90)).unwrap();
    let model = Model::train(&Replay::new(view, &prepare, 14), recipe, &SETTINGS).unwrap();
    Champion { name: "covid-predictor-test".into(), version: 1, run_id: "0".repeat(32), model }
}

fn request(panel: &Panel, day: usize, horizon: usize, second: i64) -> covid_prediction::Request {
    covid_prediction::Request {
        dataset: "test".into(),
        source_kind: SourceKind::Sample,
        fetched_at: at(second),
        panel: Arc::new(panel.clone()),
        as_of: panel.date(day),
        horizon,
        repair: Repair::Monotone,
        shards: 1,
        branch: Branch::Real,
        shadow: false,
        for_people: true,
    }
}

async fn predict_on(store: &MemoryStore, panel: &Panel, day: usize, horizon: usize, second: i64) {
    let champion = champion(panel, Recipe::DampedGrowth);
    predict(store, &champion, &request(panel, day, horizon, second), &SETTINGS, at(second)).await.unwrap();
}

async fn monitor_on(store: &MemoryStore, panel: &Panel, day: usize, second: i64) -> Option<Monitored> {
    let request = Request {
        dataset: "test",
        source_kind: SourceKind::Sample,
        panel,
        as_of: panel.date(day),
        branch: Branch::Real,
        for_people: true,
    };
    monitor(store, request, &settings(), at(second)).await.unwrap()
}

#[tokio::test]
async fn each_row_is_scored_once_when_its_date_has_come() {
    let (panel, store) = (panel(), MemoryStore::new());
    assert!(monitor_on(&store, &panel, 100, 0).await.is_none(), "nothing is there");
    predict_on(&store, &panel, 100, 7, 1).await;
    assert!(monitor_on(&store, &panel, 100, 2).await.is_none(), "nothing is due");

    let three_days = monitor_on(&store, &panel, 103, 3).await.unwrap();
    assert!(!three_days.already_done);
    assert_eq!(three_days.summary.rows, 6 * 2 * 3);
    assert_eq!(three_days.summary.horizons.iter().map(|at| at.horizon).collect::<Vec<_>>(), [1, 2, 3]);

    let again = monitor_on(&store, &panel, 103, 4).await.unwrap();
    assert!(again.already_done);
    assert_eq!(again.manifest.run, three_days.manifest.run);
    assert_eq!(again.summary, three_days.summary);

    let rest = monitor_on(&store, &panel, 119, 5).await.unwrap();
    assert_eq!(rest.summary.rows, 6 * 2 * 4);
    assert_eq!(rest.summary.horizons.iter().map(|at| at.horizon).collect::<Vec<_>>(), [4, 5, 6, 7]);
    assert_eq!(monitor_on(&store, &panel, 118, 6).await.unwrap().summary.rows, 0, "nothing is left");
    assert_eq!(monitoring_ledger(&store, "test", Branch::Real).all().await.unwrap().len(), 3);
}

#[tokio::test]
async fn only_the_current_run_of_an_as_of_date_is_scored() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    predict_on(&store, &panel, 100, 5, 2).await;
    predict_on(&store, &panel, 103, 7, 3).await;
    let monitored = monitor_on(&store, &panel, 119, 4).await.unwrap();
    assert_eq!(monitored.summary.rows, 6 * 2 * (5 + 7));
    let as_ofs: Vec<_> = monitored.manifest.work.scored.iter().map(|scored| scored.as_of).collect();
    assert_eq!(as_ofs, [panel.date(100), panel.date(103)]);
}

#[tokio::test]
async fn scores_are_those_of_the_published_counts() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    let monitored = monitor_on(&store, &panel, 119, 2).await.unwrap();
    // Persistence is the count of the as-of date, recomputed here from the panel alone.
    let rmsle = Target::ALL.map(|target| {
        let errors = (0..6).flat_map(|place| (101..=107).map(move |day| (place, day)));
        let squared = errors.map(|(place, day)| {
            let counts = panel.counts(place, target);
            (log_count(counts[100]) - log_count(counts[day])).powi(2)
        });
        (squared.sum::<f64>() / 42.0).sqrt()
    });
    let expected = (rmsle[0] + rmsle[1]) / 2.0;
    assert!((monitored.summary.persistence_headline.unwrap() - expected).abs() < 1e-12);
    let model = monitored.summary.headline.unwrap();
    assert!(model > 0.0 && (model - expected).abs() > 1e-6, "the model is not persistence: {model} {expected}");
    assert_eq!(monitored.summary.worst.len(), 6);
    assert!(monitored.summary.worst.is_sorted_by(|a, b| a.headline >= b.headline));
}

#[tokio::test]
async fn missing_counts_and_vanished_places_are_not_scored() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    let mut later = panel.subset(&[0, 1, 2, 3, 4]).unwrap();
    later.counts_mut(0, Target::Fatalities)[105] = f64::NAN;
    let monitored = monitor_on(&store, &later, 119, 2).await.unwrap();
    assert_eq!(monitored.summary.rows, 5 * 2 * 7 - 1);
    assert_eq!(monitored.summary.locations, 5);
}

#[tokio::test]
async fn the_store_holds_what_was_found() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    let monitored = monitor_on(&store, &panel, 119, 2).await.unwrap();
    let keys: Vec<String> = list_all(&store, "test/monitoring/").await.unwrap().into_iter().map(|o| o.key).collect();
    let run = &monitored.manifest.run;
    let as_of = panel.date(119);
    let expected = [
        format!("test/monitoring/commits/as_of={as_of}/{run}.json"),
        format!("test/monitoring/csv/as_of={as_of}/{run}.csv"),
        format!("test/monitoring/data/as_of={as_of}/run={run}/part-0-1.parquet"),
        format!("test/monitoring/plans/{run}.json"),
    ];
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn a_count_that_comes_late_is_scored_and_a_revised_one_scored_anew() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    let mut early = panel.clone();
    early.counts_mut(0, Target::Fatalities)[105] = f64::NAN;
    early.counts_mut(1, Target::ConfirmedCases)[104] *= 1.5;
    early.counts_mut(2, Target::ConfirmedCases)[104] *= 1.0 + 1e-6;
    let first = monitor_on(&store, &early, 108, 2).await.unwrap();
    assert_eq!(first.summary.rows, 6 * 2 * 7 - 1);

    // The same day with the final counts: one came late, one was revised, and one moved too little to matter.
    let second = monitor_on(&store, &panel, 108, 3).await.unwrap();
    assert!(!second.already_done);
    assert_eq!(second.summary.rows, 2);
    let [scored] = &second.manifest.work.scored[..] else { panic!("{:?}", second.manifest.work.scored) };
    assert_eq!((scored.rows, scored.reopened), (2, 1));
    assert_eq!(second.manifest.work.vintage, panel.digest());
    assert!(monitor_on(&store, &panel, 108, 4).await.unwrap().already_done);

    // Sums and rows are those of one look at the final counts, but for the one that moved too little.
    let at_once = MemoryStore::new();
    predict_on(&at_once, &panel, 100, 7, 1).await;
    monitor_on(&at_once, &panel, 108, 2).await.unwrap();
    let [twice, once] = [&store, &at_once].map(|store| async {
        let tallies = tallies(store, "test", Branch::Real, panel.date(108), 28).await.unwrap();
        let rows = scores(store, "test", Branch::Real, panel.date(108), 28).await.unwrap();
        (Window::of(&tallies, false).total(usize::MAX), rows)
    });
    let ((twice, rows), (once, _)) = (twice.await, once.await);
    assert_eq!((twice.rows, rows.len()), (6 * 2 * 7, 6 * 2 * 7));
    assert!((twice.squared_error - once.squared_error).abs() < 1e-6, "{twice:?} {once:?}");
    assert!((twice.wis_log - once.wis_log).abs() < 1e-6);
    let revised = rows.iter().find(|row| row.horizon == 4 && row.location.name() == panel.locations()[1].name());
    assert_eq!(revised.unwrap().actual, panel.counts(1, Target::ConfirmedCases)[104]);
    assert_eq!(Window::of(&Tally::of(&rows, []), false).rows(), twice.rows);
}

#[tokio::test]
async fn dates_beyond_the_lookback_are_closed() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 92, 7, 1).await;
    let request = Request {
        dataset: "test",
        source_kind: SourceKind::Sample,
        panel: &panel,
        as_of: panel.date(119),
        branch: Branch::Real,
        for_people: true,
    };
    let near = MonitoringSettings { lookback_days: 22, ..settings() };
    let monitored = monitor(&store, request, &near, at(2)).await.unwrap().unwrap();
    // Days 98 and 99 are the last two that are not more than 22 days before day 119.
    assert_eq!(monitored.summary.rows, 6 * 2 * 2);
    let quiet = Request { for_people: false, ..request };
    assert_eq!(monitor(&store, quiet, &near, at(3)).await.unwrap().unwrap().csv_key, None);
}

#[tokio::test]
async fn the_challenger_s_forecasts_are_scored_apart() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    let shadow = covid_prediction::Request { shadow: true, ..request(&panel, 100, 7, 2) };
    let naive = champion(&panel, Recipe::Persistence);
    predict(&store, &naive, &shadow, &SETTINGS, at(2)).await.unwrap();
    let again = predict(&store, &naive, &shadow, &SETTINGS, at(3)).await.unwrap();
    assert!(again.already_done, "a shadow run is found by its digest, too");

    let monitored = monitor_on(&store, &panel, 108, 4).await.unwrap();
    assert_eq!(monitored.manifest.work.scored.len(), 2);
    assert_eq!(monitored.summary.rows, 6 * 2 * 7, "what people are told is the champion's");
    let sums = tallies(&store, "test", Branch::Real, panel.date(108), 28).await.unwrap();
    let windows = Windows::of(&sums);
    assert_eq!(windows.champion, windows.beside);
    let naive = windows.challenger.headline(7).unwrap();
    assert!((naive - windows.champion.persistence_headline(7).unwrap()).abs() < 1e-9);
    assert!(windows.champion.headline(7).unwrap() != naive);
    assert_eq!(monitored.summary.headline.unwrap(), windows.champion.headline(7).unwrap());
}

#[tokio::test]
async fn predictions_without_published_counts_are_scored_when_these_come() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    let mut silent = panel.clone();
    for place in 0..6 {
        for target in Target::ALL {
            silent.counts_mut(place, target)[101..].fill(f64::NAN);
        }
    }
    let none = monitor_on(&store, &silent, 108, 2).await.unwrap();
    assert_eq!((none.summary.rows, none.summary.headline), (0, None));
    assert_eq!(monitor_on(&store, &panel, 109, 3).await.unwrap().summary.rows, 6 * 2 * 7);
}

#[tokio::test]
async fn a_day_without_anything_new_is_a_run_of_its_own() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    assert_eq!(monitor_on(&store, &panel, 110, 2).await.unwrap().summary.rows, 6 * 2 * 7);
    let quiet = monitor_on(&store, &panel, 115, 3).await.unwrap();
    assert_eq!((quiet.already_done, quiet.summary.rows), (false, 0));
    assert!(monitor_on(&store, &panel, 115, 4).await.unwrap().already_done);
    let before = tallies(&store, "test", Branch::Real, panel.date(115), 28).await.unwrap();
    assert_eq!(Window::of(&before, false).rows(), 6 * 2 * 7, "what was scored before is still there to judge by");
}

#[tokio::test]
async fn a_revision_that_is_taken_back_is_scored_anew() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    let mut revised = panel.clone();
    revised.counts_mut(1, Target::ConfirmedCases)[104] *= 1.5;
    assert_eq!(monitor_on(&store, &panel, 108, 2).await.unwrap().summary.rows, 6 * 2 * 7);
    assert_eq!(monitor_on(&store, &revised, 108, 3).await.unwrap().summary.rows, 1);
    assert_eq!(monitor_on(&store, &panel, 108, 4).await.unwrap().summary.rows, 1);
}

#[tokio::test]
async fn a_run_that_is_superseded_when_a_part_of_it_was_scored_counts_no_more() {
    let (panel, store) = (panel(), MemoryStore::new());
    predict_on(&store, &panel, 100, 7, 1).await;
    assert_eq!(monitor_on(&store, &panel, 103, 2).await.unwrap().summary.rows, 6 * 2 * 3);
    predict_on(&store, &panel, 100, 5, 3).await;
    let second = monitor_on(&store, &panel, 104, 4).await.unwrap();
    assert_eq!(second.summary.rows, 6 * 2 * 4, "the second run is scored from its beginning");
    let sums = tallies(&store, "test", Branch::Real, panel.date(104), 28).await.unwrap();
    assert_eq!(Window::of(&sums, false).rows(), 6 * 2 * 4, "and the first one is taken away");
    let rows = scores(&store, "test", Branch::Real, panel.date(104), 28).await.unwrap();
    assert_eq!(rows.len(), 6 * 2 * 4);
    assert!(
        (Window::of(&Tally::of(&rows, []), false).headline(7).unwrap() - second.summary.headline.unwrap()).abs() < 1e-9
    );
    // Once taken away, it is not taken away again.
    monitor_on(&store, &panel, 119, 5).await.unwrap();
    let sums = tallies(&store, "test", Branch::Real, panel.date(119), 28).await.unwrap();
    assert_eq!(Window::of(&sums, false).rows(), 6 * 2 * 5);
}
