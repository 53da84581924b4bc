//! The header of a time series: which column is what, and which day a date column stands for.

use covid_core::Date;
use csv::ByteRecord;

use super::{Layout, days};
use crate::{
    FileFault, cell,
    header::{is_index_name, plain},
    text::clean,
};

/// The columns of a file, by position from 0.
#[derive(Debug)]
pub(super) struct Header {
    /// The county, where the layout has one.
    pub(super) admin2: Option<usize>,
    pub(super) province: usize,
    pub(super) country: usize,
    /// Latitude and longitude.
    pub(super) coordinates: Option<[usize; 2]>,
    pub(super) population: Option<usize>,
    /// Columns without a name of their own.
    pub(super) unnamed: Vec<Unnamed>,
    /// At least one, ascending.
    pub(super) dates: Vec<DateColumn>,
    /// Pairs of date columns of one name, which must say the same: the one that is read, the other.
    pub(super) twins: Vec<[usize; 2]>,
    /// Days from the first to the last date. Days without a column are missing.
    pub(super) days: usize,
    /// The names, and so the fields in every row.
    pub(super) names: Vec<String>,
    /// What was odd, each in one sentence.
    pub(super) remarks: Vec<String>,
}

/// A column of counts.
#[derive(Debug)]
pub(super) struct DateColumn {
    /// Position from 0.
    pub(super) field: usize,
    /// Index of the day, from the first date.
    pub(super) day: usize,
    pub(super) date: Date,
}

/// A column that may be an index or nothing at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unnamed {
    pub(super) field: usize,
    /// Whether it stands before every other column, as an index does.
    pub(super) leads: bool,
}

/// What a column is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Admin2,
    Province,
    Country,
    Latitude,
    Longitude,
    Population,
    /// A column of JHU's that nobody here needs.
    Ignored,
    Unnamed,
    Other,
}

impl Kind {
    /// Names differ by case and by what stands between their words: `Province/State`, `Province_State`,
    /// `Province.State`.
    fn of(name: &str) -> Self {
        // Nearly every column is a date.
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return Self::Other;
        }
        match plain(name).as_str() {
            "admin2" => Self::Admin2,
            "province_state" => Self::Province,
            "country_region" => Self::Country,
            "lat" | "latitude" => Self::Latitude,
            "long" | "lon" | "longitude" => Self::Longitude,
            "population" => Self::Population,
            "uid" | "iso2" | "iso3" | "code3" | "fips" | "combined_key" | "who_region" | "continent" => Self::Ignored,
            _ if is_index_name(name) => Self::Unnamed,
            _ => Self::Other,
        }
    }
}

impl Header {
    /// # Errors
    /// If a column that the layout needs is not there, one is there twice, or the dates cannot be told.
    pub(super) fn parse(record: &ByteRecord, layout: &Layout) -> Result<Self, FileFault> {
        let names: Vec<String> = record.iter().map(clean).collect();
        let kinds: Vec<Kind> = names.iter().map(|name| Kind::of(name)).collect();
        check_once(&names, &kinds)?;
        let find = |kind| kinds.iter().position(|&other| other == kind);
        let needed = |kind, column| find(kind).ok_or(FileFault::MissingColumn { column });
        let admin2 = find(Kind::Admin2);
        if let Some(column) = layout.county.filter(|_| admin2.is_none()) {
            return Err(FileFault::MissingColumn { column });
        }
        let province = needed(Kind::Province, layout.province)?;
        let country = needed(Kind::Country, layout.country)?;
        check_wide(&names)?;
        let Dates { dates, twins, days, remarks } = Dates::of(&names, &kinds)?;
        Ok(Self {
            admin2,
            province,
            country,
            coordinates: find(Kind::Latitude).zip(find(Kind::Longitude)).map(Into::into),
            population: find(Kind::Population),
            unnamed: unnamed(&kinds),
            dates,
            twins,
            days,
            names,
            remarks,
        })
    }

    /// The first date.
    pub(super) fn start(&self) -> Date {
        // `Dates::of` saw to it that there is one.
        self.dates.first().map_or(Date::ZERO, |column| column.date)
    }

    /// Fields in every row.
    pub(super) fn width(&self) -> usize {
        self.names.len()
    }

    /// How many columns stand before those of the days, if the days come last, in order, and none is missing or there
    /// twice.
    pub(super) fn columns_before_days(&self) -> Option<usize> {
        let before = self.width().checked_sub(self.days)?;
        let in_order = self.dates.iter().map(|column| column.field).eq(before..self.width());
        in_order.then_some(before)
    }

    /// The name of a column.
    pub(super) fn name(&self, field: usize) -> String {
        self.names.get(field).cloned().unwrap_or_default()
    }

    /// The position of a date column.
    pub(super) fn field(&self, date_column: usize) -> usize {
        self.dates.get(date_column).map_or(0, |column| column.field)
    }
}

/// No column that is known by its name is there twice.
fn check_once(names: &[String], kinds: &[Kind]) -> Result<(), FileFault> {
    for (index, (name, &kind)) in names.iter().zip(kinds).enumerate() {
        let single = !matches!(kind, Kind::Ignored | Kind::Unnamed | Kind::Other);
        if single && kinds.iter().take(index).any(|&earlier| earlier == kind) {
            return Err(FileFault::RepeatedColumn { position: index + 1, column: name.clone() });
        }
    }
    Ok(())
}

