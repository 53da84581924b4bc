//! Reading: both files at the same time, then one panel from the two.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use covid_core::{Location, Panel};
use csv::ByteRecord;

use super::{
    CONFIRMED, DEATHS,
    header::{DateColumn, Header},
};
use crate::{
    CountFault, DataError, FileFault, NegativeCount, cell,
    source::{Findings, Read},
    text::{self, Records, check_conflict},
};

/// Reads the two files of a folder into a panel, in the order of the confirmed cases.
pub(super) fn read_folder(folder: &Path) -> Result<Read, DataError> {
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
        match Series::parse(&text::read_file(&path)?) {
            Ok(series) => Ok(Self { path, series }),
            Err(fault) => Err(DataError::InFile { file: path, fault }),
        }
    }

    fn findings(&self) -> Findings {
        let named = |found: &Negative| NegativeCount {
            file: self.path.clone(),
            row: found.row,
            column: self.series.header.dates.get(found.column).map(|column| column.name.clone()).unwrap_or_default(),
            count: found.count,
        };
        Findings { negative: self.series.negative.iter().map(named).collect(), ..Findings::default() }
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
    negative: Vec<Negative>,
}

/// A count below 0: line of the file, index of its date column, count.
struct Negative {
    row: usize,
    column: usize,
    count: f64,
}

impl Series {
    fn parse(bytes: &[u8]) -> Result<Self, FileFault> {
        let text = text::readable(bytes)?;
        let mut records = Records::new(text, b',');
        let mut record = ByteRecord::new();
        if !records.read(&mut record) {
            return Err(FileFault::Empty);
        }
        check_conflict(&record, records.row(&record))?;
        let header = Header::parse(&record)?;
        let lines = text.iter().filter(|&&byte| byte == b'\n').count();
        // A cell takes a byte at least, and a day at most two cells: a hostile file cannot ask for more than this.
        let mut counts = Vec::with_capacity(lines.saturating_mul(header.days).min(text.len().saturating_mul(2)));
        let (mut locations, mut rows, mut negative) = (Vec::new(), Vec::new(), Vec::new());
        while records.read(&mut record) {
            let row = records.row(&record);
            locations.push(header.read_row(&record, row, &mut counts, &mut negative)?);
            rows.push(row);
        }
        check_locations(&locations, &rows)?;
        Ok(Self { header, locations, rows, counts, negative })
    }

    fn series(&self, index: usize) -> &[f64] {
        let days = self.header.days;
        self.counts.get(index * days..(index + 1) * days).unwrap_or_default()
    }
}

impl Header {
    /// Appends the counts of a row, and returns its location.
    fn read_row(
        &self,
        record: &ByteRecord,
        row: usize,
        counts: &mut Vec<f64>,
        negative: &mut Vec<Negative>,
    ) -> Result<Location, FileFault> {
        if record.len() != self.width {
            check_conflict(record, row)?;
            return Err(FileFault::RowLength { row, found: record.len(), expected: self.width });
        }
        let begin = counts.len();
        counts.resize(begin + self.days, f64::NAN);
        let series = counts.get_mut(begin..).unwrap_or_default();
        for (index, column) in self.dates.iter().enumerate() {
            let cell = record.get(column.field).unwrap_or_default();
            match (cell::count(cell), series.get_mut(column.day)) {
                (Ok(count), Some(slot)) => {
                    *slot = count;
                    if count < 0.0 {
                        negative.push(Negative { row, column: index, count });
                    }
                }
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

fn count_fault(row: usize, column: &DateColumn, cell: &[u8], fault: CountFault) -> FileFault {
    FileFault::Count { row, column: column.name.clone(), text: cell::excerpt(cell), fault }
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
fn join_targets(confirmed: SeriesFile, deaths: SeriesFile) -> Result<Read, DataError> {
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
    let mut findings = confirmed.findings();
    findings.merge(deaths.findings());
    let panel = Panel::new(confirmed.series.locations, start, days, values)?;
    Ok(Read { findings, ..Read::from(panel) })
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
