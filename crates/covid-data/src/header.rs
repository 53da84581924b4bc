//! The header of a table with one row a place and day: which column is what, in any of the spellings of its name.

use covid_core::one_line;
use csv::ByteRecord;

use crate::RowFault;

/// What a column is called, by whom it is meant. Case does not matter, nor whether words are kept apart by `_`, `/`, `-`
/// or a blank.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spellings(pub(crate) &'static [&'static str]);

pub(crate) const ADMIN2: Spellings = Spellings(&["Admin2", "County"]);
pub(crate) const PROVINCE: Spellings = Spellings(&["Province_State", "Province", "State"]);
pub(crate) const COUNTRY: Spellings = Spellings(&["Country_Region", "Country"]);
pub(crate) const LATITUDE: Spellings = Spellings(&["Lat", "Latitude"]);
pub(crate) const LONGITUDE: Spellings = Spellings(&["Long", "Long_", "Longitude", "Lon"]);
pub(crate) const LOCATION: Spellings = Spellings(&["location"]);
pub(crate) const DATE: Spellings = Spellings(&["date"]);

impl Spellings {
    /// The spelling that messages use.
    pub(crate) fn name(self) -> &'static str {
        self.0.first().copied().unwrap_or_default()
    }

    fn fit(self, name: &str) -> bool {
        let plain = |text: &str| -> String {
            let text = text.trim().trim_end_matches('_').chars();
            text.map(|c| if matches!(c, '/' | '-' | ' ') { '_' } else { c.to_ascii_lowercase() }).collect()
        };
        let name = plain(name);
        self.0.iter().any(|spelling| plain(spelling) == name)
    }
}

/// The names of a table's columns, in order.
#[derive(Debug, Clone)]
pub(crate) struct Names(Vec<Name>);

#[derive(Debug, Clone)]
struct Name {
    written: String,
    /// The same in one line.
    shown: String,
}

impl Names {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|written| Name { shown: one_line(&written).into_owned(), written }).collect())
    }

    pub(crate) fn of_record(record: &ByteRecord) -> Self {
        Self::new(record.iter().map(crate::text::clean))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The name of a column, in one line without white space around it.
    pub(crate) fn get(&self, position: usize) -> &str {
        self.0.get(position).map_or("", |name| &name.shown)
    }

    /// The name of a column, with white space around it.
    #[cfg_attr(not(feature = "tables"), expect(dead_code, reason = "only a Parquet file is asked by name"))]
    pub(crate) fn as_written(&self, position: usize) -> &str {
        self.0.get(position).map_or("", |name| &name.written)
    }

    /// The position of a column, if it is there.
    ///
    /// # Errors
    /// If it is there twice.
    pub(crate) fn find(&self, column: Spellings) -> Result<Option<usize>, RowFault> {
        self.only(|name| column.fit(name))
    }

    /// The position of a column.
    ///
    /// # Errors
    /// If it is not there, or there twice.
    pub(crate) fn require(&self, column: Spellings, hint: &'static str) -> Result<usize, RowFault> {
        self.find(column)?.ok_or_else(|| self.missing(column.name(), hint))
    }

    /// The position of the column with exactly this name, else of one that differs in case alone.
    ///
    /// # Errors
    /// If it is not there, or there twice.
    pub(crate) fn exactly(&self, wanted: &str, hint: &'static str) -> Result<usize, RowFault> {
        let wanted = wanted.trim();
        match self.only(|name| name == wanted)? {
            Some(position) => Ok(position),
            None => self.only(|name| name.eq_ignore_ascii_case(wanted))?.ok_or_else(|| self.missing(wanted, hint)),
        }
    }

    fn only(&self, fits: impl Fn(&str) -> bool) -> Result<Option<usize>, RowFault> {
        let mut found = self.0.iter().enumerate().filter(|(_, name)| fits(&name.shown));
        match (found.next(), found.next()) {
            (_, Some((_, second))) => Err(RowFault::RepeatedColumn { column: second.shown.clone() }),
            (first, None) => Ok(first.map(|(position, _)| position)),
        }
    }

    pub(crate) fn missing(&self, wanted: &str, hint: &'static str) -> RowFault {
        RowFault::MissingColumn { wanted: wanted.to_owned(), there: self.listed(), hint }
    }

    /// The names for a message, not too many.
    fn listed(&self) -> String {
        const MOST: usize = 20;
        let names = self.0.iter().take(MOST).map(|name| format!("`{}`", crate::cell::excerpt(name.shown.as_bytes())));
        let mut listed = names.collect::<Vec<_>>().join(", ");
        if self.0.len() > MOST {
            listed.push_str(&format!(" and {} more", self.0.len() - MOST));
        }
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(header: &str) -> Names {
        Names::new(header.split(',').map(str::to_owned))
    }

    #[test]
    fn every_spelling_of_the_years_is_found() {
        for header in ["Province/State", "Province_State", " province state", "PROVINCE-STATE"] {
            assert_eq!(names(header).find(PROVINCE).unwrap(), Some(0), "{header}");
        }
        assert_eq!(names("Lat,Long_").find(LONGITUDE).unwrap(), Some(1));
        assert_eq!(names("Latitude,Longitude").find(LONGITUDE).unwrap(), Some(1));
        assert_eq!(names("Combined_Key").find(COUNTRY).unwrap(), None);
    }

    #[test]
    fn a_column_that_is_there_twice_is_nobodys() {
        let error = names("date,Date").find(DATE).unwrap_err();
        assert_eq!(error.to_string(), "the header has two columns `Date`");
        assert_eq!(names("Visits,visits").exactly("visits", "").unwrap(), 1);
        assert_eq!(names("Visits,x").exactly("visits", "").unwrap(), 0);
    }

    #[test]
    fn a_name_is_shown_in_one_line() {
        let names = names("location,my\r\n date");
        assert_eq!(names.get(1), "my date");
        assert_eq!(names.as_written(1), "my\r\n date");
    }

    #[test]
    fn a_missing_column_is_told_beside_those_that_are_there() {
        let error = names("location,day").require(DATE, "").unwrap_err();
        assert_eq!(error.to_string(), "the header has no column `date`, only `location`, `day`");
        let many = (0..30).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
        assert!(names(&many).require(DATE, "").unwrap_err().to_string().ends_with("`19` and 10 more"));
    }
}
