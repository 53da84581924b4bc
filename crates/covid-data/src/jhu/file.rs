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
    rows::{Cells, Negative, OddRows, Place, Rows, most_places},
};
use crate::{
    CountFault, DataError, FileFault, NegativeCount, Remark,
    date::readings,
    header::{index_remark, with_index},
    number::Oddities,
    source::Findings,
    text::{self, Part, Records},
};

/// Bytes that one thread reads at a time: few enough that a large file keeps all threads busy to its end.
const PART: usize = 512 << 10;

/// A file whose header was read.
pub(super) struct OpenFile {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    bytes: Vec<u8>,
    /// Where the text begins in the bytes.
    begin: usize,
    separator: u8,
    parts: Vec<Part>,
    remarks: Vec<String>,
}

impl OpenFile {
    /// # Errors
    /// If there is no such file, it cannot be read, or it has no header that fits the layout.
    pub(super) fn open(folder: &Path, name: &'static str, layout: &Layout) -> Result<Self, DataError> {
        let path = plain_or_gzip(folder, name)
            .ok_or_else(|| DataError::MissingFile { folder: folder.to_owned(), file: name })?;
        let bytes = text::read_file(&path)?;
        Self::of(path.clone(), bytes, layout).map_err(|fault| DataError::InFile { file: path, fault })
    }

    fn of(path: PathBuf, bytes: Vec<u8>, layout: &Layout) -> Result<Self, FileFault> {
        let (bytes, translated) = text::in_utf8(bytes)?;
        let text = text::readable(&bytes)?;
        let table = text::Layout::of(text);
        let mut remarks = Vec::new();
        if translated {
            remarks.push("the file is in UTF-16 where UTF-8 is expected".to_owned());
        }
        if table.separator != b',' {
            remarks.push(format!("the columns are separated by {}, not by commas", table.separators()));
        }
        let (header, below) = read_header(text, table, layout)?;
        remarks.extend(header.remarks.iter().cloned());
        let parts = text::parts(text, table.separator, below, PART)?;
        let begin = bytes.len() - text.len();
        Ok(Self { path, header, begin, separator: table.separator, parts, remarks, bytes })
    }

    /// The most places that the file can hold.
    pub(super) fn most_places(&self) -> usize {
        self.parts.iter().map(|part| most_places(part, &self.header)).sum()
    }

    /// Reads the rows, and writes the counts of each place into one of the slots, by day. A slot must have the header's
    /// number of days; those without a place are left as they are.
    ///
    /// # Errors
    /// At the first row of the file that cannot be read.
    pub(super) fn read(self, slots: Vec<&mut [f64]>) -> Result<SeriesFile, DataError> {
        let path = self.path.clone();
        self.read_rows(slots).map_err(|fault| DataError::InFile { file: path, fault })
    }

    fn read_rows(self, mut slots: Vec<&mut [f64]>) -> Result<SeriesFile, FileFault> {
        let text = self.bytes.get(self.begin..).unwrap_or_default();
        let mut rest = slots.as_mut_slice();
        let mut first_slot = 0;
        let mut work = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let (own, others) = rest.split_at_mut(most_places(part, &self.header).min(rest.len()));
            let next_slot = first_slot + own.len();
            work.push((part, first_slot, own));
            (first_slot, rest) = (next_slot, others);
        }
        let read = work.into_par_iter().map(|(part, first_slot, slots)| {
            Rows::read(text, part, self.separator, &self.header, slots).map(|rows| (first_slot, rows))
        });
        // All of them, so that the first error is that of the first row.
        let read: Vec<_> = read.collect();
        let rows = read.into_iter().collect::<Result<Vec<_>, _>>()?;
        let line_ends = text.ends_with(b"\n") || text.ends_with(b"\r");
        SeriesFile::of(self.path, self.header, rows, self.remarks, line_ends)
    }
}

/// A file and the places in it. Their counts are in the slots that they were read into.
pub(super) struct SeriesFile {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    pub(super) places: Vec<PlaceAt>,
    negative: Vec<Negative>,
    duplicate_rows: usize,
    remarks: Vec<String>,
    /// Whether the last line has a line end.
    line_ends: bool,
}

/// A place, and in which slot its counts are.
pub(super) struct PlaceAt {
    pub(super) place: Place,
    pub(super) slot: usize,
}

