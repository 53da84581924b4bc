//! Tracking runs as text.

use std::{collections::BTreeSet, fmt::Write as _};

use covid_core::Target;
use covid_pipeline::{Comparison, Difference, ListedRun, MetricPair, RunQuery};
use covid_registry::Run;
use covid_report::{Column, Table, score};

use super::instant;

/// Parameters that a list has columns for: the recipe is in the model's name.
const SHOWN_PARAMS: [&str; 3] = ["recipe", "spec", "as_of"];
/// The keys of a query that a list has columns for.
const SHOWN_KEYS: [&str; 6] = ["run", "started", "status", "spec", "as_of", "rmsle"];

/// The tracking runs, with the parameters that differ and what they are sorted by.
pub(crate) fn runs(runs: &[ListedRun], query: &RunQuery) -> String {
    if runs.is_empty() {
        return match query.filters.is_empty() {
            true => "no tracking run yet; `exp-track-mod-reg` makes some".into(),
            false => "no tracking run satisfies every filter".into(),
        };
    }
    let sorted_by = query.sort.as_ref().map(|sort| sort.key.as_str()).filter(|key| !SHOWN_KEYS.contains(key));
    let columns = ["Tracking run", "Started", "Status", "Model", "As of"].map(Column::text);
    let further = sorted_by.map(Column::number).into_iter().chain([Column::text("Differing parameters")]);
    let mut table = Table::new(columns.into_iter().chain([Column::number("RMSLE")]).chain(further));
    for listed in runs {
        let run = &listed.run;
        let param = |key: &str| run.params.get(key).cloned().unwrap_or_default();
        let rmsle = run.metrics.get("rmsle").copied().map_or_else(String::new, score);
        let (id, status) = (run.info.run_id.clone(), run.info.status.to_string());
        let cells = [id, instant(run.info.start_ms), status, param("spec"), param("as_of"), rmsle];
        table.row(cells.into_iter().chain(sorted_by.map(|key| logged(run, key))).chain([differing(listed)]));
    }
    table.to_string()
}

fn differing(listed: &ListedRun) -> String {
    let further = listed.differing_params.iter().filter(|(key, _)| !SHOWN_PARAMS.contains(&key.as_str()));
    further.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

/// What a run has under the key that it was sorted by.
fn logged(run: &Run, key: &str) -> String {
    let bare = ["metrics.", "params.", "tags."].iter().find_map(|kind| key.strip_prefix(kind)).unwrap_or(key);
    let metric = run.metrics.get(bare).copied().map(score);
    let text = || run.params.get(bare).or_else(|| run.tags.get(bare)).cloned();
    let ended = || run.info.end_ms.filter(|_| key == "ended").map(instant);
    let name = || (key == "name").then(|| run.info.name.clone());
    metric.or_else(text).or_else(ended).or_else(name).unwrap_or_default()
}

/// Two runs side by side.
pub(crate) fn comparison(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (letter, run) in ["A", "B"].into_iter().zip(&comparison.runs) {
        let (spec, as_of) = (run.params.get("spec"), run.params.get("as_of"));
        let model = spec.unwrap_or(&run.info.name);
        let trained = as_of.map(|as_of| format!(" trained as of {as_of}")).unwrap_or_default();
        let (id, started, status) = (&run.info.run_id, instant(run.info.start_ms), run.info.status);
        let _ = writeln!(text, "{letter}  {id}  {model}{trained}, started {started}, {status}");
    }
    let _ = writeln!(text, "\n{}", differences(comparison));
    if !comparison.same_data {
        let _ = writeln!(text, "scored on other days or data: a difference of scores is not the model's alone");
    }
    let _ = writeln!(text, "\n{}", single(comparison));
    for (group, step) in [("rmsle_by_horizon", "Days ahead"), ("rmsle_by_size", "Count at origin, from")] {
        if let Some(table) = by_step(comparison, group, step) {
            let _ = writeln!(text, "\n{table}");
        }
    }
    text
}

fn differences(comparison: &Comparison) -> String {
    let all: Vec<&Difference> = comparison.params.iter().chain(&comparison.tags).collect();
    if all.is_empty() {
        return "no parameter or tag differs".into();
    }
    let mut table = Table::new(["Parameter or tag that differs", "A", "B"].map(Column::text));
    for Difference { key, values } in all {
        let [a, b] = values.clone().map(Option::unwrap_or_default);
        table.row([key.clone(), a, b]);
    }
    table.to_string()
}

/// The metrics that have one value a run.
fn single(comparison: &Comparison) -> String {
    let mut table = Table::new([Column::text("Metric")].into_iter().chain(["A", "B", "B - A"].map(Column::number)));
    for pair in comparison.metrics.iter().filter(|pair| !pair.key.contains("_by_")) {
        table.row([pair.key.clone()].into_iter().chain(cells(pair)));
    }
    table.to_string()
}

/// A group of metrics with steps, a row a step and three columns a target.
fn by_step(comparison: &Comparison, group: &str, step: &str) -> Option<Table> {
    let of = |target: Target| {
        let key = format!("{group}.{target}");
        comparison.metrics.iter().filter(move |pair| pair.key == key)
    };
    let steps: BTreeSet<i64> = Target::ALL.into_iter().flat_map(of).map(|pair| pair.step).collect();
    let columns = Target::ALL.iter().flat_map(|target| {
        let word = word(*target);
        [format!("{word} A"), format!("{word} B"), "B - A".to_owned()]
    });
    let mut table = Table::new([step.to_owned()].into_iter().chain(columns).map(Column::number));
    for step in &steps {
        let pairs = Target::ALL.map(|target| of(target).find(|pair| pair.step == *step));
        let cells = pairs.into_iter().flat_map(|pair| pair.map_or_else(|| ["-", "-", "-"].map(str::to_owned), cells));
        table.row([step.to_string()].into_iter().chain(cells));
    }
    (!steps.is_empty()).then_some(table)
}

fn word(target: Target) -> &'static str {
    match target {
        Target::ConfirmedCases => "Cases",
        Target::Fatalities => "Deaths",
    }
}

fn cells(pair: &MetricPair) -> [String; 3] {
    let [a, b] = pair.values.map(|value| value.map_or_else(|| "-".to_owned(), score));
    [a, b, pair.difference.map_or_else(|| "-".to_owned(), |difference| format!("{difference:+.4}"))]
}
