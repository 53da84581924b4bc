//! Which keys are safe on every backend: as a path on a file system, and as a key in S3.

use crate::StorageError;

/// Files and folders whose name starts like this are the folder backend's own: no key may use them, no listing shows
/// them.
pub(crate) const RESERVED: &str = ".covid-";

/// S3's limit, in bytes.
const MAX_KEY: usize = 1024;
/// The usual limit of a file's name, in bytes.
const MAX_PART: usize = 255;

/// Checks a key: at most 1024 bytes, of parts joined by `/`, each as [`check_key_part`] wants it.
///
/// # Errors
/// [`StorageError::BadKey`], with the reason.
pub fn check_key(key: &str) -> Result<(), StorageError> {
    let bad = |reason| Err(StorageError::BadKey { key: key.to_owned(), reason });
    if key.is_empty() {
        return bad("it is empty".to_owned());
    }
    if key.len() > MAX_KEY {
        return bad(format!("it is longer than {MAX_KEY} bytes"));
    }
    match key.split('/').find_map(fault_of_part) {
        Some(reason) => bad(reason),
        None => Ok(()),
    }
}

/// Checks one part of a key, such as a dataset's name: 1 to 255 bytes, not `.` or `..`, without `/`, `\` and control
/// characters, and not starting with `.covid-`.
///
/// # Errors
/// [`StorageError::BadKey`], with the reason.
pub fn check_key_part(part: &str) -> Result<(), StorageError> {
    let reason = if part.contains('/') { Some("it contains a `/`".to_owned()) } else { fault_of_part(part) };
    match reason {
        Some(reason) => Err(StorageError::BadKey { key: part.to_owned(), reason }),
        None => Ok(()),
    }
}

/// What is wrong with a part that holds no `/`, if anything.
pub(crate) fn fault_of_part(part: &str) -> Option<String> {
    if part.is_empty() {
        Some("a part of it is empty".to_owned())
    } else if part == "." || part == ".." {
        Some(format!("`{part}` leads out of its place"))
    } else if part.len() > MAX_PART {
        Some(format!("a part of it is longer than {MAX_PART} bytes"))
    } else if part.contains(|c: char| c == '\\' || c.is_control()) {
        Some("it contains a backslash or a control character".to_owned())
    } else if part.starts_with(RESERVED) {
        Some(format!("names that start with `{RESERVED}` are the store's own"))
    } else {
        None
    }
}
