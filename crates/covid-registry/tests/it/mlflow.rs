//! The backend of a real MLflow server.

use std::{env, sync::Arc};

use covid_registry::{
    CHAMPION, MlflowSettings, ModelRegistry as _, NewVersion, Registry, Tracker as _,
    conformance::{self, Capabilities},
    resolve,
};

/// The server that COVID_TEST_MLFLOW names, and a name that is new there.
pub(crate) async fn server() -> Option<(Arc<dyn Registry>, String)> {
    let Ok(uri) = env::var("COVID_TEST_MLFLOW") else {
        println!("skipped: COVID_TEST_MLFLOW is not set");
        return None;
    };
    let registry = resolve(&uri, &MlflowSettings::default()).await.unwrap();
    Some((registry, format!("suite-{:016x}", rand::random::<u64>())))
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let Some((registry, scope)) = server().await else { return };
    conformance::run(registry, Capabilities::mlflow(), &scope).await;
}
