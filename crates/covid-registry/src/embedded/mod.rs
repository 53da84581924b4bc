//! The embedded backend: one SQLite file, and a folder of artifacts beside it.

mod models;
mod schema;
mod session;
mod tracking;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use covid_storage::FolderStore;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use self::session::{Failure, Session};
use crate::{Registry, RegistryError};

/// Tracker and model registry in one SQLite file, with the runs' artifacts in the folder `artifacts` beside it.
///
/// Several programs may use one file at once, on one machine: every call is one transaction, and whoever waits longer
/// than ten seconds for another gets [`RegistryError::Busy`].
#[derive(Debug, Clone)]
pub struct EmbeddedRegistry {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
    artifacts: FolderStore,
}

impl EmbeddedRegistry {
    /// Opens the database file, and creates it with its folder if it is not there.
    ///
    /// # Errors
    /// [`RegistryError::Unwritable`], [`RegistryError::NotATracker`] for a file of another kind,
    /// [`RegistryError::NewerSchema`] for one that a newer release wrote, [`RegistryError::Busy`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, RegistryError> {
        let path = path.into();
        let uri = uri(&path);
        match tokio::task::spawn_blocking(move || Self::open_blocking(path)).await {
            Ok(opened) => opened,
            Err(cause) => Err(RegistryError::Stopped { uri, cause }),
        }
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_blocking(path: PathBuf) -> Result<Self, RegistryError> {
        let connection = schema::open(&path)?;
        let artifacts = FolderStore::new(path.with_file_name("artifacts"));
        Ok(Self { path, connection: Arc::new(Mutex::new(connection)), artifacts })
    }

    /// Runs a transaction that only reads: it sees one state of the database, and waits for nobody.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.transaction(TransactionBehavior::Deferred, work).await
    }

    /// Runs a transaction that writes. It takes the write lock at once, so that nothing it reads can change before it
    /// writes; an error takes all of it back.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.transaction(TransactionBehavior::Immediate, work).await
    }

    async fn transaction<T: Send + 'static>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let registry = self.clone();
        match tokio::task::spawn_blocking(move || registry.transaction_blocking(behavior, work)).await {
            Ok(done) => done,
            Err(cause) => Err(RegistryError::Stopped { uri: uri(&self.path), cause }),
        }
    }

    fn transaction_blocking<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure>,
    ) -> Result<T, RegistryError> {
        // A panic in another call has rolled its transaction back: the connection is sound.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let in_transaction = || {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let done = work(&Session::new(&transaction, uri(&self.path)))?;
            transaction.commit()?;
            Ok(done)
        };
        in_transaction().map_err(|failure: Failure| failure.explain(&self.path))
    }
}

impl Registry for EmbeddedRegistry {
    fn uri(&self) -> String {
        uri(&self.path)
    }
}

fn uri(path: &Path) -> String {
    format!("embedded:{}", path.display())
}

/// What a failure of SQLite means for the user.
fn database_error(path: &Path, cause: rusqlite::Error) -> RegistryError {
    let path = path.to_owned();
    let text = cause.to_string();
    match cause.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => RegistryError::NotATracker { path, reason: text },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            RegistryError::Unwritable { path, cause: text }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => RegistryError::Busy { path, cause: text },
        _ => RegistryError::Database { path, cause },
    }
}
