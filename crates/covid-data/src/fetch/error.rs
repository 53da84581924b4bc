//! What can go wrong with a fetch.

use std::{io, path::PathBuf};

use covid_core::{Explain, FaultKind};
use covid_http::{HttpError, HttpFault};

use crate::FileFault;

/// JHU's files were not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A setting that is out of its range.
    #[error("{name} must be {range}, not `{value}`")]
    BadSetting {
        /// Its name.
        name: &'static str,
        /// What is allowed, in words.
        range: &'static str,
        /// The value given.
        value: String,
    },
    /// The base address is none.
    #[error(transparent)]
    BadUrl(HttpError),
    /// Nobody said where downloads are to be kept.
    #[error("there is no cache folder to keep downloads in: neither XDG_CACHE_HOME nor HOME is set")]
    NoCacheFolder,
    /// The operating system cannot read or write something in the cache folder.
    #[error("`{}` in the cache folder cannot be {action}: {source}", path.display())]
    Cache {
        /// What was tried, as a participle: `read`, `written`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program fetches to the same folder, and does not end.
    #[error("another program has been fetching to `{}` for more than {seconds} s", folder.display())]
    Busy {
        /// The cache folder.
        folder: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The server did not give a file.
    #[error(transparent)]
    Http(HttpError),
    /// The server gave something else than the file.
    #[error("`{url}` is not what was expected: {fault}")]
    Content {
        /// The address, without secrets.
        url: String,
        /// What is wrong, and where.
        fault: FileFault,
    },
    /// The file ends in the middle of a line, so there is no telling how much is missing.
    #[error("`{url}` is not what was expected: the last line has no end, so the file was cut off")]
    NoLineEnd {
        /// The address, without secrets.
        url: String,
    },
    /// The files are well, but do not belong together.
    #[error("the files below `{base_url}` do not belong together: {cause}")]
    Apart {
        /// The base address, without secrets.
        base_url: String,
        /// Why not.
        cause: String,
    },
    /// Work on another thread that did not end.
    #[error("the work was cut off: {0}")]
    Stopped(String),
}

impl FetchError {
    pub(super) fn cache(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Cache { action, path, source }
    }
}

impl Explain for FetchError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::BadSetting { .. } | Self::BadUrl(_) | Self::NoCacheFolder | Self::Cache { .. } => FaultKind::Usage,
            Self::Http(error) => error.kind(),
            Self::Busy { .. } | Self::Content { .. } | Self::NoLineEnd { .. } | Self::Apart { .. } => FaultKind::Remote,
            Self::Stopped(_) => FaultKind::Unexpected,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::BadSetting { name, .. } => format!("change {name} in the settings"),
            Self::BadUrl(_) => "change fetch.base_url in the settings (COVID_FETCH_BASE_URL)".into(),
            Self::NoCacheFolder => "set fetch.cache_dir in the settings (COVID_FETCH_CACHE_DIR)".into(),
            Self::Cache { source, .. } if source.kind() == io::ErrorKind::StorageFull => "free some disk space".into(),
            Self::Cache { .. } => {
                "check its permissions, or set fetch.cache_dir to another folder (COVID_FETCH_CACHE_DIR)".into()
            }
            Self::Busy { .. } => "wait for it, or end it".into(),
            Self::Http(error) => return http_hint(error),
            Self::Content { fault: FileFault::Html | FileFault::Empty | FileFault::MissingColumn { .. }, .. } => {
                "open the address in a browser: a proxy or a login page may answer in the server's place; check \
                 fetch.base_url"
                    .into()
            }
            Self::Content { .. } | Self::NoLineEnd { .. } => {
                "the server may be changing it at this moment: try again in some minutes".into()
            }
            Self::Apart { .. } => "they may be changing at this moment: try again in some minutes".into(),
            Self::Stopped(_) => return None,
        })
    }

    fn may_pass(&self) -> bool {
        match self {
            Self::Http(error) => error.may_pass(),
            // The server may be changing the files at this moment.
            Self::Content { .. } | Self::NoLineEnd { .. } | Self::Apart { .. } | Self::Busy { .. } => true,
            _ => false,
        }
    }
}

/// What a client cannot know: which settings there are, and that what came is kept.
fn http_hint(error: &HttpError) -> Option<String> {
    match error.fault() {
        HttpFault::CutOff { .. } | HttpFault::Timeout { .. } => Some(
            "try again: what came is kept, and the rest is asked for; fetch.* in the settings has the time-outs".into(),
        ),
        HttpFault::Status { code: 404 | 410, .. } | HttpFault::Redirect { .. } | HttpFault::TooLarge { .. } => {
            Some("check fetch.base_url in the settings".into())
        }
        _ => error.hint(),
    }
}
