//! Writing an object: at once or in parts, on a condition, and only once however often a request is sent.

use std::{error::Error, time::Duration};

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use tokio::{task::JoinSet, time::sleep};

use super::{error, place::Place};
use crate::{ETag, PutMode, StorageError};

/// Parts of one object that are on their way at once.
const PARALLEL_PARTS: usize = 4;
/// S3's limit of parts of an object.
const MAX_PARTS: usize = 10_000;
/// How often a write is tried that collides with another one of the same object.
const CONFLICT_TRIES: u32 = 6;
/// The first wait after a collision; the next one is twice as long.
const CONFLICT_WAIT: Duration = Duration::from_millis(50);
/// The name of the mark in the object's metadata (`x-amz-meta-covid-write`).
const MARK: &str = "covid-write";

/// One object to be written.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) client: Client,
    pub(super) place: Place,
    /// The key in the store, and the one in the bucket.
    pub(super) key: String,
    pub(super) full: String,
    pub(super) bytes: Bytes,
    pub(super) mode: PutMode,
    pub(super) part_size: usize,
}

/// Why a write did not happen.
enum Failed {
    /// What the server says of a write whose condition does not hold, and also of one that is sent again because the
    /// answer to it was lost.
    Unsure(StorageError),
    /// Somebody else was writing the same object.
    Conflict(StorageError),
    /// Anything else.
    Fault(StorageError),
}

impl Write {
    pub(super) async fn run(&self, multipart_above: usize) -> Result<ETag, StorageError> {
        let mark = format!("{:032x}", rand::random::<u128>());
        let is_large = self.bytes.len() > multipart_above;
        let mut tries = 1;
        loop {
            let written = if is_large { self.in_parts(&mark).await } else { self.at_once(&mark).await };
            match written {
                Ok(etag) => return Ok(etag),
                Err(Failed::Unsure(lost)) => return self.own_or(lost, &mark).await,
                Err(Failed::Conflict(_)) if tries < CONFLICT_TRIES => {
                    sleep(CONFLICT_WAIT * 2_u32.pow(tries - 1)).await;
                    tries += 1;
                }
                Err(Failed::Conflict(error) | Failed::Fault(error)) => return Err(error),
            }
        }
    }

