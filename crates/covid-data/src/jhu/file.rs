//! One file: the cumulative counts of one target.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use covid_core::Location;
use csv::ByteRecord;
use rayon::prelude::*;

use super::{
    Layout,
    header::Header,
    plain_or_gzip,
    rows::{Cells, Negative, OddRows, Place, Rows},
};
use crate::{
    DataError, FileFault, NegativeCount, Remark,
    date::readings,
    number::Oddities,
    source::Findings,
    text::{self, Records},
};

/// Bytes that one thread reads at a time: few enough that a large file keeps all threads busy to its end.
const PART: usize = 512 << 10;

/// A file of a folder, and what it holds.
pub(super) struct SeriesFile {
    pub(super) path: PathBuf,
    pub(super) series: Series,
}

impl SeriesFile {
    pub(super) fn read(folder: &Path, name: &'static str, layout: &Layout) -> Result<Self, DataError> {
        let path = plain_or_gzip(folder, name)
            .ok_or_else(|| DataError::MissingFile { folder: folder.to_owned(), file: name })?;
        match Series::parse(text::read_file(&path)?, layout) {
            Ok(series) => Ok(Self { path, series }),
            Err(fault) => Err(DataError::InFile { file: path, fault }),
        }
    }

    pub(super) fn findings(&self) -> Findings {
        let Series { header, places, negative, remarks, .. } = &self.series;
        let negative = negative.iter().map(|found| NegativeCount {
            file: self.path.clone(),
            row: found.row,
            column: header.name(header.field(found.column)),
            count: found.count,
        });
        let remarks = remarks.iter().map(|text| Remark { file: self.path.clone(), text: text.clone() });
        let nowhere = places.iter().filter(|place| !place.place.has_coordinates);
        Findings {
            remarks: remarks.collect(),
            negative: negative.collect(),
            duplicate_rows: self.series.duplicate_rows,
            without_coordinates: header
                .coordinates
                .map(|_| nowhere.map(|place| place.location().name().to_owned()).collect()),
        }
    }
}

/// What a file holds.
pub(super) struct Series {
    pub(super) header: Header,
    pub(super) places: Vec<PlaceAt>,
    /// The counts of each part of the file: by place, then day; NaN where missing.
    counts: Vec<Vec<f64>>,
    negative: Vec<Negative>,
    duplicate_rows: usize,
    remarks: Vec<String>,
}

/// A place, and where its counts are.
pub(super) struct PlaceAt {
    pub(super) place: Place,
    part: usize,
    index: usize,
}

impl PlaceAt {
    pub(super) fn location(&self) -> &Location {
        &self.place.location
    }
}

impl Series {
    fn parse(bytes: Vec<u8>, layout: &Layout) -> Result<Self, FileFault> {
        let (bytes, translated) = text::in_utf8(bytes)?;
        let text = text::readable(&bytes)?;
        let mut remarks = Vec::new();
        if translated {
            remarks.push("the file is in UTF-16 where UTF-8 is expected".to_owned());
        }
        let table = text::Layout::of(text);
        if table.separator != b',' {
            remarks.push(format!("the columns are separated by {}, not by commas", table.separators()));
        }
        let (header, below) = read_header(text, table, layout)?;
        let parts = text::parts(text, table.separator, below, PART)?;
        let read: Vec<_> = parts.par_iter().map(|part| Rows::read(text, part, table.separator, &header)).collect();
        let rows = read.into_iter().collect::<Result<Vec<_>, _>>()?;
        remarks.extend(header.remarks.iter().cloned());
        let mut series = Self::of(header, rows, remarks)?;
        series.check_end(text)?;
        series.check_places()?;
        Ok(series)
    }

