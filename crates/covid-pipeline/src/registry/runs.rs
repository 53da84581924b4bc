//! The tracking runs, filtered and sorted.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    str::FromStr,
};

use covid_core::{Date, Fault, Timestamp, close_matches};
use covid_registry::{Registry, Run, list_all_runs};
use serde::Serialize;

use crate::{PipelineError, Project};

/// Which runs to list, and in which order; by default all, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// What all of them must satisfy.
    pub filters: Vec<Filter>,
    /// By what they are sorted; of equals the newest first.
    pub sort: Option<Sort>,
    /// How many at most.
    pub limit: Option<NonZeroUsize>,
}

/// A condition such as `recipe=ensemble` or `rmsle<0.02`. A run without the key satisfies none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    key: String,
    operator: Operator,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// A key, with a `-` before it from the largest value down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// A column, a metric, a parameter or a tag.
    pub key: String,
    /// From the largest down.
    pub descending: bool,
}

/// A run of a list.
#[derive(Debug, Clone, Serialize)]
pub struct ListedRun {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Of its parameters those that are not the same in all runs of the list.
    pub differing_params: BTreeMap<String, String>,
}

/// The tracking runs of the dataset's experiment that are asked for.
///
/// # Errors
/// If no run has a key of the query, or the registry fails.
pub async fn tracking_runs(
    project: &Project,
    registry: &dyn Registry,
    query: &RunQuery,
) -> Result<Vec<ListedRun>, Fault> {
    let mut runs = list_all_runs(registry, Some(&project.model_name())).await?;
    query.check_keys(&runs)?;
    query.filters.iter().try_for_each(|filter| filter.check_kind(&runs))?;
    runs.retain(|run| query.filters.iter().all(|filter| filter.admits(run)));
    if let Some(sort) = &query.sort {
        runs.sort_by(|a, b| sort.order(a, b));
    }
    runs.truncate(query.limit.map_or(usize::MAX, NonZeroUsize::get));
    let differing = differing_params(&runs);
    let listed = |run: Run| {
        let own = run.params.iter().filter(|(key, _)| differing.contains(*key));
        ListedRun { differing_params: own.map(|(key, value)| (key.clone(), value.clone())).collect(), run }
    };
    Ok(runs.into_iter().map(listed).collect())
}

/// The parameters whose values, or absence, are not the same in all runs.
pub(super) fn differing_params(runs: &[Run]) -> BTreeSet<String> {
    let keys: BTreeSet<&String> = runs.iter().flat_map(|run| run.params.keys()).collect();
    let differs = |key: &&&String| runs.iter().any(|run| run.params.get(**key) != runs[0].params.get(**key));
    keys.iter().filter(differs).map(|key| (*key).clone()).collect()
}

impl RunQuery {
    /// A key that no run has is a slip of the pen. Without any run nothing can be told.
    fn check_keys(&self, runs: &[Run]) -> Result<(), PipelineError> {
        let filters = self.filters.iter().map(|filter| ("--filter", &filter.key));
        let keys = filters.chain(self.sort.iter().map(|sort| ("--sort", &sort.key)));
        for (option, key) in keys {
            if !runs.is_empty() && runs.iter().all(|run| value(run, key).is_none()) {
                let known: BTreeSet<String> = runs.iter().flat_map(keys_of).collect();
                let close = close_matches(key, known.iter().map(String::as_str));
                let key = key.clone();
                return Err(PipelineError::UnknownKey { option, key, close, known: known.into_iter().collect() });
            }
        }
        Ok(())
    }
}

impl Filter {
    /// An order is one of numbers, of instants or of texts. A bound of another kind than every value is a slip of the pen.
    fn check_kind(&self, runs: &[Run]) -> Result<(), PipelineError> {
        let wanted = Value::of_text(&self.value);
        let mut found = runs.iter().filter_map(|run| value(run, &self.key)).peekable();
        let Some(first) = found.peek().cloned() else { return Ok(()) };
        let is_order = !matches!(self.operator, Operator::Equal | Operator::Unequal);
        if is_order && found.all(|value| value.kind() != wanted.kind()) {
            let (key, bound) = (self.key.clone(), self.value.clone());
            return Err(PipelineError::OtherKind { key, is: first.kind(), bound, bound_is: wanted.kind() });
        }
        Ok(())
    }

