//! Lists of values, one a row, as CSV: for whoever wants to see each one.

use std::fmt::{Display, Write as _};

use covid_core::Location;

/// A list as CSV: a header, LF line ends, the columns `location`, `Admin2`, `Province_State`, `Country_Region` first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The file.
    pub csv: String,
    /// Rows below the header.
    pub rows: usize,
    /// Rows that were left out, so that memory stays bounded whatever the data are like.
    pub left_out: usize,
}

/// A list in the making.
pub(crate) struct Lines {
    listing: Listing,
    most: usize,
}

impl Lines {
    /// A list without a row, with further columns, of at most so many rows.
    pub(crate) fn new(columns: &str, most: usize) -> Self {
        let csv = format!("location,Admin2,Province_State,Country_Region,{columns}\n");
        Self { listing: Listing { csv, rows: 0, left_out: 0 }, most }
    }

    /// Adds a row, whose further cells `fill` writes.
    pub(crate) fn row(&mut self, location: &Location, fill: impl FnOnce(&mut Row<'_>)) {
        if self.listing.rows == self.most {
            self.listing.left_out += 1;
            return;
        }
        self.listing.rows += 1;
        let text = &mut self.listing.csv;
        push_text(text, location.name());
        for part in [location.admin2(), location.province_state(), location.country_region()] {
            text.push(',');
            push_text(text, part.unwrap_or_default());
        }
        fill(&mut Row { text });
        text.push('\n');
    }

    pub(crate) fn finish(self) -> Listing {
        self.listing
    }
}

/// A row in the making. Writing to a string cannot fail, so the results of `write!` say nothing.
pub(crate) struct Row<'a> {
    text: &'a mut String,
}

impl Row<'_> {
    /// A cell that needs no quotation marks.
    pub(crate) fn cell(&mut self, value: impl Display) -> &mut Self {
        let _ = write!(self.text, ",{value}");
        self
    }

    /// A number in its shortest form, empty where it is missing.
    pub(crate) fn number(&mut self, value: f64) -> &mut Self {
        self.optional((!value.is_nan()).then_some(value))
    }

    /// The same for what may be missing.
    pub(crate) fn optional(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.cell(value),
            None => self.cell(""),
        }
    }
}

fn push_text(text: &mut String, field: &str) {
    if field.contains([',', '"', '\n', '\r']) {
        let _ = write!(text, "\"{}\"", field.replace('"', "\"\""));
    } else {
        text.push_str(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_rows_are_bounded() {
        let mut lines = Lines::new("date,count", 1);
        for count in [0.5, 1.0, 2.0] {
            lines.row(&Location::province("A \"b\"", "C"), |row| {
                row.cell("2020-01-22").number(count).number(f64::NAN);
            });
        }
        let csv = "location,Admin2,Province_State,Country_Region,date,count\n\
                   \"A \"\"b\"\", C\",,\"A \"\"b\"\"\",C,2020-01-22,0.5,\n";
        assert_eq!(lines.finish(), Listing { csv: csv.into(), rows: 1, left_out: 2 });
    }
}
