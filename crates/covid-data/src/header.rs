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

/// A name in lower case with one line between its words.
pub(crate) fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

/// What pandas and R call an index that had no name: `Unnamed: 0`, `level_0`, `X`, `...1`.
pub(crate) fn is_index_name(name: &str) -> bool {
    let plain = plain(name);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    matches!(plain.as_str(), "" | "x" | "index" | "row_names" | "rownames" | "v1" | "1")
        || ["unnamed_", "level_", "x_"].into_iter().any(|prefix| plain.strip_prefix(prefix).is_some_and(digits))
}

/// What is said of a column that numbers the rows.
pub(crate) fn index_remark(position: usize) -> String {
    format!("column {position} numbers the rows, as pandas and R do; it was passed over")
}

/// The header with a column without a name in front, if that is what it lacks: R's `write.table` numbers the rows and leaves
/// that column out of the header. A name with a comma that is not in quotation marks makes a row longer, too; its number
/// would stand under `Id`.
pub(crate) fn with_index(header: ByteRecord, first_row: &ByteRecord) -> ByteRecord {
    let [number, last] =
        [first_row.get(0), first_row.iter().next_back()].map(|field| field.unwrap_or_default().trim_ascii());
    let numbered = matches!(number, b"0" | b"1") && !last.is_empty() && first_row.len() == header.len() + 1;
    let named = header.get(0).is_some_and(|first| first.trim_ascii().to_ascii_lowercase().ends_with(b"id"));
    if !numbered || named {
        return header;
    }
    std::iter::once(&b""[..]).chain(header.iter()).collect()
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