impl PlaceAt {
    pub(super) fn location(&self) -> &Location {
        &self.place.location
    }
}

impl SeriesFile {
    /// Puts the parts of a file together.
    fn of(
        path: PathBuf,
        header: Header,
        parts: Vec<(usize, Rows)>,
        remarks: Vec<String>,
        line_ends: bool,
    ) -> Result<Self, FileFault> {
        let (places, negative) = (Vec::new(), Vec::new());
        let mut file = Self { path, header, places, negative, duplicate_rows: 0, remarks, line_ends };
        let mut oddities = Oddities::default();
        let mut odd = OddRows::default();
        let mut unnamed = vec![Cells::default(); file.header.unnamed.len()];
        for (first_slot, rows) in parts {
            let places = rows.places.into_iter().zip(first_slot..);
            file.places.extend(places.map(|(place, slot)| PlaceAt { place, slot }));
            file.negative.extend(rows.negative);
            oddities.merge(rows.oddities);
            odd.add(rows.odd);
            unnamed.iter_mut().zip(rows.unnamed).for_each(|(cells, below)| cells.extend(below));
        }
        file.take_numbers(&oddities)?;
        file.take_unnamed(unnamed)?;
        file.take_odd_rows(odd)?;
        if file.places.is_empty() {
            return Err(FileFault::NoLocations);
        }
        Ok(file)
    }

    /// What was noticed, to tell.
    pub(super) fn findings(&self) -> Findings {
        let negative = self.negative.iter().map(|found| NegativeCount {
            file: self.path.clone(),
            row: found.row,
            column: self.header.name(self.header.field(found.column)),
            count: found.count,
        });
        let remarks = self.remarks.iter().map(|text| Remark { file: self.path.clone(), text: text.clone() });
        let nowhere = self.places.iter().filter(|place| !place.place.has_coordinates);
        let nowhere = nowhere.map(|place| place.location().name().to_owned());
        Findings {
            remarks: remarks.collect(),
            negative: negative.collect(),
            duplicate_rows: self.duplicate_rows,
            without_coordinates: self.header.coordinates.map(|_| nowhere.collect()),
        }
    }

    fn take_numbers(&mut self, oddities: &Oddities) -> Result<(), FileFault> {
        if let Some(seen) = oddities.thousands_or_fractions() {
            let column = self.header.name(self.header.field(seen.column));
            let fault = CountFault::ThousandsOrFraction;
            return Err(FileFault::Count { row: seen.row, column, text: seen.text.clone(), fault });
        }
        self.remarks.extend(oddities.remarks());
        Ok(())
    }

    /// A column without a name is passed over if it is empty, or numbers the rows before every other column.
    fn take_unnamed(&mut self, cells: Vec<Cells>) -> Result<(), FileFault> {
        let mut empty = Vec::new();
        for (&column, cells) in self.header.unnamed.iter().zip(cells) {
            let position = column.field + 1;
            let index = column.leads && cells.numbers.is_some_and(|numbers| are_distinct(&numbers));
            match (cells.blank, index) {
                (true, _) => empty.push(position),
                (false, true) => self.remarks.push(index_remark(position)),
                (false, false) => return Err(FileFault::UnnamedColumn { position }),
            }
        }
        self.remarks.extend(match empty.as_slice() {
            [] => None,
            [position] => Some(format!("column {position} is empty and was passed over")),
            [first, .., last] if last - first + 1 == empty.len() => {
                Some(format!("columns {first} to {last} are empty and were passed over"))
            }
            [first, .., last] => {
                Some(format!("{} columns from {first} to {last} are empty and were passed over", empty.len()))
            }
        });
        Ok(())
    }

    /// Some rows that are longer than the header may have lost their shape; all of them are a table with empty columns.
    fn take_odd_rows(&mut self, odd: OddRows) -> Result<(), FileFault> {
        let OddRows { blank, headers, longer, first_longer } = odd;
        if let Some((row, found)) = first_longer.filter(|_| longer == 1 || longer < self.places.len()) {
            return Err(FileFault::RowLength { row, found, expected: self.header.width() });
        }
        let rows = |number: usize| if number == 1 { "1 row".to_owned() } else { format!("{number} rows") };
        if blank > 0 {
            self.remarks.push(format!("passed over: {} of separators alone", rows(blank)));
        }
        if headers > 0 {
            self.remarks.push(format!("passed over: {} that repeat the header", rows(headers)));
        }
        if longer > 0 {
            self.remarks.push("all rows are longer than the header, by separators alone".to_owned());
        }
        Ok(())
    }

