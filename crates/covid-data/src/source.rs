//! Where a panel comes from: the kinds of source, how each is recognised, and one function that reads any of them.

use std::{fmt, path::Path};

use covid_core::Panel;

use crate::{DataError, Simulation, jhu::JhuTimeSeries};

/// The kinds of source that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// The simulated panel that every clone has.
    Sample,
    /// A folder with JHU's global time series.
    JhuTimeSeries,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sample => "simulated sample",
            Self::JhuTimeSeries => "JHU time series",
        })
    }
}

/// A panel as its source gave it, before repair, and what is known of where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The counts as published.
    pub panel: Panel,
    /// What kind of source it is.
    pub kind: SourceKind,
    /// The name under which data, predictions and models live: `sample`, `jhu`.
    pub dataset: String,
    /// The path, or what was simulated.
    pub description: String,
}

/// A kind of source that lies at a path. Each kind has a module of its own.
pub(crate) trait Source: Sync {
    /// Which kind it is.
    fn kind(&self) -> SourceKind;

    /// The dataset that a source at this path belongs to.
    fn dataset(&self, path: &Path) -> String;

    /// Whether what lies at the path is meant to be of this kind. It need not be whole: what it lacks is for
    /// [`read`](Self::read) to say.
    fn recognise(&self, path: &Path) -> bool;

    /// Reads the panel.
    fn read(&self, path: &Path) -> Result<Panel, DataError>;
}

/// Every kind of source at a path, in the order in which they are tried.
const SOURCES: &[&dyn Source] = &[&JhuTimeSeries];

/// Reads a source: `sample`, or a path whose kind is recognised by looking at it. A folder that is called `sample` is
/// read as `./sample`.
///
/// # Errors
/// If there is nothing at the path, if it is of no known kind, or if what is there is damaged: the error then names
/// file, row and column. `jhu` alone is refused: this version does not download.
pub fn load(source: &str) -> Result<Loaded, DataError> {
    match source {
        "sample" => Ok(load_sample()),
        "jhu" => Err(DataError::NoDownload),
        path => load_path(Path::new(path)),
    }
}

fn load_sample() -> Loaded {
    let simulation = Simulation::sample();
    Loaded {
        panel: simulation.panel(),
        kind: SourceKind::Sample,
        dataset: "sample".into(),
        description: simulation.to_string(),
    }
}

fn load_path(path: &Path) -> Result<Loaded, DataError> {
    if !path.exists() {
        return Err(DataError::NoSuchPath { path: path.to_owned() });
    }
    let source = SOURCES
        .iter()
        .find(|source| source.recognise(path))
        .ok_or_else(|| DataError::UnknownSource { path: path.to_owned() })?;
    Ok(Loaded {
        panel: source.read(path)?,
        kind: source.kind(),
        dataset: source.dataset(path),
        description: path.display().to_string(),
    })
}
