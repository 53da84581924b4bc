//! What can go wrong with a prediction run.

use covid_core::{Explain, FaultKind, PanelError};
use covid_data::{DataError, TableError};
use covid_registry::RegistryError;
use covid_storage::StorageError;
use covid_training::TrainingError;

use crate::MODEL_ARTIFACT;

/// A run cannot be made, committed or read.
#[derive(Debug, thiserror::Error)]
pub enum PredictionError {
    /// An object of the store that is not what its place says.
    #[error("`{key}` in the store is damaged: {cause}")]
    Damaged {
        /// Its key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A record that cannot be written as JSON.
    #[error("`{key}` cannot be written: {cause}")]
    Unwritable {
        /// Its key.
        key: String,
        /// The reason.
        cause: String,
    },
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
    /// The model of a plan that this process cannot have.
    #[error("the model of the plan `{run}`, version {version}, cannot be made again as it was")]
    OtherModel {
        /// The run.
        run: String,
        /// The version that the plan names.
        version: String,
    },
    /// A registered version whose model file is not there any more, or is not what was registered.
    #[error(
        "version {version} of `{name}` cannot be used: the file {MODEL_ARTIFACT} of its tracking run `{run_id}` {cause}"
    )]
    LostModel {
        /// The registered model.
        name: String,
        /// The version.
        version: u64,
        /// The tracking run that made it.
        run_id: String,
        /// What is wrong with the file.
        cause: String,
    },
    /// Work on another thread that did not end.
    #[error("the forecast was cut off: {0}")]
    CutOff(String),
    /// From the data layer.
    #[error(transparent)]
    Data(#[from] DataError),
    /// From a table in the store.
    #[error(transparent)]
    Table(#[from] TableError),
    /// From the panel.
    #[error(transparent)]
    Panel(#[from] PanelError),
    /// From the registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// From the store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// From a model.
    #[error(transparent)]
    Training(#[from] TrainingError),
}

impl PredictionError {
    fn inner(&self) -> Option<&dyn Explain> {
        Some(match self {
            Self::Data(error) => error,
            Self::Table(error) => error,
            Self::Panel(error) => error,
            Self::Registry(error) => error,
            Self::Storage(error) => error,
            Self::Training(error) => error,
            Self::Damaged { .. }
            | Self::Unwritable { .. }
            | Self::OutOfRange { .. }
            | Self::OtherModel { .. }
            | Self::LostModel { .. }
            | Self::CutOff(_) => return None,
        })
    }
}

impl Explain for PredictionError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Damaged { .. } | Self::LostModel { .. } => FaultKind::Data,
            Self::OutOfRange { .. } | Self::OtherModel { .. } => FaultKind::Usage,
            _ => self.inner().map_or(FaultKind::Unexpected, Explain::kind),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Damaged { .. } => Some("restore the object from a backup, or use another --store".into()),
            Self::OutOfRange { name, .. } => Some(format!("change {name} on the command line or in the settings")),
            Self::OtherModel { .. } => {
                Some("give every worker the same tracker and the same settings of `[training]`".into())
            }
            Self::LostModel { .. } => Some(
                "restore that file from a backup; or train again with `exp-track-mod-reg`, which replaces a champion that \
                 is lost; or make the champion before it champion again with `exp-track-mod-reg rollback`"
                    .into(),
            ),
            _ => self.inner().and_then(Explain::hint),
        }
    }

    fn may_pass(&self) -> bool {
        self.inner().is_some_and(Explain::may_pass)
    }
}
