//! A process that is killed before any of its writes leaves nothing that a reader of manifests sees, and the next one
//! finishes its work.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use covid_prediction::{Branch, Predictions, prediction_ledger};
use covid_storage::{ETag, ListPage, MemoryStore, Object, ObjectStore, PutMode, StorageError};

use crate::{champion, panel, request, run};

/// A store whose process dies before a given write.
#[derive(Debug)]
struct Dying {
    inner: Arc<MemoryStore>,
    writes_left: AtomicUsize,
}

#[async_trait]
impl ObjectStore for Dying {
    fn uri(&self) -> String {
        self.inner.uri()
    }

    async fn get(&self, key: &str) -> Result<Object, StorageError> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<ETag, StorageError> {
        let alive = self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match alive {
            Ok(_) => self.inner.put(key, bytes, mode).await,
            Err(_) => Err(StorageError::BadKey { key: key.into(), reason: "the process was killed here".into() }),
        }
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<ListPage, StorageError> {
        self.inner.list(prefix, after).await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.inner.delete(key).await
    }
}

/// Vintage, plan, three parts, manifest, CSV.
const WRITES: usize = 7;

#[tokio::test]
async fn killed_before_any_write_it_is_invisible_and_the_next_run_finishes_it() {
    let panel = panel();
    let champion = champion(&panel, 100);
    let request = covid_prediction::Request { shards: 3, ..request(&panel, 110) };
    let whole = run(&MemoryStore::new(), &champion, &request).await.unwrap();

    for writes in 0..=WRITES {
        let store = Arc::new(MemoryStore::new());
        let dying = Dying { inner: Arc::clone(&store), writes_left: AtomicUsize::new(writes) };
        let died = run(&dying, &champion, &request).await;
        assert_eq!(died.is_err(), writes < WRITES, "after {writes} writes");

        let ledger = prediction_ledger(store.as_ref(), "test", Branch::Real);
        let seen = ledger.all().await.unwrap();
        assert_eq!(seen.len(), usize::from(writes >= WRITES - 1), "after {writes} writes");
        for manifest in &seen {
            assert_eq!(ledger.rows(manifest).await.unwrap().to_csv().unwrap(), whole.rows.to_csv().unwrap());
        }

        let next = run(store.as_ref(), &champion, &request).await.unwrap();
        assert_eq!(next.already_done, writes >= WRITES - 1, "after {writes} writes");
        assert_eq!(next.rows.to_csv().unwrap(), whole.rows.to_csv().unwrap(), "after {writes} writes");
        let plans = covid_storage::list_all(store.as_ref(), "test/predictions/plans/").await.unwrap();
        assert_eq!(plans.len(), 1, "the plan was taken up, after {writes} writes");
        assert_eq!(count(&ledger).await, 1);
    }
}

async fn count(ledger: &covid_prediction::Ledger<'_, Predictions>) -> usize {
    ledger.all().await.unwrap().len()
}
