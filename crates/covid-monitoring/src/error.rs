//! What can go wrong in monitoring.

use covid_core::{Explain, FaultKind, PanelError};
use covid_data::TableError;
use covid_prediction::PredictionError;
use covid_storage::StorageError;

/// A monitoring run cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum MonitoringError {
    /// A setting outside its range.
    #[error("{name} must be {range}, not {value}")]
    OutOfRange {
        /// Its name.
        name: String,
        /// The values that are allowed, in words.
        range: &'static str,
        /// The value given.
        value: String,
    },
    /// The file of a champion's backtest cannot be read.
    #[error("the backtest that is kept with the champion cannot be read: {0}")]
    BaselineFile(String),
    /// A record cannot be written as JSON.
    #[error("the record of the rules cannot be written: {0}")]
    Record(String),
    /// From the store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// From the panel.
    #[error(transparent)]
    Panel(#[from] PanelError),
    /// From the ledger and the predictions in it.
    #[error(transparent)]
    Prediction(#[from] PredictionError),
    /// From a table in the store.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Explain for MonitoringError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::OutOfRange { .. } => FaultKind::Usage,
            Self::BaselineFile(_) => FaultKind::Data,
            Self::Record(_) => FaultKind::Unexpected,
            Self::Storage(error) => error.kind(),
            Self::Panel(error) => error.kind(),
            Self::Prediction(error) => error.kind(),
            Self::Table(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::OutOfRange { name, .. } => Some(format!("change {name} in the settings")),
            Self::BaselineFile(_) => Some("train a new champion, which comes with one".into()),
            Self::Record(_) => None,
            Self::Storage(error) => error.hint(),
            Self::Panel(error) => error.hint(),
            Self::Prediction(error) => error.hint(),
            Self::Table(error) => error.hint(),
        }
    }

    fn may_pass(&self) -> bool {
        match self {
            Self::Storage(error) => error.may_pass(),
            Self::Prediction(error) => error.may_pass(),
            _ => false,
        }
    }
}
