//! Where a panel comes from: the kinds of source, how each is recognised, and one function that reads any of them.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use covid_core::{Date, Panel};
use serde::{Deserialize, Serialize};

use crate::{
    CountFault, DataError, FileFault, Simulation,
    daily_reports::JhuDailyReports,
    jhu::{JhuTimeSeries, JhuUsTimeSeries},
    kaggle::Kaggle,
    long::LongTable,
    vintages::Vintages,
};

/// The kinds of source that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// The simulated panel that every clone has.
    Sample,
    /// A folder with JHU's global time series.
    JhuTimeSeries,
    /// A folder with JHU's time series of US counties.
    JhuUsTimeSeries,
    /// A folder of dated vintages, each of which is a source.
    Vintages,
    /// A folder of JHU's daily reports, or one of them.
    JhuDailyReports,
    /// The training data of a Kaggle competition.
    Kaggle,
    /// A table with one row a place and day, in CSV or Parquet.
    LongTable,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sample => "simulated sample",
            Self::JhuTimeSeries => "JHU time series",
            Self::JhuUsTimeSeries => "JHU time series of US counties",
            Self::Vintages => "dated vintages",
            Self::JhuDailyReports => "JHU daily reports",
            Self::Kaggle => "Kaggle training data",
            Self::LongTable => "long table",
        })
    }
}

/// How a source is to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LoadOptions {
    /// Keep counties apart where a source has them, instead of adding them up to their province.
    pub by_county: bool,
    /// The column of cumulative cases in a long table, if it is not called `ConfirmedCases`.
    pub cases_column: Option<String>,
    /// The column of cumulative deaths in a long table, if it is not called `Fatalities`.
    pub deaths_column: Option<String>,
    /// The as-of date, by which a folder of dated vintages chooses one.
    pub as_of: Option<Date>,
}

/// What a source gave: the panel as published, and what was noticed while reading.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) panel: Panel,
    pub(crate) findings: Findings,
    /// People, by position of the location; none known where the source says nothing of people.
    pub(crate) populations: Option<Vec<Option<f64>>>,
    /// Which part of what lies at the path was read, where there is a choice.
    pub(crate) detail: Option<String>,
}

impl From<Panel> for Read {
    fn from(panel: Panel) -> Self {
        Self { panel, findings: Findings::default(), populations: None, detail: None }
    }
}

/// What was noticed while a source was read, for the quality report: what the panel alone cannot tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Findings {
    /// What was odd in the layout of a file and read rightly all the same, such as dates that a spreadsheet rewrote.
    pub remarks: Vec<Remark>,
    /// Counts below 0.
    pub negative: Vec<NegativeCount>,
    /// Rows for a location (and date) that had one, where both say the same.
    pub duplicate_rows: usize,
    /// Locations without a latitude or longitude; none where the source has no coordinates at all.
    pub without_coordinates: Option<Vec<String>>,
}

/// Something odd in a file that was read rightly all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The file.
    pub file: PathBuf,
    /// What was odd and how it was read, in one sentence without the file's name.
    pub text: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.file.display(), self.text)
    }
}

/// A count below 0, which no cumulative count is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NegativeCount {
    /// The file.
    pub file: PathBuf,
    /// Its line in the file, from 1.
    pub row: usize,
    /// The column's name.
    pub column: String,
    /// The count as published.
    pub count: f64,
}

impl Findings {
    /// Refuses counts below 0. Who only looks at the data is told of them; nothing is to be learned from them.
    ///
    /// # Errors
    /// If there is one: the first, with its place.
    pub fn refuse_negative(&self) -> Result<(), DataError> {
        match self.negative.first() {
            None => Ok(()),
            Some(NegativeCount { file, row, column, count }) => Err(DataError::InFile {
                file: file.clone(),
                fault: FileFault::Count {
                    row: *row,
                    column: column.clone(),
                    text: count.to_string(),
                    fault: CountFault::Negative,
                },
            }),
        }
    }

    /// Adds what was found in another part of the source.
    pub(crate) fn merge(&mut self, other: Self) {
        self.remarks.extend(other.remarks);
        self.negative.extend(other.negative);
        self.duplicate_rows += other.duplicate_rows;
        if let Some(places) = other.without_coordinates {
            self.without_coordinates.get_or_insert_default().extend(places);
        }
    }
}

/// A panel as its source gave it, before repair, and what is known of where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The counts as published.
    pub panel: Panel,
    /// What kind of source it is.
    pub kind: SourceKind,
    /// The name under which data, predictions and models live: `sample`, `jhu`, else the file's or folder's.
    pub dataset: String,
    /// The path and which part of it was chosen, or what was simulated.
    pub description: String,
    /// What was noticed while reading.
    pub findings: Findings,
    /// People, by position of the location; none where the source says nothing of people.
    pub populations: Option<Vec<Option<f64>>>,
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

    /// Whether a source of a later kind, which lies there as well, is what the options ask for.
    fn yields(&self, _path: &Path, _options: &LoadOptions) -> bool {
        false
    }

    /// Reads the panel.
    fn read(&self, path: &Path, options: &LoadOptions) -> Result<Read, DataError>;
}

/// Every kind of source at a path, in the order in which they are tried.
const SOURCES: &[&dyn Source] = &[&JhuTimeSeries, &JhuUsTimeSeries, &Vintages, &JhuDailyReports, &Kaggle, &LongTable];

/// The kind of source at a path, if it is known.
pub(crate) fn find(path: &Path, options: &LoadOptions) -> Option<&'static dyn Source> {
    SOURCES.iter().copied().find(|source| source.recognise(path) && !source.yields(path, options))
}

/// The dataset that the source at a path belongs to, if its kind is known.
pub(crate) fn dataset_of(path: &Path) -> Option<String> {
    find(path, &LoadOptions::default()).map(|source| source.dataset(path))
}

/// Reads a source: `sample`, or a path whose kind is recognised by looking at it. A folder that is called `sample` is
/// read as `./sample`.
///
/// # Errors
/// If there is nothing at the path, if it is of no known kind, or if what is there is damaged: the error then names
/// file, row and column. `jhu` alone is refused: this version does not download.
pub fn load(source: &str, options: &LoadOptions) -> Result<Loaded, DataError> {
    match source {
        "sample" => Ok(load_sample()),
        "jhu" => Err(DataError::NoDownload),
        path => load_path(Path::new(path), options),
    }
}

fn load_sample() -> Loaded {
    let simulation = Simulation::sample();
    Loaded {
        panel: simulation.panel(),
        kind: SourceKind::Sample,
        dataset: "sample".into(),
        description: simulation.to_string(),
        findings: Findings::default(),
        populations: None,
    }
}

fn load_path(path: &Path, options: &LoadOptions) -> Result<Loaded, DataError> {
    if !path.exists() {
        return Err(DataError::NoSuchPath { path: path.to_owned() });
    }
    let source = find(path, options).ok_or_else(|| DataError::UnknownSource { path: path.to_owned() })?;
    let Read { panel, findings, populations, detail } = source.read(path, options)?;
    let path_read = path.display();
    Ok(Loaded {
        panel,
        kind: source.kind(),
        dataset: source.dataset(path),
        description: detail.map_or_else(|| path_read.to_string(), |detail| format!("{path_read}, {detail}")),
        findings,
        populations,
    })
}
