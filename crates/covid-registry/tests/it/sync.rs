//! The embedded registry replayed into a real MLflow server.

use std::collections::BTreeMap;

use covid_registry::{
    CHALLENGER, EmbeddedRegistry, MlflowRegistry, MlflowSettings, ModelRegistry as _, NewVersion, Registry, RunStatus,
    sync,
};
use covid_testing::live_server;

struct Scene {
    folder: tempfile::TempDir,
    there: MlflowRegistry,
    name: String,
}

/// The server that COVID_TEST_MLFLOW names, a folder for the embedded registry, and a name that is new in both.
fn scene() -> Option<Scene> {
    let uri = live_server("COVID_TEST_MLFLOW")?;
    let there = MlflowRegistry::new(uri.parse().unwrap(), &MlflowSettings::default()).unwrap();
    Some(Scene { folder: tempfile::tempdir().unwrap(), there, name: format!("sync-{:016x}", rand::random::<u64>()) })
}

impl Scene {
    async fn here(&self) -> EmbeddedRegistry {
        EmbeddedRegistry::open(self.folder.path().join("tracking.db")).await.unwrap()
    }

    async fn aliases(&self) -> BTreeMap<String, u64> {
        self.there.get_or_create_registered_model(&self.name, "").await.unwrap().aliases
    }
}

/// A run and its version.
async fn train(registry: &dyn Registry, name: &str) -> u64 {
    registry.get_or_create_experiment(name).await.unwrap();
    registry.get_or_create_registered_model(name, "").await.unwrap();
    let run_id = registry.create_run(name, "a run", 1_000, &[]).await.unwrap().run_id;
    let source = registry.log_model(&run_id, &[("model.json".to_owned(), "{}".into())]).await.unwrap();
    let new = NewVersion { run_id: run_id.clone(), source, ..NewVersion::default() };
    let version = registry.create_version(name, &new).await.unwrap().version;
    registry.finish_run(&run_id, RunStatus::Finished, 2_000).await.unwrap();
    version
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_that_were_set_at_the_server_survive() {
    let Some(scene) = scene() else { return };
    let (here, name) = (scene.here().await, &scene.name);
    for _ in 0..3 {
        train(&here, name).await;
    }
    here.set_alias(name, CHALLENGER, 1).await.unwrap();
    here.set_alias(name, "best", 1).await.unwrap();
    sync(&here, &scene.there).await.unwrap();
    let aliases = |pairs: &[(&str, u64)]| BTreeMap::from_iter(pairs.iter().map(|(alias, v)| (alias.to_string(), *v)));
    assert_eq!(scene.aliases().await, aliases(&[("best", 1), (CHALLENGER, 1)]));

    scene.there.set_alias(name, "staging", 1).await.unwrap();
    scene.there.set_alias(name, "best", 3).await.unwrap();
    here.set_alias(name, CHALLENGER, 2).await.unwrap();
    sync(&here, &scene.there).await.unwrap();
    assert_eq!(scene.aliases().await, aliases(&[("best", 3), (CHALLENGER, 2), ("staging", 1)]));
    here.delete_alias(name, CHALLENGER).await.unwrap();
    sync(&here, &scene.there).await.unwrap();
    assert_eq!(scene.aliases().await, aliases(&[("best", 3), ("staging", 1)]));

    // The server's own challenger, too.
    let own = train(&scene.there, name).await;
    scene.there.set_alias(name, CHALLENGER, own).await.unwrap();
    here.set_alias(name, CHALLENGER, 3).await.unwrap();
    sync(&here, &scene.there).await.unwrap();
    assert_eq!(scene.aliases().await, aliases(&[("best", 3), (CHALLENGER, own), ("staging", 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_beside_it_is_no_fault() {
    let Some(scene) = scene() else { return };
    let (here, name) = (scene.here().await, scene.name.clone());
    train(&here, &name).await;
    let training = tokio::spawn(async move {
        for _ in 0..30 {
            train(&here, &name).await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    let here = scene.here().await;
    while !training.is_finished() {
        sync(&here, &scene.there).await.unwrap();
    }
    training.await.unwrap();
    sync(&here, &scene.there).await.unwrap();
    let last = sync(&here, &scene.there).await.unwrap();
    assert_eq!((last.runs.added, last.runs.already_there), (0, 31));
    assert_eq!((last.versions.added, last.versions.already_there), (0, 31));
}
