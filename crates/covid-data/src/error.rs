//! What can be wrong with data, said so that a person finds the place and knows what to do.

use std::{fmt, io, path::PathBuf};

use covid_core::{Date, Explain, FaultKind, MAX_COUNT, PanelError};

use crate::{FetchError, TableError};

/// Data are missing, bad, or cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The source is a path, and nothing is there.
    #[error("there is no file or folder `{}`", path.display())]
    NoSuchPath {
        /// The path as given.
        path: PathBuf,
    },
    /// There is something at the path, of no kind that is known.
    #[error("`{}` is not a source of any known kind", path.display())]
    UnknownSource {
        /// The path as given.
        path: PathBuf,
    },
    /// The source `jhu`, asked for where nothing is downloaded.
    #[error("the source `jhu` may have to be downloaded, which is not done here")]
    NoDownload,
    /// The source `jhu` could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A folder holds one file of a kind, but not the other that belongs to it.
    #[error("`{}` holds no file `{file}`", folder.display())]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// The name of the file that is missing.
        file: &'static str,
    },
    /// The operating system cannot read a file.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system cannot write a file or make a folder.
    #[error("`{}` cannot be written: {source}", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something is wrong inside one file.
    #[error("`{}`: {fault}", file.display())]
    InFile {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        fault: FileFault,
    },
    /// A location is in one of two files that belong together.
    #[error("`{}`: row {row} is for location `{location}`, which `{}` does not have", file.display(), other.display())]
    OneSidedLocation {
        /// The file that has the location.
        file: PathBuf,
        /// Its line in that file, from 1.
        row: usize,
        /// Display name of the location.
        location: String,
        /// The file without it.
        other: PathBuf,
    },
    /// A date is in one of two files that belong together.
    #[error("`{}` has a column for {date}, which `{}` does not have", file.display(), other.display())]
    OneSidedDate {
        /// The file that has the date.
        file: PathBuf,
        /// The first such date.
        date: Date,
        /// The file without it.
        other: PathBuf,
    },
    /// A location cannot be said in the layout of JHU's global series.
    #[error("location `{location}` has a county, for which the layout of JHU's global series has no column")]
    CountyInGlobalLayout {
        /// Display name of the location.
        location: String,
    },
    /// A date cannot be said in a JHU header, whose years have two digits.
    #[error("the date {date} cannot be written as `M/D/YY`, which stands for the years 2000 to 2099")]
    DateOutsideCentury {
        /// The first such date.
        date: Date,
    },
    /// A simulation was asked for with a size that is out of range.
    #[error("a simulation has {range} {what}, not {asked}")]
    SimulationSize {
        /// `locations` or `days`.
        what: &'static str,
        /// What may be asked for.
        range: &'static str,
        /// What was asked for.
        asked: usize,
    },
    /// A stored vintage is a table, but not one that a panel was written to.
    #[error("this is not a stored vintage: {0}")]
    NotAVintage(String),
    /// Bytes are not the table they should be.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The parts are well, but do not make a panel.
    #[error(transparent)]
    Panel(#[from] PanelError),
}

impl Explain for DataError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::NoDownload
            | Self::Unwritable { .. }
            | Self::CountyInGlobalLayout { .. }
            | Self::DateOutsideCentury { .. }
            | Self::SimulationSize { .. } => FaultKind::Usage,
            Self::Fetch(error) => error.kind(),
            Self::Table(error) => error.kind(),
            Self::Panel(error) => error.kind(),
            _ => FaultKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchPath { .. } => "check the spelling, or give `sample` for simulated data".into(),
            Self::UnknownSource { .. } | Self::NoDownload => KNOWN_SOURCES.into(),
            Self::MissingFile { file, .. } => format!("put `{file}` of the same day beside the other file"),
            Self::Unreadable { .. } => "check that the file is there and that you may read it".into(),
            Self::Unwritable { .. } => "check that you may write there, or give another folder".into(),
            Self::InFile { fault, .. } => fault.hint().into(),
            Self::OneSidedLocation { .. } | Self::OneSidedDate { .. } => {
                "take both files from the same day, or remove what only one of them has".into()
            }
            Self::CountyInGlobalLayout { .. } => "export a panel without counties".into(),
            Self::DateOutsideCentury { .. } => "export days of the years 2000 to 2099".into(),
            Self::SimulationSize { what, range, .. } => format!("ask for {range} {what}"),
            Self::NotAVintage(_) => "name a Parquet file below `vintages/` in the store".into(),
            Self::Fetch(error) => return error.hint(),
            Self::Table(error) => return error.hint(),
            Self::Panel(error) => return error.hint(),
        })
    }
}

const KNOWN_SOURCES: &str = "give `sample`, or a folder with `time_series_covid19_confirmed_global.csv` and \
                             `time_series_covid19_deaths_global.csv` of JHU CSSE";

