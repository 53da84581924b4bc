//! Reading: both files at the same time, then one panel from the two.

use std::{collections::HashMap, fs, path::Path, path::PathBuf};

use covid_core::{Location, Panel};
use csv::ByteRecord;

use super::{
    CONFIRMED, DEATHS, cell,
    header::{DateColumn, Header},
};
use crate::{DataError, FileFault};

/// Reads the two files of a folder into a panel, in the order of the confirmed cases.
pub(super) fn read_folder(folder: &Path) -> Result<Panel, DataError> {
    let (confirmed, deaths) = rayon::join(|| SeriesFile::read(folder, CONFIRMED), || SeriesFile::read(folder, DEATHS));
    join_targets(confirmed?, deaths?)
}

/// One file: the cumulative counts of one target.
struct SeriesFile {
    path: PathBuf,
    series: Series,
}

impl SeriesFile {
    fn read(folder: &Path, name: &'static str) -> Result<Self, DataError> {
        let path = folder.join(name);
        if !path.is_file() {
            return Err(DataError::MissingFile { folder: folder.to_owned(), file: name });
        }
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(DataError::Unreadable { path, source }),
        };
        match Series::parse(&bytes) {
            Ok(series) => Ok(Self { path, series }),
            Err(fault) => Err(DataError::InFile { file: path, fault }),
        }
    }

    fn one_sided(&self, index: usize, other: &Self) -> DataError {
        DataError::OneSidedLocation {
            file: self.path.clone(),
            row: self.series.rows.get(index).copied().unwrap_or_default(),
            location: self.series.locations.get(index).map(|location| location.name().to_owned()).unwrap_or_default(),
            other: other.path.clone(),
        }
    }
}

/// What a file holds.
struct Series {
    header: Header,
    locations: Vec<Location>,
    /// Line of each location in the file, from 1.
    rows: Vec<usize>,
    /// By location, then day; NaN where missing.
    counts: Vec<f64>,
}

impl Series {
    fn parse(bytes: &[u8]) -> Result<Self, FileFault> {
        let text = readable(bytes)?;
        let mut records = Records::new(text);
        let mut record = ByteRecord::new();
        if !records.read(&mut record) {
            return Err(FileFault::Empty);
        }
        check_conflict(&record, records.row(&record))?;
        let header = Header::parse(&record)?;
        let lines = text.iter().filter(|&&byte| byte == b'\n').count();
        // A cell takes a byte at least, and a day at most two cells: a hostile file cannot ask for more than this.
        let mut counts = Vec::with_capacity(lines.saturating_mul(header.days).min(text.len().saturating_mul(2)));
        let (mut locations, mut rows) = (Vec::new(), Vec::new());
        while records.read(&mut record) {
            let row = records.row(&record);
            locations.push(header.read_row(&record, row, &mut counts)?);
            rows.push(row);
        }
        check_locations(&locations, &rows)?;
        Ok(Self { header, locations, rows, counts })
    }

    fn series(&self, index: usize) -> &[f64] {
        let days = self.header.days;
        self.counts.get(index * days..(index + 1) * days).unwrap_or_default()
    }
}

/// What git begins a line with in a file that it could not merge.
const CONFLICT_MARKERS: [&str; 4] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The text of a file without its byte order mark, if it is text, there is some, and it is no web page.
fn readable(bytes: &[u8]) -> Result<&[u8], FileFault> {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let trimmed = text.trim_ascii_start();
    if trimmed.is_empty() {
        return Err(FileFault::Empty);
    }
    if let Err(error) = str::from_utf8(text) {
        return Err(FileFault::NotUtf8 { row: line_at(text, error.valid_up_to()) });
    }
    // No name of a column begins with `<`; a conflict marker does.
    if trimmed.starts_with(b"<") && !trimmed.starts_with(CONFLICT_MARKERS[0].as_bytes()) {
        return Err(FileFault::Html);
    }
    Ok(text)
}

/// The line of a byte, from 1.
fn line_at(text: &[u8], offset: usize) -> usize {
    1 + text.iter().take(offset).filter(|&&byte| byte == b'\n').count()
}

/// The records of a file. Empty lines are passed over, as every reader of CSV does.
struct Records<'a> {
    text: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    /// Where lines have been counted up to, so that counting stays linear.
    counted: usize,
    line: usize,
}

impl<'a> Records<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).buffer_capacity(1 << 16).from_reader(text);
        Self { text, reader, counted: 0, line: 1 }
    }

    fn read(&mut self, record: &mut ByteRecord) -> bool {
        // Bytes in memory do not fail to be read, and a flexible reader takes rows of any length.
        self.reader.read_byte_record(record).unwrap_or(false)
    }

    /// The line on which a record begins. The reader's own count is that of the line after the last record, which
    /// differs where lines are empty or end in CR LF.
    fn row(&mut self, record: &ByteRecord) -> usize {
        let from = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let rest = self.text.get(from..).unwrap_or_default();
        let begin = from + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let between = self.text.get(self.counted..begin).unwrap_or_default();
        self.line += between.iter().filter(|&&byte| byte == b'\n').count();
        self.counted = begin;
        self.line
    }
}

