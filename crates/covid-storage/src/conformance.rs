//! What every [`ObjectStore`] must do: one suite, run by each backend's tests, here and in other crates.
//!
//! A backend that does not conform makes the suite panic, as a test does; the message says what was expected.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{ETag, ObjectStore, PutMode, StorageError, list_all};

/// A key that exercises what URLs and file systems escape.
const AWKWARD: &str = "conformance/awkward/as_of=2022-08-09/Côte d'Ivoire + 100%20&more (~!@$,;)#?.json";

/// Runs the whole suite. It writes below `conformance/`, where nothing may be yet, and leaves nothing behind.
///
/// `more_than_a_page` is a number of objects that the store cannot list on one page.
///
/// # Panics
/// If the store does not conform.
pub async fn run(store: Arc<dyn ObjectStore>, more_than_a_page: usize) {
    reads_back_what_was_written(&store).await;
    absent_objects(&store).await;
    bad_keys(&store).await;
    create_only(&store).await;
    create_only_has_one_winner(&store).await;
    if_match(&store).await;
    if_match_loses_no_update(&store).await;
    overwrite_is_atomic(&store).await;
    lists_in_byte_order(&store).await;
    lists_in_pages(&store, more_than_a_page).await;
    leaves_nothing_behind(&store).await;
}