    fn admits(&self, run: &Run) -> bool {
        let Some(found) = value(run, &self.key) else { return false };
        let wanted = Value::of_text(&self.value);
        let order = found.compare(&wanted);
        match self.operator {
            Operator::Equal => order == Some(Ordering::Equal),
            Operator::Unequal => order != Some(Ordering::Equal),
            Operator::Less => order == Some(Ordering::Less),
            Operator::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Operator::Greater => order == Some(Ordering::Greater),
            Operator::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl FromStr for Filter {
    type Err = PipelineError;

    fn from_str(text: &str) -> Result<Self, PipelineError> {
        const OPERATORS: [(&str, Operator); 6] = [
            ("!=", Operator::Unequal),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let (key, rest) = text.split_at(text.find(['!', '<', '>', '=']).unwrap_or(text.len()));
        let read = OPERATORS.iter().find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)));
        match (key.trim(), read) {
            (key, Some((operator, value))) if !key.is_empty() => {
                Ok(Self { key: key.to_owned(), operator, value: value.trim().to_owned() })
            }
            _ => Err(PipelineError::BadSetting {
                name: "--filter",
                range: "KEY=VALUE, with one of = != < <= > >=",
                value: text.to_owned(),
            }),
        }
    }
}

impl Sort {
    /// Runs without the key, or with a NaN, come last in either direction.
    fn order(&self, a: &Run, b: &Run) -> Ordering {
        let known =
            |run| value(run, &self.key).filter(|value| !matches!(value, Value::Number(number) if number.is_nan()));
        match (known(a), known(b)) {
            (Some(a), Some(b)) => {
                let order = a.compare(&b).unwrap_or_else(|| a.kind().cmp(b.kind()));
                if self.descending { order.reverse() } else { order }
            }
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
}

impl FromStr for Sort {
    type Err = PipelineError;

    fn from_str(text: &str) -> Result<Self, PipelineError> {
        let key = text.strip_prefix('-').unwrap_or(text);
        if key.is_empty() {
            let range = "a column, metric, parameter or tag, with a `-` before it from the largest down";
            return Err(PipelineError::BadSetting { name: "--sort", range, value: text.to_owned() });
        }
        Ok(Self { key: key.to_owned(), descending: text.starts_with('-') })
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(f64),
    /// Milliseconds since the Unix epoch.
    Instant(i64),
    Text(String),
}

impl Value {
    /// A number, an instant (`2030-01-02T03:04:05Z`), a date (its first instant, UTC) or else text.
    fn of_text(text: &str) -> Self {
        let number = || text.parse().ok().map(Self::Number);
        let instant = |text: &str| Some(Self::Instant(text.parse::<Timestamp>().ok()?.as_millisecond()));
        let date = || instant(&format!("{}T00:00Z", text.parse::<Date>().ok()?));
        number().or_else(|| instant(text)).or_else(date).unwrap_or_else(|| Self::Text(text.to_lowercase()))
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Instant(_) => "a point in time",
            Self::Text(_) => "text",
        }
    }

    /// Numbers and instants by size, texts without regard to letter case; none for a NaN, and for two of different kinds.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b),
            (Self::Instant(a), Self::Instant(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// The columns of a list of runs, beside what was logged to a run.
const COLUMNS: [&str; 5] = ["run", "name", "status", "started", "ended"];

/// What a run has under a key: a column, or a metric, parameter or tag, in this order; MLflow's `metrics.`, `params.` and
/// `tags.` before the key ask for one of these alone.
fn value(run: &Run, key: &str) -> Option<Value> {
    let metric = |key: &str| run.metrics.get(key).copied().map(Value::Number);
    let param = |key: &str| run.params.get(key).map(|text| Value::of_text(text));
    let tag = |key: &str| run.tags.get(key).map(|text| Value::of_text(text));
    let asked = key.split_once('.').and_then(|(kind, key)| match kind {
        "metrics" => metric(key),
        "params" => param(key),
        "tags" => tag(key),
        _ => None,
    });
    asked.or_else(|| column(run, key)).or_else(|| metric(key)).or_else(|| param(key)).or_else(|| tag(key))
}

fn column(run: &Run, key: &str) -> Option<Value> {
    let instant = Value::Instant;
    match key {
        "run" => Some(Value::Text(run.info.run_id.clone())),
        "name" => Some(Value::Text(run.info.name.to_lowercase())),
        "status" => Some(Value::Text(run.info.status.as_str().to_lowercase())),
        "started" => Some(instant(run.info.start_ms)),
        "ended" => run.info.end_ms.map(instant),
        _ => None,
    }
}

/// What may be asked for; of metrics with steps a list has the last step alone.
fn keys_of(run: &Run) -> impl Iterator<Item = String> {
    let columns = COLUMNS.into_iter().map(str::to_owned);
    let metrics = run.metrics.keys().filter(|key| !key.contains("_by_"));
    columns.chain(metrics.chain(run.params.keys()).chain(run.tags.keys()).cloned())
}

#[cfg(test)]
mod tests {
    use covid_registry::{RunInfo, RunStatus};

    use super::*;

    fn run(name: &str, start_ms: i64, rmsle: f64, params: &[(&str, &str)]) -> Run {
        let (run_id, experiment) = (format!("{start_ms:032x}"), "e".to_owned());
        let info =
            RunInfo { run_id, experiment, name: name.to_owned(), status: RunStatus::Finished, start_ms, end_ms: None };
        let params = params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Run {
            info,
            params,
            metrics: [("rmsle".to_owned(), rmsle)].into(),
            tags: [("rmsle".to_owned(), "tag".to_owned())].into(),
        }
    }

    fn runs() -> Vec<Run> {
        vec![
            run("c", 3_000, f64::NAN, &[("window", "14"), ("phi", "0.9")]),
            run("b", 2_000, 0.5, &[("window", "7"), ("phi", "0.9")]),
            run("a", 1_000, 0.25, &[("phi", "0.9")]),
        ]
    }

    fn names(runs: &[Run]) -> String {
        runs.iter().map(|run| run.info.name.as_str()).collect()
    }

    fn sorted(by: &str) -> String {
        let (mut runs, sort): (_, Sort) = (runs(), by.parse().unwrap());
        runs.sort_by(|a, b| sort.order(a, b));
        names(&runs)
    }

    fn filtered(condition: &str) -> String {
        let (mut runs, filter): (_, Filter) = (runs(), condition.parse().unwrap());
        runs.retain(|run| filter.admits(run));
        names(&runs)
    }

    #[test]
    fn what_is_missing_or_nan_comes_last_in_either_direction() {
        assert_eq!([sorted("rmsle"), sorted("-rmsle")], ["abc", "bac"]);
        assert_eq!([sorted("window"), sorted("-window")], ["bca", "cba"], "7 is before 14, as a number");
        assert_eq!([sorted("started"), sorted("-started"), sorted("name")], ["abc", "cba", "abc"]);
        assert_eq!([sorted("metrics.rmsle"), sorted("tags.rmsle")], ["abc", "cba"], "of equals the newest first");
    }

    #[test]
    fn a_condition_compares_numbers_as_numbers_and_text_without_letter_case() {
        for (condition, admitted) in [
            ("window=7.0", "b"),
            ("window!=7", "c"),
            ("window >= 7", "cb"),
            ("rmsle<0.5", "a"),
            ("rmsle<=0.5", "ba"),
            ("rmsle>0.3", "b"),
            ("status=finished", "cba"),
            ("name=B", "b"),
            ("started<=1970-01-01T00:00:02Z", "ba"),
            ("started>1970-01-01", "cba"),
            ("tags.rmsle=tag", "cba"),
            ("ended=2020", ""),
        ] {
            assert_eq!(filtered(condition), admitted, "{condition}");
        }
    }

    #[test]
    fn like_is_ordered_with_like_alone() {
        let check = |condition: &str| condition.parse::<Filter>().unwrap().check_kind(&runs());
        for (condition, sentence) in [
            ("rmsle<abc", "--filter: `rmsle` is a number, and cannot be ordered with `abc`, which is text"),
            (
                "window>=2021-05-01",
                "--filter: `window` is a number, and cannot be ordered with `2021-05-01`, which is a point in time",
            ),
            (
                "started<2021-13-40",
                "--filter: `started` is a point in time, and cannot be ordered with `2021-13-40`, which is text",
            ),
            ("started>5", "--filter: `started` is a point in time, and cannot be ordered with `5`, which is a number"),
            ("name<=7", "--filter: `name` is text, and cannot be ordered with `7`, which is a number"),
        ] {
            assert_eq!(check(condition).unwrap_err().to_string(), sentence);
        }
        for condition in ["rmsle<1", "rmsle<nan", "name>a", "name!=7", "rmsle=abc", "started<2021-05-01", "ended<x"] {
            check(condition).unwrap();
        }
        assert_eq!([filtered("rmsle!=abc"), filtered("name=7")], ["cba", ""]);
    }

    #[test]
    fn what_is_no_condition_or_order_is_refused() {
        for text in ["", "rmsle", "=3", "rmsle!3", "  = 3"] {
            assert!(text.parse::<Filter>().is_err(), "`{text}`");
        }
        for text in ["", "-"] {
            assert!(text.parse::<Sort>().is_err(), "`{text}`");
        }
    }

    #[test]
    fn a_parameter_that_one_run_lacks_differs() {
        assert_eq!(differing_params(&runs()).into_iter().collect::<Vec<_>>(), ["window"]);
        assert!(differing_params(&runs()[..1]).is_empty() && differing_params(&[]).is_empty());
    }
}
