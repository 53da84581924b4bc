//! Changing the champion by hand.

use std::fmt;

use covid_core::{Fault, MAX_HORIZON};
use covid_prediction::Champion;
use covid_registry::{
    CHALLENGER, CHAMPION, ModelStage, ModelVersion, Promotion, PromotionKind, Registry, RegistryError, champions,
};
use covid_training::Verdict;
use serde::Serialize;

use crate::{
    PipelineError, Project,
    candidates::{compare_on_gate_origins, judge, with_replay},
    project::blocking,
};

/// What a promotion or rollback by hand did, or would do.
#[derive(Debug, Clone, Serialize)]
pub struct ChampionReport {
    /// What was asked for.
    pub kind: PromotionKind,
    /// The registered model.
    pub model: String,
    /// The champion after it.
    pub champion: u64,
    /// The champion before; none if there was none.
    pub previous: Option<u64>,
    /// Whether it was champion already.
    pub already_champion: bool,
    /// The gate's evidence; none where it was not asked.
    pub verdict: Option<Verdict>,
    /// What changes; empty where it was champion already.
    pub plan: PromotionPlan,
    /// Whether nothing was done but to say what would be.
    pub dry_run: bool,
}

/// What a change of champion changes of each version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PromotionPlan(pub Vec<VersionChange>);

/// What changes of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionChange {
    /// The version.
    pub version: u64,
    /// Its model stage before and after.
    pub model_stage: [ModelStage; 2],
    /// The aliases it gets.
    pub gains: Vec<String>,
    /// The aliases it loses.
    pub loses: Vec<String>,
}

impl fmt::Display for PromotionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes: Vec<String> = self.0.iter().map(VersionChange::to_string).collect();
        f.write_str(&changes.join("\n"))
    }
}

impl fmt::Display for VersionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, after] = self.model_stage;
        write!(f, "version {}: model stage {before} -> {after}", self.version)?;
        self.gains.iter().try_for_each(|alias| write!(f, ", gets alias {alias}"))?;
        self.loses.iter().try_for_each(|alias| write!(f, ", loses alias {alias}"))
    }
}

impl PromotionPlan {
    fn new(champion: &ModelVersion, previous: Option<&ModelVersion>) -> Self {
        let challenger = champion.aliases.contains(CHALLENGER).then(|| CHALLENGER.to_owned());
        let mut changes = vec![VersionChange {
            version: champion.version,
            model_stage: [champion.model_stage, ModelStage::Production],
            gains: vec![CHAMPION.to_owned()],
            loses: challenger.into_iter().collect(),
        }];
        changes.extend(previous.map(|previous| VersionChange {
            version: previous.version,
            model_stage: [previous.model_stage, ModelStage::Archived],
            gains: Vec::new(),
            loses: vec![CHAMPION.to_owned()],
        }));
        Self(changes)
    }

    /// Says what is about to happen.
    fn announce(&self) {
        self.0.iter().for_each(|change| tracing::info!("will change: {change}"));
    }
}

/// Makes a version champion if the gate lets it, and says before what will change; a dry run ends there.
///
/// # Errors
/// If there is no such version, or the gate says no, or another version became champion meanwhile.
pub async fn promote(
    project: &Project,
    registry: &dyn Registry,
    version: u64,
    dry_run: bool,
) -> Result<ChampionReport, Fault> {
    let model = project.model_name();
    let candidate = registry.get_version(&model, version).await?;
    let champion = registry.get_version_by_alias(&model, CHAMPION).await?;
    let mut report = ChampionReport {
        kind: PromotionKind::Promote,
        model: model.clone(),
        champion: version,
        previous: champion.as_ref().map(|champion| champion.version),
        already_champion: candidate.is_champion(),
        verdict: None,
        plan: PromotionPlan::default(),
        dry_run,
    };
    if report.already_champion {
        return Ok(report);
    }
    let model_file = Champion::load(registry, &candidate).await?;
    if let Some(champion) = &champion {
        let champion = Champion::load(registry, champion).await?;
        report.verdict = Some(ask_gate(project, champion, model_file).await?);
    }
    if let Some(verdict) = report.verdict.as_ref().filter(|verdict| !verdict.promote) {
        return Err(PipelineError::GateRefused { model, version, reason: verdict.reason.clone() }.into());
    }
    report.plan = PromotionPlan::new(&candidate, champion.as_ref());
    if !dry_run {
        report.plan.announce();
        let evidence = report.verdict.as_ref().map_or("the registry had no champion", |verdict| &verdict.reason);
        let now = project.now().as_millisecond();
        let promotion = registry.promote(&model, version, report.previous, evidence, now).await?;
        report.already_champion = matches!(promotion, Promotion::AlreadyChampion { .. });
    }
    Ok(report)
}

async fn ask_gate(project: &Project, champion: Champion, candidate: Champion) -> Result<Verdict, Fault> {
    let project = project.clone();
    blocking(move || {
        let (old, new) = (champion.model.recipe(), candidate.model.recipe());
        let recipes = if old == new { vec![old] } else { vec![old, new] };
        with_replay(&project, MAX_HORIZON, |replay| {
            let tested = compare_on_gate_origins(&project, replay, &recipes)?;
            judge(&project, replay, &champion.model, &candidate.model, &tested)
        })
    })
    .await
}

/// Makes the champion before this one champion again, without asking the gate, and says before what will change; a dry run
/// ends there.
///
/// # Errors
/// If there was none before, its model is lost, or another version became champion meanwhile.
pub async fn rollback(project: &Project, registry: &dyn Registry, dry_run: bool) -> Result<ChampionReport, Fault> {
    let model = project.model_name();
    let [.., back, champion] = champions(&registry.promotions(&model).await?)[..] else {
        return Err(RegistryError::NoPreviousChampion { name: model }.into());
    };
    let (to, from) = (registry.get_version(&model, back).await?, registry.get_version(&model, champion).await?);
    // One that nobody can use must not become champion.
    Champion::load(registry, &to).await?;
    let mut report = ChampionReport {
        kind: PromotionKind::Rollback,
        champion: back,
        previous: Some(champion),
        already_champion: false,
        verdict: None,
        plan: PromotionPlan::new(&to, Some(&from)),
        dry_run,
        model,
    };
    if !dry_run {
        report.plan.announce();
        let event = registry.rollback(&report.model, champion, project.now().as_millisecond()).await?;
        (report.champion, report.previous) = (event.version, event.previous);
    }
    Ok(report)
}
