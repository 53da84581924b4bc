//! A long table in Parquet, with the types that its writer chose.

use std::{collections::HashMap, path::Path};

use polars::prelude::{BooleanChunked, Column as PolarsColumn, DataFrame, DataType, StringChunked};

use super::{
    Columns, Rows,
    dates::DateTexts,
    into_panel,
    rows::{Places, Row},
};
use crate::{
    CountFault, DataError, FileFault, RowFault, cell,
    header::Names,
    number::{self, Oddities},
    panel_from_parquet, parquet,
    source::{LoadOptions, Read},
    text,
};

/// Reads the bytes of a file, which may be a stored vintage: that is the panel that was stored, in its own order.
pub(super) fn read(bytes: &[u8], path: &Path, options: &LoadOptions) -> Result<Read, DataError> {
    let in_file = |fault: FileFault| DataError::InFile { file: path.to_owned(), fault };
    if !parquet::is_vintage(bytes) {
        return into_panel(rows(bytes, options).map_err(in_file)?, path);
    }
    let named = |error: DataError| match error {
        DataError::Table(error) => in_file(parquet::fault(&error).into()),
        other => other,
    };
    Ok(Read::from(panel_from_parquet(bytes).map_err(named)?))
}

fn rows(bytes: &[u8], options: &LoadOptions) -> Result<Rows, FileFault> {
    let not_read = |error: crate::TableError| FileFault::from(parquet::fault(&error));
    let names = Names::new(parquet::column_names(bytes).map_err(not_read)?);
    let columns = Columns::of(&names, options)?;
    let frame = parquet::read_columns(bytes, wanted(&columns, &names))?;
    if frame.height() == 0 {
        return Err(RowFault::NoRows.into());
    }
    let cells = Cells::of(&frame, &columns, &names)?;
    let (mut places, mut rows) = (Places::default(), Vec::with_capacity(frame.height()));
    let mut located: Vec<bool> = Vec::new();
    for row in 0..frame.height() {
        if cells.is_nowhere(row) {
            let column = names.get(columns.place.required()).to_owned();
            return Err(RowFault::EmptyCell { row: row + 1, column }.into());
        }
        let place = places.position(cells.place(row));
        let date = cells.dates.positions.get(row).copied().unwrap_or_default();
        rows.push(Row { place: place as u32, date, row: (row + 1) as u32, counts: cells.counts(row) });
        located.resize(places.locations.len(), false);
        if let Some(place) = located.get_mut(place) {
            *place |= cells.has_coordinates(row);
        }
    }
    let name = |position: Option<usize>| position.map(|position| names.get(position).to_owned()).unwrap_or_default();
    Ok(Rows {
        locations: places.locations,
        located: columns.coordinates.map(|_| located),
        dates: cells.dates.dates,
        rows,
        columns: columns.counts.map(name),
        remarks: cells.remarks,
    })
}

/// What the columns hold.
struct Cells {
    /// Display name, county, province and country, as far as they are there.
    places: Vec<Option<Texts>>,
    /// The column of a place that must be filled.
    required: Texts,
    dates: Dates,
    /// Cases, and deaths where there are any.
    counts: Vec<Option<Vec<f64>>>,
    /// Latitude and longitude, as far as they are there: whether they are filled.
    coordinates: Vec<BooleanChunked>,
    remarks: Vec<String>,
}

impl Cells {
    fn of(frame: &DataFrame, columns: &Columns, names: &Names) -> Result<Self, FileFault> {
        const PLACES: &str = "names of places";
        let column = |position: usize| Typed::of(frame, names, position);
        let texts = |position: Option<usize>| position.map(|position| column(position)?.texts(PLACES)).transpose();
        let dates = column(columns.date)?.dates()?;
        let mut remarks: Vec<String> = dates.remark.iter().cloned().collect();
        let mut counts = Vec::with_capacity(2);
        for position in columns.counts {
            counts.push(position.map(|position| column(position)?.counts(&mut remarks)).transpose()?);
        }
        let coordinates = columns.coordinates.into_iter().flatten();
        let places: Vec<Option<Texts>> = columns.place.all().into_iter().map(texts).collect::<Result<_, RowFault>>()?;
        remarks.extend(words_for_no_part(&places));
        Ok(Self {
            places,
            required: column(columns.place.required())?.texts(PLACES)?,
            dates,
            counts,
            coordinates: coordinates.map(|c| Ok(column(c)?.column.is_not_null())).collect::<Result<_, RowFault>>()?,
            remarks,
        })
    }

    fn is_nowhere(&self, row: usize) -> bool {
        self.required.get(row).is_none_or(|text| text::is_blank(text.as_bytes()))
    }

    fn place(&self, row: usize) -> [&[u8]; 4] {
        let mut texts =
            self.places.iter().map(|texts| texts.as_ref().and_then(|texts| texts.get(row)).unwrap_or_default().trim());
        let [name, admin2, province, country] = [0; 4].map(|_| texts.next().unwrap_or_default().as_bytes());
        let part = |cell| if number::is_missing_word(cell) { b"" } else { cell };
        [name, part(admin2), part(province), country]
    }

    fn counts(&self, row: usize) -> [f64; 2] {
        let mut counts = self.counts.iter().map(|counts| counts.as_ref()?.get(row).copied());
        [0; 2].map(|_| counts.next().flatten().unwrap_or(f64::NAN))
    }

    fn has_coordinates(&self, row: usize) -> bool {
        self.coordinates.iter().all(|filled| filled.get(row) == Some(true))
    }
}

/// What is to be said of the words for a missing county or province.
fn words_for_no_part(places: &[Option<Texts>]) -> Vec<String> {
    let mut oddities = Oddities::default();
    let [_, admin2, province, _] = places else { return Vec::new() };
    for texts in [admin2, province].into_iter().flatten() {
        for (row, text) in texts.0.iter().enumerate() {
            oddities.part(text.unwrap_or_default().trim().as_bytes(), || row + 1, 0);
        }
    }
    oddities.remarks()
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
struct Texts(StringChunked);

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
    fn of(frame: &'a DataFrame, names: &'a Names, position: usize) -> Result<Self, RowFault> {
        let name = names.get(position);
        let column = frame.columns().iter().find(|column| column.name().as_str() == names.as_written(position));
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
        let mut known = HashMap::new();
        let (mut dates, mut positions) = (Vec::new(), Vec::with_capacity(days.len()));
        for (row, day) in days.iter().enumerate() {
            let day = day.ok_or_else(|| self.empty(row))?;
            let position = match known.get(&day) {
                Some(&position) => position,
                None => {
                    let text = day.to_string();
                    let date = parquet::date_of_epoch_day(day).ok_or_else(|| RowFault::NotADate {
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
