//! Two tracking runs side by side.

use std::collections::{BTreeMap, BTreeSet};

use covid_core::{Fault, close_matches};
use covid_registry::{ModelVersion, Registry, Run, list_all_runs};
use serde::Serialize;

use crate::{PipelineError, Project};

/// Two tracking runs, and how they differ.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The runs.
    pub runs: [Run; 2],
    /// The parameters that differ.
    pub params: Vec<Difference>,
    /// The tags that differ, MLflow's own left out.
    pub tags: Vec<Difference>,
    /// Every metric of either, by key and step.
    pub metrics: Vec<MetricPair>,
    /// Whether both were scored on the same days of the same data, so that a difference is the model's.
    pub same_data: bool,
}

/// A parameter or tag that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its key.
    pub key: String,
    /// The values; none where a run has none.
    pub values: [Option<String>; 2],
}

/// A metric of two runs at a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricPair {
    /// Its key.
    pub key: String,
    /// The step, such as the day ahead.
    pub step: i64,
    /// The latest values; none where a run has none.
    pub values: [Option<f64>; 2],
    /// The second less the first, where both are finite.
    pub difference: Option<f64>,
}

/// What fixes the days and data on which a run was scored.
const SCORED_ON: [&str; 4] = ["as_of", "horizon", "origins", "repair"];
const DATA: [&str; 2] = ["covid.dataset", "covid.vintage"];

/// Compares two runs of the dataset's experiment. Each is given as its id or the beginning of it, as an alias or `v2` of
/// the registered model (the run that made that version), or as the name or model of a run (the newest one of it).
///
/// # Errors
/// If a reference fits no run or several, or the registry fails.
pub async fn compare_runs(project: &Project, registry: &dyn Registry, of: [&str; 2]) -> Result<Comparison, Fault> {
    let name = project.model_name();
    let runs = list_all_runs(registry, Some(&name)).await?;
    let versions = registry.list_versions(&name).await?;
    let [a, b] = of.map(|reference| find(reference, &runs, &versions, &name));
    let runs = [a?.clone(), b?.clone()];
    let params = differences(runs.each_ref().map(|run| &run.params));
    let tags = differences(runs.each_ref().map(|run| &run.tags));
    let same_data = !params.iter().any(|param| SCORED_ON.contains(&param.key.as_str()))
        && !tags.iter().any(|tag| DATA.contains(&tag.key.as_str()));
    let tags = tags.into_iter().filter(|tag| !tag.key.starts_with("mlflow.")).collect();
    Ok(Comparison { params, tags, metrics: metrics(registry, &runs).await?, same_data, runs })
}

fn find<'r>(
    reference: &str,
    runs: &'r [Run],
    versions: &[ModelVersion],
    experiment: &str,
) -> Result<&'r Run, PipelineError> {
    let exact = |id: &str| runs.iter().find(|run| run.info.run_id == id);
    let number = reference.strip_prefix('v').and_then(|number| number.parse::<u64>().ok());
    let version =
        versions.iter().find(|version| version.aliases.contains(reference) || Some(version.version) == number);
    let named = |run: &&Run| run.info.name == reference || run.params.get("spec").is_some_and(|spec| spec == reference);
    let found = version.and_then(|version| exact(&version.run_id)).or_else(|| runs.iter().find(named));
    if let Some(run) = exact(reference).or(found) {
        return Ok(run);
    }
    let prefixed = |run: &&Run| !reference.is_empty() && run.info.run_id.starts_with(&reference.to_lowercase());
    match runs.iter().filter(prefixed).collect::<Vec<_>>()[..] {
        [run] => Ok(run),
        [] => {
            let aliases = versions.iter().flat_map(|version| &version.aliases);
            let known = runs
                .iter()
                .flat_map(|run| [&run.info.run_id, &run.info.name].into_iter().chain(run.params.get("spec")));
            let known: BTreeSet<&str> = known.chain(aliases).map(String::as_str).collect();
            let close = close_matches(reference, known);
            Err(PipelineError::UnknownRun { reference: reference.to_owned(), experiment: experiment.to_owned(), close })
        }
        ref several => {
            let ids = several.iter().map(|run| run.info.run_id.clone()).collect();
            Err(PipelineError::AmbiguousRun { reference: reference.to_owned(), ids })
        }
    }
}

fn differences(of: [&BTreeMap<String, String>; 2]) -> Vec<Difference> {
    let keys: BTreeSet<&String> = of.iter().flat_map(|values| values.keys()).collect();
    let difference = |key: &String| Difference { key: key.clone(), values: of.map(|values| values.get(key).cloned()) };
    keys.into_iter().map(difference).filter(|difference| difference.values[0] != difference.values[1]).collect()
}

async fn metrics(registry: &dyn Registry, runs: &[Run; 2]) -> Result<Vec<MetricPair>, Fault> {
    let keys: BTreeSet<&String> = runs.iter().flat_map(|run| run.metrics.keys()).collect();
    let mut pairs = Vec::new();
    for key in keys {
        let [a, b] = [latest(registry, &runs[0], key).await?, latest(registry, &runs[1], key).await?];
        let steps: BTreeSet<i64> = a.keys().chain(b.keys()).copied().collect();
        pairs.extend(steps.into_iter().map(|step| {
            let values = [&a, &b].map(|values| values.get(&step).copied());
            let difference = values[1].zip(values[0]).map(|(b, a)| b - a).filter(|difference| difference.is_finite());
            MetricPair { key: key.clone(), step, values, difference }
        }));
    }
    Ok(pairs)
}

/// The latest value of a metric at each step.
pub(super) async fn latest(registry: &dyn Registry, run: &Run, key: &str) -> Result<BTreeMap<i64, f64>, Fault> {
    if !run.metrics.contains_key(key) {
        return Ok(BTreeMap::new());
    }
    let history = registry.metric_history(&run.info.run_id, key).await?;
    Ok(history.into_iter().map(|metric| (metric.step, metric.value)).collect())
}
