//! What can go wrong in monitoring.

use covid_core::{Explain, FaultKind, PanelError};
use covid_data::TableError;
use covid_prediction::PredictionError;

/// A monitoring run cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum MonitoringError {
    /// A setting outside its range.
    #[error("{name} must be {range}, not {value}")]
    OutOfRange {
        /// Its name.
        name: &'static str,
        /// The values that are allowed, in words.
        range: &'static str,
        /// The value given.
        value: String,
    },
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
            Self::Panel(error) => error.kind(),
            Self::Prediction(error) => error.kind(),
            Self::Table(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::OutOfRange { name, .. } => Some(format!("change {name} in the settings")),
            Self::Panel(error) => error.hint(),
            Self::Prediction(error) => error.hint(),
            Self::Table(error) => error.hint(),
        }
    }
}
