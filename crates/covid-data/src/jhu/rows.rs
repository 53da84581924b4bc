//! The rows below a header, read part by part of the file.

use covid_core::Location;

use super::header::{DateColumn, Header};
use crate::{
    CountFault, FileFault, cell,
    number::{self, Oddities},
    record::Record,
    text::{Part, clean, is_blank},
};

/// The rows of a part of a file.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) places: Vec<Place>,
    pub(super) negative: Vec<Negative>,
    pub(super) oddities: Oddities,
    /// By unnamed column.
    pub(super) unnamed: Vec<Cells>,
    pub(super) odd: OddRows,
}

/// The place of a row.
#[derive(Debug)]
pub(super) struct Place {
    /// Line in the file, from 1.
    pub(super) row: usize,
    pub(super) location: Location,
    pub(super) has_coordinates: bool,
    pub(super) population: Option<f64>,
}

/// A count below 0.
#[derive(Debug)]
pub(super) struct Negative {
    /// Line in the file, from 1.
    pub(super) row: usize,
    /// Which of the date columns.
    pub(super) column: usize,
    pub(super) count: f64,
}

/// Rows that are odd as a whole.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct OddRows {
    /// Nothing but separators.
    pub(super) blank: usize,
    /// The header once more.
    pub(super) headers: usize,
    /// Places with more separators at their end than the header has.
    pub(super) longer: usize,
    /// The first of these, and its number of fields.
    pub(super) first_longer: Option<(usize, usize)>,
}

impl OddRows {
    /// Adds those further down in the file.
    pub(super) fn add(&mut self, below: Self) {
        self.blank += below.blank;
        self.headers += below.headers;
        self.longer += below.longer;
        self.first_longer = self.first_longer.or(below.first_longer);
    }

    fn add_longer(&mut self, row: usize, fields: usize) {
        self.longer += 1;
        self.first_longer.get_or_insert((row, fields));
    }
}

/// What the cells of a column without a name have in common.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    pub(super) blank: bool,
    /// The cells, as long as all are whole numbers.
    pub(super) numbers: Option<Vec<u64>>,
}

impl Default for Cells {
    fn default() -> Self {
        Self { blank: true, numbers: Some(Vec::new()) }
    }
}

impl Cells {
    fn add(&mut self, cell: &[u8]) {
        let cell = cell.trim_ascii();
        self.blank &= cell.is_empty();
        let whole = cell.strip_suffix(b".0").unwrap_or(cell);
        let number = str::from_utf8(whole).ok().and_then(|text| text.parse().ok());
        match (self.numbers.as_mut(), number) {
            (Some(numbers), Some(number)) => numbers.push(number),
            _ => self.numbers = None,
        }
    }

    pub(super) fn extend(&mut self, below: Self) {
        self.blank &= below.blank;
        self.numbers = self.numbers.take().zip(below.numbers).map(|(mut numbers, more)| {
            numbers.extend(more);
            numbers
        });
    }
}

/// The most places that a part can hold: a row takes a byte for each field but its first, and one for its line end.
pub(super) fn most_places(part: &Part, header: &Header) -> usize {
    part.records.min(part.bytes.len() / header.width().max(1) + 1)
}

/// Whether a record may be no place, by its country.
fn is_doubtful(record: &Record<'_>, header: &Header) -> bool {
    let country = record.get(header.country).unwrap_or_default();
    is_blank(country) || clean(country) == header.name(header.country)
}

impl Rows {
    /// Reads the rows of a part of `text`, and writes the counts of each place into a slot of its own, by day. A slot must
    /// have the header's number of days; as many as [`most_places`] are enough.
    ///
    /// # Errors
    /// At the first row that cannot be read.
    pub(super) fn read(
        text: &[u8],
        part: &Part,
        separator: u8,
        header: &Header,
        slots: &mut [&mut [f64]],
    ) -> Result<Self, FileFault> {
        let bytes = text.get(part.bytes.clone()).unwrap_or_default();
        let mut record = Record::before(bytes, separator, part.line);
        let mut slots = slots.iter_mut();
        let unnamed = vec![Cells::default(); header.unnamed.len()];
        let mut rows = Self { places: Vec::with_capacity(slots.len()), unnamed, ..Self::default() };
        // Nearly always, the names come first and then a column for each day.
        let first = header.columns_before_days().unwrap_or(usize::MAX);
        while record.read(first) {
            if is_doubtful(&record, header) {
                record.split_all();
                if rows.passes_over(&record, header) {
                    continue;
                }
            }
            // There is a slot for every row that is whole.
            let Some(slot) = slots.next() else {
                record.split_all();
                return Err(Row { record: &record, separator }.wrong_length(header));
            };
            let counted = record.whole_numbers(slot);
            if !counted {
                record.split_all();
            }
            rows.read_row(Row { record: &record, separator }, header, slot, counted)?;
        }
        Ok(rows)
    }

    /// Whether a record is no place: nothing but separators, or the header once more, as where two files were joined.
    fn passes_over(&mut self, record: &Record<'_>, header: &Header) -> bool {
        if record.iter().all(is_blank) {
            self.odd.blank += 1;
            return true;
        }
        let repeated = record.iter().map(clean).eq(header.names.iter().cloned());
        self.odd.headers += usize::from(repeated);
        repeated
    }