    /// Puts the parts of a file together.
    fn of(header: Header, parts: Vec<Rows>, remarks: Vec<String>) -> Result<Self, FileFault> {
        let mut series =
            Self { header, places: Vec::new(), counts: Vec::new(), negative: Vec::new(), duplicate_rows: 0, remarks };
        let mut oddities = Oddities::default();
        let mut odd = OddRows::default();
        let mut unnamed = vec![Cells::default(); series.header.unnamed.len()];
        for (part, rows) in parts.into_iter().enumerate() {
            let places = rows.places.into_iter().enumerate();
            series.places.extend(places.map(|(index, place)| PlaceAt { place, part, index }));
            series.counts.push(rows.counts);
            series.negative.extend(rows.negative);
            oddities.merge(rows.oddities);
            odd.add(rows.odd);
            unnamed.iter_mut().zip(rows.unnamed).for_each(|(cells, below)| cells.extend(below));
        }
        series.take_numbers(&oddities)?;
        series.take_unnamed(unnamed)?;
        series.take_odd_rows(odd)?;
        Ok(series)
    }

    /// The counts of a place by day.
    pub(super) fn counts(&self, place: &PlaceAt) -> &[f64] {
        let days = self.header.days;
        let part = self.counts.get(place.part).map(Vec::as_slice).unwrap_or_default();
        part.get(place.index * days..(place.index + 1) * days).unwrap_or_default()
    }

    fn take_numbers(&mut self, oddities: &Oddities) -> Result<(), FileFault> {
        if let Some(seen) = oddities.thousands_or_fractions() {
            let column = self.header.name(self.header.field(seen.column));
            let fault = crate::CountFault::ThousandsOrFraction;
            return Err(FileFault::Count { row: seen.row, column, text: seen.text.clone(), fault });
        }
        self.remarks.extend(oddities.remarks());
        Ok(())
    }

    /// A column without a name is passed over if it is empty, or numbers the rows before every other column.
    fn take_unnamed(&mut self, cells: Vec<Cells>) -> Result<(), FileFault> {
        for (&column, cells) in self.header.unnamed.iter().zip(cells) {
            let position = column.field + 1;
            let index = column.leads && cells.numbers.is_some_and(|numbers| are_distinct(&numbers));
            match (cells.blank, index) {
                (true, _) => self.remarks.push(format!("column {position} is empty and was passed over")),
                (false, true) => {
                    self.remarks
                        .push(format!("column {position} numbers the rows, as pandas and R do; it was passed over"));
                }
                (false, false) => return Err(FileFault::UnnamedColumn { position }),
            }
        }
        Ok(())
    }

    /// Some rows that are longer than the header may have lost their shape; all of them are a table with empty columns.
    fn take_odd_rows(&mut self, odd: OddRows) -> Result<(), FileFault> {
        let OddRows { blank, headers, longer, first_longer } = odd;
        if let Some((row, found)) = first_longer.filter(|_| longer == 1 || longer < self.places.len()) {
            return Err(FileFault::RowLength { row, found, expected: self.header.width() });
        }
        let rows = |number: usize| if number == 1 { "1 row".to_owned() } else { format!("{number} rows") };
        let is = |number: usize| if number == 1 { "is" } else { "are" };
        if blank > 0 {
            self.remarks.push(format!("{} of separators alone {} passed over", rows(blank), was(blank)));
        }
        if headers > 0 {
            self.remarks.push(format!("{} {} the header once more, passed over", rows(headers), is(headers)));
        }
        if longer > 0 {
            self.remarks.push("all rows are longer than the header, by separators alone".to_owned());
        }
        Ok(())
    }

    /// A file that was cut off inside its last count is not told from a whole one by its shape. A whole one ends its last
    /// line, as a rule; and a count that lost digits is lower than the one before it.
    fn check_end(&mut self, text: &[u8]) -> Result<(), FileFault> {
        let last_field = self.header.width() - 1;
        let (Some(place), false) = (self.places.last(), text.ends_with(b"\n") || text.ends_with(b"\r")) else {
            return Ok(());
        };
        let Some(column) = self.header.dates.iter().find(|column| column.field == last_field) else { return Ok(()) };
        let counts = self.counts(place);
        let last = counts.get(column.day).copied().unwrap_or(f64::NAN);
        let before = column.day.checked_sub(1).and_then(|day| counts.get(day)).copied().unwrap_or(f64::NAN);
        if last.is_nan() || last < before {
            return Err(FileFault::CutOff { row: place.place.row });
        }
        self.remarks.push("the last line has no line end; if the file was cut off, its last count is not whole".into());
        Ok(())
    }

