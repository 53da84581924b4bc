//! Records of a wide table without a copy of their fields: by the same rules as the reader of `text`, at twice its speed
//! where nothing is quoted, as in nearly all of a time series.

use memchr::{memchr, memchr_iter, memrchr};

use crate::text::{ends_quoted, first_line};

/// Reads one record of a text after the other, and is the one that it read last.
pub(crate) struct Record<'a> {
    text: &'a [u8],
    separator: u8,
    /// Where the next record begins: byte and line.
    next: usize,
    next_row: usize,
    row: usize,
    /// The fields up to the last quotation mark, without their marks, one after the other, and where each ends.
    quoted: Vec<u8>,
    quoted_ends: Vec<usize>,
    /// The fields after that, as they are in the text, and where each ends.
    plain: &'a [u8],
    plain_ends: Vec<usize>,
    /// Where the fields begin that were not split yet; none if all were.
    rest: Option<usize>,
}

impl<'a> Record<'a> {
    /// Before the first record of a text that begins on a line.
    pub(crate) fn before(text: &'a [u8], separator: u8, line: usize) -> Self {
        Self {
            text,
            separator,
            next: 0,
            next_row: line,
            row: line,
            quoted: Vec::new(),
            quoted_ends: Vec::new(),
            plain: &[],
            plain_ends: Vec::new(),
            rest: None,
        }
    }

    /// Reads the next record, and splits its first fields, so many at least; false at the end. Empty lines are passed over.
    pub(crate) fn read(&mut self, first: usize) -> bool {
        self.rest = None;
        self.quoted.clear();
        self.quoted_ends.clear();
        self.plain_ends.clear();
        while self.next < self.text.len() {
            let (line, next) = first_line(self.text, self.next);
            let begin = self.next;
            (self.row, self.next, self.next_row) = (self.next_row, next, self.next_row + 1);
            if line.is_empty() {
                continue;
            }
            match memrchr(b'"', line) {
                None => self.take_plain(line),
                Some(_) => self.split_quoted(begin, line),
            }
            self.split(first.saturating_sub(self.quoted_ends.len()));
            return true;
        }
        false
    }

    /// The line on which the record begins.
    pub(crate) fn row(&self) -> usize {
        self.row
    }

    /// Splits the fields that were not split yet.
    pub(crate) fn split_all(&mut self) {
        self.split(usize::MAX);
    }

    /// Reads the fields that were not split yet as whole numbers, if there are as many as in `numbers` and each is 1 to 12
    /// digits and nothing else. If not, `numbers` may have been written to, and the fields are to be split.
    pub(crate) fn whole_numbers(&self, numbers: &mut [f64]) -> bool {
        let Some(fields) = self.rest.and_then(|rest| self.plain.get(rest..)) else { return false };
        let mut numbers = numbers.iter_mut();
        let (mut number, mut digits) = (0u64, 0u32);
        for &byte in fields {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
                digits += 1;
                continue;
            }
            match numbers.next() {
                Some(slot) if byte == self.separator && (1..=12).contains(&digits) => *slot = number as f64,
                _ => return false,
            }
            (number, digits) = (0, 0);
        }
        match (numbers.next(), numbers.next()) {
            (Some(slot), None) if (1..=12).contains(&digits) => {
                *slot = number as f64;
                true
            }
            _ => false,
        }
    }

    /// Number of fields that were split.
    pub(crate) fn len(&self) -> usize {
        self.quoted_ends.len() + self.plain_ends.len()
    }

    /// A field by its position.
    #[inline]
    pub(crate) fn get(&self, position: usize) -> Option<&[u8]> {
        let (bytes, ends, position) = match position.checked_sub(self.quoted_ends.len()) {
            Some(position) => (self.plain, &self.plain_ends, position),
            None => (self.quoted.as_slice(), &self.quoted_ends, position),
        };
        let end = *ends.get(position)?;
        // Plain fields have their separator between them, quoted ones were put together without.
        let separators = usize::from(std::ptr::eq(ends, &self.plain_ends));
        let begin = position.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| end + separators);
        bytes.get(begin..end)
    }

    /// The fields that were split.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|position| self.get(position))
    }

    fn take_plain(&mut self, fields: &'a [u8]) {
        (self.plain, self.rest) = (fields, Some(0));
    }

    /// Splits so many more of the plain fields.
    fn split(&mut self, fields: usize) {
        let Some(begin) = self.rest.filter(|_| fields > 0) else { return };
        let rest = self.plain.get(begin..).unwrap_or_default();
        let separators = memchr_iter(self.separator, rest).map(|position| begin + position);
        let before = self.plain_ends.len();
        self.plain_ends.extend(separators.take(fields));
        let all = self.plain_ends.len() - before < fields;
        self.rest = self.plain_ends.last().map(|end| end + 1).filter(|_| !all);
        if all {
            self.plain_ends.push(self.plain.len());
        }
    }

    /// A record with quotation marks, which may go on over several lines.
    fn split_quoted(&mut self, begin: usize, first: &'a [u8]) {
        let mut end = begin + first.len();
        let mut open = ends_quoted(first, self.separator, false);
        while open && self.next < self.text.len() {
            let (line, next) = first_line(self.text, self.next);
            end = self.next + line.len();
            open = ends_quoted(line, self.separator, true);
            (self.next, self.next_row) = (next, self.next_row + 1);
        }
        // A quotation that is never closed holds the last line end, too.
        let record = self.text.get(begin..if open { self.text.len() } else { end }).unwrap_or_default();
        let last_mark = memrchr(b'"', record).unwrap_or(0);
        let rest = record.get(last_mark..).unwrap_or_default();
        match memchr(self.separator, rest).filter(|_| !open) {
            Some(separator) => {
                let (head, tail) = record.split_at(last_mark + separator);
                self.unquote(head);
                self.take_plain(tail.get(1..).unwrap_or_default());
            }
            None => self.unquote(record),
        }
    }

    /// Fields with quotation marks. A mark opens a quotation at the beginning of a field only; two of them inside one stand
    /// for a mark; after a closing one, what follows belongs to the field.
    fn unquote(&mut self, fields: &[u8]) {
        #[derive(Clone, Copy)]
        enum State {
            FieldBegins,
            InField,
            InQuotation,
            AfterMark,
        }
        let mut state = State::FieldBegins;
        for &byte in fields {
            state = match (state, byte) {
                (State::FieldBegins, b'"') => State::InQuotation,
                (State::InQuotation, b'"') => State::AfterMark,
                (State::InQuotation, _) | (State::AfterMark, b'"') => {
                    self.quoted.push(byte);
                    State::InQuotation
                }
                (_, byte) if byte == self.separator => {
                    self.quoted_ends.push(self.quoted.len());
                    State::FieldBegins
                }
                (State::FieldBegins | State::InField | State::AfterMark, _) => {
                    self.quoted.push(byte);
                    State::InField
                }
            };
        }
        self.quoted_ends.push(self.quoted.len());
    }
}

