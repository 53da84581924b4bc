//! JHU's lookup table of places, for the number of people in each.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use covid_core::Location;
use csv::ByteRecord;

use super::plain_or_gzip;
use crate::{
    DataError, FileFault, Remark, number,
    text::{self, Records, clean, readable},
};

const LOOKUP: &str = "UID_ISO_FIPS_LookUp_Table.csv";

/// The columns that are needed: the three parts of a place, and its people.
const COLUMNS: [&str; 4] = ["Admin2", "Province_State", "Country_Region", "Population"];

/// People, by position of the location, and what was odd. None if there is no table beside the series or one folder up,
/// where JHU's repository has it. A table that cannot be read is told of, and no more.
#[expect(clippy::type_complexity, reason = "two results that are used at one place")]
pub(super) fn populations(folder: &Path, locations: &[&Location]) -> Option<(Option<Vec<Option<f64>>>, Vec<Remark>)> {
    let path = find(folder)?;
    let remark = |text: String| Remark { file: path.clone(), text };
    match People::read(&path) {
        Ok(people) => {
            let remarks = people.skipped().map(remark).into_iter().collect();
            Some((Some(locations.iter().map(|location| people.of(location)).collect()), remarks))
        }
        Err(cause) => Some((None, vec![remark(format!("{cause}; populations are not known without it"))])),
    }
}

fn find(folder: &Path) -> Option<PathBuf> {
    plain_or_gzip(folder, LOOKUP).or_else(|| plain_or_gzip(folder.canonicalize().ok()?.parent()?, LOOKUP))
}

/// People by place.
#[derive(Debug, Default)]
struct People {
    by_parts: HashMap<[String; 3], Entry>,
    /// The same by the words of the parts in any order: the table may say `South Korea` where the series say
    /// `Korea, South`.
    by_words: HashMap<String, Entry>,
    rows: usize,
    broken_rows: usize,
}

/// The people of one place, unless the table gives two numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Entry {
    One(f64),
    Several,
}

impl People {
    fn read(path: &Path) -> Result<Self, String> {
        let said = |fault: FileFault| fault.to_string();
        let bytes = text::read_file(path).map_err(|error| match error {
            DataError::InFile { fault, .. } => said(fault),
            DataError::Unreadable { source, .. } => format!("the file cannot be read: {source}"),
            other => other.to_string(),
        })?;
        let (bytes, _) = text::in_utf8(bytes).map_err(said)?;
        Self::parse(readable(&bytes).map_err(said)?).map_err(said)
    }

    fn parse(text: &[u8]) -> Result<Self, FileFault> {
        let table = text::Layout::of(text);
        // Git's marks anywhere mean that nothing in the file can be relied on.
        text::parts(text, table.separator, (0, 1), usize::MAX)?;
        let mut records = Records::new(text.get(table.begin..).unwrap_or_default(), table.separator);
        let mut record = ByteRecord::new();
        if !records.read(&mut record) {
            return Err(FileFault::Empty);
        }
        let names: Vec<String> = record.iter().map(clean).collect();
        let columns = positions(&names)?;
        let mut people = Self::default();
        while records.read(&mut record) {
            people.rows += 1;
            if record.len() == names.len() {
                people.add(&record, columns, table.separator);
            } else {
                people.broken_rows += 1;
            }
        }
        Ok(people)
    }

    fn add(&mut self, record: &ByteRecord, columns: [usize; 4], separator: u8) {
        let [admin2, province, country, population] = columns.map(|column| record.get(column).unwrap_or_default());
        let Ok((number, _)) = number::count(population, separator) else {
            self.broken_rows += 1;
            return;
        };
        if number > 0.0 {
            let parts = [admin2, province, country].map(clean);
            insert(&mut self.by_words, words(&parts), number);
            insert(&mut self.by_parts, parts, number);
        }
    }

    fn of(&self, location: &Location) -> Option<f64> {
        let parts = [location.admin2(), location.province_state(), location.country_region()];
        let parts = parts.map(|part| part.unwrap_or_default().to_owned());
        match self.by_parts.get(&parts).or_else(|| self.by_words.get(&words(&parts)))? {
            Entry::One(people) => Some(*people),
            Entry::Several => None,
        }
    }

    fn skipped(&self) -> Option<String> {
        let Self { rows, broken_rows, .. } = self;
        (*broken_rows > 0).then(|| format!("{broken_rows} of {rows} rows cannot be read and were passed over"))
    }
}

fn insert<K: std::hash::Hash + Eq>(people: &mut HashMap<K, Entry>, place: K, number: f64) {
    let entry = people.entry(place).or_insert(Entry::One(number));
    if *entry != Entry::One(number) {
        *entry = Entry::Several;
    }
}

fn positions(names: &[String]) -> Result<[usize; 4], FileFault> {
    let mut found = [0; 4];
    for (slot, column) in found.iter_mut().zip(COLUMNS) {
        let position = names.iter().position(|name| name == column);
        *slot = position.ok_or(FileFault::MissingColumn { column })?;
    }
    Ok(found)
}

/// The words of each part, sorted.
fn words(parts: &[String; 3]) -> String {
    let sorted = |part: &String| {
        let mut words: Vec<String> = part.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
        words.sort_unstable();
        words.concat()
    };
    parts.each_ref().map(sorted).join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "UID,FIPS,Admin2,Province_State,Country_Region,Combined_Key,Population\n\
                         4,,,,Datastan,Datastan,1000\n\
                         5,,,,South Modelonia,South Modelonia,500\n\
                         6,1,Sample,North,Datastan,\"Sample, North, Datastan\",7\n\
                         7,,,Ship,Datastan,\"Ship, Datastan\",\n";

    fn people(location: &Location) -> Option<f64> {
        People::parse(TABLE.as_bytes()).unwrap().of(location)
    }

    #[test]
    fn places_are_matched_on_their_three_parts() {
        assert_eq!(people(&Location::country("Datastan")), Some(1000.0));
        assert_eq!(people(&Location::from_parts("Sample", "North", "Datastan")), Some(7.0));
        assert_eq!(people(&Location::country("Modelonia, South")), Some(500.0));
        assert_eq!(people(&Location::province("Ship", "Datastan")), None);
        assert_eq!(people(&Location::province("Sample", "Datastan")), None);
    }

    #[test]
    fn broken_rows_and_contradictions_are_not_used() {
        let table = format!("{TABLE}8,,,,Datastan,Datastan,2000\n9,,,,Modelonia,Modelonia,many\n10\n");
        let people = People::parse(table.as_bytes()).unwrap();
        assert_eq!(people.of(&Location::country("Datastan")), None);
        assert_eq!(people.skipped().unwrap(), "2 of 7 rows cannot be read and were passed over");
    }
}
