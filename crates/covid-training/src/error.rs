//! What can go wrong in training.

use covid_core::{Date, Explain, FaultKind, MAX_HORIZON, PanelError};

use crate::Recipe;

/// A model cannot be made, read, or asked.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A hyper-parameter or setting outside its range.
    #[error("{name} must be {range}, not {value}")]
    OutOfRange {
        /// Its name.
        name: &'static str,
        /// The values that are allowed, in words.
        range: &'static str,
        /// The value given.
        value: String,
    },
    /// No model of that name.
    #[error("there is no model `{}`", .0.escape_debug())]
    UnknownModel(String),
    /// Too little history.
    #[error("{days} days of data up to {as_of} are too few: {what} needs {needed}")]
    TooShort {
        /// Days there are.
        days: usize,
        /// The date they end.
        as_of: Date,
        /// What needs more.
        what: String,
        /// Days needed.
        needed: usize,
    },
    /// The least-squares solver gave up.
    #[error("{model} cannot be fitted up to {as_of}: {cause}")]
    Fit {
        /// The model.
        model: String,
        /// The date its data end.
        as_of: Date,
        /// The solver's words.
        cause: String,
    },
    /// A forecast that is not finite, or above 1e12.
    #[error("the forecast of {model} for `{location}` exploded within {horizon} days of {as_of}")]
    Exploded {
        /// The model.
        model: String,
        /// The first location.
        location: String,
        /// Days ahead asked for.
        horizon: usize,
        /// The date of the forecast.
        as_of: Date,
    },
    /// No candidate is fit to be a champion.
    #[error(
        "no candidate can be scored up to {0}: each exploded, or a target has no published counts on the recent origins"
    )]
    NoCandidate(Date),
    /// A model file that cannot be read.
    #[error("the model file is not readable: {0}")]
    ModelFile(String),
    /// A model file of another time.
    #[error("the model file has format version {found}, this program reads up to {known}")]
    ModelVersion {
        /// Version in the file.
        found: u64,
        /// Newest version known.
        known: u64,
    },
    /// A date outside the data.
    #[error(transparent)]
    Panel(#[from] PanelError),
}

impl TrainingError {
    /// Checks a horizon.
    ///
    /// # Errors
    /// If it is not from 1 to [`MAX_HORIZON`].
    pub fn check_horizon(horizon: usize) -> Result<usize, Self> {
        check("horizon", "from 1 to 60 days", horizon, (1..=MAX_HORIZON).contains(&horizon))
    }
}

/// A value that is checked once, here.
pub(crate) fn check<T: ToString>(
    name: &'static str,
    range: &'static str,
    value: T,
    within: bool,
) -> Result<T, TrainingError> {
    if within { Ok(value) } else { Err(TrainingError::OutOfRange { name, range, value: value.to_string() }) }
}

impl Explain for TrainingError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::OutOfRange { .. } | Self::UnknownModel(_) => FaultKind::Usage,
            Self::TooShort { .. } => FaultKind::Data,
            Self::ModelFile(_) | Self::ModelVersion { .. } => FaultKind::Data,
            Self::Panel(error) => error.kind(),
            Self::NoCandidate(_) => FaultKind::Data,
            Self::Fit { .. } | Self::Exploded { .. } => FaultKind::Unexpected,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::OutOfRange { name, .. } => format!("change {name} on the command line or in the settings"),
            Self::UnknownModel(_) => {
                let tuned = Recipe::CANDIDATES.map(|recipe| recipe.to_string()).join(", ");
                format!("known are {tuned}, and ones with numbers of their own like polynomial-2 or ets-90")
            }
            Self::TooShort { .. } => "give a later --as-of, or a source with a longer history".into(),
            Self::Fit { .. } => "try --as-of some days earlier, or look at the source with `eda`".into(),
            Self::Exploded { .. } => "ask for a shorter --horizon, or train again with `exp-track-mod-reg`".into(),
            Self::NoCandidate(_) => "look at the source with `eda`: counts may be missing or damaged".into(),
            Self::ModelFile(_) => "train again with `exp-track-mod-reg`".into(),
            Self::ModelVersion { .. } => "use the newest version of this program".into(),
            Self::Panel(error) => return error.hint(),
        })
    }
}
