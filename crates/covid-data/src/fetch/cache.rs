//! The cache folder: which files are in force, and whether they are still what was fetched.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use covid_core::{Timestamp, sha256_hex};
use serde::{Deserialize, Serialize};

use super::{FILES, FetchError};
use crate::write_file;

/// The version of the layout. Files of another version are fetched anew.
const FORMAT: u32 = 1;
const CURRENT: &str = "current.json";
const SETS: &str = "sets";
/// Characters of a set's name, which is the beginning of a SHA-256.
const NAME_LENGTH: usize = 16;

/// A folder for downloads.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// Files that were fetched together: what `current.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Set {
    format: u32,
    /// Where they are from, without secrets.
    pub(super) base_url: String,
    /// The name of their folder.
    name: String,
    /// When the newest of them was downloaded.
    pub(super) fetched_at: Timestamp,
    /// When the server was last asked whether it has others.
    pub(super) checked_at: Timestamp,
    /// One entry a file, in the order of [`FILES`].
    pub(super) files: Vec<CachedFile>,
}

/// What is known of a cached file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CachedFile {
    pub(super) file: String,
    /// Its address, without secrets.
    pub(super) url: String,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) sha256: String,
    pub(super) bytes: u64,
    pub(super) fetched_at: Timestamp,
}

impl Set {
    pub(super) fn new(base_url: String, files: Vec<CachedFile>, now: Timestamp) -> Self {
        let digests: Vec<&str> = files.iter().flat_map(|file| [file.file.as_str(), &file.sha256]).collect();
        let name = sha256_hex(digests.join("\n").as_bytes()).chars().take(NAME_LENGTH).collect();
        let fetched_at = files.iter().map(|file| file.fetched_at).max().unwrap_or(now);
        Self { format: FORMAT, base_url, name, fetched_at, checked_at: now, files }
    }

    /// The files that this program would have written: what else `current.json` says is not followed.
    fn is_ours(&self) -> bool {
        let is_name = self.name.len() == NAME_LENGTH && self.name.chars().all(|c| c.is_ascii_hexdigit());
        let names = self.files.iter().map(|file| file.file.as_str());
        self.format == FORMAT && is_name && names.eq(FILES.iter().map(|file| file.name))
    }
}

impl Cache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn sets(&self) -> PathBuf {
        self.folder.join(SETS)
    }

    /// The folder of a set.
    pub(super) fn set(&self, set: &Set) -> PathBuf {
        self.sets().join(&set.name)
    }

    /// The set in force, if it is from that place; none if nothing was fetched, or nothing that is understood.
    pub(super) fn current(&self, base_url: &str) -> Result<Option<Set>, FetchError> {
        let path = self.folder.join(CURRENT);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FetchError::cache("read", path)(error)),
        };
        let set: Option<Set> = serde_json::from_slice(&text).ok();
        Ok(set.filter(|set| set.is_ours() && set.base_url == base_url))
    }

    /// Puts a set in force.
    pub(super) fn set_current(&self, set: &Set) -> Result<(), FetchError> {
        let path = self.folder.join(CURRENT);
        let written = serde_json::to_vec_pretty(set).map_err(io::Error::from).and_then(|text| write_file(&path, &text));
        written.map_err(FetchError::cache("written", path))
    }

    /// Whether a file is still the one that was fetched.
    pub(super) fn is_intact(&self, set: &Set, file: &CachedFile) -> bool {
        fs::read(self.set(set).join(&file.file)).is_ok_and(|bytes| sha256_hex(&bytes) == file.sha256)
    }

    /// Whether every file is.
    pub(super) fn is_whole(&self, set: &Set) -> bool {
        set.files.iter().all(|file| self.is_intact(set, file))
    }
}
