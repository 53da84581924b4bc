//! What can go wrong with a tracker or a model registry.

use std::path::PathBuf;

use covid_core::{Explain, FaultKind};
use covid_http::{HttpError, HttpFault};
use covid_storage::StorageError;
use thiserror::Error;

/// Why a tracker or a model registry could not do what was asked.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// A name that MLflow would refuse.
    #[error("`{}` cannot be the {what}: {reason}", name.escape_debug())]
    BadName {
        /// What it was to name, such as `key of a metric`.
        what: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value that MLflow would refuse.
    #[error("the {what} `{name}` cannot be stored: {reason}")]
    BadValue {
        /// What it is, such as `parameter`.
        what: &'static str,
        /// Its key or name.
        name: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// No such experiment.
    #[error("there is no experiment `{name}` in {uri}")]
    UnknownExperiment {
        /// Its name.
        name: String,
        /// The tracker.
        uri: String,
    },
    /// No such run.
    #[error("there is no tracking run `{run_id}` in {uri}")]
    UnknownRun {
        /// Its id.
        run_id: String,
        /// The tracker.
        uri: String,
    },
    /// No such file of a run.
    #[error("tracking run `{run_id}` has no artifact `{path}`")]
    UnknownArtifact {
        /// The run.
        run_id: String,
        /// The path inside the run.
        path: String,
    },
    /// No such registered model.
    #[error("there is no registered model `{name}` in {uri}")]
    UnknownModel {
        /// Its name.
        name: String,
        /// The registry.
        uri: String,
    },
    /// No such version.
    #[error("there is no version {version} of the registered model `{name}` in {uri}")]
    UnknownVersion {
        /// The registered model.
        name: String,
        /// The version.
        version: u64,
        /// The registry.
        uri: String,
    },
    /// A parameter was logged again with another value.
    #[error("the parameter `{key}` of tracking run `{run_id}` is `{old}`, and cannot become `{new}`")]
    ParamChanged {
        /// The run.
        run_id: String,
        /// The parameter.
        key: String,
        /// The value it has.
        old: String,
        /// The value it was to get.
        new: String,
    },
    /// The alias `champion` was to be set or deleted directly.
    #[error(
        "the alias `champion` of `{name}` cannot be set or deleted directly: it moves with a promotion or a rollback"
    )]
    ChampionIsManaged {
        /// The registered model.
        name: String,
    },
    /// Somebody else changed the champion first.
    #[error("{}, and the champion is now {}", lost(name, *version, *expected), champion(*found))]
    LostRace {
        /// The registered model.
        name: String,
        /// The version that was to be promoted; none if the champion was to be rolled back.
        version: Option<u64>,
        /// The champion it was compared with, or that was to go.
        expected: Option<u64>,
        /// The champion now.
        found: Option<u64>,
    },
    /// There is nothing to roll back to.
    #[error("`{name}` has no previous champion to go back to")]
    NoPreviousChampion {
        /// The registered model.
        name: String,
    },
    /// A tracker's URI that names no backend.
    #[error("`{}` cannot be used as a tracker: {reason}", uri.escape_debug())]
    BadUri {
        /// The URI, without a password.
        uri: String,
        /// What is wrong with it.
        reason: String,
        /// What to write instead.
        hint: String,
    },
    /// A page token that this tracker did not hand out.
    #[error("`{}` is not a page of a search", token.escape_debug())]
    BadPage {
        /// The token.
        token: String,
    },
    /// The database or its folder cannot be created or written to.
    #[error("the tracking database {} cannot be written to: {cause}", path.display())]
    Unwritable {
        /// The database or its folder.
        path: PathBuf,
        /// What SQLite or the operating system said.
        cause: String,
    },
    /// The file is no tracking database of this project, or damaged.
    #[error("{} cannot be read as a tracking database: {reason}", path.display())]
    NotATracker {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The database was written by a newer release.
    #[error("the tracking database {} has schema version {found}, and this program knows versions up to {known}", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The latest version this program knows.
        known: i64,
    },
    /// Another program held the database for too long.
    #[error("the tracking database {} is in use by another program: {cause}", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        cause: String,
    },
    /// Any other failure of the database.
    #[error("the tracking database {} failed: {cause}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        cause: rusqlite::Error,
    },
    /// A run's file could not be read or written.
    #[error("an artifact of tracking run `{run_id}` could not be read or written: {cause}")]
    Artifact {
        /// The run.
        run_id: String,
        /// What the store said.
        #[source]
        cause: StorageError,
    },
    /// A setting out of its range.
    #[error("`{name}` cannot be {value}: it must be {range}")]
    BadSetting {
        /// The dotted key.
        name: &'static str,
        /// What it may be.
        range: &'static str,
        /// What it was set to.
        value: String,
    },
    /// An experiment that lies in MLflow's bin.
    #[error("the experiment `{name}` of {uri} was deleted")]
    DeletedExperiment {
        /// Its name.
        name: String,
        /// The server.
        uri: String,
    },
    /// The server was not reached, or did not answer as it should.
    #[error(transparent)]
    Remote(#[from] HttpError),
    /// MLflow said no.
    #[error("{cause} ({code}: {message})")]
    Refused {
        /// MLflow's word for it, such as `INVALID_PARAMETER_VALUE`.
        code: String,
        /// MLflow's explanation, its first line.
        message: String,
        /// The call.
        #[source]
        cause: Box<HttpError>,
    },
    /// Something else than an MLflow server answered.
    #[error("{uri} does not answer as an MLflow server does: {cause}")]
    NotMlflow {
        /// The address.
        uri: String,
        /// What was wrong with the answer.
        cause: String,
    },
    /// The server hands out no artifacts.
    #[error(
        "the artifacts of tracking run `{run_id}` are not served by MLflow itself, but lie in a store of kind `{place}`"
    )]
    ArtifactsNotServed {
        /// The run.
        run_id: String,
        /// The scheme of the place.
        place: String,
    },
    /// The background work ended without an answer: the program is shutting down, or has a bug.
    #[error("work on {uri} was stopped before it was done: {cause}")]
    Stopped {
        /// The tracker.
        uri: String,
        /// What the runtime said.
        #[source]
        cause: tokio::task::JoinError,
    },
}

