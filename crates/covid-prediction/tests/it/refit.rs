//! A version asked for a date before its training is refitted on the data up to that date.

use covid_storage::MemoryStore;

use crate::{champion, panel, request, run};

#[tokio::test]
async fn an_earlier_date_gets_a_refitted_model() {
    let panel = panel();
    let later = champion(&panel, 115);
    let refitted = run(&MemoryStore::new(), &later, &request(&panel, 100)).await.unwrap();
    assert_eq!(refitted.manifest.work.model.version, "3+refit");
    assert_ne!(refitted.manifest.work.model.digest, later.model.digest().unwrap());

    // The rows are those of a model that was trained on that date.
    let then = run(&MemoryStore::new(), &champion(&panel, 100), &request(&panel, 100)).await.unwrap();
    assert_eq!(then.manifest.work.model.version, "3");
    let points = |outcome: &covid_prediction::Outcome| outcome.rows.floats("point").unwrap().to_vec();
    let upper = |outcome: &covid_prediction::Outcome| outcome.rows.floats("q975").unwrap().to_vec();
    assert_eq!(points(&refitted), points(&then));
    assert_eq!(upper(&refitted), upper(&then));
}

#[tokio::test]
async fn how_far_is_asked_changes_nothing_of_a_refit() {
    let panel = panel();
    let later = champion(&panel, 115);
    let mut first_days = Vec::new();
    for horizon in [1, 3, 7, 60] {
        let asked = covid_prediction::Request { horizon, ..request(&panel, 100) };
        let rows = run(&MemoryStore::new(), &later, &asked).await.unwrap().rows;
        let rows = covid_prediction::PredictionRow::all(&rows).unwrap();
        first_days.push(rows.into_iter().filter(|row| row.horizon == 1).collect::<Vec<_>>());
    }
    assert!(first_days.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn its_own_date_and_later_ones_get_the_version_itself() {
    let panel = panel();
    let champion = champion(&panel, 100);
    for as_of in [100, 119] {
        let outcome = run(&MemoryStore::new(), &champion, &request(&panel, as_of)).await.unwrap();
        assert_eq!(outcome.manifest.work.model.version, "3");
        assert_eq!(outcome.manifest.work.model.digest, champion.model.digest().unwrap());
    }
}
