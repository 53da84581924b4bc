use std::sync::Arc;

use bytes::Bytes;
use covid_storage::{MemoryStore, ObjectStore as _, PutMode, StorageError, conformance};

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    conformance::run(Arc::new(MemoryStore::new()), 1001).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_small_pages() {
    conformance::run(Arc::new(MemoryStore::new().with_page_size(1)), 5).await;
}

#[tokio::test]
async fn an_object_is_no_folder() {
    let store = MemoryStore::new();
    store.put("a/b", Bytes::new(), PutMode::Overwrite).await.unwrap();
    for key in ["a", "a/b/c"] {
        let refused = store.put(key, Bytes::new(), PutMode::Overwrite).await;
        assert!(matches!(refused, Err(StorageError::BadKey { .. })), "{key}: {refused:?}");
    }
}
