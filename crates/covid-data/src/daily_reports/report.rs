//! One daily report: its header in the spelling of its day, and the counts of each place.

use std::{collections::HashMap, path::Path, sync::Arc};

use crate::{
    DataError, FileFault, RowFault,
    header::{ADMIN2, COUNTRY, LATITUDE, LONGITUDE, Names, PROVINCE, Spellings},
    text,
    text_table::TextTable,
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
    /// What was odd in the layout.
    pub(super) remarks: Vec<String>,
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
pub(super) struct Key(Arc<[u8]>);

impl Key {
    /// County, province and country.
    pub(super) fn parts(&self) -> [&str; 3] {
        let mut parts =
            self.0.splitn(3, |&byte| byte == SEPARATOR).map(|part| str::from_utf8(part).unwrap_or_default());
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
        Self::parse(text::read_file(path)?).map_err(|fault| DataError::InFile { file: path.to_owned(), fault })
    }

    fn parse(bytes: Vec<u8>) -> Result<Self, FileFault> {
        let (bytes, translated) = text::in_utf8(bytes)?;
        let mut table = TextTable::open(&bytes, translated)?;
        let columns = Columns::of(&table.names)?;
        let mut report = Self {
            places: Vec::new(),
            blank: 0,
            repeated: 0,
            has_coordinates: columns.coordinates.is_some(),
            remarks: Vec::new(),
        };
        let mut known: HashMap<Key, usize> = HashMap::with_capacity(1 << 12);
        let mut key = Vec::new();
        while table.next_row()? {
            columns.key(&mut table, &mut key)?;
            let position = match known.get(key.as_slice()) {
                Some(&position) => {
                    report.repeated += 1;
                    position
                }
                None => {
                    let key = Key(key.as_slice().into());
                    known.insert(key.clone(), report.places.len());
                    report.places.push(Reported { key, counts: [0.0; 2], negative: [None; 2], located: false });
                    report.places.len() - 1
                }
            };
            if let Some(place) = report.places.get_mut(position) {
                report.blank += columns.add(&mut table, place)?;
            }
        }
        report.remarks = table.into_remarks(columns.last())?;
        if report.places.is_empty() { Err(FileFault::NoLocations) } else { Ok(report) }
    }
}

/// Positions of the columns, from 0.
struct Columns {
    admin2: Option<usize>,
    province: usize,
    country: usize,
    counts: [usize; 2],
    coordinates: Option<[usize; 2]>,
}

impl Columns {
    fn of(names: &Names) -> Result<Self, RowFault> {
        let [latitude, longitude] = [names.find(LATITUDE)?, names.find(LONGITUDE)?];
        Ok(Self {
            admin2: names.find(ADMIN2)?,
            province: names.require(PROVINCE, HEADER)?,
            country: names.require(COUNTRY, HEADER)?,
            counts: [names.require(CONFIRMED, HEADER)?, names.require(DEATHS, HEADER)?],
            coordinates: latitude.zip(longitude).map(|(latitude, longitude)| [latitude, longitude]),
        })
    }

    /// The last column of counts.
    fn last(&self) -> usize {
        let [confirmed, deaths] = self.counts;
        confirmed.max(deaths)
    }

    /// The key of the present row, whose country must be there.
    fn key(&self, table: &mut TextTable<'_>, key: &mut Vec<u8>) -> Result<(), FileFault> {
        table.filled(self.country)?;
        let [_, parts @ ..] = table.place([None, self.admin2, Some(self.province), Some(self.country)]);
        key.clear();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                key.push(SEPARATOR);
            }
            key.extend_from_slice(part);
        }
        Ok(())
    }

    /// Adds the present row to its place, and returns how many of its counts are blank.
    fn add(&self, table: &mut TextTable<'_>, place: &mut Reported) -> Result<usize, FileFault> {
        let mut blank = 0;
        let slots = place.counts.iter_mut().zip(&mut place.negative);
        for (&column, (sum, negative)) in self.counts.iter().zip(slots) {
            let count = table.count(column)?;
            if count.is_nan() {
                // In the first reports a place is listed with its cases, and what was not reported of it is left blank; the
                // final series have 0 there. A sum over counties is that of the others, as it is for every spreadsheet.
                blank += 1;
                continue;
            }
            *sum += count;
            if count < 0.0 {
                *negative = Some(table.row());
            }
        }
        place.located |= self.coordinates.is_some_and(|both| both.iter().all(|&column| !table.cell(column).is_empty()));
        Ok(blank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_summed_over_its_rows() {
        let file = b"Province/State,Country/Region,Last Update,Confirmed,Deaths,Recovered\n\
                     North,Datastan,1/22/2020 17:00,3,,\n,Datastan,,,1,\n\
                     ,,,,,\nNorth , Datastan,1/22/2020 17:00,4,2,\n";
        let report = Report::parse(file.to_vec()).unwrap();
        assert_eq!((report.places.len(), report.blank, report.repeated), (2, 2, 1));
        assert_eq!(report.places[0].key.parts(), ["", "North", "Datastan"]);
        assert_eq!(report.places[0].counts, [7.0, 2.0]);
        assert_eq!(report.places[1].counts, [0.0, 1.0]);
        assert!(!report.has_coordinates);
    }
}
