//! The flow train-and-promote: compare the candidates, track each, register the best, promote it if the gate says so.

use bytes::Bytes;
use covid_core::{Fault, MAX_HORIZON, Target};
use covid_prediction::Champion;
use covid_registry::{CHALLENGER, DatasetInput, ModelVersion, NewVersion, Promotion, Registry, RunBatch, RunStatus};
use covid_training::{Backtest, Model, Recipe, Size, TrainingError, Verdict, paired_p_value};
use serde::Serialize;
use serde_json::json;

use crate::{
    Candidate, Project,
    candidates::{compare_on_gate_origins, judge, with_replay},
    evidence::{BACKTEST_ARTIFACT, REPORT_ARTIFACT, backtest_csv, report},
    project::blocking,
};

/// What training did to the registry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Decision {
    /// The registry had no champion: the best candidate is it.
    FirstChampion,
    /// The best candidate is the champion, trained on the same data: nothing to do.
    AlreadyChampion,
    /// The gate let the best candidate replace the champion.
    Promoted {
        /// Its evidence.
        verdict: Verdict,
    },
    /// The gate kept the champion.
    NothingBetter {
        /// Its evidence.
        verdict: Verdict,
    },
}

/// What a training found and did.
#[derive(Debug, Clone, Serialize)]
pub struct TrainingReport {
    /// The registered model.
    pub model: String,
    /// The last date of the data.
    pub as_of: String,
    /// The origins on which candidates were compared.
    pub origins: Vec<String>,
    /// Days ahead of the comparison.
    pub horizon: usize,
    /// The candidates, the best first.
    pub candidates: Vec<Candidate>,
    /// The model of the best candidate.
    pub spec: String,
    /// The candidate that has a smaller mean RMSLE and was not taken, since it does not beat the full one.
    pub passed_over: Option<PassedOver>,
    /// The version of the best candidate.
    pub version: u64,
    /// Whether that version was registered before.
    pub already_registered: bool,
    /// The champion after all.
    pub champion: u64,
    /// What was decided.
    pub decision: Decision,
    /// The champion's own recipe, promoted on newer data because the best candidate was not.
    pub refreshed: Option<Refreshed>,
}

/// A candidate that was better than the full one by chance, as far as the paired test can tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassedOver {
    /// Its recipe.
    pub recipe: String,
    /// The p-value of the paired test that it beats the full candidate.
    pub p_value: f64,
}

/// The champion's recipe on newer data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refreshed {
    /// Its version.
    pub version: u64,
    /// The gate's evidence.
    pub verdict: Verdict,
}

impl TrainingReport {
    /// What was decided, in one sentence.
    pub fn sentence(&self) -> String {
        let Self { model, version, champion, spec, .. } = self;
        let registered = if self.already_registered { "already registered as" } else { "registered as" };
        match &self.decision {
            Decision::FirstChampion => {
                format!("{spec} is {registered} version {version} of {model}, its first champion")
            }
            Decision::AlreadyChampion => {
                format!("{spec} is {registered} version {version} of {model}, and is the champion: nothing to do")
            }
            Decision::Promoted { verdict } => {
                format!("{spec} is {registered} version {version} of {model}, promoted to champion: {}", verdict.reason)
            }
            Decision::NothingBetter { verdict } => {
                let stays = match &self.refreshed {
                    None => format!("version {champion} of {model} stays champion"),
                    Some(Refreshed { version, verdict }) => {
                        format!("version {version} of {model} is champion now, {}", verdict.reason)
                    }
                };
                let why = &verdict.reason;
                format!(
                    "nothing better found: {stays}; {spec} ({registered} version {version}) was not promoted: {why}"
                )
            }
        }
    }
}

/// All that is computed before anything is written.
struct Trained {
    tested: Vec<Backtest>,
    models: Vec<Model>,
    best: usize,
    passed_over: Option<PassedOver>,
    verdict: Option<Verdict>,
    /// Where the best is of another recipe and refused: the champion's own recipe on newer data, if the gate lets it.
    refreshed: Option<(usize, Verdict)>,
}

