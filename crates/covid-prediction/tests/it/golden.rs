//! Plans and manifests of format version 1, as they lie in stores that exist, must still be read.

use std::{fs, path::PathBuf};

use covid_core::Date;
use covid_prediction::{Branch, Plan, PredictionError, Predictions, get_json, prediction_ledger};
use covid_storage::{MemoryStore, ObjectStore, PutMode, list_all};

use crate::{champion, panel, request, run};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

const MANIFEST: &str = "manifest-v1.json";
const PLAN: &str = "plan-v1.json";

/// `COVID_TEST_BLESS=1 cargo test -p covid-prediction golden` writes them anew: a change of format needs a new version.
async fn bless() {
    let (panel, store) = (panel(), MemoryStore::new());
    run(&store, &champion(&panel, 100), &request(&panel, 110)).await.unwrap();
    for (prefix, name) in [("test/predictions/plans/", PLAN), ("test/predictions/commits/", MANIFEST)] {
        let key = &list_all(&store, prefix).await.unwrap()[0].key;
        fs::write(golden(name), store.get(key).await.unwrap().bytes).unwrap();
    }
}

#[tokio::test]
async fn version_1_is_still_read() {
    if std::env::var_os("COVID_TEST_BLESS").is_some() {
        bless().await;
    }
    let store = MemoryStore::new();
    let manifest_key = "test/predictions/commits/as_of=2020-05-11/20300102T030405000Z-00000000.json";
    for (name, key) in [(MANIFEST, manifest_key), (PLAN, "plan.json")] {
        store.put(key, fs::read(golden(name)).unwrap().into(), PutMode::CreateOnly).await.unwrap();
    }
    let manifest =
        prediction_ledger(&store, "test", Branch::Real).current(Date::constant(2020, 5, 11)).await.unwrap().unwrap();
    let plan: Plan<Predictions> = get_json(&store, "plan.json").await.unwrap();
    assert_eq!(manifest.digest, plan.digest);
    assert_eq!(manifest.run, plan.run);
    assert_eq!((manifest.rows, manifest.parts.len(), plan.shards), (84, 1, 1));
    assert_eq!(manifest.work.model.version, "3");
    assert_eq!(manifest.work.locations.len(), 6);
    assert_eq!(
        covid_prediction::Work::digest(&manifest.work),
        manifest.digest,
        "the digest is still made the same way"
    );
}

#[tokio::test]
async fn a_newer_version_is_refused_by_name() {
    let store = MemoryStore::new();
    let newer = fs::read_to_string(golden(PLAN)).unwrap().replace("\"format_version\": 1", "\"format_version\": 2");
    store.put("plan.json", newer.into(), PutMode::CreateOnly).await.unwrap();
    let error = get_json::<Plan<Predictions>>(&store, "plan.json").await.unwrap_err();
    assert!(matches!(error, PredictionError::Damaged { .. }));
    assert!(error.to_string().contains("format version 2 is newer than 1"), "{error}");
}

#[tokio::test]
async fn what_is_wrong_with_a_record_is_said_in_one_line() {
    let store = MemoryStore::new();
    let unknown = fs::read_to_string(golden(PLAN)).unwrap().replace("\"sample\"", "\"two\\nlines\"");
    store.put("plan.json", unknown.into(), PutMode::CreateOnly).await.unwrap();
    let error = get_json::<Plan<Predictions>>(&store, "plan.json").await.unwrap_err().to_string();
    assert!(error.contains("unknown variant `two lines`"), "{error}");
}
