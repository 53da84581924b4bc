//! A record of format version 1, as it lies in stores that exist, must still be read: it failed, and is sent.

use std::{fs, path::PathBuf};

use covid_http::Secret;
use covid_monitoring::{AlertSettings, Outcome, tell};
use covid_storage::{MemoryStore, ObjectStore, PutMode, list_all};
use covid_testing::SmtpServer;
use serde_json::Value;

use super::{at, impatient, notice, outcome, state};

/// Of a mail, since its id is the same wherever the server is.
const GOLDEN: &str = "notice-v1.json";

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(GOLDEN)
}

fn settings(url: &str) -> AlertSettings {
    AlertSettings {
        smtp_url: Some(Secret::new(url)),
        smtp_from: Some("forecasts@example.org".into()),
        smtp_to: Some("ops@example.org".into()),
        ..impatient()
    }
}

/// What a failure leaves behind: its key and its bytes.
async fn written() -> (String, Vec<u8>) {
    let store = MemoryStore::new();
    tell(&store, &settings("smtp://127.0.0.1:9"), "jhu", &[notice()], at(0)).await;
    let key = list_all(&store, "").await.unwrap().remove(0).key;
    let bytes = store.get(&key).await.unwrap().bytes.to_vec();
    (key, bytes)
}

/// `COVID_TEST_BLESS=1 cargo test -p covid-monitoring golden` writes it anew: a change of format needs a new version.
#[tokio::test]
async fn version_1_is_still_read() {
    let (key, bytes) = written().await;
    if std::env::var_os("COVID_TEST_BLESS").is_some() {
        fs::write(golden(), &bytes).unwrap();
    }
    let old = fs::read_to_string(golden()).unwrap();
    let comparable = |text: &[u8]| {
        let mut record: Value = serde_json::from_slice(text).unwrap();
        // In the words of the operating system.
        record["reason"] = record["reason"].is_string().into();
        record
    };
    assert_eq!(comparable(&bytes), comparable(old.as_bytes()), "the format is still written the same way");
    let (store, server) = (MemoryStore::new(), SmtpServer::start());
    store.put(&key, old.into(), PutMode::CreateOnly).await.unwrap();
    assert_eq!(outcome(tell(&store, &settings(&server.url("")), "jhu", &[], at(1)).await), Outcome::Sent);
    assert!(server.mails().remove(0).text.contains("RMSLE over 7 days is 0.25"));
    assert_eq!(state(&store).await, ("sent".into(), 2));
}
