//! The files of Kaggle's competitions of spring 2020, COVID19 Global Forecasting: `train.csv` with cumulative counts, and
//! `test.csv`, which asks for a forecast a row.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use covid_core::{Date, Location};

use crate::{
    DataError, FileFault, RowFault, cell,
    header::{DATE, Names, Spellings},
    long::{self, DateTexts, PlaceColumns, place},
    source::{LoadOptions, Read, Source, SourceKind},
    text,
    text_table::TextTable,
};

const ID: Spellings = Spellings(&["Id"]);
const FORECAST_ID: Spellings = Spellings(&["ForecastId"]);

const HINT: &str = "Kaggle's `test.csv` has the columns `ForecastId`, `Province_State`, `Country_Region` and `Date`";

/// A `train.csv`, or the folder that has one.
pub(crate) struct Kaggle;

impl Source for Kaggle {
    fn kind(&self) -> SourceKind {
        SourceKind::Kaggle
    }

    fn dataset(&self, path: &Path) -> String {
        long::dataset_name(path)
    }

    /// A file with a column `Id` before what a long table has, or a folder with `train.csv`.
    fn recognise(&self, path: &Path) -> bool {
        train_file(path).is_some_and(|file| path.is_dir() || is_numbered(&file))
    }

    fn read(&self, path: &Path, options: &LoadOptions) -> Result<Read, DataError> {
        let file = train_file(path).unwrap_or_else(|| path.to_owned());
        long::read(&file, options)
    }
}

/// The training data at a path: the file itself, or one in the folder.
fn train_file(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_owned());
    }
    ["train.csv", "train.csv.gz"].into_iter().map(|name| path.join(name)).find(|file| file.is_file())
}

/// Whether the first column of a CSV file is called `Id`.
fn is_numbered(file: &Path) -> bool {
    let mut begin = Vec::with_capacity(256);
    let read = File::open(file).and_then(|file| file.take(256).read_to_end(&mut begin));
    let first = begin.split(|byte| matches!(byte, b',' | b'\n' | b'\r')).next().unwrap_or_default();
    read.is_ok() && Names::new([text::clean(first)]).find(ID).is_ok_and(|found| found.is_some())
}

/// What a `test.csv` asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct KaggleTest {
    /// The rows, in the order of the file.
    pub rows: Vec<KaggleTestRow>,
}

/// One forecast that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct KaggleTestRow {
    /// Its number, which the submission repeats.
    pub forecast_id: u64,
    /// The place, under the name that it has in `train.csv`.
    pub location: Location,
    /// The day.
    pub date: Date,
}

/// Reads a `test.csv`, plain or gzip.
///
/// # Errors
/// If the file cannot be read, lacks a column, or holds a cell that is no number or date; the error then names row and
/// column.
pub fn read_kaggle_test(path: &Path) -> Result<KaggleTest, DataError> {
    parse_test(text::read_file(path)?).map_err(|fault| DataError::InFile { file: path.to_owned(), fault })
}

fn parse_test(bytes: Vec<u8>) -> Result<KaggleTest, FileFault> {
    let (bytes, translated) = text::in_utf8(bytes)?;
    let mut table = TextTable::open(&bytes, translated)?;
    let id = table.names.require(FORECAST_ID, HINT)?;
    let places = PlaceColumns::of(&table.names, HINT)?;
    let date = table.names.require(DATE, HINT)?;
    let date_name = table.names.get(date).to_owned();
    let (mut dates, mut rows) = (DateTexts::default(), Vec::new());
    while table.next_row()? {
        table.filled(places.required())?;
        let forecast_id = forecast_id(&mut table, id)?;
        table.filled(date)?;
        let row = table.row();
        let position = dates.position(table.cell(date), || row, &date_name)?;
        let texts = table.place(places.all()).map(String::from_utf8_lossy);
        rows.push((forecast_id, place(texts.each_ref().map(|text| text.as_ref())), position));
    }
    if rows.is_empty() {
        return Err(RowFault::NoRows.into());
    }
    let (dates, _) = dates.resolve()?;
    let dated = |(forecast_id, location, position): (u64, Location, usize)| KaggleTestRow {
        forecast_id,
        location,
        date: dates.get(position).copied().unwrap_or_default(),
    };
    Ok(KaggleTest { rows: rows.into_iter().map(dated).collect() })
}

fn forecast_id(table: &mut TextTable<'_>, column: usize) -> Result<u64, FileFault> {
    let cell = table.filled(column)?;
    // A spreadsheet may have made `1.0` of it.
    let plain = str::from_utf8(cell).ok().map(|text| text.strip_suffix(".0").unwrap_or(text));
    if let Some(id) = plain.and_then(|text| text.parse().ok()) {
        return Ok(id);
    }
    let text = cell::excerpt(cell);
    Err(RowFault::NotAnId { row: table.row(), column: table.names.get(column).to_owned(), text }.into())
}
