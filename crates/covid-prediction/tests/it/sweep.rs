//! A sweep removes what no manifest names, and nothing else.

use covid_core::Timestamp;
use covid_prediction::{Branch, RunId, Swept, prediction_ledger};
use covid_storage::{MemoryStore, ObjectStore, PutMode, list_all};

use crate::{champion, now, panel, request, run};

#[tokio::test]
async fn parts_without_a_manifest_go_those_of_young_runs_only_later() {
    let (panel, store) = (panel(), MemoryStore::new());
    let outcome = run(&store, &champion(&panel, 100), &request(&panel, 110)).await.unwrap();
    let named = &outcome.manifest.parts[0].key;
    let second_attempt = named.replace("-1.parquet", "-2.parquet");
    assert_ne!(*named, second_attempt);
    // A second later, so that it sorts after the finished run.
    let unfinished = RunId::new("2030-01-02T03:04:06Z".parse().unwrap());
    let young = format!("test/predictions/data/as_of=2020-05-11/run={unfinished}/part-0-1.parquet");
    for key in [&second_attempt, &young] {
        store.put(key, "part".into(), PutMode::CreateOnly).await.unwrap();
    }

    let ledger = prediction_ledger(&store, "test", Branch::Real);
    assert_eq!(ledger.sweep(now()).await.unwrap(), Swept { removed: 1, spared: 1 });
    assert_eq!(parts(&store).await, [named.clone(), young.clone()]);

    let next_day: Timestamp = "2030-01-03T03:04:07Z".parse().unwrap();
    assert_eq!(ledger.sweep(next_day).await.unwrap(), Swept { removed: 1, spared: 0 });
    assert_eq!(parts(&store).await, std::slice::from_ref(named));
    assert_eq!(ledger.rows(&outcome.manifest).await.unwrap().rows(), outcome.manifest.rows);
}

async fn parts(store: &MemoryStore) -> Vec<String> {
    let objects = list_all(store, "test/predictions/data/").await.unwrap();
    objects.into_iter().map(|object| object.key).collect()
}
