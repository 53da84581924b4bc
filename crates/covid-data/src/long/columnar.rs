//! A long table in Parquet, with the types that its writer chose.

use polars::prelude::{Column as PolarsColumn, DataFrame, DataType};

use super::{
    Columns, Rows,
    dates::DateTexts,
    rows::{Places, Row},
};
use crate::{
    CountFault, FileFault, RowFault, cell,
    header::Names,
    number::{self, Oddities},
    parquet,
    source::LoadOptions,
    table::date_of_epoch_day,
};

pub(super) fn read(bytes: &[u8], options: &LoadOptions) -> Result<Rows, FileFault> {
    let not_read = |error: crate::TableError| FileFault::from(parquet::fault(&error));
    let names = Names::new(parquet::column_names(bytes).map_err(not_read)?);
    let columns = Columns::of(&names, options)?;
    let frame = parquet::read_columns(bytes, wanted(&columns, &names)).map_err(not_read)?;
    if frame.height() == 0 {
        return Err(RowFault::NoRows.into());
    }
    let column = |position: usize| Typed::of(&frame, names.get(position));
    let optional = |position: Option<usize>| position.map(column).transpose();

    let mut cells = Vec::with_capacity(4);
    for position in columns.place.all() {
        cells.push(optional(position)?.map(|column| column.texts("names of places")).transpose()?);
    }
    let required =
        optional(Some(columns.place.required()))?.map(|column| column.texts("names of places")).transpose()?;
    let dates = column(columns.date)?.dates()?;
    let mut remarks: Vec<String> = dates.remark.into_iter().collect();
    let mut counts = Vec::with_capacity(2);
    for position in columns.counts {
        counts.push(optional(position)?.map(|column| column.counts(&mut remarks)).transpose()?);
    }
    let mut coordinates = Vec::new();
    for position in columns.coordinates.into_iter().flatten() {
        coordinates.push(column(position)?.column.is_not_null());
    }

    let mut places = Places::default();
    let mut rows = Vec::with_capacity(frame.height());
    let mut located: Vec<bool> = Vec::new();
    for row in 0..frame.height() {
        if required.as_ref().and_then(|texts| texts.get(row)).is_none_or(|text| text.trim().is_empty()) {
            let column = names.get(columns.place.required()).to_owned();
            return Err(RowFault::EmptyCell { row: row + 1, column }.into());
        }
        let mut parts = cells.iter().map(|texts| texts.as_ref().and_then(|texts| texts.get(row)).unwrap_or_default());
        let place = places.position([0; 4].map(|_| parts.next().unwrap_or_default().trim().as_bytes()));
        let mut cells = counts.iter().map(|counts| counts.as_ref().and_then(|counts| counts.get(row)).copied());
        let counts = [0; 2].map(|_| cells.next().flatten().unwrap_or(f64::NAN));
        let date = dates.positions.get(row).copied().unwrap_or_default();
        rows.push(Row { place: place as u32, date, row: (row + 1) as u32, counts });
        located.resize(places.locations.len(), false);
        if let Some(slot) = located.get_mut(place) {
            *slot |= coordinates.iter().all(|there| there.get(row) == Some(true));
        }
    }
    let name = |position: Option<usize>| position.map(|position| names.get(position).to_owned()).unwrap_or_default();
    Ok(Rows {
        locations: places.locations,
        located: columns.coordinates.map(|_| located),
        dates: dates.dates,
        rows,
        columns: columns.counts.map(name),
        remarks,
    })
}

/// The names of the columns that are read.
fn wanted(columns: &Columns, names: &Names) -> Vec<String> {
    let optional = columns.place.all().into_iter().chain(columns.counts).flatten();
    let all = optional.chain([columns.date]).chain(columns.coordinates.into_iter().flatten());
    let mut wanted: Vec<usize> = all.collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted.into_iter().map(|position| names.as_written(position).to_owned()).collect()
}

/// A column of the frame.
struct Typed<'a> {
    name: &'a str,
    column: &'a PolarsColumn,
}

/// Texts of a column, none where the cell is null.
struct Texts(polars::prelude::StringChunked);

impl Texts {
    fn get(&self, row: usize) -> Option<&str> {
        self.0.get(row)
    }
}

/// The dates of a column, by the row's position in them.
struct Dates {
    dates: Vec<covid_core::Date>,
    positions: Vec<u32>,
    remark: Option<String>,
}

impl<'a> Typed<'a> {
    fn of(frame: &'a DataFrame, name: &'a str) -> Result<Self, RowFault> {
        let column = frame.columns().iter().find(|column| column.name().trim() == name);
        let column = column.ok_or_else(|| RowFault::NotParquet { cause: format!("column `{name}` is missing") })?;
        Ok(Self { name, column })
    }

    fn wrong_type(&self, expected: &'static str) -> RowFault {
        RowFault::ColumnType { column: self.name.to_owned(), found: self.column.dtype().to_string(), expected }
    }

    fn cast(&self, to: &DataType, expected: &'static str) -> Result<PolarsColumn, RowFault> {
        Ok(self.column.cast(to).map_err(|_| self.wrong_type(expected))?.rechunk())
    }

