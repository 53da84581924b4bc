//! A prefix of a bucket, and the keys below it.

use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::error::{S3Error, S3Fault, said};
use crate::{StorageError, check_key};

/// S3's limit for a whole key, in bytes.
const MAX_KEY: usize = 1024;

/// Where the objects of a store are.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) bucket: String,
    /// Without a slash at either end; may be empty.
    pub(super) prefix: String,
}

impl Place {
    /// The key in the bucket of an object of the store.
    pub(super) fn full_key(&self, key: &str) -> Result<String, StorageError> {
        check_key(key)?;
        let full = self.below(key);
        if full.len() > MAX_KEY {
            let reason = format!("with the store's prefix it is longer than {MAX_KEY} bytes");
            return Err(StorageError::BadKey { key: key.to_owned(), reason });
        }
        Ok(full)
    }

    /// What the keys in the bucket start with if those of the store start with `prefix`.
    pub(super) fn below(&self, prefix: &str) -> String {
        if self.prefix.is_empty() { prefix.to_owned() } else { format!("{}/{prefix}", self.prefix) }
    }

    /// The key in the store of an object of the bucket.
    pub(super) fn own_key<'k>(&self, full: &'k str) -> Option<&'k str> {
        if self.prefix.is_empty() { Some(full) } else { full.strip_prefix(&self.prefix)?.strip_prefix('/') }
    }

    /// What a failed request means.
    pub(super) fn error<E>(&self, action: &'static str, full: &str, error: &SdkError<E>) -> StorageError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.fault(action, full, S3Fault::of(error), said(error))
    }

    pub(super) fn fault(&self, action: &'static str, full: &str, fault: S3Fault, detail: String) -> StorageError {
        StorageError::S3(Box::new(S3Error::new(action, self.bucket.clone(), full.to_owned(), fault, detail)))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "s3://{}{slash}{}", self.bucket, self.prefix)
    }
}