const CREDENTIALS: &str = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to what the \
                           server accepts";

fn is_about_credentials(error: &HttpError) -> bool {
    matches!(error.fault(), HttpFault::Status { code: 401 | 403, .. })
}

fn lost(name: &str, version: Option<u64>, expected: Option<u64>) -> String {
    let expected = champion(expected);
    match version {
        Some(version) => format!("version {version} of `{name}` was not promoted: it was compared with {expected}"),
        None => format!("`{name}` was not rolled back: {expected} was to go"),
    }
}

fn champion(version: Option<u64>) -> String {
    version.map_or_else(|| "no champion".to_owned(), |version| format!("version {version}"))
}

impl Explain for RegistryError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::BadName { .. }
            | Self::BadValue { .. }
            | Self::UnknownExperiment { .. }
            | Self::UnknownRun { .. }
            | Self::UnknownModel { .. }
            | Self::UnknownVersion { .. }
            | Self::ChampionIsManaged { .. }
            | Self::NoPreviousChampion { .. }
            | Self::BadUri { .. }
            | Self::BadPage { .. }
            | Self::BadSetting { .. }
            | Self::DeletedExperiment { .. }
            | Self::Unwritable { .. } => FaultKind::Usage,
            Self::Remote(cause) => cause.kind(),
            Self::Refused { .. } | Self::NotMlflow { .. } | Self::ArtifactsNotServed { .. } => FaultKind::Remote,
            Self::UnknownArtifact { .. } | Self::NotATracker { .. } | Self::NewerSchema { .. } => FaultKind::Data,
            Self::LostRace { .. } => FaultKind::Refused,
            Self::ParamChanged { .. } | Self::Busy { .. } | Self::Database { .. } | Self::Stopped { .. } => {
                FaultKind::Unexpected
            }
            Self::Artifact { cause, .. } => cause.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::BadName { .. } => "choose another name",
            Self::BadValue { .. } => "keep to MLflow's limits; what is too long for them fits in an artifact",
            Self::UnknownExperiment { .. } => "list what is there with `exp-track-mod-reg runs`",
            Self::UnknownRun { .. } => "list the runs with `exp-track-mod-reg runs`, and check `--tracking`",
            Self::UnknownArtifact { .. } => "the run may have failed before it wrote it: train again",
            Self::UnknownModel { .. } | Self::UnknownVersion { .. } => {
                "list the versions with `exp-track-mod-reg models`, and check `--dataset` and `--tracking`"
            }
            Self::ParamChanged { .. } => "log the new value to a new run",
            Self::ChampionIsManaged { .. } => "use `exp-track-mod-reg promote VERSION` or `rollback`",
            Self::LostRace { version: None, .. } => {
                "look at the champion of now with `exp-track-mod-reg models`, and roll back again if it is to go, too"
            }
            Self::LostRace { .. } => {
                "compare the version with the champion of now, and promote it again if it is better"
            }
            Self::NoPreviousChampion { .. } => "promote the version you want with `exp-track-mod-reg promote VERSION`",
            Self::BadUri { hint, .. } => hint,
            Self::BadPage { .. } => "start the search again from its first page",
            Self::Unwritable { .. } => {
                "choose a path that you may write to (`--store file:PATH`, or `--tracking embedded:PATH`)"
            }
            Self::NotATracker { .. } => "check `--tracking embedded:PATH`, or move that file away to start anew",
            Self::NewerSchema { .. } => "use the newer release of this program, or another `--tracking embedded:PATH`",
            Self::Busy { .. } => "wait until the other program is done, and run the command again",
            Self::Database { .. } => "check the disk, and that nothing else changes that file",
            Self::BadSetting { .. } => "config/default.toml describes every setting",
            Self::DeletedExperiment { .. } => "restore it in MLflow, or choose another name with `--dataset`",
            Self::Remote(cause) if is_about_credentials(cause) => CREDENTIALS,
            Self::Remote(cause) if matches!(cause.fault(), HttpFault::Unreachable { .. }) => {
                "start the MLflow server, or check its address (`--tracking`, MLFLOW_TRACKING_URI) and the network"
            }
            Self::Remote(cause) => return cause.hint(),
            Self::Refused { cause, .. } if is_about_credentials(cause) => CREDENTIALS,
            Self::Refused { .. } => "look into the server's log; what was being done can be done again",
            Self::NotMlflow { .. } => "give the address of an MLflow server, without the path of a page",
            Self::ArtifactsNotServed { .. } => {
                "start the server with `--serve-artifacts` (the default) and `--artifacts-destination`, and use a new \
                 experiment: `--dataset NAME`"
            }
            Self::Artifact { cause, .. } => return cause.hint(),
            Self::Stopped { .. } => "run the command again; what was being written is there whole or not at all",
        };
        Some(hint.to_owned())
    }

    fn may_pass(&self) -> bool {
        match self {
            Self::Remote(cause) => cause.may_pass(),
            Self::Refused { cause, .. } => cause.may_pass(),
            Self::Artifact { cause, .. } => cause.may_pass(),
            Self::Busy { .. } => true,
            _ => false,
        }
    }
}
