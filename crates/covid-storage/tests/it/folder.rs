use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use covid_core::{Explain as _, FaultKind};
use covid_storage::{FolderStore, ObjectStore, PutMode, StorageError, check_key, conformance, list_all};
use proptest::prelude::*;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Every file and folder below a folder, whatever its name.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(everything(&path));
        }
        found.push(path);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let folder = folder();
    conformance::run(Arc::new(FolderStore::new(folder.path())), 1001).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_small_pages_and_leaves_no_temporary_file() {
    let folder = folder();
    conformance::run(Arc::new(FolderStore::new(folder.path().join("new/store")).with_page_size(1)), 5).await;
    let files: Vec<_> = everything(folder.path()).into_iter().filter(|path| path.is_file()).collect();
    assert_eq!(files, [folder.path().join("new/store/.covid-lock")]);
}

#[tokio::test]
async fn reading_creates_nothing() {
    let folder = folder();
    let root = folder.path().join("store");
    let store = FolderStore::new(&root);
    assert!(matches!(store.get("a/b").await, Err(StorageError::NotFound { .. })));
    assert!(store.list("", None).await.unwrap().objects.is_empty());
    store.delete("a/b").await.unwrap();
    assert!(!root.exists());
    store.put("a/b", Bytes::from_static(b"x"), PutMode::CreateOnly).await.unwrap();
    assert_eq!(fs::read(root.join("a/b")).unwrap(), b"x");
}

#[tokio::test]
async fn listings_skip_what_is_not_an_object() {
    let folder = folder();
    let store = FolderStore::new(folder.path());
    store.put("a/b", Bytes::new(), PutMode::CreateOnly).await.unwrap();
    fs::write(folder.path().join("a/.covid-tmp-killed"), "half").unwrap();
    fs::create_dir(folder.path().join("a/empty")).unwrap();
    let listed = list_all(&store, "").await.unwrap();
    assert_eq!(listed.into_iter().map(|object| object.key).collect::<Vec<_>>(), ["a/b"]);
}

#[tokio::test]
async fn an_object_is_no_folder() {
    let folder = folder();
    let store = FolderStore::new(folder.path());
    store.put("a/b", Bytes::new(), PutMode::Overwrite).await.unwrap();
    for key in ["a", "a/b/c", "a/b/c/d"] {
        for mode in [PutMode::Overwrite, PutMode::CreateOnly] {
            let refused = store.put(key, Bytes::new(), mode).await;
            assert!(matches!(refused, Err(StorageError::BadKey { .. })), "{key}: {refused:?}");
        }
    }
    let files: Vec<_> = everything(folder.path()).into_iter().filter(|path| path.is_file()).collect();
    assert_eq!(files.len(), 2, "the object and the lock, and nothing left behind: {files:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn links_do_not_lead_out() {
    let (folder, outside) = (folder(), folder());
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("a/link")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();
    let store = FolderStore::new(folder.path());
    for key in ["a/link/secret", "file"] {
        let answers = [
            store.get(key).await.map(|_| ()),
            store.put(key, Bytes::new(), PutMode::Overwrite).await.map(|_| ()),
            store.delete(key).await,
        ];
        for answer in answers {
            assert!(matches!(answer, Err(StorageError::BadKey { .. })), "{key}: {answer:?}");
        }
    }
    assert!(list_all(&store, "").await.unwrap().is_empty());
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn a_folder_that_cannot_be_created_is_a_usage_error() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let store = FolderStore::new(file.join("store"));
    let error = store.put("a", Bytes::new(), PutMode::Overwrite).await.unwrap_err();
    assert!(matches!(error, StorageError::Unwritable { .. }), "{error:?}");
    assert_eq!(error.kind(), FaultKind::Usage);
    assert!(error.to_string().contains("file/store cannot be written to: "), "{error}");

    let error = FolderStore::new(&file).list("", None).await.unwrap_err();
    assert!(matches!(error, StorageError::NotAFolder { .. }), "{error:?}");
}

/// Two stores on one folder share nothing in memory, as two programs would.
#[tokio::test(flavor = "multi_thread")]
async fn two_programs_lose_no_update() {
    let folder = folder();
    let stores = [FolderStore::new(folder.path()), FolderStore::new(folder.path())];
    stores[0].put("counter", Bytes::from_static(b""), PutMode::CreateOnly).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for store in stores.clone() {
        tasks.spawn(async move {
            let mut done = 0;
            while done < 25 {
                let seen = store.get("counter").await.unwrap();
                let longer = [&seen.bytes[..], b"x"].concat();
                match store.put("counter", longer.into(), PutMode::IfMatch(seen.etag)).await {
                    Ok(_) => done += 1,
                    Err(StorageError::Changed { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(stores[0].get("counter").await.unwrap().bytes.len(), 50);
}

#[cfg(unix)]
#[tokio::test]
async fn objects_are_as_readable_as_other_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    FolderStore::new(folder.path()).put("a", Bytes::new(), PutMode::Overwrite).await.unwrap();
    fs::write(folder.path().join("other"), "").unwrap();
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("a"), mode("other"));
}

proptest! {
    /// A key that passes the check names a file below the root, whatever it is made of.
    #[test]
    fn no_checked_key_leads_out(key in "[a./\\\\\u{0}-\u{1f}~:é]{0,12}") {
        if check_key(&key).is_ok() {
            let path = Path::new("/root").join(&key);
            prop_assert!(path.starts_with("/root") && path.components().count() == 2 + key.split('/').count());
            prop_assert!(path.components().all(|part| part.as_os_str() != ".."));
        }
    }
}