/// Compares the candidates on the last origins, tracks each as a run with its model, registers the best, and promotes it if
/// the gate says so. `tick` is called after each candidate.
///
/// # Errors
/// If the history is too short, every candidate exploded, or the registry fails.
pub async fn train_and_promote(
    project: &Project,
    registry: &dyn Registry,
    tick: impl Fn() + Send + Sync + 'static,
) -> Result<TrainingReport, Fault> {
    let name = project.model_name();
    let champion = Champion::find(registry, &name).await?;
    let (work, champion_model) = (project.clone(), champion.as_ref().map(|champion| champion.model.clone()));
    let trained = blocking(move || train(&work, champion_model.as_ref(), &tick)).await?;

    let tracked = track(project, registry, &trained).await?;
    let best = trained.best;
    let (version, already_registered) = register(project, registry, &trained, best, &tracked[best]).await?;
    let decision = decide(project, registry, &version, champion.as_ref(), trained.verdict.clone()).await?;
    let mut refreshed = None;
    if let Some((own, verdict)) = &trained.refreshed {
        let (version, _) = register(project, registry, &trained, *own, &tracked[*own]).await?;
        decide(project, registry, &version, champion.as_ref(), Some(verdict.clone())).await?;
        refreshed = Some(Refreshed { version: version.version, verdict: verdict.clone() });
    }
    let champion = match (&decision, &refreshed) {
        (Decision::NothingBetter { .. }, Some(refreshed)) => refreshed.version,
        (Decision::NothingBetter { .. }, None) => champion.map_or(version.version, |champion| champion.version),
        _ => version.version,
    };
    let mut candidates: Vec<Candidate> = trained
        .tested
        .iter()
        .zip(&trained.models)
        .zip(tracked)
        .map(|((tested, model), tracked)| Candidate::new(tested, model.spec().to_string(), tracked.run_id))
        .collect();
    candidates.sort_by(|a, b| a.rmsle.unwrap_or(f64::INFINITY).total_cmp(&b.rmsle.unwrap_or(f64::INFINITY)));
    Ok(TrainingReport {
        model: name,
        as_of: project.as_of.to_string(),
        origins: trained.tested[best].origins.iter().map(|score| score.origin.to_string()).collect(),
        horizon: project.settings.training.horizon,
        candidates,
        spec: trained.models[best].spec().to_string(),
        passed_over: trained.passed_over,
        version: version.version,
        already_registered,
        champion,
        decision,
        refreshed,
    })
}

/// The dataset's champion. With none, one is trained and promoted first, and the report says so.
///
/// # Errors
/// As [`train_and_promote`].
pub async fn ensure_champion(
    project: &Project,
    registry: &dyn Registry,
) -> Result<(Champion, Option<TrainingReport>), Fault> {
    let name = project.model_name();
    if let Some(champion) = Champion::find(registry, &name).await? {
        return Ok((champion, None));
    }
    tracing::info!("no champion of {name} yet: training one first");
    let report = match train_and_promote(project, registry, || {}).await {
        Ok(report) => report,
        // Another program may have trained the first champion meanwhile: then that one serves.
        Err(error) => match Champion::find(registry, &name).await? {
            Some(champion) => return Ok((champion, None)),
            None => return Err(error),
        },
    };
    tracing::info!("{}", report.sentence());
    let version = registry.get_version(&name, report.champion).await?;
    Ok((Champion::load(registry, &version).await?, Some(report)))
}

/// Says so where a champion is asked for a date before its training.
pub(crate) fn tell_of_refit(project: &Project, champion: &Champion) {
    let trained = champion.model.trained_as_of();
    if trained > project.as_of {
        tracing::warn!(
            "version {} was trained as of {trained}: its recipe ({}) is fitted anew on the data up to {}, but was chosen with \
             later data; a fresh --store chooses as of that day",
            champion.version,
            champion.model.recipe(),
            project.as_of,
        );
    }
}

fn train(project: &Project, champion: Option<&Model>, tick: &(dyn Fn() + Sync)) -> Result<Trained, Fault> {
    let mut recipes = Recipe::CANDIDATES.to_vec();
    recipes.extend(champion.map(Model::recipe).filter(|recipe| !Recipe::CANDIDATES.contains(recipe)));
    with_replay(project, MAX_HORIZON, |replay| {
        let tested = compare_on_gate_origins(project, replay, &recipes, tick)?;
        let train = |&recipe: &Recipe| Ok(Model::train(replay, recipe, &project.settings.training)?);
        let models = recipes.iter().map(train).collect::<Result<Vec<Model>, Fault>>()?;
        let (seen, _) = project.repaired()?;
        let serves = |i: usize| models[i].forecast(&seen.view(), project.settings.training.horizon).is_ok();
        let (best, passed_over) =
            best(&tested, project.settings.gate.level, serves).ok_or(TrainingError::NoCandidate(project.as_of))?;
        let judge =
            |i: usize| champion.map(|champion| judge(project, replay, champion, &models[i], &tested)).transpose();
        let verdict = judge(best)?;
        let refused = verdict.as_ref().is_some_and(|verdict| !verdict.promote);
        let own = models.iter().position(|model| champion.is_some_and(|champion| champion.recipe() == model.recipe()));
        let refreshed = match own.filter(|&own| refused && own != best) {
            Some(own) => judge(own)?.filter(|verdict| verdict.promote).map(|verdict| (own, verdict)),
            None => None,
        };
        Ok(Trained { tested, models, best, passed_over, verdict, refreshed })
    })
}

