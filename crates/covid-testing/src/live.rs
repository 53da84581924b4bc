//! Tests against real servers, which `make services-up` starts.

use std::{
    collections::BTreeMap,
    env, process,
    sync::atomic::{AtomicUsize, Ordering},
    time::SystemTime,
};

use bytes::Bytes;
use covid_storage::{ObjectStore as _, PutMode, S3Store, StoreUri, list_all};

use crate::Sandbox;

/// The value of a `COVID_TEST_*` variable that names a real server. Without it the test that asks says in one line that it
/// is skipped, and has to return.
#[allow(clippy::print_stdout)] // The one line that tells a skipped test from a passed one.
pub fn live_server(variable: &str) -> Option<String> {
    let value = env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        println!("skipped: {variable} is not set (`make services-up test-live`)");
    }
    value
}

/// A real S3 server, and who may use it.
#[derive(Debug, Clone)]
pub struct S3Server {
    /// Its address.
    pub endpoint: String,
    /// A bucket that is there; its content is the tests' own, each below a prefix that nobody else uses.
    pub bucket: String,
    /// May do everything.
    pub admin: Keys,
    /// May read and list.
    pub reader: Keys,
}

/// Credentials.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The access key.
    pub key: String,
    /// Its secret.
    pub secret: String,
}

impl S3Server {
    /// The server of `COVID_TEST_S3`, `COVID_TEST_S3_BUCKET`, `COVID_TEST_S3_ADMIN_KEY` and so on; else as
    /// [`live_server`].
    ///
    /// # Panics
    /// If only some of the variables are set.
    pub fn find() -> Option<Self> {
        let endpoint = live_server("COVID_TEST_S3")?;
        let named = |name: &str| {
            let name = format!("COVID_TEST_S3_{name}");
            env::var(&name).unwrap_or_else(|_| panic!("COVID_TEST_S3 is set, but {name} is not"))
        };
        let keys = |who: &str| Keys { key: named(&format!("{who}_KEY")), secret: named(&format!("{who}_SECRET")) };
        Some(Self { endpoint, bucket: named("BUCKET"), admin: keys("ADMIN"), reader: keys("READER") })
    }

    /// A store of this server that no other test uses.
    pub fn new_store(&self) -> String {
        static STORES: AtomicUsize = AtomicUsize::new(0);
        let (instant, store) = (SystemTime::UNIX_EPOCH.elapsed(), STORES.fetch_add(1, Ordering::Relaxed));
        let name = format!("{}-{}-{store}", instant.unwrap_or_default().as_nanos(), process::id());
        format!("s3://{}/{name}", self.bucket)
    }

    /// Every object of a store with its content, for a test that is not async.
    ///
    /// # Panics
    /// If they cannot be read.
    pub fn objects(&self, store: &str) -> BTreeMap<String, Bytes> {
        let store = self.open(store, &self.admin);
        blocking(async {
            let mut objects = BTreeMap::new();
            for found in list_all(&store, "").await.expect("a listing of the store") {
                let object = store.get(&found.key).await.expect("an object that is listed");
                objects.insert(found.key, object.bytes);
            }
            objects
        })
    }

    /// Writes an object, for a test that is not async.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn put(&self, store: &str, key: &str, content: &'static str) {
        let store = self.open(store, &self.admin);
        blocking(store.put(key, Bytes::from_static(content.as_bytes()), PutMode::Overwrite)).expect("a write");
    }

    /// The store that [`Self::new_store`] has named.
    ///
    /// # Panics
    /// If the URI is that of no bucket.
    pub fn open(&self, store: &str, keys: &Keys) -> S3Store {
        match store.parse() {
            Ok(StoreUri::S3 { bucket, prefix }) => {
                S3Store::new(bucket, prefix).with_keys(&self.endpoint, &keys.key, &keys.secret)
            }
            other => panic!("`{store}` is no store in S3: {other:?}"),
        }
    }

    /// The sandbox in which programs find this server by the variables of every AWS tool.
    pub fn known_in(&self, sandbox: Sandbox, keys: &Keys) -> Sandbox {
        sandbox
            .env("AWS_ENDPOINT_URL_S3", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", &keys.key)
            .env("AWS_SECRET_ACCESS_KEY", &keys.secret)
            // Nobody is asked for a region: not the machine's own cloud either.
            .env("AWS_EC2_METADATA_DISABLED", "true")
    }
}

fn blocking<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}
