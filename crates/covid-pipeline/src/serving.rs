//! The champion with what was kept beside it, loaded once as long as it is the same.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use covid_core::Fault;
use covid_monitoring::{Baseline, DRIFT_WINDOW, Usual, usual};
use covid_prediction::Champion;
use covid_registry::{CHAMPION, Registry, RegistryError};

use crate::{Project, evidence::BASELINE_ARTIFACT, project::blocking};

/// The champion.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) champion: Champion,
    /// Its backtest; none of a version that was registered without one.
    pub(crate) baseline: Option<Baseline>,
    /// What was usual of the data before its training.
    pub(crate) usual: Usual,
    /// The digest of the panel that says so.
    vintage: String,
}

impl Serving {
    /// The champion of the project's registered model, if there is one.
    pub(crate) async fn find(project: &Project, registry: &dyn Registry) -> Result<Option<Arc<Self>>, Fault> {
        let name = project.model_name();
        let Some(version) = registry.get_version_by_alias(&name, CHAMPION).await? else { return Ok(None) };
        let vintage = project.panel.digest();
        let last = project.serving.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_same = |last: &Arc<Self>| {
            let of = &last.champion;
            of.name == name && of.version == version.version && of.run_id == version.run_id && last.vintage == vintage
        };
        if let Some(last) = last.filter(is_same) {
            return Ok(Some(last));
        }
        let champion = Champion::load(registry, &version).await?;
        let baseline = baseline_file(registry, &version.run_id).await?.and_then(|bytes| {
            let told = |error: &_| tracing::warn!("nothing says what is usual of version {}: {error}", version.version);
            Baseline::from_json(&bytes).inspect_err(told).ok()
        });
        let (work, trained) = (project.clone(), champion.model.trained_as_of());
        let usual = blocking(move || Ok(usual(&work.published()?, trained, DRIFT_WINDOW))).await?;
        let serving = Arc::new(Self { champion, baseline, usual, vintage });
        *project.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&serving));
        Ok(Some(serving))
    }
}

/// The file of a version's backtest; none of one that was registered without.
pub(crate) async fn baseline_file(registry: &dyn Registry, run_id: &str) -> Result<Option<Bytes>, Fault> {
    match registry.get_artifact(run_id, BASELINE_ARTIFACT).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(RegistryError::UnknownArtifact { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
