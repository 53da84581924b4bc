//! Tests against real servers, which `make services-up` starts.

use std::{
    env, process,
    sync::atomic::{AtomicUsize, Ordering},
    time::SystemTime,
};

use covid_storage::{S3Store, StoreUri};

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

    /// What is in a store that [`Self::new_store`] has named.
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