impl Header {
    /// Appends the counts of a row, and returns its location.
    fn read_row(&self, record: &ByteRecord, row: usize, counts: &mut Vec<f64>) -> Result<Location, FileFault> {
        if record.len() != self.width {
            check_conflict(record, row)?;
            return Err(FileFault::RowLength { row, found: record.len(), expected: self.width });
        }
        let begin = counts.len();
        counts.resize(begin + self.days, f64::NAN);
        let series = counts.get_mut(begin..).unwrap_or_default();
        for column in &self.dates {
            let cell = record.get(column.field).unwrap_or_default();
            match (cell::count(cell), series.get_mut(column.day)) {
                (Ok(count), Some(slot)) => *slot = count,
                (Err(fault), _) => return Err(count_fault(row, column, cell, fault)),
                (Ok(_), None) => {}
            }
        }
        self.location(record, row)
    }

    fn location(&self, record: &ByteRecord, row: usize) -> Result<Location, FileFault> {
        let [province, country] =
            [self.province, self.country].map(|field| String::from_utf8_lossy(record.get(field).unwrap_or_default()));
        if country.trim().is_empty() {
            return Err(FileFault::NoCountry { row });
        }
        Ok(Location::province(&province, &country))
    }
}

fn count_fault(row: usize, column: &DateColumn, cell: &[u8], fault: crate::CountFault) -> FileFault {
    FileFault::Count { row, column: column.name.clone(), text: cell::excerpt(cell), fault }
}

fn check_conflict(record: &ByteRecord, row: usize) -> Result<(), FileFault> {
    let first = record.get(0).unwrap_or_default();
    match CONFLICT_MARKERS.into_iter().find(|marker| first.starts_with(marker.as_bytes())) {
        Some(marker) => Err(FileFault::ConflictMarker { row, marker }),
        None => Ok(()),
    }
}

/// There are locations, each once.
fn check_locations(locations: &[Location], rows: &[usize]) -> Result<(), FileFault> {
    if locations.is_empty() {
        return Err(FileFault::NoLocations);
    }
    let mut seen = HashMap::with_capacity(locations.len());
    for (location, &second) in locations.iter().zip(rows) {
        if let Some(first) = seen.insert(location.name(), second) {
            return Err(FileFault::DuplicateLocation { location: location.name().to_owned(), first, second });
        }
    }
    Ok(())
}

/// One panel from both files, whose rows may come in different orders.
fn join_targets(confirmed: SeriesFile, deaths: SeriesFile) -> Result<Panel, DataError> {
    check_dates(&confirmed, &deaths)?;
    check_dates(&deaths, &confirmed)?;
    let deaths_index = index_by_name(&deaths.series.locations);
    let locations = &confirmed.series.locations;
    if let Some(index) = deaths_without_cases(&confirmed, &deaths) {
        return Err(deaths.one_sided(index, &confirmed));
    }
    let mut values = Vec::with_capacity(confirmed.series.counts.len().saturating_mul(2));
    for (index, location) in locations.iter().enumerate() {
        let twin = *deaths_index.get(location.name()).ok_or_else(|| confirmed.one_sided(index, &deaths))?;
        values.extend_from_slice(confirmed.series.series(index));
        values.extend_from_slice(deaths.series.series(twin));
    }
    let (start, days) = (confirmed.series.header.start(), confirmed.series.header.days);
    Ok(Panel::new(confirmed.series.locations, start, days, values)?)
}

fn index_by_name(locations: &[Location]) -> HashMap<&str, usize> {
    locations.iter().enumerate().map(|(index, location)| (location.name(), index)).collect()
}

fn deaths_without_cases(confirmed: &SeriesFile, deaths: &SeriesFile) -> Option<usize> {
    let known = index_by_name(&confirmed.series.locations);
    deaths.series.locations.iter().position(|location| !known.contains_key(location.name()))
}

/// Every date of one file is in the other.
fn check_dates(file: &SeriesFile, other: &SeriesFile) -> Result<(), DataError> {
    let dates = |file: &SeriesFile| file.series.header.dates.iter().map(|column| column.date).collect::<Vec<_>>();
    let others = dates(other);
    match dates(file).into_iter().find(|date| others.binary_search(date).is_err()) {
        Some(date) => Err(DataError::OneSidedDate { file: file.path.clone(), date, other: other.path.clone() }),
        None => Ok(()),
    }
}