    async fn at_once(&self, mark: &str) -> Result<ETag, Failed> {
        let request = self.client.put_object().bucket(&self.place.bucket).key(&self.full).metadata(MARK, mark);
        let (create, seen) = self.condition();
        let request = request.set_if_none_match(create).set_if_match(seen);
        match request.body(ByteStream::from(self.bytes.clone())).send().await {
            Ok(answer) => Ok(ETag(answer.e_tag.unwrap_or_default())),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The parts become an object when all are there: a reader sees nothing before.
    async fn in_parts(&self, mark: &str) -> Result<ETag, Failed> {
        let request = self.client.create_multipart_upload().bucket(&self.place.bucket).key(&self.full);
        let started = request.metadata(MARK, mark).send().await.map_err(|error| self.failed(&error))?;
        let upload = started.upload_id.unwrap_or_default();
        let written = match self.parts(&upload).await {
            Ok(parts) => self.complete(&upload, parts).await,
            Err(error) => Err(Failed::Fault(error)),
        };
        if written.is_err() {
            self.abort(&upload).await;
        }
        written
    }

    async fn parts(&self, upload: &str) -> Result<Vec<CompletedPart>, StorageError> {
        let size = self.part_size.max(self.bytes.len().div_ceil(MAX_PARTS));
        let mut starts = (0..self.bytes.len()).step_by(size).enumerate();
        let (mut tasks, mut parts) = (JoinSet::new(), Vec::new());
        loop {
            for (index, start) in starts.by_ref().take(PARALLEL_PARTS - tasks.len()) {
                let bytes = self.bytes.slice(start..self.bytes.len().min(start + size));
                tasks.spawn(self.clone().part(upload.to_owned(), index + 1, bytes));
            }
            match tasks.join_next().await {
                Some(Ok(part)) => parts.push(part?),
                Some(Err(cause)) => return Err(StorageError::Stopped { uri: self.place.to_string(), cause }),
                None => break,
            }
        }
        parts.sort_by_key(|part: &CompletedPart| part.part_number);
        Ok(parts)
    }

    async fn part(self, upload: String, number: usize, bytes: Bytes) -> Result<CompletedPart, StorageError> {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        let request = self.client.upload_part().bucket(&self.place.bucket).key(&self.full).upload_id(upload);
        match request.part_number(number).body(ByteStream::from(bytes)).send().await {
            Ok(answer) => Ok(CompletedPart::builder()
                .part_number(number)
                .set_e_tag(answer.e_tag)
                .set_checksum_crc32(answer.checksum_crc32)
                .build()),
            Err(error) => Err(self.place.error("written", &self.full, &error)),
        }
    }

    async fn complete(&self, upload: &str, parts: Vec<CompletedPart>) -> Result<ETag, Failed> {
        let request = self.client.complete_multipart_upload().bucket(&self.place.bucket).key(&self.full);
        let (create, seen) = self.condition();
        let request = request.upload_id(upload).set_if_none_match(create).set_if_match(seen);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        match request.multipart_upload(parts).send().await {
            Ok(answer) => Ok(ETag(answer.e_tag.unwrap_or_default())),
            // Aborted by somebody else, or completed by a try whose answer was lost.
            Err(error) if error.code() == Some("NoSuchUpload") => {
                Err(Failed::Unsure(self.place.error("written", &self.full, &error)))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Best effort: what remains costs money, and is no object.
    async fn abort(&self, upload: &str) {
        let request = self.client.abort_multipart_upload().bucket(&self.place.bucket).key(&self.full);
        if let Err(error) = request.upload_id(upload).send().await {
            let (full, bucket, cause) = (&self.full, &self.place.bucket, error::said(&error));
            tracing::debug!("the parts of `{full}` in the S3 bucket `{bucket}` could not be removed: {cause}");
        }
    }

    /// The headers `If-None-Match` and `If-Match`.
    fn condition(&self) -> (Option<String>, Option<String>) {
        match &self.mode {
            PutMode::Overwrite => (None, None),
            PutMode::CreateOnly => (Some("*".to_owned()), None),
            PutMode::IfMatch(seen) => (None, Some(seen.0.clone())),
        }
    }

    fn failed<E: ProvideErrorMetadata + Error + 'static>(&self, error: &SdkError<E>) -> Failed {
        let (key, uri) = (self.key.clone(), self.place.to_string());
        let unmet = error::is_precondition(error);
        match self.mode {
            PutMode::CreateOnly if unmet => Failed::Unsure(StorageError::AlreadyExists { key, uri }),
            // S3 finds no object to compare with where nothing is.
            PutMode::IfMatch(_) if unmet || error::is_absent(error) => {
                Failed::Unsure(StorageError::Changed { key, uri })
            }
            _ if error::is_conflict(error) => Failed::Conflict(self.place.error("written", &self.full, error)),
            _ => Failed::Fault(self.place.error("written", &self.full, error)),
        }
    }

    /// Looks whether the object that is there is the one that was to be written. Where that cannot be seen, nobody knows
    /// whose it is.
    async fn own_or(&self, lost: StorageError, mark: &str) -> Result<ETag, StorageError> {
        let found = self.client.head_object().bucket(&self.place.bucket).key(&self.full).send().await;
        match found {
            Ok(found) if found.metadata().and_then(|named| named.get(MARK)).is_some_and(|found| found == mark) => {
                Ok(ETag(found.e_tag.unwrap_or_default()))
            }
            Err(error) if !error::is_absent(&error) => Err(self.place.error("written", &self.full, &error)),
            _ => Err(lost),
        }
    }
}