/// What is wrong inside a file. Rows and columns are counted from 1; a row is a line of the file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FileFault {
    /// No bytes, or nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// A page that a web server sent instead of the file.
    #[error("the file is a web page (HTML), not a CSV file")]
    Html,
    /// Bytes that are no UTF-8 text, as in a workbook, an archive, or a file in an older encoding.
    #[error("row {row} is not UTF-8 text")]
    NotUtf8 {
        /// Line in the file.
        row: usize,
    },
    /// An archive that cannot be unpacked.
    #[error("the archive (gzip) cannot be unpacked: {cause}")]
    Archive {
        /// Why.
        cause: String,
    },
    /// More than a machine should be asked to hold.
    #[error("the file is larger, unpacked, than {} GiB", limit >> 30)]
    TooLarge {
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// What git leaves in a file that it could not merge.
    #[error("row {row} is a git conflict marker (`{marker}`)")]
    ConflictMarker {
        /// Line in the file.
        row: usize,
        /// The marker.
        marker: &'static str,
    },
    /// Fields are kept apart by something else than commas.
    #[error("the columns are separated by {separator}, not by commas")]
    Separator {
        /// What separates them: `semicolons`, `tabs`.
        separator: &'static str,
    },
    /// A column that is needed is not in the header.
    #[error("the header has no column `{column}`")]
    MissingColumn {
        /// Its name.
        column: &'static str,
    },
    /// A column is in the header twice.
    #[error("column {position} of the header, `{column}`, is there twice")]
    RepeatedColumn {
        /// The second of the two, from 1.
        position: usize,
        /// Its name.
        column: String,
    },
    /// A column without a name, as an index that pandas wrote.
    #[error("column {position} of the header has no name")]
    UnnamedColumn {
        /// Its position.
        position: usize,
    },
    /// A column that is neither known nor a date.
    #[error("column {position} of the header, `{column}`, is not a date such as `1/22/20`")]
    NotADate {
        /// Its position.
        position: usize,
        /// Its name.
        column: String,
    },
    /// A date that does not come after the one before it.
    #[error("column {position} of the header, `{column}`, does not come after `{before}` in the calendar")]
    DateOrder {
        /// Its position.
        position: usize,
        /// Its name.
        column: String,
        /// The name of the date column before it.
        before: String,
    },
    /// No column is a date.
    #[error("the header has no date")]
    NoDates,
    /// Most days between the first and the last date have no column.
    #[error("only {columns} of the {days} days from {first} to {last} have a column")]
    SparseDates {
        /// Number of date columns.
        columns: usize,
        /// Days from the first to the last.
        days: usize,
        /// First date.
        first: Date,
        /// Last date.
        last: Date,
    },
    /// A header and nothing below it.
    #[error("there is a header, but no location below it")]
    NoLocations,
    /// A row with fewer or more fields than the header.
    #[error("row {row} has {found} fields where the header has {expected}")]
    RowLength {
        /// Line in the file.
        row: usize,
        /// Fields in the row.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// A row that names no country.
    #[error("row {row} has nothing in column `Country/Region`")]
    NoCountry {
        /// Line in the file.
        row: usize,
    },
    /// A cell that is no count.
    #[error("row {row}, column `{column}` holds `{text}`, {fault}")]
    Count {
        /// Line in the file.
        row: usize,
        /// Name of the column.
        column: String,
        /// The cell, shortened.
        text: String,
        /// What is wrong with it.
        fault: CountFault,
    },
    /// Two rows for one location.
    #[error("rows {first} and {second} are both for location `{location}`")]
    DuplicateLocation {
        /// Display name of the location.
        location: String,
        /// Line of the first.
        first: usize,
        /// Line of the second.
        second: usize,
    },
}

impl FileFault {
    /// What to do next.
    fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::Html | Self::Archive { .. } => "download the file again",
            Self::TooLarge { .. } => "check that it is what it should be, or split it",
            Self::NotUtf8 { .. } => "save the file as CSV in UTF-8",
            Self::ConflictMarker { .. } => "resolve the merge conflict, or download the file again",
            Self::Separator { .. } => "save the file with commas between the columns",
            Self::MissingColumn { .. } | Self::RepeatedColumn { .. } | Self::NoDates => {
                "the header must read `Province/State,Country/Region,Lat,Long,1/22/20,...`"
            }
            Self::UnnamedColumn { .. } => "write the file without an index (pandas: `to_csv(..., index=False)`)",
            Self::NotADate { .. } => {
                "a spreadsheet may have rewritten the dates: download the file again, or write dates as month/day/year \
                 without zeros in front, such as `1/22/20`"
            }
            Self::DateOrder { .. } | Self::SparseDates { .. } => {
                "give each day one column, in the order of the calendar, as month/day/year"
            }
            Self::NoLocations => "the file may be cut off: download it again",
            Self::RowLength { .. } => {
                "the file may be cut off (download it again), or a name with a comma is not in quotation marks"
            }
            Self::NoCountry { .. } => "name the country of every row",
            Self::Count { fault, .. } => fault.hint(),
            Self::DuplicateLocation { .. } => "keep one of the two rows, or tell the places apart by province",
        }
    }
}

/// Why a cell is no count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountFault {
    /// Not a number at all.
    NotANumber,
    /// NaN or infinite.
    NotFinite,
    /// Below 0.
    Negative,
    /// Above [`MAX_COUNT`].
    TooLarge,
}

impl CountFault {
    fn hint(self) -> &'static str {
        match self {
            Self::NotANumber => "write a count in digits alone, or leave the cell empty where it is missing",
            Self::NotFinite => "leave the cell empty where the count is missing",
            Self::Negative => "cumulative counts are 0 or more: correct the cell, or leave it empty",
            Self::TooLarge => "correct the cell, or leave it empty",
        }
    }
}

impl fmt::Display for CountFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber => f.write_str("which is not a number"),
            Self::NotFinite => f.write_str("which is not a finite number"),
            Self::Negative => f.write_str("a negative count"),
            Self::TooLarge => write!(f, "a count above {MAX_COUNT:e}"),
        }
    }
}