    /// There are locations, each once. Of rows that say the same, one is kept.
    fn check_places(&mut self) -> Result<(), FileFault> {
        if self.places.is_empty() {
            return Err(FileFault::NoLocations);
        }
        self.name_countries();
        let mut seen: HashMap<&str, usize> = HashMap::with_capacity(self.places.len());
        let mut repeated = HashSet::new();
        for (index, place) in self.places.iter().enumerate() {
            let Some(first) = seen.insert(place.location().name(), index) else { continue };
            let Some(earlier) = self.places.get(first) else { continue };
            if !same(self.counts(earlier), self.counts(place)) {
                return Err(FileFault::DuplicateLocation {
                    location: place.location().name().to_owned(),
                    first: earlier.place.row,
                    second: place.place.row,
                });
            }
            repeated.insert(place.place.row);
        }
        self.duplicate_rows = repeated.len();
        self.places.retain(|place| !repeated.contains(&place.place.row));
        self.negative.retain(|negative| !repeated.contains(&negative.row));
        Ok(())
    }

    /// Somebody may have filled the blank provinces with the names of countries. Where a country has no row of its own, a
    /// province of its name is the country.
    fn name_countries(&mut self) {
        let countries: HashSet<String> = self.places.iter().filter_map(|at| is_country(at.location())).collect();
        let filled = |location: &Location| {
            let country = location.country_region()?;
            let fills = location.admin2().is_none() && location.province_state() == Some(country);
            (fills && !countries.contains(country)).then(|| country.to_owned())
        };
        let mut renamed = Vec::new();
        for place in &mut self.places {
            if let Some(country) = filled(&place.place.location) {
                place.place.location = Location::country(&country);
                renamed.push(country);
            }
        }
        if let Some(first) = renamed.first() {
            let number = renamed.len();
            let text = format!("{number} rows name the country as its province (first `{first}`), read as the country");
            self.remarks.push(text);
        }
    }
}

fn was(number: usize) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

/// The name of a location that is a whole country.
fn is_country(location: &Location) -> Option<String> {
    let whole = location.admin2().is_none() && location.province_state().is_none();
    location.country_region().filter(|_| whole).map(str::to_owned)
}

fn are_distinct(numbers: &[u64]) -> bool {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.is_sorted_by(|a, b| a < b)
}

/// Whether two series hold the same counts and the same gaps.
fn same(one: &[f64], other: &[f64]) -> bool {
    one.iter().zip(other).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

/// Reads the header, and tells where the rows below it begin: byte and line.
fn read_header(text: &[u8], table: text::Layout, layout: &Layout) -> Result<(Header, (usize, usize)), FileFault> {
    let mut records = Records::from_line(text, table.separator, 1);
    let mut record = ByteRecord::new();
    // What stands before the header is one line.
    if !records.read(&mut record) || (table.begin > 0 && !records.read(&mut record)) {
        return Err(FileFault::Empty);
    }
    let below = records.next_line();
    text::parts(text.get(..below.0).unwrap_or_default(), table.separator, (0, 1), usize::MAX)?;
    let header = Header::parse(&record, layout).map_err(|fault| transposed(&mut records, &record).unwrap_or(fault))?;
    Ok((header, below))
}

/// Whether it is rows, not columns, that stand for days.
fn transposed(records: &mut Records<'_>, header: &ByteRecord) -> Option<FileFault> {
    let in_header = header.iter().skip(1).any(|field| !readings(&text::clean(field)).is_none());
    let mut record = ByteRecord::new();
    let mut days = 0;
    for _ in 0..3 {
        if !records.read(&mut record) {
            break;
        }
        let first = text::clean(record.get(0).unwrap_or_default());
        days += usize::from(!readings(&first).is_none());
    }
    (days >= 2 && !in_header).then_some(FileFault::Transposed)
}