async fn reads_back_what_was_written(store: &Arc<dyn ObjectStore>) {
    let big: Bytes = (0..9_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let cases = [
        ("conformance/empty", Bytes::new()),
        ("conformance/small", Bytes::from_static(b"\0\r\n\xff")),
        ("conformance/big", big),
        (AWKWARD, Bytes::from_static(b"awkward")),
    ];
    for (key, bytes) in cases {
        let etag = put(store, key, &bytes, PutMode::Overwrite).await;
        let object = store.get(key).await.expect("an object that was written can be read");
        assert!(object.bytes == bytes, "`{key}` has other bytes than were written");
        assert_eq!(object.etag, etag, "`{key}`: the tag of the write is the tag of the read");
        let listed = list_all(store.as_ref(), key).await.expect("a listing");
        assert_eq!(listed.len(), 1, "`{key}` is listed once");
        assert_eq!((listed[0].key.as_str(), listed[0].size), (key, bytes.len() as u64));
        store.delete(key).await.expect("a delete");
    }
}

async fn absent_objects(store: &Arc<dyn ObjectStore>) {
    let key = "conformance/absent/object";
    for absent in [key, "conformance/absent", "conformance"] {
        assert!(matches!(store.get(absent).await, Err(StorageError::NotFound { .. })), "`{absent}` is not found");
    }
    store.delete(key).await.expect("removing what is not there is not an error");
    put(store, key, b"x", PutMode::CreateOnly).await;
    assert!(
        matches!(store.get("conformance/absent").await, Err(StorageError::NotFound { .. })),
        "the folder of an object is none"
    );
    assert!(
        matches!(store.get("conformance/absent/object/below").await, Err(StorageError::NotFound { .. })),
        "below an object there is none"
    );
    store.delete("conformance/absent").await.expect("removing a folder of objects is not an error");
    store.delete("conformance/absent/object/below").await.expect("removing below an object is not an error");
    store.get(key).await.expect("an object stays when its folder is removed");
    store.delete(key).await.expect("a delete");
    store.delete(key).await.expect("a second delete");
    assert!(matches!(store.get(key).await, Err(StorageError::NotFound { .. })), "a removed object is not found");
}

async fn bad_keys(store: &Arc<dyn ObjectStore>) {
    let long_part = "a".repeat(256);
    let long_key = "a/".repeat(512) + "a";
    let keys = [
        "",
        "/",
        "/conformance",
        "conformance/",
        "conformance//a",
        ".",
        "..",
        "../conformance",
        "conformance/../a",
        "conformance/./a",
        "conformance/..",
        "conformance\\a",
        "conformance/a\0b",
        "conformance/a\nb",
        ".covid-lock",
        "conformance/.covid-tmp-a",
        &long_part,
        &long_key,
    ];
    for key in keys {
        let answers = [
            store.get(key).await.map(|_| ()),
            store.put(key, Bytes::new(), PutMode::Overwrite).await.map(|_| ()),
            store.put(key, Bytes::new(), PutMode::CreateOnly).await.map(|_| ()),
            store.delete(key).await,
        ];
        for answer in answers {
            assert!(matches!(answer, Err(StorageError::BadKey { .. })), "`{key}` is refused, not {answer:?}");
        }
    }
}

async fn create_only(store: &Arc<dyn ObjectStore>) {
    let key = "conformance/create/a";
    put(store, key, b"first", PutMode::CreateOnly).await;
    let second = store.put(key, Bytes::from_static(b"second"), PutMode::CreateOnly).await;
    assert!(matches!(second, Err(StorageError::AlreadyExists { .. })), "a second creation is refused: {second:?}");
    assert_eq!(read(store, key).await, "first", "a refused creation changes nothing");
    put(store, key, b"third", PutMode::Overwrite).await;
    assert_eq!(read(store, key).await, "third");
    store.delete(key).await.expect("a delete");
    put(store, key, b"fourth", PutMode::CreateOnly).await;
    assert_eq!(read(store, key).await, "fourth", "a removed object can be created again");
    store.delete(key).await.expect("a delete");
}

async fn create_only_has_one_winner(store: &Arc<dyn ObjectStore>) {
    for round in 0..5 {
        let key = format!("conformance/race-{round}/new folder/commit.json");
        let mut tasks = JoinSet::new();
        for task in 0..16 {
            let (store, key) = (Arc::clone(store), key.clone());
            tasks.spawn(async move {
                let written = store.put(&key, Bytes::from(format!("{task}")), PutMode::CreateOnly).await;
                (task, written)
            });
        }
        let answers = tasks.join_all().await;
        let winners: Vec<_> = answers.iter().filter(|(_, written)| written.is_ok()).map(|(task, _)| *task).collect();
        assert_eq!(winners.len(), 1, "one of many creations wins");
        for (_, lost) in answers.iter().filter(|(_, written)| written.is_err()) {
            assert!(matches!(lost, Err(StorageError::AlreadyExists { .. })), "the others are told so: {lost:?}");
        }
        assert_eq!(read(store, &key).await, winners[0].to_string(), "the winner's content is there");
        store.delete(&key).await.expect("a delete");
    }
}

async fn if_match(store: &Arc<dyn ObjectStore>) {
    let key = "conformance/match/a";
    let absent = store.put(key, Bytes::new(), PutMode::IfMatch(ETag("none".to_owned()))).await;
    assert!(matches!(absent, Err(StorageError::Changed { .. })), "nothing matches where nothing is: {absent:?}");
    let first = put(store, key, b"first", PutMode::CreateOnly).await;
    let second = put(store, key, b"second", PutMode::IfMatch(first.clone())).await;
    let late = store.put(key, Bytes::from_static(b"late"), PutMode::IfMatch(first)).await;
    assert!(matches!(late, Err(StorageError::Changed { .. })), "a tag of before does not match: {late:?}");
    assert_eq!(read(store, key).await, "second");
    put(store, key, b"third", PutMode::IfMatch(second.clone())).await;
    store.delete(key).await.expect("a delete");
    let gone = store.put(key, Bytes::new(), PutMode::IfMatch(second)).await;
    assert!(matches!(gone, Err(StorageError::Changed { .. })), "a removed object does not match: {gone:?}");
}

/// Many tasks count in one object; if two could both match one tag, a count would be lost.
async fn if_match_loses_no_update(store: &Arc<dyn ObjectStore>) {
    const TASKS: u32 = 8;
    const COUNTS: u32 = 5;
    let key = "conformance/counter";
    put(store, key, b"0", PutMode::CreateOnly).await;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            for _ in 0..COUNTS {
                count_one(&store, key).await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(read(store, key).await, (TASKS * COUNTS).to_string(), "no count is lost");
    store.delete(key).await.expect("a delete");
}

async fn count_one(store: &Arc<dyn ObjectStore>, key: &str) {
    loop {
        let object = store.get(key).await.expect("the counter");
        let count: u32 = str::from_utf8(&object.bytes).ok().and_then(|text| text.parse().ok()).expect("a number");
        match store.put(key, Bytes::from((count + 1).to_string()), PutMode::IfMatch(object.etag)).await {
            Ok(_) => return,
            Err(StorageError::Changed { .. }) => {}
            Err(other) => panic!("a write under a tag matches or does not: {other}"),
        }
    }
}

/// Readers see one whole object after the other: never a mixture, never a gap.
async fn overwrite_is_atomic(store: &Arc<dyn ObjectStore>) {
    const WRITES: u8 = 20;
    let key = "conformance/overwritten";
    put(store, key, &content(0), PutMode::Overwrite).await;
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            loop {
                let bytes = store.get(key).await.expect("an overwritten object is always there").bytes;
                assert!(bytes == content(bytes[0]), "a reader saw a mixture of two objects");
                if bytes[0] == WRITES {
                    break;
                }
            }
        });
    }
    for write in 1..=WRITES {
        put(store, key, &content(write), PutMode::Overwrite).await;
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a reader found no fault");
    }
    store.delete(key).await.expect("a delete");
}

