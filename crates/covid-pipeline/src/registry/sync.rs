//! The embedded tracker and registry, brought to an MLflow server.

use covid_core::Fault;
use covid_registry::{EmbeddedRegistry, MlflowRegistry, RegistryUri, SyncReport};

use crate::{PipelineError, Settings, project::tracking_uri};

/// Replays the embedded tracker and registry of these settings into the MLflow server at `to`. No source is read.
///
/// # Errors
/// If there is no embedded tracker yet, `to` is no server, or one of the two fails.
pub async fn sync(settings: &Settings, to: &str) -> Result<SyncReport, Fault> {
    let from = tracking_uri(settings.tracking.as_deref(), &settings.store.parse()?);
    let path = match from.parse()? {
        RegistryUri::Embedded(path) => path,
        RegistryUri::Remote(address) => return Err(PipelineError::NotEmbedded(address.to_string()).into()),
    };
    if !path.is_file() {
        return Err(PipelineError::NothingTracked(path).into());
    }
    let RegistryUri::Remote(address) = to.parse()? else {
        return Err(PipelineError::NotAServer(to.to_owned()).into());
    };
    let server = MlflowRegistry::new(address, &settings.mlflow)?;
    Ok(covid_registry::sync(&EmbeddedRegistry::open(path).await?, &server).await?)
}
