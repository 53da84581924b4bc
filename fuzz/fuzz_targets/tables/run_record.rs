//! Plans and manifests of prediction runs, as they lie in the store.

#![no_main]

use std::sync::LazyLock;

use covid_fuzz::explained;
use covid_prediction::{Manifest, Plan, Predictions, get_json};
use covid_storage::{MemoryStore, ObjectStore, PutMode};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));

fuzz_target!(|data: &[u8]| {
    comes_back::<Plan<Predictions>>(data);
    comes_back::<Manifest<Predictions>>(data);
});

fn comes_back<T: Serialize + DeserializeOwned>(data: &[u8]) {
    if let Some(record) = get::<T>(data) {
        let written = serde_json::to_vec(&record).expect("a record can be written");
        let again =
            serde_json::to_vec(&get::<T>(&written).expect("what was written")).expect("a record can be written");
        assert_eq!(written, again);
    }
}

fn get<T: DeserializeOwned>(data: &[u8]) -> Option<T> {
    RUNTIME.block_on(async {
        let store = MemoryStore::new();
        store.put("record", data.to_vec().into(), PutMode::CreateOnly).await.expect("memory");
        explained(get_json(&store, "record").await)
    })
}
