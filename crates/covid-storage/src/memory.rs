//! Objects in memory, for tests.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    ETag, ListPage, Object, ObjectMeta, ObjectStore, PAGE_SIZE, PutMode, StorageError, check_key, store::into_page,
};

/// Objects in memory: gone with the store. It behaves as the folder does, and is as strict.
#[derive(Debug)]
pub struct MemoryStore {
    objects: Mutex<BTreeMap<String, Stored>>,
    page_size: usize,
}

#[derive(Debug)]
struct Stored {
    object: Object,
    modified: SystemTime,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { objects: Mutex::default(), page_size: PAGE_SIZE }
    }

    /// The same store with so many objects on a page of a listing, at least one.
    pub fn with_page_size(mut self, page_size: usize) -> Self {
        self.page_size = page_size.max(1);
        self
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        // Every change is one call on the map, so a panic elsewhere cannot have left it half-changed.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    fn uri(&self) -> String {
        "memory:".to_owned()
    }

    async fn get(&self, key: &str) -> Result<Object, StorageError> {
        check_key(key)?;
        match self.objects().get(key) {
            Some(stored) => Ok(stored.object.clone()),
            None => Err(StorageError::NotFound { key: key.to_owned(), uri: self.uri() }),
        }
    }

    async fn put(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<ETag, StorageError> {
        check_key(key)?;
        let etag = ETag(covid_core::sha256_hex(&bytes));
        let mut objects = self.objects();
        check_mode(objects.get(key), &mode, key, &self.uri())?;
        check_no_folder(&objects, key)?;
        let object = Object { bytes, etag: etag.clone() };
        // A file system stamps what is written to it; this one has to do so itself.
        objects.insert(key.to_owned(), Stored { object, modified: SystemTime::now() });
        Ok(etag)
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<ListPage, StorageError> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let objects = self
            .objects()
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(self.page_size.saturating_add(1))
            .map(|(key, stored)| ObjectMeta {
                key: key.clone(),
                size: stored.object.bytes.len() as u64,
                modified: stored.modified,
            })
            .collect();
        Ok(into_page(objects, self.page_size))
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        check_key(key)?;
        self.objects().remove(key);
        Ok(())
    }
}

fn check_mode(found: Option<&Stored>, mode: &PutMode, key: &str, uri: &str) -> Result<(), StorageError> {
    let (key, uri) = (key.to_owned(), uri.to_owned());
    match (mode, found) {
        (PutMode::CreateOnly, Some(_)) => Err(StorageError::AlreadyExists { key, uri }),
        (PutMode::IfMatch(seen), found) if found.map(|stored| &stored.object.etag) != Some(seen) => {
            Err(StorageError::Changed { key, uri })
        }
        _ => Ok(()),
    }
}

/// Refuses what a file system could not hold: an object that is also the folder of another.
fn check_no_folder(objects: &BTreeMap<String, Stored>, key: &str) -> Result<(), StorageError> {
    let inside = format!("{key}/");
    let is_folder = objects.range(inside.clone()..).next().is_some_and(|(other, _)| other.starts_with(&inside));
    let in_object = key.match_indices('/').any(|(slash, _)| objects.contains_key(&key[..slash]));
    if is_folder || in_object {
        let reason = if is_folder { "it is the folder of other objects" } else { "its folder is an object" };
        return Err(StorageError::BadKey { key: key.to_owned(), reason: reason.to_owned() });
    }
    Ok(())
}