    /// Reads a record, whose counts are in the slot already or not.
    fn read_row(&mut self, row: Row<'_>, header: &Header, slot: &mut [f64], counted: bool) -> Result<(), FileFault> {
        if !counted && row.is_longer(header)? {
            self.odd.add_longer(row.number(), row.record.len());
        }
        let place = row.place(header, &mut self.oddities)?;
        if !counted {
            self.read_counts(row, header, slot)?;
        }
        for (cells, column) in self.unnamed.iter_mut().zip(&header.unnamed) {
            cells.add(row.field(column.field));
        }
        self.places.push(place);
        Ok(())
    }

    fn read_counts(&mut self, row: Row<'_>, header: &Header, slot: &mut [f64]) -> Result<(), FileFault> {
        if header.dates.len() < header.days {
            slot.fill(f64::NAN);
        }
        for (index, column) in header.dates.iter().enumerate() {
            let cell = row.field(column.field);
            let (count, oddity) =
                number::count(cell, row.separator).map_err(|fault| row.fault(header, column, fault))?;
            if let Some(oddity) = oddity {
                self.oddities.add(oddity, row.number(), index, cell);
            }
            if let Some(day) = slot.get_mut(column.day) {
                *day = count;
            }
            if count < 0.0 {
                self.negative.push(Negative { row: row.number(), column: index, count });
            }
        }
        for &[first, second] in &header.twins {
            row.check_twins(header, first, second)?;
        }
        Ok(())
    }
}

/// A record with its place in the file.
#[derive(Clone, Copy)]
struct Row<'a> {
    record: &'a Record<'a>,
    separator: u8,
}

impl<'a> Row<'a> {
    /// The line on which it begins.
    fn number(self) -> usize {
        self.record.row()
    }

    fn field(self, position: usize) -> &'a [u8] {
        self.record.get(position).unwrap_or_default()
    }

    /// Whether there are more separators than in the header, with nothing between them. Then nothing may have moved to
    /// the right, as an unquoted name with a comma moves it: coordinates must be where they belong.
    fn is_longer(self, header: &Header) -> Result<bool, FileFault> {
        let (found, expected) = (self.record.len(), header.width());
        if found == expected {
            return Ok(false);
        }
        let number =
            |field: &[u8]| str::from_utf8(field).is_ok_and(|text| text.trim().replace(',', ".").parse::<f64>().is_ok());
        let in_place =
            header.coordinates.is_some_and(|fields| fields.into_iter().all(|field| number(self.field(field))));
        if found > expected && self.record.iter().skip(expected).all(is_blank) && in_place {
            return Ok(true);
        }
        Err(self.wrong_length(header))
    }

    fn wrong_length(self, header: &Header) -> FileFault {
        FileFault::RowLength { row: self.number(), found: self.record.len(), expected: header.width() }
    }

    fn place(self, header: &Header, oddities: &mut Oddities) -> Result<Place, FileFault> {
        let mut part = |field: usize| clean(oddities.part(self.field(field), || self.number(), field));
        let admin2 = header.admin2.map_or_else(String::new, &mut part);
        let province = part(header.province);
        let country = clean(self.field(header.country));
        if country.is_empty() {
            return Err(FileFault::NoCountry { row: self.number() });
        }
        // A quotation mark that is missing or one too many swallows lines.
        let names = [header.admin2, Some(header.province), Some(header.country)].into_iter().flatten();
        if names.into_iter().any(|field| self.field(field).trim_ascii().iter().any(|byte| b"\n\r".contains(byte))) {
            return Err(FileFault::BrokenName { row: self.number() });
        }
        Ok(Place {
            row: self.number(),
            location: Location::from_parts(&admin2, &province, &country),
            has_coordinates: header
                .coordinates
                .is_none_or(|fields| fields.into_iter().all(|field| self.has_number(field))),
            population: header.population.and_then(|field| self.population(field)),
        })
    }

    fn has_number(self, field: usize) -> bool {
        self.field(field).iter().any(u8::is_ascii_digit)
    }

    /// People, where there are any: JHU writes 0 for cases that belong to no county.
    fn population(self, field: usize) -> Option<f64> {
        let (people, _) = number::count(self.field(field), self.separator).ok()?;
        (people > 0.0).then_some(people)
    }

    fn fault(self, header: &Header, column: &DateColumn, fault: CountFault) -> FileFault {
        let text = cell::excerpt(self.field(column.field));
        FileFault::Count { row: self.number(), column: header.name(column.field), text, fault }
    }

    /// Two columns for one date must hold the same.
    fn check_twins(self, header: &Header, first: usize, second: usize) -> Result<(), FileFault> {
        let [one, other] = [first, second].map(|field| number::count(self.field(field), self.separator));
        let bits = |count: Result<(f64, _), CountFault>| count.map(|(count, _)| count.to_bits());
        if bits(one) == bits(other) {
            return Ok(());
        }
        let positions = [first + 1, second + 1];
        Err(FileFault::ContradictingColumns { column: header.name(first), positions, row: self.number() })
    }
}
