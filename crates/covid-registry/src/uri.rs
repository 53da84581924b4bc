//! The backend, chosen by URI.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use covid_core::redact;
use covid_http::HttpUrl;

use crate::{EmbeddedRegistry, MlflowRegistry, MlflowSettings, ModelRegistry, RegistryError, Tracker};

/// A tracker and a model registry in one place, as every backend is.
pub trait Registry: Tracker + ModelRegistry {
    /// The URI a person would type for it, without a password.
    fn uri(&self) -> String;
}

/// Where a registry is, as read from its URI; nothing is opened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryUri {
    /// A SQLite file on this machine, with its artifacts beside it: `embedded:PATH`.
    Embedded(PathBuf),
    /// An MLflow server: `http://...` or `https://...`. A user and password in it go before those of the settings.
    Remote(HttpUrl),
}

impl RegistryUri {
    /// The database file on this machine, if it is an embedded registry.
    pub fn embedded(&self) -> Option<&Path> {
        match self {
            Self::Embedded(path) => Some(path),
            Self::Remote(_) => None,
        }
    }

    /// Opens the registry; an embedded one is created, with its folder, if it is not there. Nothing is sent to a server
    /// yet.
    ///
    /// # Errors
    /// Those of [`EmbeddedRegistry::open`] and [`MlflowRegistry::new`].
    pub async fn open(&self, mlflow: &MlflowSettings) -> Result<Arc<dyn Registry>, RegistryError> {
        match self {
            Self::Embedded(path) => Ok(Arc::new(EmbeddedRegistry::open(path).await?)),
            Self::Remote(address) => Ok(Arc::new(MlflowRegistry::new(address.clone(), mlflow)?)),
        }
    }
}

impl FromStr for RegistryUri {
    type Err = RegistryError;

    /// Reads a registry's URI. The path is taken as it is: no `%20` is decoded, no `~` expanded.
    fn from_str(uri: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
        match scheme.to_ascii_lowercase().as_str() {
            "embedded" => embedded(uri, rest),
            "http" | "https" => Ok(Self::Remote(uri.parse()?)),
            "sqlite" | "file" => Err(bad(
                &redact(uri),
                "that is a store of MLflow's own, which only MLflow may write to",
                "use `embedded:PATH`, or start `mlflow server` on that store and name its `http://` address",
            )),
            _ => Err(bad(
                &redact(uri),
                "it is neither `embedded:PATH` nor an `http(s)://` address",
                "write `embedded:PATH`, such as `--tracking embedded:./store/tracking.db`",
            )),
        }
    }
}

/// Opens the registry at a URI: `embedded:PATH` for a SQLite file on this machine, created if it is not there, or the
/// `http(s)://` address of an MLflow server.
///
/// # Errors
/// [`RegistryError::BadUri`] for anything else; those of [`RegistryUri::open`].
pub async fn resolve(uri: &str, mlflow: &MlflowSettings) -> Result<Arc<dyn Registry>, RegistryError> {
    uri.parse::<RegistryUri>()?.open(mlflow).await
}

fn embedded(uri: &str, path: &str) -> Result<RegistryUri, RegistryError> {
    let hint = "write `embedded:PATH`, such as `--tracking embedded:./store/tracking.db`";
    if path.is_empty() || path.ends_with('/') {
        return Err(bad(uri, "it names no file", hint));
    }
    if path.starts_with('~') {
        return Err(bad(uri, "`~` is not expanded here", "write the home folder's path in full, or as `$HOME`"));
    }
    if path.contains('\0') || path.starts_with(':') {
        return Err(bad(uri, "that is not the path of a file", hint));
    }
    Ok(RegistryUri::Embedded(PathBuf::from(path)))
}

fn bad(uri: &str, reason: &str, hint: &str) -> RegistryError {
    RegistryError::BadUri { uri: uri.to_owned(), reason: reason.to_owned(), hint: hint.to_owned() }
}
