//! Tables to and from Parquet, and their cells to and from polars.

use covid_core::Date;
use polars::prelude::{
    Column as PolarsColumn, DataFrame, DataType, Float64Chunked, Int32Chunked, IntoColumn, NamedFrom, NewChunkedArray,
    PlSmallStr, PolarsError, Series,
};

use super::{read, write};
use crate::{Column, ColumnKind, Table, TableError};

/// What the footer of every Parquet file names, so that later versions know what they read.
pub(super) const FORMAT: (&str, &str) = ("covid.table.format", "1");

impl Table {
    /// The table as a Parquet file.
    ///
    /// # Errors
    /// If the encoder fails, which no table is known to bring about.
    pub fn to_parquet(&self) -> Result<Vec<u8>, TableError> {
        write(self.to_frame()?, FORMAT)
    }

    pub(super) fn to_frame(&self) -> Result<DataFrame, TableError> {
        let columns = self.columns().iter().map(|(name, column)| column.to_polars(name)).collect();
        DataFrame::new(self.rows(), columns).map_err(|error| TableError::NotWritten(error.to_string()))
    }

    /// The table that a Parquet file holds.
    ///
    /// # Errors
    /// If it is no Parquet file, is damaged, or holds columns of other types than those of [`Column`].
    pub fn from_parquet(bytes: &[u8]) -> Result<Self, TableError> {
        let (frame, _) = read(bytes, FORMAT.0)?;
        let columns = frame.columns().iter();
        let columns = columns.map(|column| Ok((column.name().to_string(), Column::from_polars(column)?)));
        Self::new(columns.collect::<Result<Vec<_>, TableError>>()?)
    }
}

impl Column {
    fn to_polars(&self, name: &str) -> PolarsColumn {
        let name = name.into();
        match self {
            Self::Text(cells) => {
                Series::new(name, cells.iter().map(Option::as_deref).collect::<Vec<_>>()).into_column()
            }
            Self::Date(cells) => dates_to_polars(name, cells.iter().map(|&date| epoch_day(date)).collect()),
            Self::Integer(cells) => Series::new(name, cells).into_column(),
            Self::Float(cells) => floats_to_polars(name, cells.iter().copied()),
        }
    }

    fn from_polars(column: &PolarsColumn) -> Result<Self, TableError> {
        match column.dtype() {
            DataType::String => Ok(Self::Text(texts_from_polars(column)?)),
            DataType::Date => Ok(Self::Date(dates_from_polars(column)?)),
            DataType::Int64 => Ok(Self::Integer(integers_from_polars(column)?)),
            DataType::Float64 => Ok(Self::Float(floats_from_polars(column)?)),
            other => Err(TableError::ColumnKind {
                column: column.name().to_string(),
                expected: ColumnKind::Float,
                found: format!("values of type {other}"),
            }),
        }
    }
}

/// The day on which polars and Parquet begin to count.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// Days from 1970-01-01.
pub(super) fn epoch_day(date: Date) -> i32 {
    // The calendar has some seven million days, so the difference is a number of days and fits.
    EPOCH.until(date).map_or(0, |span| span.get_days())
}

/// The date so many days after 1970-01-01, if the calendar reaches that far.
pub(crate) fn date_of_epoch_day(day: i32) -> Option<Date> {
    let span = jiff::Span::new().try_days(day).ok()?;
    EPOCH.checked_add(span).ok()
}

pub(super) fn dates_to_polars(name: PlSmallStr, days: Vec<i32>) -> PolarsColumn {
    Int32Chunked::from_vec(name, days).into_date().into_column()
}

/// NaN becomes null.
pub(super) fn floats_to_polars(name: PlSmallStr, numbers: impl Iterator<Item = f64>) -> PolarsColumn {
    let cells = numbers.map(|number| (!number.is_nan()).then_some(number));
    Float64Chunked::from_iter_options(name, cells).into_column()
}

fn unreadable(error: PolarsError) -> TableError {
    TableError::Unreadable(error.to_string())
}

fn missing_value(column: &PolarsColumn, row: usize, kind: ColumnKind) -> TableError {
    TableError::MissingValue { column: column.name().to_string(), row: row + 1, kind }
}

fn texts_from_polars(column: &PolarsColumn) -> Result<Vec<Option<String>>, TableError> {
    Ok(column.str().map_err(unreadable)?.iter().map(|cell| cell.map(str::to_owned)).collect())
}

fn dates_from_polars(column: &PolarsColumn) -> Result<Vec<Date>, TableError> {
    let days = column.date().map_err(unreadable)?.physical();
    let date = |(row, day): (usize, Option<i32>)| {
        day.and_then(date_of_epoch_day).ok_or_else(|| missing_value(column, row, ColumnKind::Date))
    };
    days.iter().enumerate().map(date).collect()
}

fn integers_from_polars(column: &PolarsColumn) -> Result<Vec<i64>, TableError> {
    let cells = column.i64().map_err(unreadable)?;
    let integer =
        |(row, cell): (usize, Option<i64>)| cell.ok_or_else(|| missing_value(column, row, ColumnKind::Integer));
    cells.iter().enumerate().map(integer).collect()
}

pub(super) fn floats_from_polars(column: &PolarsColumn) -> Result<Vec<f64>, TableError> {
    Ok(column.f64().map_err(unreadable)?.iter().map(|cell| cell.unwrap_or(f64::NAN)).collect())
}