/// Refuses the header of a long table, which has one column of dates instead of one for each.
fn check_wide(names: &[String]) -> Result<(), FileFault> {
    let is_date = |name: &&String| matches!(plain(name).as_str(), "date" | "observationdate" | "last_update" | "day");
    match names.iter().find(is_date) {
        Some(column) => Err(FileFault::LongTable { column: cell::excerpt(column.as_bytes()) }),
        None => Ok(()),
    }
}

fn unnamed(kinds: &[Kind]) -> Vec<Unnamed> {
    let leading = kinds.iter().take_while(|&&kind| kind == Kind::Unnamed).count();
    let fields = kinds.iter().enumerate().filter(|&(_, &kind)| kind == Kind::Unnamed);
    fields.map(|(field, _)| Unnamed { field, leads: field < leading }).collect()
}

/// The date columns of a header.
struct Dates {
    dates: Vec<DateColumn>,
    twins: Vec<[usize; 2]>,
    days: usize,
    remarks: Vec<String>,
}

impl Dates {
    fn of(names: &[String], kinds: &[Kind]) -> Result<Self, FileFault> {
        let others = names.iter().zip(kinds).enumerate().filter(|&(_, (_, &kind))| kind == Kind::Other);
        let (names, twins) = apart(others.map(|(field, (name, _))| (field, name.as_str())));
        let found = days::resolve(&names)?;
        let mut dates: Vec<(Date, usize)> =
            found.dates.into_iter().zip(&names).map(|(date, &(field, _))| (date, field)).collect();
        dates.sort_unstable();
        let first = dates.first().map_or(Date::ZERO, |&(date, _)| date);
        let column = |(date, field)| DateColumn { field, day: days::days_between(first, date), date };
        let dates: Vec<DateColumn> = dates.into_iter().map(column).collect();
        let days = dates.last().map_or(0, |last| last.day + 1);
        let mut remarks = found.remarks;
        if !twins.is_empty() {
            let columns = if twins.len() == 1 { "1 date has" } else { "several dates have" };
            remarks.push(format!("{columns} two columns that say the same; one of them was read"));
        }
        Ok(Self { dates, twins, days, remarks })
    }
}

/// Date columns of different names, and the pairs of those that have one name.
fn apart<'a>(columns: impl Iterator<Item = days::Name<'a>>) -> (Vec<days::Name<'a>>, Vec<[usize; 2]>) {
    let mut first = std::collections::HashMap::new();
    let (mut names, mut twins) = (Vec::new(), Vec::new());
    for (field, name) in columns {
        match first.get(name) {
            None => {
                first.insert(name, field);
                names.push((field, name));
            }
            Some(&other) => twins.push([other, field]),
        }
    }
    (names, twins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jhu::{GLOBAL, US};

    fn header(line: &str, layout: &Layout) -> Result<Header, FileFault> {
        Header::parse(&ByteRecord::from(line.split(',').collect::<Vec<_>>()), layout)
    }

    #[test]
    fn columns_are_found_by_their_words_in_any_order() {
        let found = header("1/22/20,long_,LAT,Country.Region,province_state,1/23/20", &GLOBAL).unwrap();
        assert_eq!((found.country, found.province, found.coordinates), (3, 4, Some([2, 1])));
        assert_eq!(found.dates.iter().map(|column| column.field).collect::<Vec<_>>(), [0, 5]);
    }

    #[test]
    fn counties_need_a_column_in_the_layout_that_has_them() {
        let line = "UID,FIPS,Admin2,Province_State,Country_Region,Lat,Long_,Combined_Key,Population,1/22/20";
        let found = header(line, &US).unwrap();
        assert_eq!((found.admin2, found.population), (Some(2), Some(8)));
        let without = header(&line.replace("Admin2,", ""), &US);
        assert_eq!(without.unwrap_err(), FileFault::MissingColumn { column: "Admin2" });
    }

    #[test]
    fn an_index_leads_and_an_empty_column_does_not() {
        let found = header("Unnamed: 0,index,Province/State,Country/Region,1/22/20,,X.1", &GLOBAL).unwrap();
        let columns: Vec<_> = found.unnamed.iter().map(|column| (column.field, column.leads)).collect();
        assert_eq!(columns, [(0, true), (1, true), (5, false), (6, false)]);
    }

    #[test]
    fn days_are_sorted_and_names_that_come_twice_are_kept_apart() {
        let found = header("Province/State,Country/Region,1/23/20,1/22/20,1/23/20", &GLOBAL).unwrap();
        assert_eq!(found.dates.iter().map(|column| (column.field, column.day)).collect::<Vec<_>>(), [(3, 0), (2, 1)]);
        assert_eq!((found.twins.as_slice(), found.remarks.len()), ([[2, 4]].as_slice(), 2));
    }

    #[test]
    fn days_in_order_at_the_end_are_known() {
        let before = |line: &str| header(line, &GLOBAL).unwrap().columns_before_days();
        assert_eq!(before("Province/State,Country/Region,1/22/20,1/23/20"), Some(2));
        for line in [
            "Province/State,Country/Region,1/22/20,1/24/20",
            "Province/State,Country/Region,1/23/20,1/22/20",
            "Province/State,Country/Region,1/22/20,1/23/20,Lat",
            "Province/State,Country/Region,1/22/20,1/23/20,1/23/20",
        ] {
            assert_eq!(before(line), None, "{line}");
        }
    }

    #[test]
    fn a_long_table_is_no_time_series() {
        let fault = header("Province/State,Country/Region,Date,Confirmed", &GLOBAL).unwrap_err();
        assert_eq!(fault, FileFault::LongTable { column: "Date".into() });
    }
}