#[cfg(test)]
mod tests {
    use csv::ByteRecord;
    use proptest::prelude::*;

    use super::*;
    use crate::{cell::whole_number, text::Records};

    /// Line and fields of every record.
    type Read = Vec<(usize, Vec<Vec<u8>>)>;

    fn by_line(text: &[u8]) -> Read {
        by_line_from(text, usize::MAX)
    }

    /// Splits some fields at first, and the others later.
    fn by_line_from(text: &[u8], first: usize) -> Read {
        let mut record = Record::before(text, b',', 1);
        let mut read = Vec::new();
        while record.read(first) {
            record.split_all();
            read.push((record.row(), record.iter().map(<[u8]>::to_vec).collect()));
        }
        read
    }

    fn by_reader(text: &[u8]) -> Read {
        let mut records = Records::new(text, b',');
        let mut record = ByteRecord::new();
        let mut read = Vec::new();
        while records.read(&mut record) {
            read.push((records.row(&record), record.iter().map(<[u8]>::to_vec).collect()));
        }
        read
    }

    #[test]
    fn quoted_and_plain_fields_of_one_record() {
        let text = b"1,\"Sample, \"\"North\"\"\",\"two\nlines\",3,\r\n\r\n4,5";
        let fields = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
        let expected = vec![(1, fields(&["1", "Sample, \"North\"", "two\nlines", "3", ""])), (4, fields(&["4", "5"]))];
        assert_eq!(by_line(text), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn records_are_those_of_the_other_reader(text in "[ab,\"\r\n]{0,40}", first in 0usize..5) {
            prop_assert_eq!(by_line(text.as_bytes()), by_reader(text.as_bytes()));
            prop_assert_eq!(by_line_from(text.as_bytes(), first), by_reader(text.as_bytes()));
        }

        #[test]
        fn whole_numbers_are_those_of_the_cells(text in "(a|\"a,\"),[0-9,;. -]{0,30}[0-9]{0,14}", numbers in 0usize..6) {
            let mut record = Record::before(text.as_bytes(), b',', 1);
            prop_assert!(record.read(1));
            let mut read = vec![f64::NAN; numbers];
            let all = record.whole_numbers(&mut read);
            record.split_all();
            let cells: Option<Vec<f64>> = record.iter().skip(1).map(whole_number).collect();
            let expected = cells.filter(|cells| cells.len() == numbers);
            prop_assert_eq!(all.then_some(read), expected);
        }
    }
}
