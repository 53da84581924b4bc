//! Objects in a bucket of S3, or of a server that speaks its protocol.

mod connect;
mod error;
mod place;
mod settings;
mod write;

use std::time::SystemTime;

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    operation::{get_object::GetObjectOutput, list_objects_v2::ListObjectsV2Output},
};
use bytes::Bytes;
use tokio::sync::OnceCell;

pub use self::error::{S3Error, S3Fault};
use self::{place::Place, write::Write};
use crate::{ETag, ListPage, Object, ObjectMeta, ObjectStore, PAGE_SIZE, PutMode, StorageError, check_key};

/// Objects above this size are written in parts, in bytes.
const MULTIPART_ABOVE: usize = 16 << 20;
/// The size of a part, in bytes.
const PART_SIZE: usize = 8 << 20;
/// How often an object is read anew whose content was cut off or damaged on its way.
const READ_TRIES: usize = 3;

/// Objects below a prefix of a bucket.
///
/// Several programs may use one prefix at once: create-only and if-match are decided by the server (`If-None-Match`,
/// `If-Match`), so they hold as far as the server keeps them: AWS does, always; SeaweedFS 4.48 does, but for two writes in
/// parts that end at the same instant, which may both be told that they have created the object. A write is retried when its answer is lost; what was written carries a random mark, so that the writer
/// recognises its own. A write in parts that fails is aborted; one whose program is killed leaves parts that cost money
/// and show nowhere: give the bucket a lifecycle rule that aborts incomplete multipart uploads.
#[derive(Debug)]
pub struct S3Store {
    place: Place,
    client: OnceCell<Client>,
    multipart_above: usize,
    part_size: usize,
    page_size: usize,
}

