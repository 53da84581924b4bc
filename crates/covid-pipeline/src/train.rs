//! The flow train-and-promote: compare the candidates, track each, register the best, promote it if the gate says so.

use bytes::Bytes;
use covid_core::{Date, Fault, Target};
use covid_monitoring::{Baseline, OriginScores};
use covid_prediction::{Champion, MODEL_DIGEST_TAG, PredictionError};
use covid_registry::{CHALLENGER, DatasetInput, ModelVersion, NewVersion, Promotion, Registry, RunBatch, RunStatus};
use covid_training::{
    Backtest, Model, OriginScore, Recipe, Replay, Size, TrainingError, Verdict, forecast_at_origin, paired_p_value,
    train_on_origins,
};
use serde::Serialize;
use serde_json::json;

use crate::{
    Candidate, PipelineError, Project,
    candidates::{gate_origins, judge, with_replay},
    evidence::{BACKTEST_ARTIFACT, BASELINE_ARTIFACT, REPORT_ARTIFACT, backtest_csv, report},
    project::blocking,
    serving::Serving,
};

/// What training did to the registry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Decision {
    /// The registry had no champion: the best candidate is it.
    FirstChampion,
    /// The champion's model is lost: the best candidate is champion in its place.
    Replaced {
        /// The version that was champion.
        lost: u64,
    },
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
            Decision::Replaced { lost } => format!(
                "{spec} is {registered} version {version} of {model}, champion in the place of version {lost}, whose model is \
                 lost: the gate had nothing to compare with"
            ),
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

/// What a training may do, and why it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// Why, for the audit trail; none where a person asked for it.
    pub(crate) cause: Option<String>,
    /// Whether the gate may change the champion.
    pub(crate) promote: bool,
}

impl Order {
    const BY_HAND: Self = Self { cause: None, promote: true };
}

/// All that is computed before anything is written.
struct Trained {
    tested: Vec<Backtest>,
    /// By candidate; none for one whose backtest was kept from before and that nobody asked for.
    made: Vec<Option<Made>>,
    best: usize,
    passed_over: Option<PassedOver>,
    verdict: Option<Verdict>,
    /// Where the best is of another recipe and refused: the champion's own recipe on newer data, if the gate lets it.
    refreshed: Option<(usize, Verdict)>,
}

/// A candidate as it would be registered.
struct Made {
    model: Model,
    /// Its backtest, from which monitoring takes what is usual.
    baseline: Baseline,
}

impl Trained {
    fn made(&self, candidate: usize) -> Result<&Made, Fault> {
        Ok(self.made[candidate].as_ref().ok_or(PipelineError::CutOff("a candidate was not trained".into()))?)
    }
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
    train_as_ordered(project, registry, &Order::BY_HAND, tick).await
}

