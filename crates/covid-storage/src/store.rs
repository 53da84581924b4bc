//! The trait that every backend implements, and the words it uses.

use std::{fmt, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::StorageError;

/// Objects on a page of a listing, unless a backend is told otherwise; as in S3.
pub const PAGE_SIZE: usize = 1000;

/// What an object's content was when it was read or written. Opaque; equal content need not have equal tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(pub String);

/// On what condition `put` writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutMode {
    /// Whatever is there.
    Overwrite,
    /// Only if nothing is there under the key; else [`StorageError::AlreadyExists`].
    CreateOnly,
    /// Only if what is there still has this tag; else [`StorageError::Changed`], also when nothing is there any more.
    IfMatch(ETag),
}

/// An object's content.
#[derive(Debug, Clone)]
pub struct Object {
    /// The bytes.
    pub bytes: Bytes,
    /// Their tag, for [`PutMode::IfMatch`].
    pub etag: ETag,
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Its key, from the root of the store.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: SystemTime,
}

/// One page of a listing. Over all pages each object comes once, in the order of the keys' bytes; but there are servers
/// that speak S3 and go folder by folder (`a/b` before `a-b`), so who needs the order takes [`list_all`].
#[derive(Debug, Clone, Default)]
pub struct ListPage {
    /// The objects.
    pub objects: Vec<ObjectMeta>,
    /// Give this to `list` for the next page; none on the last.
    pub next: Option<String>,
}

/// Objects by key. Modelled on S3: every write is atomic, a reader sees all of an object or nothing of it.
///
/// Keys are relative paths with `/` between non-empty parts, see [`check_key`](crate::check_key); `.` and `..` are
/// refused as [`StorageError::BadKey`]. No key may also be the folder of another: the local backends refuse that, S3
/// cannot tell.
#[async_trait]
pub trait ObjectStore: fmt::Debug + Send + Sync + 'static {
    /// The URI a person would type for it.
    fn uri(&self) -> String;

    /// Reads an object; [`StorageError::NotFound`] if there is none.
    async fn get(&self, key: &str) -> Result<Object, StorageError>;

    /// Writes an object, whole or not at all.
    async fn put(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<ETag, StorageError>;

    /// A page of the objects whose key starts with `prefix` (not necessarily at a `/`); `after` is the `next` of the
    /// page before.
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<ListPage, StorageError>;

    /// Removes an object; removing what is not there is not an error.
    async fn delete(&self, key: &str) -> Result<(), StorageError>;
}

/// Every object whose key starts with `prefix`, in the order of the keys' bytes: all pages of the listing.
pub async fn list_all(store: &dyn ObjectStore, prefix: &str) -> Result<Vec<ObjectMeta>, StorageError> {
    let mut objects = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.list(prefix, after.as_deref()).await?;
        objects.extend(page.objects);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(objects)
}

/// Cuts a listing that may hold one object too many into a page; the extra object says that another page follows.
pub(crate) fn into_page(mut objects: Vec<ObjectMeta>, page_size: usize) -> ListPage {
    let more = objects.len() > page_size;
    objects.truncate(page_size);
    let next = if more { objects.last().map(|last| last.key.clone()) } else { None };
    ListPage { objects, next }
}