impl S3Store {
    /// The store at `s3://bucket/prefix`; the prefix may be empty. Nothing is asked of anybody yet.
    ///
    /// The first request finds credentials, region, endpoint and number of tries as every AWS tool does: aws-config reads
    /// `AWS_*` variables, `~/.aws`, and the services of ECS and EC2. An endpoint that is set (`AWS_ENDPOINT_URL_S3`,
    /// `AWS_ENDPOINT_URL`) is spoken to with the bucket in the path.
    pub fn new(bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            place: Place { bucket: bucket.into(), prefix: prefix.into() },
            client: OnceCell::new(),
            multipart_above: MULTIPART_ABOVE,
            part_size: PART_SIZE,
            page_size: PAGE_SIZE,
        }
    }

    /// The same store through a client that the caller has set up.
    pub fn with_client(mut self, client: Client) -> Self {
        self.client = OnceCell::new_with(Some(client));
        self
    }

    /// The same store at an endpoint and with credentials that the environment does not hold.
    pub fn with_keys(self, endpoint: &str, access_key: &str, secret: &str) -> Self {
        self.with_client(connect::with_keys(endpoint, access_key, secret))
    }

    /// The same store that writes objects above so many bytes in parts of so many; S3 takes no part below 5 MiB but the
    /// last.
    pub fn with_part_size(mut self, part_size: usize) -> Self {
        self.part_size = part_size.max(1);
        self.multipart_above = self.part_size;
        self
    }

    /// The same store with so many objects on a page of a listing, at least one and at most 1000.
    pub fn with_page_size(mut self, page_size: usize) -> Self {
        self.page_size = page_size.clamp(1, PAGE_SIZE);
        self
    }

    async fn client(&self) -> Result<&Client, StorageError> {
        self.client.get_or_try_init(connect::by_environment).await
    }

    /// Reads an object once.
    async fn read(&self, key: &str, full: &str) -> Result<Object, StorageError> {
        match self.client().await?.get_object().bucket(&self.place.bucket).key(full).send().await {
            Ok(answer) => collect(answer).await.map_err(|cause| self.place.fault("read", full, S3Fault::Cut, cause)),
            Err(error) if error::is_absent(&error) => {
                Err(StorageError::NotFound { key: key.to_owned(), uri: self.uri() })
            }
            Err(error) => Err(self.place.error("read", full, &error)),
        }
    }

    /// What a page of the server's listing says of the objects of this store.
    fn page(&self, prefix: &str, answer: ListObjectsV2Output, next: Option<String>) -> ListPage {
        let objects = answer.contents.unwrap_or_default().into_iter().filter_map(|object| {
            let key = self.place.own_key(object.key.as_deref()?)?;
            // Other programs' objects may have keys that none of ours can have, such as a folder's `a/`; and SeaweedFS
            // takes the prefix `a//` for `a/`.
            let is_ours = check_key(key).is_ok() && key.starts_with(prefix);
            is_ours.then(|| ObjectMeta {
                key: key.to_owned(),
                size: object.size.unwrap_or_default().try_into().unwrap_or_default(),
                modified: object.last_modified.and_then(|at| at.try_into().ok()).unwrap_or(SystemTime::UNIX_EPOCH),
            })
        });
        ListPage { objects: objects.collect(), next }
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    fn uri(&self) -> String {
        self.place.to_string()
    }

    async fn get(&self, key: &str) -> Result<Object, StorageError> {
        let full = self.place.full_key(key)?;
        let mut tries = 1;
        loop {
            match self.read(key, &full).await {
                // The client retries what fails before the content begins; a content that breaks off is ours to retry.
                Err(StorageError::S3(error)) if error.fault() == &S3Fault::Cut && tries < READ_TRIES => tries += 1,
                done => return done,
            }
        }
    }

    async fn put(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<ETag, StorageError> {
        let full = self.place.full_key(key)?;
        let client = self.client().await?.clone();
        let (place, part_size) = (self.place.clone(), self.part_size);
        let write = Write { client, place, key: key.to_owned(), full, bytes, mode, part_size };
        write.run(self.multipart_above).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<ListPage, StorageError> {
        let full = self.place.below(prefix);
        let request = self.client().await?.list_objects_v2().bucket(&self.place.bucket).prefix(&full);
        let page_size = i32::try_from(self.page_size).unwrap_or(i32::MAX);
        match request.max_keys(page_size).set_continuation_token(after.map(str::to_owned)).send().await {
            Ok(answer) => match next_page(&answer, after) {
                Ok(next) => Ok(self.page(prefix, answer, next)),
                Err(cause) => Err(self.place.fault("listed", &full, S3Fault::Other, cause.to_owned())),
            },
            Err(error) => Err(self.place.error("listed", &full, &error)),
        }
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let full = self.place.full_key(key)?;
        match self.client().await?.delete_object().bucket(&self.place.bucket).key(&full).send().await {
            Ok(_) => Ok(()),
            Err(error) if error::is_absent(&error) => Ok(()),
            Err(error) => Err(self.place.error("removed", &full, &error)),
        }
    }
}

/// Where the listing goes on, if it does. It must not end too early, for what is not listed counts as not there, and it
/// must end.
fn next_page(answer: &ListObjectsV2Output, after: Option<&str>) -> Result<Option<String>, &'static str> {
    match answer.next_continuation_token.as_deref().filter(|token| !token.is_empty()) {
        None if answer.is_truncated == Some(true) => Err("there is more, and no token to go on from"),
        Some(token) if after == Some(token) => Err("the token to go on from is that of the page before"),
        token => Ok(token.map(str::to_owned)),
    }
}

/// The whole content. The client checks it against its length, and against the checksum that came with it, if any.
async fn collect(answer: GetObjectOutput) -> Result<Object, String> {
    let etag = ETag(answer.e_tag.unwrap_or_default());
    match answer.body.collect().await {
        Ok(content) => Ok(Object { bytes: content.into_bytes(), etag }),
        Err(cause) => Err(error::innermost(&cause)),
    }
}
