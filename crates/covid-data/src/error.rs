//! What can be wrong with data, said so that a person finds the place and knows what to do.

use std::{fmt, io, path::PathBuf};

use covid_core::{Date, Explain, FaultKind, MAX_COUNT, PanelError};

use crate::{FetchError, RowFault, TableError};

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
    /// Two files of a folder are the report of one day.
    #[error("`{}` and `{}` are both the report of {date}", first.display(), second.display())]
    TwoReports {
        /// The date.
        date: Date,
        /// One of the files.
        first: PathBuf,
        /// The other.
        second: PathBuf,
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
    /// No vintage of a folder is as early as the as-of date.
    #[error("no vintage in `{}` is from {as_of} or before: they run from {first} to {last}", path.display())]
    NoVintage {
        /// The folder of vintages.
        path: PathBuf,
        /// The as-of date.
        as_of: Date,
        /// The first vintage.
        first: Date,
        /// The last one.
        last: Date,
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
            | Self::NoVintage { .. }
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
            Self::TwoReports { .. } => "keep one of the two files".into(),
            Self::CountyInGlobalLayout { .. } => "export a panel without counties".into(),
            Self::DateOutsideCentury { .. } => "export days of the years 2000 to 2099".into(),
            Self::NoVintage { first, .. } => format!("give an as-of date from {first} on"),
            Self::SimulationSize { what, range, .. } => format!("ask for {range} {what}"),
            Self::NotAVintage(_) => "name a Parquet file below `vintages/` in the store".into(),
            Self::Fetch(error) => return error.hint(),
            Self::Table(error) => return error.hint(),
            Self::Panel(error) => return error.hint(),
        })
    }

    fn may_pass(&self) -> bool {
        matches!(self, Self::Fetch(error) if error.may_pass())
    }
}

const KNOWN_SOURCES: &str = "give `sample`, a folder of JHU CSSE's time series or daily reports or of dated vintages, \
                             Kaggle's `train.csv`, or a table with one row a place and day in CSV or Parquet";

