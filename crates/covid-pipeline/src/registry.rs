//! Looking at the registry, and changing the champion by hand.

use covid_core::{Fault, MAX_HORIZON};
use covid_prediction::Champion;
use covid_registry::{
    EmbeddedRegistry, MlflowRegistry, ModelVersion, Promotion, PromotionEvent, Registry, RegistryUri, Run, SyncReport,
    list_all_runs,
};
use covid_training::Verdict;
use serde::Serialize;

use crate::{
    PipelineError, Project, Settings,
    candidates::{compare_on_gate_origins, judge, with_replay},
    project::{blocking, tracking_uri},
};

/// A version, and how it became champion if it did.
#[derive(Debug, Clone, Serialize)]
pub struct VersionReport {
    /// The version.
    #[serde(flatten)]
    pub version: ModelVersion,
    /// Its last promotion or return.
    pub event: Option<PromotionEvent>,
}

/// What a promotion by hand did.
#[derive(Debug, Clone, Serialize)]
pub struct PromoteReport {
    /// The registered model.
    pub model: String,
    /// The champion now.
    pub champion: u64,
    /// The champion before; none if there was none.
    pub previous: Option<u64>,
    /// Whether it was champion already.
    pub already_champion: bool,
    /// The gate's evidence; none where it was not asked.
    pub verdict: Option<Verdict>,
}

/// The versions of the dataset's registered model, newest first.
///
/// # Errors
/// If the registry fails.
pub async fn versions(project: &Project, registry: &dyn Registry) -> Result<Vec<VersionReport>, Fault> {
    let name = project.model_name();
    let events = registry.promotions(&name).await?;
    let describe = |version: ModelVersion| {
        let event = events.iter().rev().find(|event| event.version == version.version).cloned();
        VersionReport { version, event }
    };
    Ok(registry.list_versions(&name).await?.into_iter().map(describe).collect())
}

/// The tracking runs of the dataset's experiment, newest first.
///
/// # Errors
/// If the registry fails.
pub async fn tracking_runs(project: &Project, registry: &dyn Registry) -> Result<Vec<Run>, Fault> {
    Ok(list_all_runs(registry, Some(&project.model_name())).await?)
}

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

/// Makes a version champion if the gate lets it.
///
/// # Errors
/// If there is no such version, or the gate says no.
pub async fn promote(project: &Project, registry: &dyn Registry, version: u64) -> Result<PromoteReport, Fault> {
    let model = project.model_name();
    let candidate = Champion::load(registry, &registry.get_version(&model, version).await?).await?;
    let champion = Champion::find(registry, &model).await?;
    let previous = champion.as_ref().map(|champion| champion.version);
    let done = |already_champion, verdict| PromoteReport {
        model: model.clone(),
        champion: version,
        previous,
        already_champion,
        verdict,
    };
    if previous == Some(version) {
        return Ok(done(true, None));
    }
    let verdict = match champion {
        Some(champion) => Some(ask_gate(project, champion, candidate).await?),
        None => None,
    };
    if let Some(verdict) = verdict.as_ref().filter(|verdict| !verdict.promote) {
        return Err(PipelineError::GateRefused { model, version, reason: verdict.reason.clone() }.into());
    }
    let evidence = verdict.as_ref().map_or("the registry had no champion", |verdict| &verdict.reason);
    let now = project.now().as_millisecond();
    let promotion = registry.promote(&model, version, previous, evidence, now).await?;
    Ok(done(matches!(promotion, Promotion::AlreadyChampion { .. }), verdict))
}

async fn ask_gate(project: &Project, champion: Champion, candidate: Champion) -> Result<Verdict, Fault> {
    let project = project.clone();
    blocking(move || {
        let (old, new) = (champion.model.recipe(), candidate.model.recipe());
        let recipes = if old == new { vec![old] } else { vec![old, new] };
        with_replay(&project, MAX_HORIZON, |replay| {
            let tested = compare_on_gate_origins(&project, replay, &recipes, &|| {})?;
            judge(&project, replay, &champion.model, &candidate.model, &tested)
        })
    })
    .await
}

/// Makes the champion before this one champion again, without asking the gate.
///
/// # Errors
/// If there was none before.
pub async fn rollback(project: &Project, registry: &dyn Registry) -> Result<PromotionEvent, Fault> {
    Ok(registry.rollback(&project.model_name(), project.now().as_millisecond()).await?)
}
