//! The S3 backend against a real server, with credentials of every kind.

use std::{sync::Arc, time::SystemTime};

use aws_sdk_s3::{
    Client,
    config::{Credentials, Region},
};
use bytes::Bytes;
use covid_core::{Explain as _, FaultKind};
use covid_storage::{ETag, ObjectStore, PutMode, S3Fault, S3Store, StorageError, conformance, list_all};
use covid_testing::{Keys, S3Server};
use tokio::task::JoinSet;

/// S3 takes no smaller parts.
const PART: usize = 5 << 20;

/// A store of its own, empty below the test bucket; or a skipped test.
fn store() -> Option<(S3Server, S3Store)> {
    let server = S3Server::find()?;
    let store = server.open(&server.new_store(), &server.admin);
    Some((server, store))
}

/// The bucket as a whole: what the store at a prefix of it does not show.
fn bucket(server: &S3Server) -> Client {
    let keys = Credentials::new(&server.admin.key, &server.admin.secret, None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(&server.endpoint)
        .force_path_style(true)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(keys);
    Client::from_conf(config.build())
}

fn prefix(server: &S3Server, store: &S3Store) -> String {
    store.uri().trim_start_matches(&format!("s3://{}/", server.bucket)).to_owned()
}

fn bytes(length: usize) -> Bytes {
    (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[track_caller]
fn assert_fault(result: Result<impl std::fmt::Debug, StorageError>, fault: S3Fault) -> String {
    match result {
        Err(StorageError::S3(error)) if error.fault() == &fault => error.to_string(),
        other => panic!("expected {fault:?}, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let Some((_, store)) = store() else { return };
    conformance::run(Arc::new(store), 1001).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_small_pages_and_parts() {
    let Some((_, store)) = store() else { return };
    conformance::run(Arc::new(store.with_page_size(3).with_part_size(PART)), 10).await;
}

/// Eight tasks at once write an object in parts. SeaweedFS looks whether the object is there and then creates it, so that
/// more than one may be told that it has; that all others are told the truth, that a reader sees one whole object, and that
/// the losers' parts are gone, is ours. Objects that are written at once have one winner, as conformance holds.
#[tokio::test(flavor = "multi_thread")]
async fn large_objects_are_whole_whoever_wins() {
    let Some((server, store)) = store() else { return };
    let store = Arc::new(store.with_part_size(PART));
    let content = bytes(2 * PART + 1000);
    let mut tasks = JoinSet::new();
    for task in 0..8_u8 {
        let (store, mut content) = (Arc::clone(&store), content.to_vec());
        (content[0], content[PART]) = (task, task);
        tasks.spawn(async move { (task, store.put("large", content.into(), PutMode::CreateOnly).await) });
    }
    let (won, lost): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(|(_, written)| written.is_ok());
    assert!(lost.iter().all(|(_, written)| matches!(written, Err(StorageError::AlreadyExists { .. }))), "{lost:?}");
    let object = store.get("large").await.unwrap();
    let winner = won.into_iter().find(|(task, _)| *task == object.bytes[0]).expect("what is there is a winner's");
    assert_eq!(winner.1.unwrap(), object.etag);
    assert!(object.bytes[PART] == winner.0 && object.bytes.len() == content.len(), "no mixture of two objects");
    assert!(object.bytes[1..PART] == content[1..PART] && object.bytes[PART + 1..] == content[PART + 1..]);

    let late = store.put("large", content, PutMode::CreateOnly).await;
    assert!(matches!(late, Err(StorageError::AlreadyExists { .. })), "{late:?}");
    let uploads = bucket(&server).list_multipart_uploads().bucket(&server.bucket).prefix(prefix(&server, &store));
    assert_eq!(uploads.send().await.unwrap().uploads().len(), 0, "what lost was aborted");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_replace_only_what_was_seen() {
    let Some((_, store)) = store() else { return };
    let store = store.with_part_size(PART);
    let first = store.put("large", bytes(PART + 1), PutMode::CreateOnly).await.unwrap();
    let second = store.put("large", bytes(PART + 2), PutMode::IfMatch(first.clone())).await.unwrap();
    assert_ne!(first, second);
    let late = store.put("large", bytes(PART + 3), PutMode::IfMatch(first)).await;
    assert!(matches!(late, Err(StorageError::Changed { .. })), "{late:?}");
    assert_eq!(store.get("large").await.unwrap().bytes.len(), PART + 2);
    let absent = store.put("absent", bytes(PART + 1), PutMode::IfMatch(ETag("\"none\"".to_owned()))).await;
    assert!(matches!(absent, Err(StorageError::Changed { .. })), "{absent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_marker_and_a_neighbour_are_not_objects_of_the_store() {
    let Some((server, store)) = store() else { return };
    let prefix = prefix(&server, &store);
    for key in [format!("{prefix}/folder/"), format!("{prefix}-neighbour/a"), format!("{prefix}/a")] {
        bucket(&server).put_object().bucket(&server.bucket).key(key).send().await.unwrap();
    }
    let listed = list_all(&store, "").await.unwrap();
    assert_eq!(listed.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), ["a"]);
    let age = SystemTime::now().duration_since(listed[0].modified).unwrap_or_default();
    assert!(age.as_secs() < 300, "written a moment ago, not {age:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_reads() {
    let Some((server, store)) = store() else { return };
    store.put("a", Bytes::from_static(b"a"), PutMode::Overwrite).await.unwrap();
    let reader = server.open(&store.uri(), &server.reader).with_part_size(PART);
    assert_eq!(reader.get("a").await.unwrap().bytes, "a");
    assert_eq!(list_all(&reader, "").await.unwrap().len(), 1);
    for content in [bytes(1), bytes(PART + 1)] {
        for mode in [PutMode::Overwrite, PutMode::CreateOnly] {
            let text = assert_fault(reader.put("b", content.clone(), mode).await, S3Fault::AccessDenied);
            assert!(text.contains("/b` in the S3 bucket `") && text.contains("could not be written: access is denied"));
        }
    }
    assert_fault(reader.delete("a").await, S3Fault::AccessDenied);
    assert_eq!(list_all(&store, "").await.unwrap().len(), 1, "nothing was written or removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_told_apart_and_not_shown() {
    let Some((server, store)) = store() else { return };
    let secret = "an-invented-secret-that-nobody-may-see";
    let wrong_secret = Keys { key: server.admin.key.clone(), secret: secret.to_owned() };
    let unknown = Keys { key: "AKIAINVENTED".to_owned(), secret: secret.to_owned() };
    for (keys, fault) in [(wrong_secret, S3Fault::WrongSecret), (unknown, S3Fault::UnknownAccessKey)] {
        let store = server.open(&store.uri(), &keys);
        let texts = [
            assert_fault(store.get("a").await, fault.clone()),
            assert_fault(store.put("a", Bytes::new(), PutMode::CreateOnly).await, fault.clone()),
            assert_fault(store.list("", None).await, fault.clone()),
            assert_fault(store.delete("a").await, fault.clone()),
        ];
        assert!(texts.iter().all(|text| !text.contains(secret) && !text.contains(&server.admin.secret)), "{texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_an_error() {
    let Some((server, _)) = store() else { return };
    let store = server.open("s3://no-such-bucket-here/prefix", &server.reader);
    let written = store.put("a", Bytes::new(), PutMode::CreateOnly).await;
    assert!(matches!(written, Err(StorageError::S3(_))), "{written:?}");
    for error in [store.get("a").await.unwrap_err(), store.list("", None).await.unwrap_err()] {
        assert_eq!(error.kind(), FaultKind::Remote);
        let text = error.to_string();
        assert!(text.contains("in the S3 bucket `no-such-bucket-here` could not be"), "{text}");
        assert!(text.contains(": there is no such bucket (NoSuchBucket"), "{text}");
    }
}