/// The candidate with the smallest mean loss whose own forecast did not explode; the first of equals. It has to beat the full
/// candidate, which is best over years, by the paired test: over a few origins others are better by chance.
fn best(tested: &[Backtest], level: f64, serves: impl Fn(usize) -> bool) -> Option<(usize, Option<PassedOver>)> {
    let losses = tested.iter().map(Backtest::mean_loss).enumerate();
    let sound: Vec<(usize, f64)> = losses.filter(|&(i, loss)| loss.is_finite() && serves(i)).collect();
    let (best, smallest) = *sound.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let Some(&(full, loss)) = sound.iter().find(|&&(i, _)| tested[i].recipe == Recipe::FULL) else {
        return Some((best, None));
    };
    let pairs = tested[full].losses().into_iter().zip(tested[best].losses());
    let p_value = paired_p_value(&pairs.map(|(full, best)| full - best).collect::<Vec<f64>>());
    if p_value < level {
        return Some((best, None));
    }
    let recipe = tested[best].recipe.to_string();
    Some((full, (smallest < loss).then_some(PassedOver { recipe, p_value })))
}

/// A tracking run, and what a version that comes of it names as its source.
struct Tracked {
    run_id: String,
    source: String,
}

/// One tracking run a candidate.
async fn track(project: &Project, registry: &dyn Registry, trained: &Trained) -> Result<Vec<Tracked>, Fault> {
    let experiment = project.model_name();
    registry.get_or_create_experiment(&experiment).await?;
    let mut all = Vec::with_capacity(trained.models.len());
    for candidate in 0..trained.models.len() {
        let (start, name) = (project.now().as_millisecond(), trained.models[candidate].recipe().to_string());
        let source = [("mlflow.source.name", "train-and-promote"), ("mlflow.source.type", "JOB")];
        let tags = source.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let run_id = registry.create_run(&experiment, &name, start, &tags).await?.run_id;
        let logged = log_candidate(project, registry, &run_id, trained, candidate).await;
        let status = if logged.is_ok() { RunStatus::Finished } else { RunStatus::Failed };
        let finished = registry.finish_run(&run_id, status, project.now().as_millisecond()).await;
        let source = logged?;
        finished?;
        all.push(Tracked { run_id, source });
    }
    Ok(all)
}

async fn log_candidate(
    project: &Project,
    registry: &dyn Registry,
    run_id: &str,
    trained: &Trained,
    candidate: usize,
) -> Result<String, Fault> {
    let (tested, model) = (&trained.tested[candidate], &trained.models[candidate]);
    let persistence = trained.tested.iter().find(|tested| tested.recipe == Recipe::Persistence);
    registry.log_batch(run_id, &batch(project, tested, persistence, model)).await?;
    registry.log_dataset(run_id, &dataset(project)?).await?;
    let files: [(String, Bytes); 2] =
        [("MLmodel".into(), mlmodel(model, run_id).into()), ("model.json".into(), model.to_json()?.into())];
    let source = registry.log_model(run_id, &files).await?;
    registry.put_artifact(run_id, BACKTEST_ARTIFACT, backtest_csv(tested).into()).await?;
    registry.put_artifact(run_id, REPORT_ARTIFACT, report(project, &trained.tested, tested, model).into()).await?;
    Ok(source)
}

fn dataset(project: &Project) -> Result<DatasetInput, Fault> {
    let view = project.published()?;
    Ok(DatasetInput {
        name: project.dataset.clone(),
        digest: project.panel.digest(),
        source: format!("{} ({})", project.source_kind, project.description),
        profile: json!({
            "locations": view.locations().len(),
            "days": view.days(),
            "first_date": project.panel.first_date().to_string(),
            "as_of": project.as_of.to_string(),
        }),
    })
}

fn batch(project: &Project, tested: &Backtest, persistence: Option<&Backtest>, model: &Model) -> RunBatch {
    let now = project.now().as_millisecond();
    let training = &project.settings.training;
    let mut batch = RunBatch::new()
        .param("recipe", model.recipe().to_string())
        .param("spec", model.spec().to_string())
        .param("as_of", model.trained_as_of().to_string())
        .param("repair", project.repair.to_string())
        .param("horizon", training.horizon.to_string())
        .param("origins", tested.origins.len().to_string());
    for (key, value) in model.spec().params() {
        batch = batch.param(format!("model.{key}"), value);
    }
    scores(tested, persistence).into_iter().fold(batch, |batch, (key, step, value)| batch.metric(key, value, step, now))
}