/// What is wrong inside a file. Rows and columns are counted from 1; a row is a line of the file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FileFault {
    /// No bytes, or nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// A page that a web server sent instead of the file.
    #[error("the file is a web page (HTML), not a CSV file")]
    Html,
    /// A file of another format under the name of a CSV file.
    #[error("the file is {what}, not a CSV file")]
    OtherFormat {
        /// What it is.
        what: &'static str,
    },
    /// What a web server says instead of a file.
    #[error("the file is an error message of a web server, not a CSV file")]
    ServerError,
    /// What git leaves in place of a large file.
    #[error("the file is a pointer of git LFS, not the file that it stands for")]
    LfsPointer,
    /// Bytes of value 0, which no text has.
    #[error("row {row} holds a byte of value 0, which no text does")]
    Nul {
        /// Line in the file.
        row: usize,
    },
    /// A file that says it is UTF-16, and is not.
    #[error("the file begins as UTF-16 text does, but is none")]
    NotUtf16,
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
    /// An archive of nearly nothing, many times over.
    #[error("the archive unpacks to more than {ratio} times its size")]
    Inflated {
        /// The most that is taken for a table.
        ratio: usize,
    },
    /// More counts than a machine should be asked to hold.
    #[error("the file holds more than {limit} counts")]
    TooManyCounts {
        /// The most that are read.
        limit: usize,
    },
    /// What git leaves in a file that it could not merge.
    #[error("row {row} is a git conflict marker (`{marker}`)")]
    ConflictMarker {
        /// Line in the file.
        row: usize,
        /// The marker.
        marker: &'static str,
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
    /// A date that can be read in several ways, or days that are not one sequence in any.
    #[error("column {position} of the header, `{column}`, can stand for more than one day")]
    UnclearDate {
        /// Its position.
        position: usize,
        /// Its name.
        column: String,
    },
    /// One column of dates, where a time series has a column for each date.
    #[error(
        "the file is a long table, with its dates in one column (`{column}`), not a time series with a column a day"
    )]
    LongTable {
        /// The column of dates.
        column: String,
    },
    /// Days in rows and places in columns.
    #[error("the file has a row a day where a time series has a column a day")]
    Transposed,
    /// Two columns for one date that do not say the same.
    #[error(
        "columns {} and {} of the header are both `{column}`, and row {row} holds different counts in them",
        positions[0], positions[1]
    )]
    ContradictingColumns {
        /// Their name.
        column: String,
        /// Their positions, from 1.
        positions: [usize; 2],
        /// Line in the file.
        row: usize,
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
    #[error("row {row} has {found} field{} where the header has {expected}", if *found == 1 { "" } else { "s" })]
    RowLength {
        /// Line in the file.
        row: usize,
        /// Fields in the row.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// A row that ends before its last count does, or may do so.
    #[error("row {row} is the last one, has no line end, and its last count is empty or lower than the one before it")]
    CutOff {
        /// Line in the file.
        row: usize,
    },
    /// A name that goes on in the next line.
    #[error("row {row} holds a line end inside a name")]
    BrokenName {
        /// Line in the file on which the row begins.
        row: usize,
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
    /// Two rows for one location that do not say the same.
    #[error("rows {first} and {second} are both for location `{location}`, with different counts")]
    DuplicateLocation {
        /// Display name of the location.
        location: String,
        /// Line of the first.
        first: usize,
        /// Line of the second.
        second: usize,
    },
    /// Something in a table with one row a place and day.
    #[error(transparent)]
    Rows(#[from] RowFault),
}

impl FileFault {
    /// What to do next.
    fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::Html | Self::ServerError | Self::Archive { .. } => "download the file again",
            Self::OtherFormat { .. } => "save it as CSV, or unpack it; gzip alone is read as it is",
            Self::LfsPointer => "fetch the file itself with `git lfs pull`",
            Self::Nul { .. } => "the file is damaged: download it again",
            Self::TooLarge { .. } | Self::TooManyCounts { .. } => "check that it is what it should be, or split it",
            Self::Inflated { .. } => "check that it is what it should be, or unpack it",
            Self::NotUtf8 { .. } | Self::NotUtf16 => "save the file as CSV in UTF-8",
            Self::ConflictMarker { .. } => "resolve the merge conflict, or download the file again",
            Self::MissingColumn { column: "Admin2" | "Province_State" | "Country_Region" } => {
                "the header must read `...,Admin2,Province_State,Country_Region,Lat,Long_,...,1/22/20,...`"
            }
            Self::MissingColumn { .. } | Self::RepeatedColumn { .. } | Self::NoDates => {
                "the header must read `Province/State,Country/Region,Lat,Long,1/22/20,...`"
            }
            Self::UnnamedColumn { .. } => "write the file without an index (pandas: `to_csv(..., index=False)`)",
            Self::NotADate { .. } => {
                "a spreadsheet may have rewritten the dates: download the file again, or write dates as month/day/year \
                 without zeros in front, such as `1/22/20`"
            }
            Self::UnclearDate { .. } => "write the dates as `2020-01-22`, or download the file again",
            Self::LongTable { .. } => "give the file under another name: a long table is read by its own path",
            Self::Transposed => "exchange rows and columns",
            Self::ContradictingColumns { .. } => "keep one of the two columns",
            Self::DateOrder { .. } | Self::SparseDates { .. } => {
                "give each day one column, in the order of the calendar, as month/day/year"
            }
            Self::CutOff { .. } => "download the file again, or end its last line if it is whole",
            Self::BrokenName { .. } => "a quotation mark is missing or one too many: correct it",
            Self::NoLocations => "the file may be cut off: download it again",
            Self::RowLength { .. } => {
                "the file may be cut off (download it again), or a name with a comma is not in quotation marks"
            }
            Self::NoCountry { .. } => "name the country of every row",
            Self::Count { fault, .. } => fault.hint(),
            Self::Rows(fault) => fault.hint(),
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
    /// In scientific notation, with digits left out.
    Rounded,
    /// With one mark that may stand between thousands or before a fraction.
    ThousandsOrFraction,
}

impl CountFault {
    fn hint(self) -> &'static str {
        match self {
            Self::NotANumber => "write a count in digits alone, or leave the cell empty where it is missing",
            Self::NotFinite => "leave the cell empty where the count is missing",
            Self::Negative => "cumulative counts are 0 or more: correct the cell, or leave it empty",
            Self::TooLarge => "correct the cell, or leave it empty",
            Self::Rounded => "write the whole number: a spreadsheet left digits out",
            Self::ThousandsOrFraction => "write counts in digits alone, without a mark between thousands",
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
            Self::Rounded => f.write_str("a number in scientific notation, which may be rounded"),
            Self::ThousandsOrFraction => f.write_str("which may be a fraction or some thousands"),
        }
    }
}