    /// Text, categories, or whole numbers as text: codes of places.
    fn texts(&self, expected: &'static str) -> Result<Texts, RowFault> {
        let dtype = self.column.dtype();
        let as_text =
            matches!(dtype, DataType::String | DataType::Categorical(..) | DataType::Enum(..) | DataType::Null);
        if !as_text && !dtype.is_integer() {
            return Err(self.wrong_type(expected));
        }
        let cast = self.cast(&DataType::String, expected)?;
        Ok(Texts(cast.str().map_err(|_| self.wrong_type(expected))?.clone()))
    }

    fn dates(&self) -> Result<Dates, RowFault> {
        const DATES: &str = "dates";
        match self.column.dtype() {
            DataType::Date | DataType::Datetime(..) => self.typed_dates(),
            _ => self.written_dates(&self.texts(DATES)?),
        }
    }

    fn typed_dates(&self) -> Result<Dates, RowFault> {
        let cast = self.cast(&DataType::Date, "dates")?;
        let days = cast.date().map_err(|_| self.wrong_type("dates"))?.physical();
        let mut known = std::collections::HashMap::new();
        let (mut dates, mut positions) = (Vec::new(), Vec::with_capacity(days.len()));
        for (row, day) in days.iter().enumerate() {
            let day = day.ok_or_else(|| self.empty(row))?;
            let position = match known.get(&day) {
                Some(&position) => position,
                None => {
                    let text = day.to_string();
                    let date = date_of_epoch_day(day).ok_or_else(|| RowFault::NotADate {
                        row: row + 1,
                        column: self.name.to_owned(),
                        text,
                    })?;
                    dates.push(date);
                    known.insert(day, dates.len() as u32 - 1);
                    dates.len() as u32 - 1
                }
            };
            positions.push(position);
        }
        Ok(Dates { dates, positions, remark: None })
    }

    fn written_dates(&self, texts: &Texts) -> Result<Dates, RowFault> {
        let mut written = DateTexts::default();
        let mut positions = Vec::with_capacity(self.column.len());
        for row in 0..self.column.len() {
            let text = texts.get(row).map(str::trim).filter(|text| !text.is_empty()).ok_or_else(|| self.empty(row))?;
            positions.push(written.position(text.as_bytes(), || row + 1, self.name)? as u32);
        }
        let (dates, remark) = written.resolve()?;
        Ok(Dates { dates, positions, remark })
    }

    fn empty(&self, row: usize) -> RowFault {
        RowFault::EmptyCell { row: row + 1, column: self.name.to_owned() }
    }

    /// Counts, NaN where null.
    fn counts(&self, remarks: &mut Vec<String>) -> Result<Vec<f64>, FileFault> {
        const COUNTS: &str = "counts";
        let dtype = self.column.dtype();
        if matches!(dtype, DataType::String | DataType::Categorical(..) | DataType::Enum(..)) {
            return self.written_counts(&self.texts(COUNTS)?, remarks);
        }
        if !dtype.is_primitive_numeric() && !matches!(dtype, DataType::Null) {
            return Err(self.wrong_type(COUNTS).into());
        }
        let cast = self.cast(&DataType::Float64, COUNTS)?;
        let numbers = cast.f64().map_err(|_| self.wrong_type(COUNTS))?;
        let mut counts = Vec::with_capacity(numbers.len());
        for (row, number) in numbers.iter().enumerate() {
            counts.push(self.checked(row, number.unwrap_or(f64::NAN))?);
        }
        Ok(counts)
    }

    fn checked(&self, row: usize, number: f64) -> Result<f64, FileFault> {
        let fault = match number {
            _ if number.is_infinite() => CountFault::NotFinite,
            _ if number.abs() > covid_core::MAX_COUNT => CountFault::TooLarge,
            // Minus zero becomes zero.
            _ => return Ok(number + 0.0),
        };
        Err(self.count_fault(row, number.to_string().as_bytes(), fault))
    }

    fn count_fault(&self, row: usize, cell: &[u8], fault: CountFault) -> FileFault {
        FileFault::Count { row: row + 1, column: self.name.to_owned(), text: cell::excerpt(cell), fault }
    }

    fn written_counts(&self, texts: &Texts, remarks: &mut Vec<String>) -> Result<Vec<f64>, FileFault> {
        let mut oddities = Oddities::default();
        let mut counts = Vec::with_capacity(self.column.len());
        for row in 0..self.column.len() {
            let cell = texts.get(row).unwrap_or_default().as_bytes();
            let (count, oddity) = number::count(cell, b',').map_err(|fault| self.count_fault(row, cell, fault))?;
            if let Some(oddity) = oddity {
                oddities.add(oddity, row + 1, 0, cell);
            }
            counts.push(count);
        }
        if let Some(seen) = oddities.thousands_or_fractions() {
            return Err(self.count_fault(seen.row - 1, seen.text.as_bytes(), CountFault::ThousandsOrFraction));
        }
        remarks.extend(oddities.remarks());
        Ok(counts)
    }
}
