//! A panel as a Parquet file: what a store keeps of the data that a forecast was made from.

use covid_core::{Date, Location, Panel, Target};
use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, PolarsError, Series, StringChunked};

use super::{
    is_parquet, note, read,
    table::{date_of_epoch_day, dates_to_polars, epoch_day, floats_from_polars, floats_to_polars},
    write,
};
use crate::{DataError, TableError};

/// The note in the footer that says which version of the layout a file has.
const FORMAT: (&str, &str) = ("covid.vintage.format", "1");

const LOCATION: &str = "location";
const PARTS: [&str; 3] = ["Admin2", "Province_State", "Country_Region"];
const DATE: &str = "date";

/// The panel as a Parquet file in long layout, one row a location and day in the order of the panel: `location`,
/// `Admin2`, `Province_State`, `Country_Region`, `date`, `ConfirmedCases`, `Fatalities`; a missing count is null.
///
/// # Errors
/// If the encoder fails, which no panel is known to bring about.
pub fn panel_to_parquet(panel: &Panel) -> Result<Vec<u8>, DataError> {
    let frame = frame(panel).map_err(|error| TableError::NotWritten(error.to_string()))?;
    Ok(write(frame, FORMAT)?)
}

fn frame(panel: &Panel) -> Result<DataFrame, PolarsError> {
    let rows = panel.locations().len() * panel.days();
    // Every text is stored once and then repeated by index, for a panel has some hundred texts and many rows.
    let days = panel.days();
    let repeat: Vec<u32> = (0..rows).map(|row| (row / days) as u32).collect();
    let parts: [fn(&Location) -> Option<&str>; 4] =
        [|location| Some(location.name()), Location::admin2, Location::province_state, Location::country_region];
    let mut columns = Vec::with_capacity(7);
    for (name, part) in [LOCATION].into_iter().chain(PARTS).zip(parts) {
        let texts: Vec<Option<&str>> = panel.locations().iter().map(part).collect();
        columns.push(Series::new(name.into(), texts).take_slice(&repeat)?.into_column());
    }
    let first = epoch_day(panel.first_date());
    columns.push(dates_to_polars(DATE.into(), (0..rows).map(|row| first + (row % days) as i32).collect()));
    for target in Target::ALL {
        let counts = (0..panel.locations().len()).flat_map(|location| panel.counts(location, target)).copied();
        columns.push(floats_to_polars(target.name().into(), counts));
    }
    DataFrame::new(rows, columns)
}

/// The panel that [`panel_to_parquet`] wrote: the same locations in the same order, dates and counts, so the same
/// digest.
///
/// # Errors
/// If the bytes are no Parquet file, are damaged, or are not a panel in that layout.
pub fn panel_from_parquet(bytes: &[u8]) -> Result<Panel, DataError> {
    let (frame, format) = read(bytes, FORMAT.0)?;
    check_format(format.as_deref())?;
    let days = block_length(column(&frame, LOCATION)?)?;
    let start = start(column(&frame, DATE)?, days)?;
    let locations = locations(&frame, days)?;
    let [cases, deaths] =
        Target::ALL.map(|target| Ok::<_, DataError>(floats_from_polars(column(&frame, target.name())?)?));
    let (cases, deaths) = (cases?, deaths?);
    let blocks = cases.chunks(days).zip(deaths.chunks(days));
    let values = blocks.flat_map(|(cases, deaths)| [cases, deaths]).flatten().copied().collect();
    Ok(Panel::new(locations, start, days, values)?)
}

/// Whether a file is one that [`panel_to_parquet`] wrote.
pub(crate) fn is_vintage(bytes: &[u8]) -> bool {
    is_parquet(bytes) && note(bytes, FORMAT.0).is_some()
}

fn check_format(format: Option<&str>) -> Result<(), DataError> {
    match format {
        Some(version) if version == FORMAT.1 => Ok(()),
        Some(version) => not_a_vintage(format!("its format is `{version}`, and this program reads `{}`", FORMAT.1)),
        None => not_a_vintage("it has no note of its format"),
    }
}

fn not_a_vintage<T>(why: impl Into<String>) -> Result<T, DataError> {
    Err(DataError::NotAVintage(why.into()))
}

fn column<'a>(frame: &'a DataFrame, name: &str) -> Result<&'a Column, TableError> {
    frame.column(name).map_err(|_| TableError::MissingColumn(name.to_owned()))
}

fn texts(column: &Column) -> Result<&StringChunked, TableError> {
    column.str().map_err(|error| TableError::Unreadable(error.to_string()))
}

/// Rows of the first location, which is the number of days if the file is whole.
fn block_length(names: &Column) -> Result<usize, DataError> {
    let names = texts(names)?;
    let first = names.get(0);
    let days = names.iter().take_while(|name| *name == first).count();
    if days == 0 || names.len() % days != 0 {
        return not_a_vintage("its locations do not have equally many days");
    }
    let mut rows = names.iter().enumerate();
    let mut block = None;
    if rows.all(|(row, name)| {
        if row % days == 0 {
            block = name;
        }
        name.is_some() && name == block
    }) {
        Ok(days)
    } else {
        not_a_vintage("its locations do not have equally many days")
    }
}

/// The first date, if every location has the same contiguous days.
fn start(dates: &Column, days: usize) -> Result<Date, DataError> {
    let dates = dates.date().map_err(|error| TableError::Unreadable(error.to_string()))?.physical();
    let first = dates.get(0).unwrap_or_default();
    let contiguous = dates.iter().enumerate().all(|(row, date)| {
        let expected = i64::from(first) + (row % days) as i64;
        date.map(i64::from) == Some(expected)
    });
    match date_of_epoch_day(first) {
        Some(start) if contiguous => Ok(start),
        _ => not_a_vintage("its dates are not the same contiguous days for every location"),
    }
}

/// One location a block, from the block's first row.
fn locations(frame: &DataFrame, days: usize) -> Result<Vec<Location>, DataError> {
    let names = texts(column(frame, LOCATION)?)?;
    let [admin2, province, country] = PARTS.map(|part| texts(column(frame, part)?));
    let (admin2, province, country) = (admin2?, province?, country?);
    let text = |column: &'_ StringChunked, row: usize| column.get(row).unwrap_or_default().to_owned();
    let location = |row: usize| {
        Location::from_parts(&text(admin2, row), &text(province, row), &text(country, row)).with_name(&text(names, row))
    };
    Ok((0..names.len()).step_by(days).map(location).collect())
}
