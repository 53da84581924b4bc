//! The backend, chosen by URI.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use crate::{FolderStore, MemoryStore, ObjectStore, S3Store, StorageError, check_key};

/// Where a store is, as read from its URI; nothing is opened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUri {
    /// A folder on this machine: `file:PATH`, `file:///ABSOLUTE`, or a plain path.
    Folder(PathBuf),
    /// In memory, and gone with the store: `memory:`.
    Memory,
    /// Below a prefix of a bucket, which may be empty: `s3://BUCKET/PREFIX`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix, without a slash at either end.
        prefix: String,
    },
}

impl StoreUri {
    /// The folder on this machine, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Memory | Self::S3 { .. } => None,
        }
    }

    /// Opens the store. A folder need not be there: the first write creates it. No request is sent.
    ///
    /// # Errors
    /// [`StorageError::NotAFolder`] if something else is in the folder's place.
    pub fn open(&self) -> Result<Arc<dyn ObjectStore>, StorageError> {
        match self {
            Self::Folder(path) if path.exists() && !path.is_dir() => {
                Err(StorageError::NotAFolder { path: path.clone() })
            }
            Self::Folder(path) => Ok(Arc::new(FolderStore::new(path))),
            Self::Memory => Ok(Arc::new(MemoryStore::new())),
            Self::S3 { bucket, prefix } => Ok(Arc::new(S3Store::new(bucket, prefix))),
        }
    }
}

impl FromStr for StoreUri {
    type Err = StorageError;

    /// Reads a store's URI. The path is taken as it is: no `%20` is decoded, no `~` expanded.
    fn from_str(uri: &str) -> Result<Self, Self::Err> {
        match split_scheme(uri) {
            None => folder(uri, uri),
            Some(("file", rest)) => folder(uri, without_authority(uri, rest)?),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("memory", _)) => Err(bad(uri, "a store in memory has no name", "write `memory:`")),
            Some(("s3", rest)) => s3(uri, rest),
            Some((scheme, _)) => Err(bad(
                uri,
                &format!("the scheme `{scheme}:` is not known"),
                "use `file:PATH` or `s3://BUCKET/PREFIX`; a path that contains a colon is written `file:./PATH`",
            )),
        }
    }
}

/// Opens the store at a URI: `file:PATH`, `file:///ABSOLUTE` or a plain path for a folder, `s3://BUCKET/PREFIX`,
/// `memory:` for a fresh one in memory.
///
/// # Errors
/// [`StorageError::BadUri`] for anything else; [`StorageError::NotAFolder`] if a file is in the folder's place.
pub fn resolve(uri: &str) -> Result<Arc<dyn ObjectStore>, StorageError> {
    uri.parse::<StoreUri>()?.open()
}

/// The scheme and what follows its colon. One letter is a Windows drive, and no scheme.
fn split_scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let known_characters = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let starts_with_letter = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (scheme.len() > 1 && known_characters && starts_with_letter).then_some((scheme, rest))
}

/// The path of a `file:` URI, which may be written with an empty host: `file:///ABSOLUTE`.
fn without_authority<'u>(uri: &str, rest: &'u str) -> Result<&'u str, StorageError> {
    match rest.strip_prefix("//") {
        None => Ok(rest),
        Some(path) if path.starts_with('/') => Ok(path),
        Some(_) => Err(bad(
            uri,
            "after `file://` comes a host, and only this machine's files can be used",
            "write `file:PATH`, or `file:///PATH` for an absolute one",
        )),
    }
}

fn folder(uri: &str, path: &str) -> Result<StoreUri, StorageError> {
    if path.is_empty() {
        return Err(bad(uri, "it names no folder", "write `file:PATH`, such as `file:./store`"));
    }
    if path.starts_with('~') {
        return Err(bad(uri, "`~` is not expanded here", "write the home folder's path in full, or as `$HOME`"));
    }
    if path.contains('\0') {
        return Err(bad(uri, "a path cannot contain a null byte", "write `file:PATH`, such as `file:./store`"));
    }
    Ok(StoreUri::Folder(PathBuf::from(path)))
}

/// The bucket and prefix of what follows `s3:`. Credentials are not among it, and are not shown if they are.
fn s3(uri: &str, rest: &str) -> Result<StoreUri, StorageError> {
    let hint = "write `s3://BUCKET/PREFIX`; credentials come from the environment, such as AWS_PROFILE";
    let named = rest.strip_prefix("//").unwrap_or(rest);
    let (bucket, prefix) = named.split_once('/').unwrap_or((named, ""));
    if bucket.contains(['@', ':']) {
        return Err(bad("s3://...", "a bucket's name holds no `@` or `:`", hint));
    }
    if named == rest || !is_bucket(bucket) {
        let reason = "a bucket's name has 3 to 63 lower-case letters, digits, `-` and `.`, and begins and ends with a letter or digit";
        return Err(bad(uri, reason, hint));
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    match check_key(prefix) {
        Err(StorageError::BadKey { reason, .. }) if !prefix.is_empty() => {
            Err(bad(uri, &format!("its prefix cannot be that of keys: {reason}"), hint))
        }
        _ => Ok(StoreUri::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() }),
    }
}

/// Whether S3 allows a bucket of this name.
fn is_bucket(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(|c| is_inner(c) || c == '-' || c == '.')
        && name.starts_with(is_inner)
        && name.ends_with(is_inner)
}

fn bad(uri: &str, reason: &str, hint: &str) -> StorageError {
    StorageError::BadUri { uri: uri.to_owned(), reason: reason.to_owned(), hint: hint.to_owned() }
}
