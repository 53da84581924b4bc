//! What can go wrong between the crates.

use std::path::PathBuf;

use covid_core::{Date, Explain, FaultKind, MAX_HORIZON};

/// A flow cannot be run as asked.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A setting that cannot be obeyed.
    #[error("{name} must be {range}, not `{value}`")]
    BadSetting {
        /// Its name.
        name: &'static str,
        /// What is allowed, in words.
        range: &'static str,
        /// The value given.
        value: String,
    },
    /// A bound of a filter that has no place in the order of what it is to be compared with.
    #[error("--filter: `{key}` is {is}, and cannot be ordered with `{bound}`, which is {bound_is}")]
    OtherKind {
        /// The key.
        key: String,
        /// What its values are, with an article.
        is: &'static str,
        /// The bound.
        bound: String,
        /// What the bound is.
        bound_is: &'static str,
    },
    /// A date before the first day ahead.
    #[error("{asked} is not after the as-of date {as_of}, so there is nothing to forecast")]
    NotAhead {
        /// The date asked for.
        asked: Date,
        /// The as-of date.
        as_of: Date,
    },
    /// A date too far ahead.
    #[error("{asked} is more than {MAX_HORIZON} days after the as-of date {as_of}")]
    TooFar {
        /// The date asked for.
        asked: Date,
        /// The as-of date.
        as_of: Date,
    },
    /// The gate said no.
    #[error("version {version} of {model} was not promoted: {reason}")]
    GateRefused {
        /// The registered model.
        model: String,
        /// The version.
        version: u64,
        /// The gate's words.
        reason: String,
    },
    /// A tracking run that is not there.
    #[error("there is no tracking run `{reference}` of `{experiment}`")]
    UnknownRun {
        /// What was asked for.
        reference: String,
        /// The experiment.
        experiment: String,
        /// What looks alike, best first.
        close: Vec<String>,
    },
    /// The beginning of several ids.
    #[error("`{reference}` could be any of {} tracking runs", ids.len())]
    AmbiguousRun {
        /// What was asked for.
        reference: String,
        /// The ids that begin so.
        ids: Vec<String>,
    },
    /// A key that no tracking run has.
    #[error("{option}: no tracking run has `{key}`")]
    UnknownKey {
        /// The option that named it.
        option: &'static str,
        /// The key.
        key: String,
        /// What looks alike, best first.
        close: Vec<String>,
        /// All that there are.
        known: Vec<String>,
    },
    /// There is no committed run to read.
    #[error("there is no committed prediction run of `{dataset}`{}", on(*as_of))]
    NoRun {
        /// The dataset.
        dataset: String,
        /// The as-of date asked for.
        as_of: Option<Date>,
    },
    /// What is to be synchronised is no embedded tracker.
    #[error("`{0}` is no embedded tracker, and only such a one is synchronised to a server")]
    NotEmbedded(String),
    /// There is no embedded tracker yet.
    #[error("there is nothing to synchronise: no tracking database {}", .0.display())]
    NothingTracked(PathBuf),
    /// What is to be synchronised to is no server.
    #[error("`{0}` is no MLflow server")]
    NotAServer(String),
    /// A file that cannot be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A row of a Kaggle test file that no forecast can answer.
    #[error("`{}`: ForecastId {forecast_id} cannot be answered: {reason}", file.display())]
    Unanswerable {
        /// The test file.
        file: PathBuf,
        /// The number of the row.
        forecast_id: u64,
        /// Why not.
        reason: String,
    },
    /// A tracker that other machines do not see.
    #[error(
        "the tracker `{tracking}` is a file of this machine, and the store `{store}` is not: workers elsewhere cannot share it"
    )]
    TrackerNotShared {
        /// The store.
        store: String,
        /// The tracker.
        tracking: String,
    },
    /// A record that cannot be made.
    #[error("a record cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Work on another thread that did not end.
    #[error("the work was cut off: {0}")]
    CutOff(String),
}

fn on(as_of: Option<Date>) -> String {
    as_of.map(|date| format!(" as of {date}")).unwrap_or_default()
}

/// How many names a hint lists.
const NAMES: usize = 5;

fn did_you_mean(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().take(NAMES).map(|name| format!("`{name}`")).collect();
    format!("did you mean {}?", quoted.join(" or "))
}

impl Explain for PipelineError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::BadSetting { .. }
            | Self::OtherKind { .. }
            | Self::NotAhead { .. }
            | Self::TooFar { .. }
            | Self::UnknownRun { .. }
            | Self::AmbiguousRun { .. }
            | Self::UnknownKey { .. }
            | Self::NotEmbedded(_)
            | Self::NotAServer(_)
            | Self::NothingTracked(_)
            | Self::TrackerNotShared { .. }
            | Self::Unwritable { .. } => FaultKind::Usage,
            Self::NoRun { .. } | Self::Unanswerable { .. } => FaultKind::Data,
            Self::GateRefused { .. } => FaultKind::Refused,
            Self::Json(_) | Self::CutOff(_) => FaultKind::Unexpected,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::BadSetting { name, .. } => format!("change {name} on the command line or in the settings"),
            Self::OtherKind { .. } => {
                "compare a number with a number, a date with a date (YYYY-MM-DD), and text with text".into()
            }
            Self::NotAhead { as_of, .. } => format!("ask for a date after {as_of}, or give an earlier --as-of"),
            Self::TooFar { as_of, .. } => {
                format!("ask for a date up to {MAX_HORIZON} days after {as_of}, or use a source with newer data")
            }
            Self::GateRefused { .. } => {
                "see the versions with `exp-track-mod-reg models`; `rollback` needs no gate".into()
            }
            Self::UnknownRun { close, .. } if close.is_empty() => {
                "list them with `exp-track-mod-reg runs`; the beginning of an id, `champion` or `v2` do, too".into()
            }
            Self::UnknownKey { close, known, .. } if close.is_empty() => format!("known are {}", known.join(", ")),
            Self::UnknownRun { close: names, .. }
            | Self::UnknownKey { close: names, .. }
            | Self::AmbiguousRun { ids: names, .. } => did_you_mean(names),
            Self::Unanswerable { .. } => "give the training and test files of the same competition week".into(),
            Self::NoRun { .. } => "make one with `deployment`".into(),
            Self::NotEmbedded(_) => "say what to synchronise with `--tracking embedded:PATH`".into(),
            Self::NothingTracked(_) => {
                "train first with `exp-track-mod-reg`, or say where it is with `--tracking embedded:PATH`".into()
            }
            Self::TrackerNotShared { .. } => {
                "name an MLflow server with MLFLOW_TRACKING_URI or `--tracking http://HOST`".into()
            }
            Self::NotAServer(_) => "give the address of an MLflow server: `--to http://HOST`".into(),
            Self::Unwritable { .. } => "choose a place that you may write to".into(),
            Self::Json(_) | Self::CutOff(_) => return None,
        })
    }
}
