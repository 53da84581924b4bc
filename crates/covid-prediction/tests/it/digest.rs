//! The same question has the same answer, to the byte, and is answered once.

use covid_core::{Panel, Target};
use covid_prediction::{Branch, PredictionError, PredictionRow, Request, prediction_ledger};
use covid_storage::{MemoryStore, PutMode};
use covid_training::TrainingError;

use crate::{champion, panel, request, run};

#[tokio::test]
async fn the_same_request_is_done_once() {
    let (panel, store) = (panel(), MemoryStore::new());
    let champion = champion(&panel, 100);
    let first = run(&store, &champion, &request(&panel, 110)).await.unwrap();
    let again = run(&store, &champion, &request(&panel, 110)).await.unwrap();
    assert!(!first.already_done && again.already_done);
    assert_eq!(first.manifest.run, again.manifest.run);

    let longer = run(&store, &champion, &Request { horizon: 8, ..request(&panel, 110) }).await.unwrap();
    assert!(!longer.already_done);
    assert_eq!(longer.manifest.rows, 6 * 2 * 8);
    assert_eq!(prediction_ledger(&store, "test", Branch::Real).all().await.unwrap().len(), 2);
    assert!(prediction_ledger(&store, "test", Branch::Backdated).all().await.unwrap().is_empty());
}

#[tokio::test]
async fn rows_are_the_same_bytes_whatever_the_shards() {
    let panel = panel();
    let champion = champion(&panel, 100);
    let mut answers = Vec::new();
    for shards in [1, 2, 6, 50] {
        let outcome = run(&MemoryStore::new(), &champion, &Request { shards, ..request(&panel, 110) }).await.unwrap();
        assert_eq!(outcome.manifest.parts.len(), shards.min(6));
        answers.push((outcome.manifest.digest, outcome.rows.to_csv().unwrap(), outcome.rows.to_parquet().unwrap()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn rows_are_sorted_and_read_back_as_they_were() {
    let panel = panel();
    let outcome = run(&MemoryStore::new(), &champion(&panel, 100), &request(&panel, 110)).await.unwrap();
    let rows = PredictionRow::all(&outcome.rows).unwrap();
    assert_eq!(rows.len(), 6 * 2 * 7);
    assert!(rows.is_sorted_by_key(|row| (row.location.name().to_owned(), row.target, row.date)));
    for location in panel.locations() {
        assert!(rows.iter().any(|row| row.location == *location), "{location}: with all its parts");
    }
}

/// The counts after a day, changed.
fn with_another_future(panel: &Panel, day: usize) -> Panel {
    let mut changed = panel.clone();
    for location in 0..panel.locations().len() {
        for target in Target::ALL {
            changed.counts_mut(location, target).iter_mut().skip(day + 1).for_each(|count| *count = 0.0);
        }
    }
    changed
}

#[tokio::test]
async fn the_future_changes_no_row() {
    let panel = panel();
    // Trained before the as-of date, and refitted on it: neither may look past it.
    for trained_on in [100, 115] {
        let champion = champion(&panel, trained_on);
        let changed = with_another_future(&panel, 110);
        let seen = run(&MemoryStore::new(), &champion, &request(&panel, 110)).await.unwrap();
        let other = run(&MemoryStore::new(), &champion, &request(&changed, 110)).await.unwrap();
        assert_ne!(seen.manifest.digest, other.manifest.digest, "another vintage is another run");
        assert_eq!(seen.rows.to_csv().unwrap(), other.rows.to_csv().unwrap());
    }
}

#[tokio::test]
async fn a_damaged_part_is_an_error_that_names_it() {
    let (panel, store) = (panel(), MemoryStore::new());
    let champion = champion(&panel, 100);
    let outcome = run(&store, &champion, &request(&panel, 110)).await.unwrap();
    let key = &outcome.manifest.parts[0].key;
    covid_storage::ObjectStore::put(&store, key, "damage".into(), PutMode::Overwrite).await.unwrap();
    let error = run(&store, &champion, &request(&panel, 110)).await.unwrap_err();
    assert!(matches!(&error, PredictionError::Damaged { key: named, .. } if named == key), "{error}");
}

#[tokio::test]
async fn what_cannot_be_asked_leaves_nothing_behind() {
    let (panel, store) = (panel(), MemoryStore::new());
    let champion = champion(&panel, 100);
    for (horizon, shards) in [(0, 1), (61, 1), (7, 0), (7, 10_001)] {
        let asked = Request { horizon, shards, ..request(&panel, 110) };
        let error = run(&store, &champion, &asked).await.unwrap_err();
        let training = matches!(error, PredictionError::Training(TrainingError::OutOfRange { .. }));
        assert!(training || matches!(error, PredictionError::OutOfRange { .. }), "{error}");
    }
    assert!(covid_storage::list_all(&store, "").await.unwrap().is_empty());
}

#[tokio::test]
async fn the_current_run_is_the_latest_commit_whatever_the_clock_says() {
    let (panel, store) = (panel(), MemoryStore::new());
    let champion = champion(&panel, 100);
    let ledger = prediction_ledger(&store, "test", Branch::Real);
    // All within the same millisecond: ids are in no order, commits are.
    for horizon in [7, 3, 7, 5, 3] {
        let asked = Request { horizon, ..request(&panel, 110) };
        let outcome = run(&store, &champion, &asked).await.unwrap();
        let current = ledger.current(asked.as_of).await.unwrap().unwrap();
        assert_eq!(current.run, outcome.manifest.run);
        assert!(run(&store, &champion, &asked).await.unwrap().already_done);
    }
}

#[tokio::test]
async fn a_resumed_run_is_current_though_another_was_committed_since_its_plan() {
    let (panel, store) = (panel(), MemoryStore::new());
    let champion = champion(&panel, 100);
    let asked = request(&panel, 110);
    let first = run(&store, &champion, &asked).await.unwrap();
    // As if it had been killed before its commit.
    covid_storage::ObjectStore::delete(&store, &first.manifest_key).await.unwrap();
    run(&store, &champion, &Request { horizon: 3, ..asked.clone() }).await.unwrap();
    let resumed = run(&store, &champion, &asked).await.unwrap();
    assert_eq!(resumed.manifest.run, first.manifest.run);
    let current = prediction_ledger(&store, "test", Branch::Real).current(asked.as_of).await.unwrap().unwrap();
    assert_eq!(current.run, first.manifest.run);
}
