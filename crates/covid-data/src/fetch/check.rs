//! Whether what arrived is what was asked for, before it replaces anything.

use std::path::Path;

use csv::ByteRecord;

use super::{FetchError, RemoteFile, cache::Set};
use crate::{
    DataError, FileFault, LoadOptions,
    source::load_path,
    text::{Records, readable},
};

/// A file of its own: text, no web page, with the columns of its kind, whole rows, and an end.
pub(super) fn file(expected: RemoteFile, bytes: &[u8], url: &str) -> Result<(), FetchError> {
    let content = |fault| FetchError::Content { url: url.to_owned(), fault };
    let text = readable(bytes).map_err(content)?;
    rows(expected, text).map_err(content)?;
    // A number that was cut off in the middle is a number still.
    if text.ends_with(b"\n") { Ok(()) } else { Err(FetchError::NoLineEnd { url: url.to_owned() }) }
}

fn rows(expected: RemoteFile, text: &[u8]) -> Result<(), FileFault> {
    let mut records = Records::new(text, b',');
    let mut record = ByteRecord::new();
    records.read(&mut record);
    let width = record.len();
    let missing = expected.columns.iter().find(|column| !record.iter().any(|name| name == column.as_bytes()));
    if let Some(column) = missing {
        return Err(FileFault::MissingColumn { column });
    }
    let mut count = 0;
    while records.read(&mut record) {
        if record.len() != width {
            let row = records.row(&record);
            return Err(FileFault::RowLength { row, found: record.len(), expected: width });
        }
        count += 1;
    }
    if count == 0 { Err(FileFault::NoLocations) } else { Ok(()) }
}

/// All files of a fetch, in one folder: they make a panel, so they are of the same days and places.
pub(super) fn together(folder: &Path, set: &Set) -> Result<(), FetchError> {
    let Err(error) = load_path(folder, &LoadOptions::default()) else { return Ok(()) };
    let url = |path: &Path| {
        let is_at = |name: &str| path.file_name().is_some_and(|found| found == name);
        set.files.iter().find(|file| is_at(&file.file)).map(|file| file.url.clone())
    };
    Err(match error {
        DataError::InFile { file, fault } => match url(&file) {
            Some(url) => FetchError::Content { url, fault },
            None => apart(folder, set, &fault),
        },
        error => apart(folder, set, &error),
    })
}

fn apart(folder: &Path, set: &Set, error: &dyn std::error::Error) -> FetchError {
    // The folder goes, so it is not named.
    let prefix = format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR);
    FetchError::Apart { base_url: set.base_url.clone(), cause: error.to_string().replace(&prefix, "") }
}

#[cfg(test)]
mod tests {
    use super::{super::FILES, *};

    fn fault(text: &str) -> String {
        file(FILES[0], text.as_bytes(), "URL").err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_file_is_whole_or_refused() {
        assert_eq!(fault("Province/State,Country/Region,1/22/20\r\n,X,1\r\n"), "");
        for (text, part) in [
            ("", "the file is empty"),
            ("<!DOCTYPE html>", "web page"),
            ("Country/Region,1/22/20\nX,1\n", "no column `Province/State`"),
            ("Province/State,Country/Region,1/22/20\n", "no location"),
            ("Province/State,Country/Region,1/22/20\n,X\n", "row 2 has 2 fields"),
            ("Province/State,Country/Region,1/22/20\n,X,1", "the last line has no end"),
        ] {
            assert!(fault(text).contains(part), "{text}: {}", fault(text));
        }
    }
}
