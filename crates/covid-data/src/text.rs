//! From the bytes of a file to the records of a table of text, the same for every kind of source.

use std::{
    fs,
    io::{self, Read as _},
    ops::Range,
    path::Path,
};

use covid_core::one_line;
use csv::ByteRecord;
use flate2::read::MultiGzDecoder;
use memchr::{memchr_iter, memchr2, memchr3_iter, memrchr};

use crate::{DataError, FileFault};

/// The largest file that is read, unpacked: forty times JHU's largest. A small archive may unpack to any size.
const MAX_BYTES: u64 = 2 << 30;

/// How often its own size an archive may unpack to, once it unpacks to more than [`SMALL`] bytes. Tables of counts shrink to
/// a tenth, those that are nearly all zeros to a fiftieth.
const MOST_RATIO: usize = 200;

/// Bytes that any archive may unpack to.
const SMALL: usize = 16 << 20;

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
    let limit = archive.len().saturating_mul(MOST_RATIO).clamp(SMALL, MAX_BYTES as usize);
    let mut decoder = MultiGzDecoder::new(archive);
    let mut bytes = vec![0; stated_size(archive).min(limit) + 1];
    let mut length = 0;
    loop {
        match decoder.read(bytes.get_mut(length..).unwrap_or_default()) {
            Ok(0) if length < bytes.len() => break,
            Ok(0) if bytes.len() > MAX_BYTES as usize => return Err(FileFault::TooLarge { limit: MAX_BYTES }),
            Ok(0) if bytes.len() > limit => return Err(FileFault::Inflated { ratio: MOST_RATIO }),
            Ok(0) => bytes.resize((bytes.len() * 2).min(limit + 1), 0),
            Ok(read) => length += read,
            Err(error) => return Err(FileFault::Archive { cause: error.to_string() }),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// The size that an archive states of what it holds. The system gives the memory only where it is written to.
fn stated_size(archive: &[u8]) -> usize {
    archive.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

/// What files begin with that are no text, and what they are.
const SIGNATURES: [(&[u8], &str); 9] = [
    (b"PK\x03\x04", "a zip archive or a workbook (xlsx)"),
    (b"\xd0\xcf\x11\xe0", "a workbook (xls)"),
    (&GZIP, "an archive (gzip) inside an archive"),
    (b"BZh", "an archive (bzip2)"),
    (b"\xfd7zXZ", "an archive (xz)"),
    (b"\x28\xb5\x2f\xfd", "an archive (zstd)"),
    (b"7z\xbc\xaf", "an archive (7z)"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF document"),
];

/// What git leaves in place of a file that it keeps elsewhere.
const LFS_POINTER: &[u8] = b"version https://git-lfs";

/// The text of a file without its byte order mark, if it is text, there is some, and it is none that a web server or git
/// put in the file's place.
pub(crate) fn readable(bytes: &[u8]) -> Result<&[u8], FileFault> {
    if let Some((_, what)) = SIGNATURES.into_iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Err(FileFault::OtherFormat { what });
    }
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let trimmed = text.trim_ascii_start();
    if trimmed.is_empty() {
        return Err(FileFault::Empty);
    }
    // One pass for a byte that no text has, and for what git leaves: whole files were saved anew with the marks in them, indented,
    // in quotation marks, behind the number of a row.
    for position in memchr3_iter(0, b'<', b'>', text) {
        let rest = text.get(position..).unwrap_or_default();
        if rest.starts_with(&[0]) {
            return Err(FileFault::Nul { row: line_at(text, position) });
        }
        if rest.starts_with(b"<<<<<<<") || rest.starts_with(b">>>>>>>") {
            check_conflict_marker(rest, line_at(text, position))?;
        }
    }
    if let Err(error) = str::from_utf8(text) {
        return Err(FileFault::NotUtf8 { row: line_at(text, error.valid_up_to()) });
    }
    match trimmed {
        // No name of a column begins with `<`; a conflict marker does.
        [b'<', ..] if !trimmed.starts_with(CONFLICT_MARKERS[0].as_bytes()) => Err(FileFault::Html),
        [b'{' | b'[', ..] => Err(FileFault::OtherFormat { what: "JSON" }),
        [b'4' | b'5', b'0', _, b' ' | b':', ..] => Err(FileFault::ServerError),
        _ if trimmed.starts_with(LFS_POINTER) => Err(FileFault::LfsPointer),
        _ => Ok(text),
    }
}

/// The bytes of a file in UTF-8, and whether they had to be translated: spreadsheets save "Unicode text" in UTF-16.
pub(crate) fn in_utf8(bytes: Vec<u8>) -> Result<(Vec<u8>, bool), FileFault> {
    let unit: fn([u8; 2]) -> u16 = match bytes.as_slice() {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Ok((bytes, false)),
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().skip(1).map(|&pair| unit(pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok((text.into_bytes(), true)),
        _ => Err(FileFault::NotUtf16),
    }
}

/// The line of a byte, from 1.
fn line_at(text: &[u8], offset: usize) -> usize {
    1 + line_ends(text.get(..offset).unwrap_or(text))
}

/// Line ends in a text: LF, CR LF, or CR alone, as old spreadsheets on a Mac write.
fn line_ends(text: &[u8]) -> usize {
    let lone = memchr_iter(b'\r', text).filter(|&position| text.get(position + 1) != Some(&b'\n'));
    memchr_iter(b'\n', text).count() + lone.count()
}

/// A text that says how it is to be read: the separator of its columns, and where its header begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What keeps columns apart.
    pub(crate) separator: u8,
    /// Bytes before the header: a line `sep=;`, which spreadsheets write for one another.
    pub(crate) begin: usize,
}

impl Layout {
    const SEPARATORS: &'static [u8] = b",;\t|";

    /// Finds the separator: the one that a line `sep=` names, else the one that is most frequent in the first line.
    pub(crate) fn of(text: &[u8]) -> Self {
        let blank = text.len() - text.trim_ascii_start().len();
        let (line, end) = first_line(text, blank);
        let named = line.strip_prefix(b"sep=").or_else(|| line.strip_prefix(b"\"sep=")).and_then(<[u8]>::first);
        if let Some(&separator) = named.filter(|separator| Self::SEPARATORS.contains(separator)) {
            return Self { separator, begin: end };
        }
        let mut found = (b',', 0);
        for &separator in Self::SEPARATORS {
            let times = memchr_iter(separator, line).count();
            if times > found.1 {
                found = (separator, times);
            }
        }
        Self { separator: found.0, begin: 0 }
    }

    /// The separator in words, in the plural.
    pub(crate) fn separators(self) -> &'static str {
        match self.separator {
            b';' => "semicolons",
            b'\t' => "tabs",
            b'|' => "vertical bars",
            _ => "commas",
        }
    }
}

/// The line that begins at a position, and where the next one begins.
pub(crate) fn first_line(text: &[u8], from: usize) -> (&[u8], usize) {
    let rest = text.get(from..).unwrap_or_default();
    let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    let line_end = match rest.get(end..) {
        Some([b'\r', b'\n', ..]) => 2,
        Some([_, ..]) => 1,
        _ => 0,
    };
    (rest.get(..end).unwrap_or_default(), from + end + line_end)
}

/// A part of a text that begins and ends where records do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where it is.
    pub(crate) bytes: Range<usize>,
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// Records in it, at most.
    pub(crate) records: usize,
}

/// Splits a text, from a byte and line on, into parts of some `size` bytes, which can be read on their own.
///
/// # Errors
/// If a line is what git leaves in a file that it could not merge, wherever in the file it is.
pub(crate) fn parts(text: &[u8], separator: u8, begin: (usize, usize), size: usize) -> Result<Vec<Part>, FileFault> {
    let (mut position, mut line) = begin;
    let mut parts = Vec::new();
    let mut part = Part { bytes: position..position, line, records: 0 };
    let mut quoted = false;
    while position < text.len() {
        let (content, next) = first_line(text, position);
        check_conflict_marker(content, line)?;
        quoted = ends_quoted(content, separator, quoted);
        (position, line) = (next, line + 1);
        part.bytes.end = position;
        if !quoted {
            part.records += 1;
            if part.bytes.len() >= size {
                parts.push(std::mem::replace(&mut part, Part { bytes: position..position, line, records: 0 }));
            }
        }
    }
    if !part.bytes.is_empty() {
        part.records += usize::from(quoted);
        parts.push(part);
    }
    Ok(parts)
}

/// Whether a line leaves a quotation open, so that its record goes on in the next line. The same rules as those of the
/// reader of records: a quotation mark opens a quotation at the beginning of a field only, and two of them inside one
/// stand for a mark.
pub(crate) fn ends_quoted(line: &[u8], separator: u8, begins_quoted: bool) -> bool {
    #[derive(PartialEq)]
    enum State {
        FieldBegins,
        InField,
        InQuotation,
        AfterMark,
    }
    // After its last mark a line cannot open or close anything.
    let Some(last) = memrchr(b'"', line) else { return begins_quoted };
    let mut state = if begins_quoted { State::InQuotation } else { State::FieldBegins };
    for &byte in line.iter().take(last + 1) {
        state = match (state, byte) {
            (State::FieldBegins | State::AfterMark, b'"') => State::InQuotation,
            (State::InQuotation, b'"') => State::AfterMark,
            (State::InQuotation, _) => State::InQuotation,
            (_, byte) if byte == separator => State::FieldBegins,
            (State::FieldBegins | State::InField | State::AfterMark, _) => State::InField,
        };
    }
    state == State::InQuotation
}

/// Refuses a line that begins as git's marks do.
pub(crate) fn check_conflict_marker(line: &[u8], row: usize) -> Result<(), FileFault> {
    if !matches!(line.first(), Some(b'<' | b'=' | b'>' | b'|')) {
        return Ok(());
    }
    match CONFLICT_MARKERS.into_iter().find(|marker| line.starts_with(marker.as_bytes())) {
        Some(marker) => Err(FileFault::ConflictMarker { row, marker }),
        None => Ok(()),
    }
}

/// Refuses a record that begins with what git leaves in a file that it could not merge.
pub(crate) fn check_conflict(record: &ByteRecord, row: usize) -> Result<(), FileFault> {
    check_conflict_marker(record.get(0).unwrap_or_default(), row)
}

/// A field as text of one line, without white space and byte order marks around it.
pub(crate) fn clean(field: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(field)).into_owned()
}

/// Whether a field has nothing to see in it: white space and control characters at most, of which no name is left.
pub(crate) fn is_blank(field: &[u8]) -> bool {
    !field.iter().any(u8::is_ascii_graphic) && clean(field).is_empty()
}

/// The first record from a byte on; empty at the end.
pub(crate) fn first_record(text: &[u8], from: usize, separator: u8) -> ByteRecord {
    let mut record = ByteRecord::new();
    Records::new(text.get(from..).unwrap_or_default(), separator).read(&mut record);
    record
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
        Self::from_line(text, separator, 1)
    }

    /// The same of a part of a file that begins on a line.
    pub(crate) fn from_line(text: &'a [u8], separator: u8, line: usize) -> Self {
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(separator).buffer_capacity(1 << 16);
        Self { text, reader: builder.from_reader(text), counted: 0, line }
    }

    /// Reads the next record; false at the end.
    pub(crate) fn read(&mut self, record: &mut ByteRecord) -> bool {
        // Bytes in memory do not fail to be read, and a flexible reader takes rows of any length.
        self.reader.read_byte_record(record).unwrap_or(false)
    }

    /// Where the next line begins: byte, and line from 1. Asked between records.
    pub(crate) fn next_line(&self) -> (usize, usize) {
        let after = usize::try_from(self.reader.position().byte()).unwrap_or(0).min(self.text.len());
        let within_line_end = after > 0 && self.text.get(after - 1..=after) == Some(b"\r\n");
        let byte = after + usize::from(within_line_end);
        (byte, self.line + line_ends(self.text.get(self.counted..byte).unwrap_or_default()))
    }

    /// The line on which a record begins, from 1. The reader's own count is that of the line after the last record, which
    /// differs where lines are empty or end in CR LF.
    pub(crate) fn row(&mut self, record: &ByteRecord) -> usize {
        let from = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let rest = self.text.get(from..).unwrap_or_default();
        let begin = from + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let between = self.text.get(self.counted..begin).unwrap_or_default();
        self.line += line_ends(between);
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
    fn an_archive_that_unpacks_to_far_more_than_its_size_is_refused() {
        let blank = std::io::repeat(b'\n').take(SMALL as u64 + 1);
        let mut archive = Vec::new();
        flate2::read::GzEncoder::new(blank, Compression::best()).read_to_end(&mut archive).unwrap();
        let refused = Err(FileFault::Inflated { ratio: MOST_RATIO });
        assert_eq!(unpack(&archive).map(|bytes| bytes.len()), refused);
        // The trailer may state any size.
        let end = archive.len();
        archive[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(unpack(&archive).map(|bytes| bytes.len()), refused);
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, what) in [
            (b"PK\x03\x04\x14\x00".as_slice(), "a zip archive or a workbook (xlsx)"),
            (b" {\"message\": \"Not Found\"}", "JSON"),
            (b"PAR1\x15\x04", "a Parquet file"),
        ] {
            assert_eq!(readable(bytes), Err(FileFault::OtherFormat { what }));
        }
        assert_eq!(readable(b"a,b\r\n1,\x002"), Err(FileFault::Nul { row: 2 }));
        assert_eq!(readable(b"404: Not Found"), Err(FileFault::ServerError));
        assert_eq!(readable(b"version https://git-lfs.github.com/spec/v1\n"), Err(FileFault::LfsPointer));
    }

    #[test]
    fn utf_16_is_translated() {
        let utf_16 = |text: &str, order: fn(u16) -> [u8; 2]| {
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(order).collect::<Vec<u8>>()
        };
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            assert_eq!(in_utf8(utf_16("Curaçao,𝄞", order)), Ok(("Curaçao,𝄞".into(), true)));
        }
        assert_eq!(in_utf8(b"\xff\xfea".into()), Err(FileFault::NotUtf16));
        assert_eq!(in_utf8(b"a,b".into()), Ok((b"a,b".into(), false)));
    }

    #[test]
    fn the_separator_is_the_one_of_the_header() {
        let found = |text: &str| Layout::of(text.as_bytes());
        assert_eq!(found("a,b;c,d\n1;2;3;4"), Layout { separator: b',', begin: 0 });
        assert_eq!(found("\r\na\tb"), Layout { separator: b'\t', begin: 0 });
        assert_eq!(found("sep=;\r\na;b"), Layout { separator: b';', begin: 7 });
        assert_eq!(found("no header"), Layout { separator: b',', begin: 0 });
    }

    #[test]
    fn a_conflict_marker_is_found_wherever_it_is() {
        let error = parts(b"a,b\r\n\"1,\n=======\n2\",3", b',', (0, 1), 1 << 20).unwrap_err();
        assert_eq!(error, FileFault::ConflictMarker { row: 3, marker: "=======" });
    }

    /// The records of a text, read at once or part by part: line and fields.
    fn records(text: &[u8], parts: &[Part]) -> Vec<(usize, Vec<Vec<u8>>)> {
        let mut found = Vec::new();
        for part in parts {
            let mut records = Records::from_line(&text[part.bytes.clone()], b',', part.line);
            let mut record = ByteRecord::new();
            while records.read(&mut record) {
                found.push((records.row(&record), record.iter().map(<[u8]>::to_vec).collect()));
            }
        }
        found
    }

    proptest::proptest! {
        #[test]
        fn parts_have_the_records_of_the_whole(text in "[ab,\"\r\n]{0,60}", size in 1usize..20) {
            let text = text.as_bytes();
            let whole = [Part { bytes: 0..text.len(), line: 1, records: usize::MAX }];
            let parts = parts(text, b',', (0, 1), size).unwrap();
            proptest::prop_assert_eq!(records(text, &parts), records(text, &whole));
            for part in &parts {
                proptest::prop_assert!(records(text, std::slice::from_ref(part)).len() <= part.records);
            }
        }
    }

    #[test]
    fn the_next_line_begins_after_the_whole_line_end() {
        for (text, expected) in [("a,b\r\n1,2", (5, 2)), ("a,b\r1,2", (4, 2)), ("\n\"a\nb\"\n1", (7, 4)), ("a", (1, 1))]
        {
            let mut records = Records::new(text.as_bytes(), b',');
            assert!(records.read(&mut ByteRecord::new()));
            assert_eq!(records.next_line(), expected, "{text:?}");
        }
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