/// The n-th content: bytes and length both tell which one it is.
fn content(n: u8) -> Vec<u8> {
    vec![n; 100_000 + 1000 * usize::from(n)]
}

async fn lists_in_byte_order(store: &Arc<dyn ObjectStore>) {
    // `.` and `-` sort before `/`, `0` and `b` after it: folders and files interleave.
    let sorted = ["a-b", "a.b/c", "a.json", "a/b", "a/b.c", "a/c/d", "a0", "ab/c", "b", "é", "日本"];
    for name in sorted.iter().rev() {
        put(store, &format!("conformance/list/{name}"), name.as_bytes(), PutMode::CreateOnly).await;
    }
    let prefixes = ["", "a", "a.", "a/", "a/b", "a/c/", "ab", "b", "c", "é", "a//", "../"];
    for prefix in prefixes {
        let expected: Vec<_> = sorted.iter().filter(|name| name.starts_with(prefix)).copied().collect();
        let listed = keys(store, &format!("conformance/list/{prefix}")).await;
        let names: Vec<_> = listed.iter().map(|key| key.trim_start_matches("conformance/list/")).collect();
        assert_eq!(names, expected, "what starts with `{prefix}`, in the order of bytes");
    }
    assert_eq!(keys(store, "conformance/lis").await.len(), sorted.len(), "a prefix need not end at a slash");
    for name in sorted {
        store.delete(&format!("conformance/list/{name}")).await.expect("a delete");
    }
    assert!(keys(store, "conformance/list/").await.is_empty(), "what was removed is not listed");
}

async fn lists_in_pages(store: &Arc<dyn ObjectStore>, more_than_a_page: usize) {
    let name = |i: usize| format!("conformance/pages/{}/{i:05}", i % 3);
    let mut tasks = JoinSet::new();
    for i in 0..more_than_a_page {
        let store = Arc::clone(store);
        tasks.spawn(async move { put(&store, &name(i), b"x", PutMode::CreateOnly).await });
        // A server need not stand a thousand writes at once.
        if tasks.len() == 32 {
            tasks.join_next().await.expect("a task").expect("a write");
        }
    }
    tasks.join_all().await;
    let expected: BTreeSet<_> = (0..more_than_a_page).map(name).collect();
    let first = store.list("conformance/pages/", None).await.expect("a page");
    assert!(first.next.is_some(), "{more_than_a_page} objects do not fit on one page");
    assert!(!first.objects.is_empty() && first.objects.len() < more_than_a_page);
    let listed = keys(store, "conformance/pages/").await;
    assert!(listed.iter().eq(expected.iter()), "all pages together are all objects, once each and in order");
    for key in expected {
        store.delete(&key).await.expect("a delete");
    }
}

async fn leaves_nothing_behind(store: &Arc<dyn ObjectStore>) {
    assert_eq!(keys(store, "conformance").await, Vec::<String>::new(), "the suite has removed all that it wrote");
}

async fn put(store: &Arc<dyn ObjectStore>, key: &str, bytes: &[u8], mode: PutMode) -> ETag {
    match store.put(key, Bytes::copy_from_slice(bytes), mode).await {
        Ok(etag) => etag,
        Err(error) => panic!("`{key}` can be written: {error}"),
    }
}

async fn read(store: &Arc<dyn ObjectStore>, key: &str) -> String {
    let object = store.get(key).await.expect("an object that was written can be read");
    String::from_utf8_lossy(&object.bytes).into_owned()
}

async fn keys(store: &Arc<dyn ObjectStore>, prefix: &str) -> Vec<String> {
    let listed = list_all(store.as_ref(), prefix).await.expect("a listing");
    listed.into_iter().map(|object| object.key).collect()
}
