//! A planned run whose shards other processes forecast: the plan's model and the plan's data, one part a shard, one commit.

use covid_prediction::{
    Beginning, Branch, Champion, MODEL_ARTIFACT, Planned, PredictionError, Request, RunId, begin, prediction_ledger,
};
use covid_registry::{EmbeddedRegistry, ModelRegistry as _, NewVersion, RunStatus, Tracker as _};
use covid_storage::{MemoryStore, list_all};
use covid_training::TrainingSettings;

use crate::{SETTINGS, champion, now, panel, request, run};

const MODEL: &str = "covid-predictor-test";

/// A registry with versions, numbered from 1, and its folder.
async fn registry(champions: &mut [&mut Champion]) -> (EmbeddedRegistry, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let registry = EmbeddedRegistry::open(folder.path().join("tracking.db")).await.unwrap();
    registry.get_or_create_experiment(MODEL).await.unwrap();
    registry.get_or_create_registered_model(MODEL, "of a test").await.unwrap();
    for champion in champions {
        let run_id = registry.create_run(MODEL, "train", 0, &[]).await.unwrap().run_id;
        let bytes = champion.model.to_json().unwrap().into();
        registry.put_artifact(&run_id, MODEL_ARTIFACT, bytes).await.unwrap();
        registry.finish_run(&run_id, RunStatus::Finished, 0).await.unwrap();
        let new = NewVersion {
            source: format!("runs:/{run_id}/model"),
            run_id: run_id.clone(),
            description: String::new(),
            tags: Vec::new(),
            created_ms: 0,
        };
        champion.version = registry.create_version(MODEL, &new).await.unwrap().version;
        champion.run_id = run_id;
    }
    (registry, folder)
}

/// Plans four shards as of day 100.
async fn plan(store: &MemoryStore, champion: &Champion) -> RunId {
    let request = Request { shards: 4, ..request(&panel(), 100) };
    let Beginning::Planned(planned) = begin(store, champion, &request, &SETTINGS, now()).await.unwrap() else {
        panic!("it is done already");
    };
    planned.run().clone()
}

async fn read(
    store: &MemoryStore,
    registry: &EmbeddedRegistry,
    run: &RunId,
    settings: TrainingSettings,
) -> Result<Option<Planned>, PredictionError> {
    Planned::read(store, registry, "test", run, settings).await
}

#[tokio::test]
async fn several_helpers_make_what_one_process_makes_whatever_the_champion_is_by_then() {
    let (mut first, mut second) = (champion(&panel(), 90), champion(&panel(), 60));
    let (registry, _folder) = registry(&mut [&mut first, &mut second]).await;
    let store = MemoryStore::new();
    let id = plan(&store, &first).await;
    registry.promote(MODEL, second.version, None, "another champion", 0).await.unwrap();

    let helpers = [read(&store, &registry, &id, SETTINGS).await, read(&store, &registry, &id, SETTINGS).await];
    let [one, two] = helpers.map(|helper| helper.unwrap().unwrap());
    for shard in [0, 1] {
        assert!(one.forecast(&store, shard).await.unwrap());
        assert!(!two.forecast(&store, shard).await.unwrap(), "it is there");
        assert_eq!(one.commit_if_whole(&store, now()).await.unwrap().map(|manifest| manifest.run), None);
    }
    assert!(two.forecast(&store, 2).await.unwrap() && two.forecast(&store, 3).await.unwrap());
    assert!(matches!(two.forecast(&store, 4).await, Err(PredictionError::OutOfRange { .. })));
    let manifest = one.commit_if_whole(&store, now()).await.unwrap().unwrap();
    assert_eq!((manifest.parts.len(), manifest.run.clone()), (4, id.clone()));
    assert_eq!(two.commit_if_whole(&store, now()).await.unwrap().map(|manifest| manifest.run), None, "it is committed");
    assert!(read(&store, &registry, &id, SETTINGS).await.unwrap().is_none(), "nothing is left to do");

    let alone = MemoryStore::new();
    let whole = run(&alone, &first, &request(&panel(), 100)).await.unwrap();
    let ledger = prediction_ledger(&store, "test", Branch::Real);
    let rows = ledger.rows(&manifest).await.unwrap();
    assert!(rows.to_csv().unwrap() == whole.rows.to_csv().unwrap(), "the same bytes");
}

#[tokio::test]
async fn two_that_forecast_the_same_shard_at_once_count_once() {
    let mut champion = champion(&panel(), 90);
    let (registry, _folder) = registry(&mut [&mut champion]).await;
    let store = MemoryStore::new();
    let id = plan(&store, &champion).await;
    let [one, two] = [read(&store, &registry, &id, SETTINGS).await, read(&store, &registry, &id, SETTINGS).await]
        .map(|helper| helper.unwrap().unwrap());
    for shard in 0..4 {
        let (a, b) = tokio::join!(one.forecast(&store, shard), two.forecast(&store, shard));
        assert!(a.unwrap() || b.unwrap());
    }
    let (a, b) = tokio::join!(one.commit_if_whole(&store, now()), two.commit_if_whole(&store, now()));
    let manifests = [a, b].map(|manifest| manifest.unwrap());
    let manifest = manifests.iter().flatten().next().unwrap();
    assert_eq!(manifest.rows, 6 * 2 * 7, "each place once");
    assert_eq!(list_all(&store, "test/predictions/commits/").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_helper_that_comes_late_does_not_put_an_old_forecast_over_a_newer_one() {
    let (mut old, mut new) = (champion(&panel(), 60), champion(&panel(), 90));
    let (registry, _folder) = registry(&mut [&mut old, &mut new]).await;
    let store = MemoryStore::new();
    let id = plan(&store, &old).await;
    let late = read(&store, &registry, &id, SETTINGS).await.unwrap().unwrap();
    let later = covid_core::Timestamp::from_second(now().as_second() + 60).unwrap();
    let request = request(&panel(), 100);
    let newer = covid_prediction::predict(&store, &new, &request, &SETTINGS, later).await.unwrap();
    for shard in late.shards() {
        late.forecast(&store, shard).await.unwrap();
    }
    assert!(late.commit_if_whole(&store, later).await.unwrap().is_none());
    assert!(read(&store, &registry, &id, SETTINGS).await.unwrap().is_none());
    let current = prediction_ledger(&store, "test", Branch::Real).current(request.as_of).await.unwrap().unwrap();
    assert_eq!(current.run, newer.manifest.run);
}

#[tokio::test]
async fn a_model_that_cannot_be_made_again_as_it_was_is_refused() {
    // Trained after the as-of date: it is refitted, which other settings do otherwise.
    let mut champion = champion(&panel(), 110);
    let (registry, _folder) = registry(&mut [&mut champion]).await;
    let store = MemoryStore::new();
    let id = plan(&store, &champion).await;
    assert!(read(&store, &registry, &id, SETTINGS).await.unwrap().is_some());
    let other = TrainingSettings { calibration_half_life: 3, ..SETTINGS };
    let error = read(&store, &registry, &id, other).await.unwrap_err();
    assert!(matches!(&error, PredictionError::OtherModel { version, .. } if version == "1+refit"), "{error}");
    let nobody = RunId::from_name("20300102T030405000Z-00000000");
    assert!(read(&store, &registry, &nobody, SETTINGS).await.is_err());
}
