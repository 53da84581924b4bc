//! The header of a time series: which column is what, and which day a date column stands for.

use covid_core::Date;
use csv::ByteRecord;

use super::{COORDINATES, COUNTRY, PROVINCE};
use crate::{FileFault, cell};

/// The columns of a file, by position from 0.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) province: usize,
    pub(super) country: usize,
    /// At least one, ascending.
    pub(super) dates: Vec<DateColumn>,
    /// Days from the first to the last date. Days without a column are missing.
    pub(super) days: usize,
    /// Fields in every row.
    pub(super) width: usize,
}

/// A column of counts.
#[derive(Debug)]
pub(super) struct DateColumn {
    /// Position from 0.
    pub(super) field: usize,
    /// Index of the day, from the first date.
    pub(super) day: usize,
    pub(super) date: Date,
    pub(super) name: String,
}

impl Header {
    pub(super) fn parse(record: &ByteRecord) -> Result<Self, FileFault> {
        let names: Vec<String> = record.iter().map(|name| String::from_utf8_lossy(name.trim_ascii()).into()).collect();
        check_separator(&names)?;
        check_names(&names)?;
        let [province, country] = [PROVINCE, COUNTRY].map(|column| position(&names, column));
        let (province, country) = (province?, country?);
        let dates = date_columns(&names)?;
        let days = days_spanned(&dates)?;
        Ok(Self { province, country, dates, days, width: names.len() })
    }

    /// The first date.
    pub(super) fn start(&self) -> Date {
        // `days_spanned` saw to it that there is one.
        self.dates.first().map_or(Date::ZERO, |column| column.date)
    }
}

/// A header in which another separator is more frequent than the comma.
fn check_separator(names: &[String]) -> Result<(), FileFault> {
    for (character, separator) in [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")] {
        let found: usize = names.iter().map(|name| name.matches(character).count()).sum();
        if found >= names.len() {
            return Err(FileFault::Separator { separator });
        }
    }
    Ok(())
}

fn check_names(names: &[String]) -> Result<(), FileFault> {
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(FileFault::UnnamedColumn { position: index + 1 });
        }
        // Dates are compared with one another later; checking them here would be quadratic in the number of days.
        if is_known(name) && names.iter().take(index).any(|earlier| earlier == name) {
            return Err(FileFault::RepeatedColumn { position: index + 1, column: name.clone() });
        }
    }
    Ok(())
}

fn is_known(name: &str) -> bool {
    [PROVINCE, COUNTRY].contains(&name) || COORDINATES.contains(&name)
}

fn position(names: &[String], column: &'static str) -> Result<usize, FileFault> {
    names.iter().position(|name| name == column).ok_or(FileFault::MissingColumn { column })
}

fn date_columns(names: &[String]) -> Result<Vec<DateColumn>, FileFault> {
    let mut columns: Vec<DateColumn> = Vec::with_capacity(names.len());
    for (field, name) in names.iter().enumerate().filter(|(_, name)| !is_known(name)) {
        let date = cell::date(name)
            .ok_or_else(|| FileFault::NotADate { position: field + 1, column: cell::excerpt(name.as_bytes()) })?;
        if let Some(before) = columns.last().filter(|before| before.date >= date) {
            return Err(FileFault::DateOrder {
                position: field + 1,
                column: name.clone(),
                before: before.name.clone(),
            });
        }
        let day = columns.first().map_or(0, |first| days_between(first.date, date));
        columns.push(DateColumn { field, day, date, name: name.clone() });
    }
    Ok(columns)
}

/// Days from the first to the last column. Where most of them have no column, the dates are not what they seem (months
/// and days exchanged, a typing error in a year), and the panel would be mostly holes.
fn days_spanned(dates: &[DateColumn]) -> Result<usize, FileFault> {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
        return Err(FileFault::NoDates);
    };
    let days = last.day + 1;
    if days > 2 * dates.len() {
        return Err(FileFault::SparseDates { columns: dates.len(), days, first: first.date, last: last.date });
    }
    Ok(days)
}

/// Days from one date to a later one.
fn days_between(from: Date, to: Date) -> usize {
    // Both dates lie within one century, so the difference is a whole number of days and neither step can fail.
    from.until(to).map_or(0, |span| usize::try_from(span.get_days()).unwrap_or(0))
}