/// The RMSLE of a candidate, and as a share of that of persistence on the same origins: metrics with their steps. Of
/// `..._by_horizon` the step is the day ahead, of `..._by_size` the smallest count of a size of series.
fn scores(tested: &Backtest, persistence: Option<&Backtest>) -> Vec<(String, i64, f64)> {
    let mut scores = vec![("rmsle".to_owned(), 0, tested.mean_loss())];
    let mut add = |group: &str, target: Target, step: i64, loss: &dyn Fn(&Backtest) -> f64| {
        let share = share(loss(tested), persistence.map_or(f64::NAN, loss));
        scores.push((format!("rmsle{group}.{target}"), step, loss(tested)));
        scores.push((format!("rmsle_to_persistence{group}.{target}"), step, share));
    };
    for target in Target::ALL {
        add("", target, 0, &|of| of.mean_rmsle(target));
        for ahead in 1..=tested.horizon {
            add("_by_horizon", target, ahead as i64, &|of| of.mean_rmsle_at(target, ahead));
        }
        for size in Size::ALL.into_iter().filter(|&size| !tested.mean_rmsle_of(target, size).is_nan()) {
            add("_by_size", target, size.least().into(), &|of| of.mean_rmsle_of(target, size));
        }
    }
    scores
}

/// A loss as a share of another; NaN where that is 0, since nothing changed there.
fn share(loss: f64, of: f64) -> f64 {
    if of > 0.0 { loss / of } else { f64::NAN }
}

/// MLflow's description of a model, beside the model file.
fn mlmodel(model: &Model, run_id: &str) -> String {
    format!(
        "artifact_path: model\nflavors:\n  covid:\n    data: model.json\n    format_version: {}\n    recipe: {}\n    \
         spec: {}\n    trained_as_of: '{}'\nrun_id: {run_id}\n",
        covid_training::FORMAT_VERSION,
        model.recipe(),
        model.spec(),
        model.trained_as_of(),
    )
}

/// Registers a candidate, unless the same recipe was registered from the same data; says whether it was.
async fn register(
    project: &Project,
    registry: &dyn Registry,
    trained: &Trained,
    candidate: usize,
    tracked: &Tracked,
) -> Result<(ModelVersion, bool), Fault> {
    let name = project.model_name();
    let (model, tested) = (&trained.models[candidate], &trained.tested[candidate]);
    let description = "Cumulative COVID-19 cases and deaths by place and day, on ln(1 + count)";
    registry.get_or_create_registered_model(&name, description).await?;
    let tags = vec![
        ("recipe".to_owned(), model.recipe().to_string()),
        ("spec".to_owned(), model.spec().to_string()),
        ("trained_as_of".to_owned(), model.trained_as_of().to_string()),
        ("vintage".to_owned(), project.panel.digest()),
        ("repair".to_owned(), project.repair.to_string()),
        ("rmsle".to_owned(), tested.mean_loss().to_string()),
        ("model_sha256".to_owned(), model.digest()?),
    ];
    let same = |version: &ModelVersion| {
        let identity = tags.iter().filter(|(key, _)| IDENTITY.contains(&key.as_str()));
        identity.into_iter().all(|(key, value)| version.tags.get(key) == Some(value))
    };
    // Two trainings at once may both have registered it: then the champion of them is it, else the older one.
    let registered: Vec<ModelVersion> = registry.list_versions(&name).await?.into_iter().filter(same).collect();
    if let Some(version) = registered.iter().find(|version| version.is_champion()).or(registered.last()) {
        return Ok((version.clone(), true));
    }
    let new = NewVersion {
        run_id: tracked.run_id.clone(),
        source: tracked.source.clone(),
        description: format!("{} trained as of {}", model.spec(), model.trained_as_of()),
        tags,
        created_ms: project.now().as_millisecond(),
    };
    Ok((registry.create_version(&name, &new).await?, false))
}

/// The tags that make two versions the same: other settings may give another model from the same data.
const IDENTITY: [&str; 4] = ["recipe", "trained_as_of", "vintage", "model_sha256"];

/// Carries out the gate's verdict; without a champion there is none, and the version becomes it.
async fn decide(
    project: &Project,
    registry: &dyn Registry,
    version: &ModelVersion,
    champion: Option<&Champion>,
    verdict: Option<Verdict>,
) -> Result<Decision, Fault> {
    let (name, now) = (&version.name, project.now().as_millisecond());
    let Some((champion, verdict)) = champion.zip(verdict) else {
        registry.promote(name, version.version, None, "the registry had no champion", now).await?;
        return Ok(Decision::FirstChampion);
    };
    if champion.version == version.version {
        return Ok(Decision::AlreadyChampion);
    }
    if !verdict.promote {
        registry.set_alias(name, CHALLENGER, version.version).await?;
        return Ok(Decision::NothingBetter { verdict });
    }
    match registry.promote(name, version.version, Some(champion.version), &verdict.reason, now).await? {
        Promotion::Promoted(_) => Ok(Decision::Promoted { verdict }),
        Promotion::AlreadyChampion { .. } => Ok(Decision::AlreadyChampion),
    }
}