/// The same, by the loop.
pub(crate) async fn train_as_ordered(
    project: &Project,
    registry: &dyn Registry,
    order: &Order,
    tick: impl Fn() + Send + Sync + 'static,
) -> Result<TrainingReport, Fault> {
    let name = project.model_name();
    let (champion, lost) = match Champion::find(registry, &name).await {
        Ok(champion) => (champion, None),
        // Without this way out a store that lost a file could only be thrown away.
        Err(error @ PredictionError::LostModel { version, .. }) if order.promote => {
            tracing::warn!("{error}; the best candidate will replace it");
            (None, Some(version))
        }
        Err(error) => return Err(error.into()),
    };
    let (work, champion_model) = (project.clone(), champion.as_ref().map(|champion| champion.model.clone()));
    let kept = project.kept_full().await?;
    let trained = blocking(move || train(&work, champion_model.as_ref(), kept, &tick)).await?;

    let tracked = track(project, registry, &trained).await?;
    let best = trained.best;
    let (version, already_registered) = register(project, registry, &trained, best, &tracked).await?;
    let rival = Rival { champion: champion.as_ref(), lost };
    let decision = decide(project, registry, order, &version, rival, trained.verdict.clone()).await?;
    let mut refreshed = None;
    if let Some((own, verdict)) = trained.refreshed.as_ref().filter(|_| order.promote) {
        let (version, _) = register(project, registry, &trained, *own, &tracked).await?;
        decide(project, registry, order, &version, rival, Some(verdict.clone())).await?;
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
        .zip(&trained.made)
        .zip(tracked)
        .filter_map(|((tested, made), tracked)| {
            Some(Candidate::new(tested, made.as_ref()?.model.spec().to_string(), tracked?.run_id))
        })
        .collect();
    candidates.sort_by(|a, b| a.rmsle.unwrap_or(f64::INFINITY).total_cmp(&b.rmsle.unwrap_or(f64::INFINITY)));
    Ok(TrainingReport {
        model: name,
        as_of: project.as_of.to_string(),
        origins: trained.tested[best].origins.iter().map(|score| score.origin.to_string()).collect(),
        horizon: project.settings.training.horizon,
        candidates,
        spec: trained.made(best)?.model.spec().to_string(),
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
    if let Some(serving) = Serving::find(project, registry).await? {
        return Ok((serving.champion.clone(), None));
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

fn train(
    project: &Project,
    champion: Option<&Model>,
    kept: Option<(Model, Baseline)>,
    tick: &(dyn Fn() + Sync),
) -> Result<Trained, Fault> {
    let mut recipes = Recipe::CANDIDATES.to_vec();
    recipes.extend(champion.map(Model::recipe).filter(|recipe| !Recipe::CANDIDATES.contains(recipe)));
    with_replay(project, project.calibrated_days(), |replay| {
        let mut bench = Bench::new(project, replay, recipes, tick)?;
        bench.take_full(kept);
        let (best, passed_over) = bench.best()?.ok_or(TrainingError::NoCandidate(project.as_of))?;
        let verdict = champion.map(|champion| bench.judge(champion, best)).transpose()?;
        let refused = verdict.as_ref().is_some_and(|verdict| !verdict.promote);
        let own = bench.recipes.iter().position(|recipe| champion.is_some_and(|champion| champion.recipe() == *recipe));
        let refreshed = match champion.zip(own.filter(|&own| refused && own != best)) {
            Some((champion, own)) => Some((own, bench.judge(champion, own)?)).filter(|(_, verdict)| verdict.promote),
            None => None,
        };
        let Bench { tested, made, .. } = bench;
        Ok(Trained { tested, made, best, passed_over, verdict, refreshed })
    })
}

/// The candidates side by side on the gate's last origins.
struct Bench<'a> {
    project: &'a Project,
    replay: &'a Replay<'a>,
    origins: Vec<Date>,
    recipes: Vec<Recipe>,
    tested: Vec<Backtest>,
    made: Vec<Option<Made>>,
}

impl<'a> Bench<'a> {
    /// Tests every recipe; those whose backtest was kept from before are not trained yet.
    fn new(
        project: &'a Project,
        replay: &'a Replay<'a>,
        recipes: Vec<Recipe>,
        tick: &(dyn Fn() + Sync),
    ) -> Result<Self, Fault> {
        let origins = gate_origins(project)?;
        let (mut tested, mut made) = (Vec::new(), Vec::new());
        for &recipe in &recipes {
            match project.kept_backtest(recipe, &origins) {
                Some(kept) => {
                    tested.push(kept);
                    made.push(None);
                }
                None => {
                    let (backtest, candidate) = examine(project, replay, recipe, &origins)?;
                    tested.push(backtest);
                    made.push(Some(candidate));
                }
            }
            tick();
        }
        Ok(Self { project, replay, origins, recipes, tested, made })
    }

    /// Takes the full candidate as a replay has kept it.
    fn take_full(&mut self, kept: Option<(Model, Baseline)>) {
        let full = self.recipes.iter().position(|recipe| *recipe == Recipe::FULL);
        if let Some((full, (model, baseline))) = full.zip(kept) {
            self.made[full].get_or_insert(Made { model, baseline });
        }
    }

    fn made(&mut self, candidate: usize) -> Result<&Made, Fault> {
        let slot = &mut self.made[candidate];
        if slot.is_none() {
            *slot = Some(examine(self.project, self.replay, self.recipes[candidate], &self.origins)?.1);
        }
        Ok(slot.as_ref().ok_or(PipelineError::CutOff("a candidate was not trained".into()))?)
    }

    /// Whether its forecast of today did not explode.
    fn serves(&mut self, candidate: usize) -> Result<bool, Fault> {
        let (seen, horizon) = (self.project.repaired()?.0, self.project.settings.training.horizon);
        Ok(self.made(candidate)?.model.forecast(&seen.view(), horizon).is_ok())
    }

    /// The full candidate, which is best over years, unless the one with the smallest mean loss beats it by the paired test:
    /// over a few origins others are better by chance. One whose loss is not finite, or whose own forecast explodes, is none.
    fn best(&mut self) -> Result<Option<(usize, Option<PassedOver>)>, Fault> {
        let losses = self.tested.iter().map(Backtest::mean_loss).enumerate();
        let mut sound: Vec<(usize, f64)> = losses.filter(|(_, loss)| loss.is_finite()).collect();
        sound.sort_by(|a, b| a.1.total_cmp(&b.1));
        let full = sound.iter().find(|(candidate, _)| self.recipes[*candidate] == Recipe::FULL).copied();
        let full = match full {
            Some((full, loss)) if self.serves(full)? => Some((full, loss)),
            _ => None,
        };
        for &(candidate, loss) in &sound {
            if let Some((full, full_loss)) = full {
                if loss >= full_loss {
                    return Ok(Some((full, None)));
                }
                let p_value = p_value(&self.tested[full], &self.tested[candidate]);
                if p_value >= self.project.settings.gate.level {
                    let recipe = self.tested[candidate].recipe.to_string();
                    return Ok(Some((full, Some(PassedOver { recipe, p_value }))));
                }
            }
            if self.serves(candidate)? {
                return Ok(Some((candidate, None)));
            }
        }
        Ok(full.map(|(full, _)| (full, None)))
    }

    fn judge(&mut self, champion: &Model, candidate: usize) -> Result<Verdict, Fault> {
        self.made(candidate)?;
        let Some(made) = &self.made[candidate] else { return Ok(Verdict::refused("it was not trained".into())) };
        judge(self.project, self.replay, champion, &made.model, &self.tested)
    }
}

/// The chance of so good a result for a candidate if it were no better than the full one.
fn p_value(full: &Backtest, candidate: &Backtest) -> f64 {
    let pairs = full.losses().into_iter().zip(candidate.losses());
    paired_p_value(&pairs.map(|(full, candidate)| full - candidate).collect::<Vec<f64>>())
}

/// Trains a recipe on each origin, for its backtest, and on the as-of date: what they share is made once.
fn examine(
    project: &Project,
    replay: &Replay<'_>,
    recipe: Recipe,
    origins: &[Date],
) -> Result<(Backtest, Made), Fault> {
    let training = &project.settings.training;
    let days: Vec<Date> = origins.iter().copied().chain([project.as_of]).collect();
    let mut models = train_on_origins(replay, recipe, &days, replay.horizon(), training)?;
    let model = models.pop().ok_or(TrainingError::NoCandidate(project.as_of))?.for_every_weekday(replay)?;
    let (mut scores, mut usual) = (Vec::new(), Vec::new());
    for model in &models {
        let (score, of_monitoring) = backtested(replay, model, training.horizon)?;
        scores.push(score);
        usual.extend(of_monitoring);
    }
    let tested = Backtest { recipe, horizon: training.horizon, origins: scores };
    Ok((tested, Made { model, baseline: Baseline::new(training.horizon, usual) }))
}

/// What a model's forecast of the day of its training scores, for the gate, and for monitoring unless it exploded.
pub(crate) fn backtested(
    replay: &Replay<'_>,
    model: &Model,
    horizon: usize,
) -> Result<(OriginScore, Option<OriginScores>), Fault> {
    let (forecast, _) = forecast_at_origin(replay, model, horizon)?;
    let published = replay.published();
    let usual = forecast.exploded().is_none().then(|| OriginScores::of(&forecast, &published));
    Ok((OriginScore::new(*model.spec(), &forecast, &published), usual))
}

/// A tracking run, and what a version that comes of it names as its source.
struct Tracked {
    run_id: String,
    source: String,
}

/// One tracking run a candidate.
async fn track(project: &Project, registry: &dyn Registry, trained: &Trained) -> Result<Vec<Option<Tracked>>, Fault> {
    let experiment = project.model_name();
    registry.get_or_create_experiment(&experiment).await?;
    let mut all = Vec::with_capacity(trained.made.len());
    for (candidate, made) in trained.made.iter().enumerate() {
        let Some(made) = made else {
            all.push(None);
            continue;
        };
        let (start, name) = (project.now().as_millisecond(), made.model.recipe().to_string());
        let source = [("mlflow.source.name", "train-and-promote"), ("mlflow.source.type", "JOB")];
        let tags = source.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let run_id = registry.create_run(&experiment, &name, start, &tags).await?.run_id;
        let logged = log_candidate(project, registry, &run_id, trained, candidate, made).await;
        let status = if logged.is_ok() { RunStatus::Finished } else { RunStatus::Failed };
        let finished = registry.finish_run(&run_id, status, project.now().as_millisecond()).await;
        let source = logged?;
        finished?;
        all.push(Some(Tracked { run_id, source }));
    }
    Ok(all)
}

async fn log_candidate(
    project: &Project,
    registry: &dyn Registry,
    run_id: &str,
    trained: &Trained,
    candidate: usize,
    made: &Made,
) -> Result<String, Fault> {
    let (tested, model) = (&trained.tested[candidate], &made.model);
    let persistence = trained.tested.iter().find(|tested| tested.recipe == Recipe::Persistence);
    registry.log_batch(run_id, &batch(project, tested, persistence, model)).await?;
    registry.log_dataset(run_id, &dataset(project)?).await?;
    let files: [(String, Bytes); 2] =
        [("MLmodel".into(), mlmodel(model, run_id).into()), ("model.json".into(), model.to_json()?.into())];
    let source = registry.log_model(run_id, &files).await?;
    registry.put_artifact(run_id, BACKTEST_ARTIFACT, backtest_csv(tested).into()).await?;
    registry.put_artifact(run_id, BASELINE_ARTIFACT, made.baseline.to_json()?.into()).await?;
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
    tracked: &[Option<Tracked>],
) -> Result<(ModelVersion, bool), Fault> {
    let name = project.model_name();
    let (model, tested) = (&trained.made(candidate)?.model, &trained.tested[candidate]);
    let untracked = || PipelineError::CutOff("a candidate was not tracked".into());
    let tracked = tracked[candidate].as_ref().ok_or_else(untracked)?;
    let description = "Cumulative COVID-19 cases and deaths by place and day, on ln(1 + count)";
    registry.get_or_create_registered_model(&name, description).await?;
    let tags = vec![
        ("recipe".to_owned(), model.recipe().to_string()),
        ("spec".to_owned(), model.spec().to_string()),
        ("trained_as_of".to_owned(), model.trained_as_of().to_string()),
        ("vintage".to_owned(), project.panel.digest()),
        ("repair".to_owned(), project.repair.to_string()),
        ("rmsle".to_owned(), tested.mean_loss().to_string()),
        (MODEL_DIGEST_TAG.to_owned(), model.digest()?),
    ];
    let same = |version: &ModelVersion| {
        let identity = tags.iter().filter(|(key, _)| IDENTITY.contains(&key.as_str()));
        identity.into_iter().all(|(key, value)| version.tags.get(key) == Some(value))
    };
    // Two trainings at once may both have registered it: then the champion of them is it, else the older one.
    let mut registered: Vec<ModelVersion> = registry.list_versions(&name).await?.into_iter().filter(same).collect();
    registered.sort_by_key(|version| (!version.is_champion(), version.version));
    for version in registered {
        match Champion::load(registry, &version).await {
            Ok(_) => return Ok((version, true)),
            // Of the champion this was said.
            Err(PredictionError::LostModel { .. }) if version.is_champion() => {}
            Err(error @ PredictionError::LostModel { .. }) => tracing::warn!("{error}; it is registered anew"),
            Err(error) => return Err(error.into()),
        }
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
const IDENTITY: [&str; 4] = ["recipe", "trained_as_of", "vintage", MODEL_DIGEST_TAG];

/// Whom a version would replace.
#[derive(Clone, Copy)]
struct Rival<'a> {
    champion: Option<&'a Champion>,
    /// The version of a champion whose model is lost.
    lost: Option<u64>,
}

/// Carries out the gate's verdict; without a champion there is none, and the version becomes it.
async fn decide(
    project: &Project,
    registry: &dyn Registry,
    order: &Order,
    version: &ModelVersion,
    rival: Rival<'_>,
    verdict: Option<Verdict>,
) -> Result<Decision, Fault> {
    let (name, now) = (&version.name, project.now().as_millisecond());
    let Some((champion, verdict)) = rival.champion.zip(verdict) else {
        let (evidence, decision) = match rival.lost {
            Some(lost) => (format!("the model of version {lost} was lost"), Decision::Replaced { lost }),
            None => ("the registry had no champion".to_owned(), Decision::FirstChampion),
        };
        registry.promote(name, version.version, rival.lost, &evidence, now).await?;
        return Ok(decision);
    };
    if champion.version == version.version {
        return Ok(Decision::AlreadyChampion);
    }
    let mut verdict = verdict;
    if verdict.promote && !order.promote {
        verdict = Verdict { promote: false, reason: format!("promotion is turned off; {}", verdict.reason), ..verdict };
    }
    if !verdict.promote {
        registry.set_alias(name, CHALLENGER, version.version).await?;
        return Ok(Decision::NothingBetter { verdict });
    }
    let evidence = match &order.cause {
        Some(cause) => format!("{cause}; {}", verdict.reason),
        None => verdict.reason.clone(),
    };
    match registry.promote(name, version.version, Some(champion.version), &evidence, now).await? {
        Promotion::Promoted(_) => Ok(Decision::Promoted { verdict }),
        Promotion::AlreadyChampion { .. } => Ok(Decision::AlreadyChampion),
    }
}
