//! A long table in CSV, or with another separator.

use super::{
    Columns, Rows,
    dates::DateTexts,
    rows::{Places, Row},
};
use crate::{FileFault, RowFault, source::LoadOptions, text, text_table::TextTable};

pub(super) fn read(bytes: Vec<u8>, options: &LoadOptions) -> Result<Rows, FileFault> {
    let (bytes, translated) = text::in_utf8(bytes)?;
    let mut table = TextTable::open(&bytes, translated)?;
    let columns = Columns::of(&table.names, options)?;
    let (mut places, mut dates) = (Places::default(), DateTexts::default());
    let (mut rows, mut located) = (Vec::new(), Vec::new());
    let date_name = table.names.get(columns.date).to_owned();
    while table.next_row()? {
        table.filled(columns.place.required())?;
        table.filled(columns.date)?;
        let place = places.position(columns.place.all().map(|column| column.map_or(&b""[..], |c| table.cell(c))));
        let row = table.row();
        let date = dates.position(table.cell(columns.date), || row, &date_name)?;
        let [cases, deaths] = columns.counts.map(|column| column.map_or(Ok(f64::NAN), |c| table.count(c)));
        rows.push(Row { place: place as u32, date: date as u32, row: row as u32, counts: [cases?, deaths?] });
        located.resize(places.locations.len(), false);
        if let Some(place) = located.get_mut(place) {
            let given = |both: [usize; 2]| both.iter().all(|&column| !table.cell(column).is_empty());
            *place |= columns.coordinates.is_some_and(given);
        }
    }
    if rows.is_empty() {
        return Err(RowFault::NoRows.into());
    }
    let name = |column: Option<usize>| column.map(|c| table.names.get(c).to_owned()).unwrap_or_default();
    let names = columns.counts.map(name);
    let (dates, remark) = dates.resolve()?;
    let mut remarks = table.into_remarks(columns.last())?;
    remarks.extend(remark);
    let located = columns.coordinates.map(|_| located);
    Ok(Rows { locations: places.locations, located, dates, rows, columns: names, remarks })
}
