//! A table of text with a header and one row a place and day: the same opening and the same checks of a row for daily
//! reports, long tables and Kaggle's files.

use csv::ByteRecord;

use crate::{
    CountFault, FileFault, RowFault, cell,
    header::{Names, index_remark, is_index_name, with_index},
    number::{self, Oddities},
    text::{Layout, Records, check_conflict, first_record, is_blank, readable},
};

/// A table, read row by row.
pub(crate) struct TextTable<'a> {
    pub(crate) names: Names,
    /// What was odd in the layout.
    remarks: Vec<String>,
    separator: u8,
    records: Records<'a>,
    record: ByteRecord,
    oddities: Oddities,
    ends_its_last_line: bool,
}

impl<'a> TextTable<'a> {
    /// The table of a text in UTF-8; `translated` if it was in UTF-16.
    pub(crate) fn open(bytes: &'a [u8], translated: bool) -> Result<Self, FileFault> {
        let text = readable(bytes)?;
        let layout = Layout::of(text);
        let mut records = Records::new(text, layout.separator);
        let mut record = ByteRecord::new();
        if !records.read(&mut record) || (layout.begin > 0 && !records.read(&mut record)) {
            return Err(FileFault::Empty);
        }
        check_conflict(&record, records.row(&record))?;
        let first_row = first_record(text, records.next_line().0, layout.separator);
        let header = with_index(record, &first_row);
        let mut remarks = Vec::new();
        if translated {
            remarks.push("the file is in UTF-16 where UTF-8 is expected".to_owned());
        }
        if layout.separator != b',' {
            remarks.push(format!("the columns are separated by {}, not by commas", layout.separators()));
        }
        let numbers_rows = |row: &ByteRecord| {
            row.get(0).is_some_and(|cell| str::from_utf8(cell).is_ok_and(|cell| cell.trim().parse::<u64>().is_ok()))
        };
        let names = Names::of_record(&header);
        if is_index_name(names.get(0)) && numbers_rows(&first_row) {
            remarks.push(index_remark(1));
        }
        Ok(Self {
            names,
            remarks,
            separator: layout.separator,
            records,
            record: header,
            oddities: Oddities::default(),
            ends_its_last_line: text.ends_with(b"\n") || text.ends_with(b"\r"),
        })
    }

    /// Goes to the next row; false at the end. A row without any text, as a spreadsheet leaves below a table, is passed over.
    ///
    /// # Errors
    /// If the row is longer or shorter than the header.
    pub(crate) fn next_row(&mut self) -> Result<bool, FileFault> {
        loop {
            if !self.records.read(&mut self.record) {
                return Ok(false);
            }
            let blank = self.record.as_slice().iter().all(u8::is_ascii_whitespace);
            if !blank {
                self.check_length()?;
                return Ok(true);
            }
        }
    }

    fn check_length(&mut self) -> Result<(), FileFault> {
        let (found, expected) = (self.record.len(), self.names.len());
        let longer_by_blanks = found > expected && self.record.iter().skip(expected).all(<[u8]>::is_empty);
        if found == expected || longer_by_blanks {
            return Ok(());
        }
        let row = self.row();
        check_conflict(&self.record, row)?;
        Err(FileFault::RowLength { row, found, expected })
    }

    /// The line on which the present row begins, from 1.
    pub(crate) fn row(&mut self) -> usize {
        self.records.row(&self.record)
    }

    /// A cell of the present row, without white space around it.
    pub(crate) fn cell(&self, column: usize) -> &[u8] {
        self.record.get(column).unwrap_or_default().trim_ascii()
    }

    /// The cells that name the place of the present row: display name, county, province and country, empty where there is no
    /// such column, or a word for a missing county or province.
    pub(crate) fn place(&mut self, columns: [Option<usize>; 4]) -> [&[u8]; 4] {
        let [name, admin2, province, country] = columns;
        let (record, records, oddities) = (&self.record, &mut self.records, &mut self.oddities);
        let cell =
            |column: Option<usize>| column.and_then(|column| record.get(column)).unwrap_or_default().trim_ascii();
        let mut part =
            |column: Option<usize>| oddities.part(cell(column), || records.row(record), column.unwrap_or_default());
        [cell(name), part(admin2), part(province), cell(country)]
    }

    /// A cell that must hold something to see.
    pub(crate) fn filled(&mut self, column: usize) -> Result<&[u8], FileFault> {
        if is_blank(self.cell(column)) {
            return Err(RowFault::EmptyCell { row: self.row(), column: self.names.get(column).to_owned() }.into());
        }
        Ok(self.cell(column))
    }

    /// A count; NaN where it is missing.
    #[inline]
    pub(crate) fn count(&mut self, column: usize) -> Result<f64, FileFault> {
        let cell = self.record.get(column).unwrap_or_default();
        match number::count(cell, self.separator) {
            Ok((count, None)) => Ok(count),
            Ok((count, Some(oddity))) => {
                let row = self.records.row(&self.record);
                self.oddities.add(oddity, row, column, cell);
                Ok(count)
            }
            Err(fault) => {
                let text = cell::excerpt(cell);
                Err(FileFault::Count { row: self.row(), column: self.names.get(column).to_owned(), text, fault })
            }
        }
    }

    /// What was odd in the table, each in a sentence; asked after the last row. `last` is the last column that was read
    /// for its counts.
    ///
    /// # Errors
    /// If numbers could be fractions as well as thousands.
    pub(crate) fn into_remarks(mut self, last: usize) -> Result<Vec<String>, FileFault> {
        if let Some(seen) = self.oddities.thousands_or_fractions() {
            let column = self.names.get(seen.column).to_owned();
            let fault = CountFault::ThousandsOrFraction;
            return Err(FileFault::Count { row: seen.row, column, text: seen.text.clone(), fault });
        }
        self.remarks.extend(self.oddities.remarks());
        if !self.ends_its_last_line && last + 1 == self.names.len() {
            let text = "the last line has no line end; if the file was cut off, its last count is not whole";
            self.remarks.push(text.to_owned());
        }
        Ok(self.remarks)
    }
}
