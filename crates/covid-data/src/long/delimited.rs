//! A long table in CSV, or with another separator.

use super::{
    Columns, Rows,
    dates::DateTexts,
    rows::{Places, Row},
};
use crate::{FileFault, RowFault, header::Names, source::LoadOptions, text, text_table::TextTable};

pub(super) fn read(bytes: Vec<u8>, options: &LoadOptions) -> Result<Rows, FileFault> {
    let (bytes, translated) = text::in_utf8(bytes)?;
    let mut table = TextTable::open(&bytes, translated)?;
    let mut reading = Reading::new(Columns::of(&table.names, options)?, &table.names);
    while table.next_row()? {
        reading.add_row(&mut table)?;
    }
    reading.finish(table)
}

/// What was read so far.
struct Reading {
    columns: Columns,
    /// The name of the column of dates.
    date: String,
    places: Places,
    dates: DateTexts,
    rows: Vec<Row>,
    located: Vec<bool>,
}

impl Reading {
    fn new(columns: Columns, names: &Names) -> Self {
        let date = names.get(columns.date).to_owned();
        let (places, dates) = (Places::default(), DateTexts::default());
        Self { columns, date, places, dates, rows: Vec::new(), located: Vec::new() }
    }

    /// Adds the present row of the table.
    fn add_row(&mut self, table: &mut TextTable<'_>) -> Result<(), FileFault> {
        table.filled(self.columns.place.required())?;
        table.filled(self.columns.date)?;
        let row = table.row();
        let place = self.places.position(table.place(self.columns.place.all()));
        let date = self.dates.position(table.cell(self.columns.date), || row, &self.date)?;
        let [cases, deaths] = self.columns.counts.map(|column| column.map_or(Ok(f64::NAN), |c| table.count(c)));
        let counts = [cases?, deaths?];
        self.rows.push(Row { place: place as u32, date: date as u32, row: row as u32, counts });
        self.located.resize(self.places.locations.len(), false);
        if let Some(place) = self.located.get_mut(place) {
            let given = |both: [usize; 2]| both.iter().all(|&column| !table.cell(column).is_empty());
            *place |= self.columns.coordinates.is_some_and(given);
        }
        Ok(())
    }

    fn finish(self, table: TextTable<'_>) -> Result<Rows, FileFault> {
        if self.rows.is_empty() {
            return Err(RowFault::NoRows.into());
        }
        let name = |column: Option<usize>| column.map(|column| table.names.get(column).to_owned()).unwrap_or_default();
        let columns = self.columns.counts.map(name);
        let (dates, remark) = self.dates.resolve()?;
        let mut remarks = table.into_remarks(self.columns.last())?;
        remarks.extend(remark);
        let located = self.columns.coordinates.map(|_| self.located);
        Ok(Rows { locations: self.places.locations, located, dates, rows: self.rows, columns, remarks })
    }
}