    /// Checks what needs the counts: whether the file was cut off, and whether each location is there once. Of rows that
    /// say the same, one is kept.
    ///
    /// # Errors
    /// If it was, or one is there twice.
    pub(super) fn check<'a>(&mut self, counts: impl Fn(usize) -> &'a [f64]) -> Result<(), DataError> {
        self.check_end(&counts)
            .and_then(|()| {
                self.name_countries();
                self.check_places(&counts)
            })
            .map_err(|fault| DataError::InFile { file: self.path.clone(), fault })
    }

    /// A file that was cut off inside its last count is not told from a whole one by its shape. A whole one ends its last
    /// line, as a rule; and a count that lost digits is lower than the one before it.
    fn check_end<'a>(&mut self, counts: impl Fn(usize) -> &'a [f64]) -> Result<(), FileFault> {
        let last_field = self.header.width().saturating_sub(1);
        let column = self.header.dates.iter().find(|column| column.field == last_field);
        let (false, Some(place), Some(column)) = (self.line_ends, self.places.last(), column) else { return Ok(()) };
        let counts = counts(place.slot);
        let last = counts.get(column.day).copied().unwrap_or(f64::NAN);
        let before = column.day.checked_sub(1).and_then(|day| counts.get(day)).copied().unwrap_or(f64::NAN);
        if last.is_nan() || last < before {
            return Err(FileFault::CutOff { row: place.place.row });
        }
        self.remarks.push("the last line has no line end; if the file was cut off, its last count is not whole".into());
        Ok(())
    }

    /// Somebody may have filled all blank provinces with the names of countries: then no row is a whole country, and a
    /// province of its country's name is one. Where some rows are countries, `Mexico, Mexico` is a state.
    fn name_countries(&mut self) {
        let whole = |at: &PlaceAt| at.location().admin2().is_none() && at.location().province_state().is_none();
        if self.places.iter().any(whole) {
            return;
        }
        let mut filled = 0;
        let mut first = None;
        for place in &mut self.places {
            if let Some(country) = country_twice(place.location()) {
                place.place.location = Location::country(&country);
                first.get_or_insert(country);
                filled += 1;
            }
        }
        if let Some(first) = first {
            let text = format!("{filled} rows name the country as its province (first `{first}`), read as the country");
            self.remarks.push(text);
        }
    }

    fn check_places<'a>(&mut self, counts: impl Fn(usize) -> &'a [f64]) -> Result<(), FileFault> {
        let mut seen: HashMap<&str, &PlaceAt> = HashMap::with_capacity(self.places.len());
        let mut repeated = HashSet::new();
        for place in &self.places {
            let Some(earlier) = seen.insert(place.location().name(), place) else { continue };
            if !same(counts(earlier.slot), counts(place.slot)) {
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
}

/// The country of a location whose province has its name.
fn country_twice(location: &Location) -> Option<String> {
    let country = location.country_region()?;
    let twice = location.admin2().is_none() && location.province_state() == Some(country);
    twice.then(|| country.to_owned())
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
    let record = with_index(record, &text::first_record(text, below.0, table.separator));
    text::parts(text.get(..below.0).unwrap_or_default(), table.separator, (0, 1), usize::MAX)?;
    let header = Header::parse(&record, layout).map_err(|fault| transposed(&mut records, &record).unwrap_or(fault))?;
    Ok((header, below))
}

/// Whether it is rows, not columns, that stand for days.
fn transposed(records: &mut Records<'_>, header: &ByteRecord) -> Option<FileFault> {
    let is_date = |field: &[u8]| !readings(&text::clean(field)).is_none();
    let mut record = ByteRecord::new();
    let mut days = 0;
    for _ in 0..3 {
        days += usize::from(records.read(&mut record) && is_date(record.get(0).unwrap_or_default()));
    }
    (days >= 2 && !header.iter().skip(1).any(is_date)).then_some(FileFault::Transposed)
}
