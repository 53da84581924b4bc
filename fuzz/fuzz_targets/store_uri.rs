//! URIs of stores, and keys: a key that passes is one that a folder and memory keep alike, inside the folder.

#![no_main]

use std::sync::LazyLock;

use covid_fuzz::{explained, folder};
use covid_storage::{FolderStore, MemoryStore, ObjectStore, PutMode, StoreUri, check_key, check_key_part, list_all};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Some(StoreUri::Folder(path)) = explained(text.parse::<StoreUri>()) {
        assert!(text.ends_with(path.to_str().expect("text")) && !path.as_os_str().is_empty());
    }
    if explained(check_key_part(text)).is_some() {
        check_key(text).expect("a part is a key");
    }
    if explained(check_key(text)).is_some() {
        let folder = folder(&[]);
        let below = folder.path().join("below");
        RUNTIME.block_on(async {
            keeps(&FolderStore::new(&below), text).await;
            keeps(&MemoryStore::new(), text).await;
        });
        let beside = folder.path().read_dir().expect("a folder").count();
        assert_eq!(beside, 1, "{text:?} leads out of the store");
    }
});

/// What is put under a key is there, alone, until it is deleted.
async fn keeps(store: &dyn ObjectStore, key: &str) {
    store.put(key, "content".into(), PutMode::CreateOnly).await.unwrap_or_else(|error| panic!("{key:?}: {error}"));
    assert_eq!(&store.get(key).await.expect("what was put").bytes[..], b"content");
    let keys: Vec<String> = list_all(store, "").await.expect("a list").into_iter().map(|object| object.key).collect();
    assert_eq!(keys, [key]);
    store.delete(key).await.expect("what is there");
    assert!(list_all(store, "").await.expect("a list").is_empty());
}
