//! A transaction under way, and how it fails.

use std::path::Path;

use rusqlite::Transaction;

use super::database_error;
use crate::RegistryError;

/// A transaction, and what error messages need to know.
pub(super) struct Session<'c> {
    pub(super) sql: &'c Transaction<'c>,
    pub(super) uri: String,
}

impl<'c> Session<'c> {
    pub(super) fn new(sql: &'c Transaction<'c>, uri: String) -> Self {
        Self { sql, uri }
    }
}

/// Why a transaction was not committed.
pub(super) enum Failure {
    /// The caller asked for something that cannot be.
    Registry(RegistryError),
    /// SQLite failed.
    Sqlite(rusqlite::Error),
}

impl Failure {
    pub(super) fn explain(self, path: &Path) -> RegistryError {
        match self {
            Self::Registry(error) => error,
            Self::Sqlite(cause) => database_error(path, cause),
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

/// Reads a word of a column, such as a status, as its type.
pub(super) fn word<T>(
    row: &rusqlite::Row<'_>,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    let unknown = format!("the column {column} holds the unknown word `{text}`");
    parse(&text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            row.as_ref().column_index(column).unwrap_or(0),
            rusqlite::types::Type::Text,
            unknown.into(),
        )
    })
}
