//! From the bytes of a file to the records of a table of text, the same for every kind of source.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use csv::ByteRecord;
use flate2::read::MultiGzDecoder;

use crate::{DataError, FileFault};

/// The largest file that is read, unpacked: forty times JHU's largest. A small archive may unpack to any size.
const MAX_BYTES: u64 = 2 << 30;

/// What every archive of gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What git begins a line with in a file that it could not merge.
const CONFLICT_MARKERS: [&str; 4] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The bytes of a file, unpacked if it is an archive of gzip.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, DataError> {
    let unreadable = |source: io::Error| DataError::Unreadable { path: path.to_owned(), source };
    let in_file = |fault| DataError::InFile { file: path.to_owned(), fault };
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(in_file(FileFault::TooLarge { limit: MAX_BYTES }));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes);
    }
    unpack(&bytes).map_err(in_file)
}

/// Unpacks an archive of gzip.
pub(crate) fn unpack(archive: &[u8]) -> Result<Vec<u8>, FileFault> {
    let mut bytes = Vec::with_capacity(archive.len().saturating_mul(8).min(64 << 20));
    let read = MultiGzDecoder::new(archive).take(MAX_BYTES + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 > MAX_BYTES => Err(FileFault::TooLarge { limit: MAX_BYTES }),
        Ok(_) => Ok(bytes),
        Err(error) => Err(FileFault::Archive { cause: error.to_string() }),
    }
}

/// The text of a file without its byte order mark, if it is text, there is some, and it is no web page.
pub(crate) fn readable(bytes: &[u8]) -> Result<&[u8], FileFault> {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let trimmed = text.trim_ascii_start();
    if trimmed.is_empty() {
        return Err(FileFault::Empty);
    }
    if let Err(error) = str::from_utf8(text) {
        return Err(FileFault::NotUtf8 { row: line_at(text, error.valid_up_to()) });
    }
    // No name of a column begins with `<`; a conflict marker does.
    if trimmed.starts_with(b"<") && !trimmed.starts_with(CONFLICT_MARKERS[0].as_bytes()) {
        return Err(FileFault::Html);
    }
    Ok(text)
}

/// The line of a byte, from 1.
fn line_at(text: &[u8], offset: usize) -> usize {
    1 + text.iter().take(offset).filter(|&&byte| byte == b'\n').count()
}

/// Refuses a record that begins with what git leaves in a file that it could not merge.
pub(crate) fn check_conflict(record: &ByteRecord, row: usize) -> Result<(), FileFault> {
    let first = record.get(0).unwrap_or_default();
    match CONFLICT_MARKERS.into_iter().find(|marker| first.starts_with(marker.as_bytes())) {
        Some(marker) => Err(FileFault::ConflictMarker { row, marker }),
        None => Ok(()),
    }
}

/// The records of a file. Empty lines are passed over, as every reader of CSV does.
pub(crate) struct Records<'a> {
    text: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    /// Where lines have been counted up to, so that counting stays linear.
    counted: usize,
    line: usize,
}

impl<'a> Records<'a> {
    /// The records of a text whose fields are kept apart by `separator`.
    pub(crate) fn new(text: &'a [u8], separator: u8) -> Self {
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(separator).buffer_capacity(1 << 16);
        Self { text, reader: builder.from_reader(text), counted: 0, line: 1 }
    }

    /// Reads the next record; false at the end.
    pub(crate) fn read(&mut self, record: &mut ByteRecord) -> bool {
        // Bytes in memory do not fail to be read, and a flexible reader takes rows of any length.
        self.reader.read_byte_record(record).unwrap_or(false)
    }

    /// The line on which a record begins, from 1. The reader's own count is that of the line after the last record, which
    /// differs where lines are empty or end in CR LF.
    pub(crate) fn row(&mut self, record: &ByteRecord) -> usize {
        let from = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let rest = self.text.get(from..).unwrap_or_default();
        let begin = from + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let between = self.text.get(self.counted..begin).unwrap_or_default();
        self.line += between.iter().filter(|&&byte| byte == b'\n').count();
        self.counted = begin;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn an_archive_unpacks_and_a_broken_one_says_so() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"Country/Region,1/22/20\n").unwrap();
        let archive = encoder.finish().unwrap();
        assert_eq!(unpack(&archive).unwrap(), b"Country/Region,1/22/20\n");
        assert!(matches!(unpack(&archive[..archive.len() - 4]), Err(FileFault::Archive { .. })));
    }

    #[test]
    fn rows_are_lines_of_the_file() {
        let mut records = Records::new(b"a;b\r\n\r\n\"c\r\nd\";e\nf;g", b';');
        let mut record = ByteRecord::new();
        let mut rows = Vec::new();
        while records.read(&mut record) {
            rows.push((records.row(&record), record.len()));
        }
        assert_eq!(rows, [(1, 2), (3, 2), (5, 2)]);
    }
}
