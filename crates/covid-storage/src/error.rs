//! What can go wrong with an object or a store.

use std::{io, path::PathBuf};

use covid_core::{Explain, FaultKind};
use thiserror::Error;

use crate::{S3Error, S3Fault};

/// Why an object could not be read or written.
#[derive(Debug, Error)]
pub enum StorageError {
    /// Nothing is there under the key.
    #[error("there is no object `{key}` in {uri}")]
    NotFound {
        /// The key.
        key: String,
        /// The store.
        uri: String,
    },
    /// A create-only write found an object.
    #[error("`{key}` is already in {uri}, and was to be created only if it was not")]
    AlreadyExists {
        /// The key.
        key: String,
        /// The store.
        uri: String,
    },
    /// An if-match write found another object than the one it had seen, or none.
    #[error("`{key}` in {uri} was changed by somebody else after it was read")]
    Changed {
        /// The key.
        key: String,
        /// The store.
        uri: String,
    },
    /// A key that no backend could hold safely.
    #[error("`{}` cannot be the key of an object: {reason}", key.escape_debug())]
    BadKey {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A store's URI that names no backend.
    #[error("`{}` cannot be used as a store: {reason}", uri.escape_debug())]
    BadUri {
        /// The URI as given.
        uri: String,
        /// What is wrong with it.
        reason: String,
        /// What to write instead.
        hint: String,
    },
    /// A setting of AWS's tools that cannot be obeyed.
    #[error("{name} cannot be `{}`: {reason}", value.escape_debug())]
    BadSetting {
        /// The variable, or the key and its profile.
        name: String,
        /// Its value, without a secret.
        value: String,
        /// What is wrong with it.
        reason: String,
        /// What to write instead.
        hint: String,
    },
    /// The store's path is there, and is no folder.
    #[error("{} cannot be used as a store: it is not a folder", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// A folder that cannot be created or written to.
    #[error("the folder {} cannot be written to: {cause}", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// Any other failure of the local file system.
    #[error("{} could not be {action}: {cause}", path.display())]
    Io {
        /// What was tried, as a participle: `read`, `written`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// S3 refused, or did not answer.
    #[error(transparent)]
    S3(Box<S3Error>),
    /// The background work on the store ended without an answer: the program is shutting down, or has a bug.
    #[error("work on {uri} was stopped before it was done: {cause}")]
    Stopped {
        /// The store.
        uri: String,
        /// What the runtime said.
        #[source]
        cause: tokio::task::JoinError,
    },
}

impl Explain for StorageError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::NotFound { .. } => FaultKind::Data,
            Self::S3(error) => error.kind(),
            Self::BadKey { .. }
            | Self::BadUri { .. }
            | Self::BadSetting { .. }
            | Self::NotAFolder { .. }
            | Self::Unwritable { .. } => FaultKind::Usage,
            Self::AlreadyExists { .. } | Self::Changed { .. } | Self::Io { .. } | Self::Stopped { .. } => {
                FaultKind::Unexpected
            }
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotFound { .. } => "check the name and the store's URI (`--store`)",
            Self::AlreadyExists { .. } | Self::Changed { .. } => "another program works on the same store: try again",
            Self::BadKey { .. } => "keys are relative paths such as `sample/plans/1.json`, of ordinary characters",
            Self::BadUri { hint, .. } | Self::BadSetting { hint, .. } => hint,
            Self::S3(error) => return Some(error.hint()),
            Self::NotAFolder { .. } => "name a folder, or a path where one can be created (`--store file:PATH`)",
            Self::Unwritable { .. } => "choose a folder that you may write to (`--store file:PATH`)",
            Self::Io { cause, .. } if cause.kind() == io::ErrorKind::StorageFull => "free some disk space",
            Self::Io { .. } => "check the disk and the permissions of that path",
            Self::Stopped { .. } => "run the command again; what was being written is there whole or not at all",
        };
        Some(hint.to_owned())
    }

    fn may_pass(&self) -> bool {
        matches!(self, Self::S3(error) if matches!(error.fault(), S3Fault::Busy | S3Fault::NoAnswer | S3Fault::Cut))
    }
}
