//! One daily report: its header in the spelling of its day, and the counts of each place.

use std::{collections::HashMap, path::Path};

use csv::ByteRecord;

use crate::{
    DataError, FileFault, RowFault, cell,
    header::{ADMIN2, COUNTRY, LATITUDE, LONGITUDE, Names, PROVINCE, Spellings},
    text::{self, Records, check_conflict},
};

const CONFIRMED: Spellings = Spellings(&["Confirmed"]);
const DEATHS: Spellings = Spellings(&["Deaths"]);

/// Keeps the parts of a place's key apart; no name holds it.
const SEPARATOR: u8 = 0x1f;

const HEADER: &str = "a daily report has the columns `Province_State` and `Country_Region` (or, in early ones, \
                      `Province/State` and `Country/Region`), `Confirmed` and `Deaths`";

/// What a report holds.
pub(super) struct Report {
    /// Each place once, in the order of the file.
    pub(super) places: Vec<Reported>,
    /// Counts that were left blank.
    pub(super) blank: usize,
    /// Rows for a place that had one.
    pub(super) repeated: usize,
    /// Whether there are columns for coordinates.
    pub(super) has_coordinates: bool,
}

/// A place as it is called in a report.
pub(super) struct Reported {
    /// County, province and country.
    pub(super) key: Key,
    /// Cases and deaths, summed over the rows of the place; a blank count is 0.
    pub(super) counts: [f64; 2],
    /// Line of the file with a count below 0, by target.
    pub(super) negative: [Option<usize>; 2],
    /// Whether a row has coordinates.
    pub(super) located: bool,
}

/// County, province and country in one piece, for quick comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(Box<[u8]>);

impl Key {
    /// County, province and country.
    pub(super) fn parts(&self) -> [&str; 3] {
        let mut parts = self.0.splitn(3, |&byte| byte == SEPARATOR).map(|part| str::from_utf8(part).unwrap_or_default());
        [0; 3].map(|_| parts.next().unwrap_or_default())
    }
}

impl std::borrow::Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Report {
    pub(super) fn read(path: &Path) -> Result<Self, DataError> {
        Self::parse(&text::read_file(path)?).map_err(|fault| DataError::InFile { file: path.to_owned(), fault })
    }

    fn parse(bytes: &[u8]) -> Result<Self, FileFault> {
        let (columns, mut records) = Columns::parse(text::readable(bytes)?)?;
        let mut report =
            Self { places: Vec::new(), blank: 0, repeated: 0, has_coordinates: columns.coordinates.is_some() };
        let mut known: HashMap<Key, usize> = HashMap::with_capacity(1 << 12);
        let (mut record, mut key) = (ByteRecord::new(), Vec::new());
        while records.read(&mut record) {
            if is_blank(&record) {
                continue;
            }
            columns.check(&record, &mut records)?;
            columns.key(&record, &mut key);
            let place = match known.get(key.as_slice()) {
                Some(&place) => {
                    report.repeated += 1;
                    place
                }
                None => {
                    let key = Key(key.as_slice().into());
                    known.insert(key.clone(), report.places.len());
                    report.places.push(Reported { key, counts: [0.0; 2], negative: [None; 2], located: false });
                    report.places.len() - 1
                }
            };
            if let Some(place) = report.places.get_mut(place) {
                report.blank += columns.add(&record, &mut records, place)?;
            }
        }
        if report.places.is_empty() { Err(FileFault::NoLocations) } else { Ok(report) }
    }
}

/// A row without any text, as a spreadsheet leaves below a table.
fn is_blank(record: &ByteRecord) -> bool {
    record.as_slice().iter().all(u8::is_ascii_whitespace)
}

/// Positions of the columns, from 0.
struct Columns {
    names: Names,
    admin2: Option<usize>,
    province: usize,
    country: usize,
    counts: [usize; 2],
    coordinates: Option<[usize; 2]>,
}

impl Columns {
    /// The columns of a text, and its records below the header.
    fn parse(text: &[u8]) -> Result<(Self, Records<'_>), FileFault> {
        let mut records = Records::new(text, b',');
        let mut record = ByteRecord::new();
        if !records.read(&mut record) {
            return Err(FileFault::Empty);
        }
        check_conflict(&record, records.row(&record))?;
        let names = Names::of_record(&record);
        let [latitude, longitude] = [names.find(LATITUDE)?, names.find(LONGITUDE)?];
        let columns = Self {
            admin2: names.find(ADMIN2)?,
            province: names.require(PROVINCE, HEADER)?,
            country: names.require(COUNTRY, HEADER)?,
            counts: [names.require(CONFIRMED, HEADER)?, names.require(DEATHS, HEADER)?],
            coordinates: latitude.zip(longitude).map(|(latitude, longitude)| [latitude, longitude]),
            names,
        };
        Ok((columns, records))
    }

    /// The row is whole and names a country.
    fn check(&self, record: &ByteRecord, records: &mut Records<'_>) -> Result<(), FileFault> {
        let expected = self.names.len();
        if record.len() != expected {
            let row = records.row(record);
            check_conflict(record, row)?;
            return Err(FileFault::RowLength { row, found: record.len(), expected });
        }
        if field(record, self.country).is_empty() {
            let column = self.names.get(self.country).to_owned();
            return Err(RowFault::EmptyCell { row: records.row(record), column }.into());
        }
        Ok(())
    }

    fn key(&self, record: &ByteRecord, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(self.admin2.map_or(b"", |admin2| field(record, admin2)));
        for column in [self.province, self.country] {
            key.push(SEPARATOR);
            key.extend_from_slice(field(record, column));
        }
    }

    /// Adds a row to its place, and returns how many of its counts are blank.
    fn add(&self, record: &ByteRecord, records: &mut Records<'_>, place: &mut Reported) -> Result<usize, FileFault> {
        let mut blank = 0;
        let slots = place.counts.iter_mut().zip(&mut place.negative);
        for (&column, (sum, negative)) in self.counts.iter().zip(slots) {
            let cell = record.get(column).unwrap_or_default();
            match cell::count(cell) {
                // In the first reports a place is listed with its cases, and what was not reported of it is left blank; the
                // final series have 0 there. A sum over counties is that of the others, as it is for every spreadsheet.
                Ok(count) if count.is_nan() => blank += 1,
                Ok(count) => {
                    *sum += count;
                    if count < 0.0 {
                        *negative = Some(records.row(record));
                    }
                }
                Err(fault) => {
                    let column = self.names.get(column).to_owned();
                    return Err(FileFault::Count {
                        row: records.row(record),
                        column,
                        text: cell::excerpt(cell),
                        fault,
                    });
                }
            }
        }
        place.located |= self.coordinates.is_some_and(|both| both.iter().all(|&c| !field(record, c).is_empty()));
        Ok(blank)
    }
}

fn field(record: &ByteRecord, column: usize) -> &[u8] {
    record.get(column).unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_summed_over_its_rows() {
        let file = b"Province/State,Country/Region,Last Update,Confirmed,Deaths,Recovered\n\
                     North,Datastan,1/22/2020 17:00,3,,\n,Datastan,,,1,\n\
                     ,,,,,\nNorth , Datastan,1/22/2020 17:00,4,2,\n";
        let report = Report::parse(file).unwrap();
        assert_eq!((report.places.len(), report.blank, report.repeated), (2, 2, 1));
        assert_eq!(report.places[0].key.parts(), ["", "North", "Datastan"]);
        assert_eq!(report.places[0].counts, [7.0, 2.0]);
        assert_eq!(report.places[1].counts, [0.0, 1.0]);
        assert!(!report.has_coordinates);
    }
}
