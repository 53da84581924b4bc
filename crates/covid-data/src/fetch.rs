//! JHU's files from the web: downloaded to a cache folder, checked before they replace older ones, and opened as a source.
//!
//! The files of one fetch lie together in a folder of their own, which is never changed afterwards, and one small file,
//! `current.json`, says which folder is in force. It is replaced last, by one rename: so a reader finds all files of the
//! old fetch or all of the new one, whatever is killed or cut off, and needs no lock. Who fetches holds one, for the
//! beginnings of files that are to be resumed belong to one at a time.

mod cache;
mod check;
mod error;
mod fetcher;
mod lock;
mod open;
mod partial;
mod publish;
mod settings;

use std::path::PathBuf;

use covid_core::Timestamp;
use serde::Serialize;

pub use error::FetchError;
pub use open::open;
pub use settings::FetchSettings;

use fetcher::Fetcher;

/// A file of JHU's: where it lies below the base address, what it is called, and columns that its header must have.
#[derive(Debug, Clone, Copy)]
struct RemoteFile {
    path: &'static str,
    name: &'static str,
    columns: &'static [&'static str],
}

const SERIES_COLUMNS: &[&str] = &["Province/State", "Country/Region"];

/// What is fetched. The table of populations is last, for it is the one that changes least.
const FILES: [RemoteFile; 3] = [
    RemoteFile {
        path: "csse_covid_19_time_series/time_series_covid19_confirmed_global.csv",
        name: "time_series_covid19_confirmed_global.csv",
        columns: SERIES_COLUMNS,
    },
    RemoteFile {
        path: "csse_covid_19_time_series/time_series_covid19_deaths_global.csv",
        name: "time_series_covid19_deaths_global.csv",
        columns: SERIES_COLUMNS,
    },
    RemoteFile {
        path: "UID_ISO_FIPS_LookUp_Table.csv",
        name: "UID_ISO_FIPS_LookUp_Table.csv",
        columns: &["UID", "Country_Region", "Combined_Key", "Population"],
    },
];

/// The largest file that is taken: thirty times JHU's largest here.
const MAX_BYTES: u64 = 64 << 20;

/// Told the file, how many of its bytes are there, and how many there will be, if the server says so.
pub type FetchProgress<'a> = dyn FnMut(&str, u64, Option<u64>) + Send + 'a;

/// What a fetch did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchReport {
    /// The folder that holds the files. It stays as it is; the next fetch that finds others makes another one.
    pub folder: PathBuf,
    /// Where the files are from, without secrets.
    pub base_url: String,
    /// When the newest of the files was downloaded.
    pub fetched_at: Timestamp,
    /// The files.
    pub files: Vec<FetchedFile>,
}

/// One file of a fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchedFile {
    /// Its name.
    pub file: String,
    /// Its address, without secrets.
    pub url: String,
    /// How it came.
    pub outcome: Outcome,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// How a file came to be in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was downloaded as a whole.
    Downloaded,
    /// Its beginning was there from an earlier fetch that was cut off; the rest was downloaded.
    Resumed,
    /// The server says that the cached one is still what it has.
    Unchanged,
}

/// Downloads JHU's global series and its table of populations to the cache folder, or finds that the cached ones are
/// still what the server has. `now` is the time at which this happens.
///
/// # Errors
/// If a setting cannot be obeyed, the cache folder cannot be written, the server does not give a file, or gives something
/// else than files of JHU's that belong together. What was cached before is then still there.
pub async fn fetch(
    settings: &FetchSettings,
    now: Timestamp,
    progress: &mut FetchProgress<'_>,
) -> Result<FetchReport, FetchError> {
    let fetcher = Fetcher::new(settings, now)?;
    let lock = fetcher.lock().await?;
    fetcher.fetch(&lock, progress).await
}

/// Work on files, off the threads that wait for bytes.
async fn blocking<T: Send + 'static, E: From<FetchError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work).await.map_err(|error| FetchError::Stopped(error.to_string()))?
}
