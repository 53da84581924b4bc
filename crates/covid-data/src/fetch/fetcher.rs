//! The steps of a fetch, under the lock.

use std::{fs, sync::Arc};

use covid_core::{Timestamp, sha256_hex};
use covid_http::{Client, Download, Downloaded, HttpError, HttpFault, HttpSettings, HttpUrl, Validators};

use super::{
    FILES, FetchError, FetchProgress, FetchReport, FetchSettings, FetchedFile, MAX_BYTES, Outcome, RemoteFile,
    blocking,
    cache::{Cache, CachedFile, Set},
    check,
    lock::{Lock, lock},
    partial::Partial,
    publish::{Arrived, publish},
};

/// What a fetch needs.
#[derive(Debug)]
pub(super) struct Fetcher {
    pub(super) cache: Cache,
    base: HttpUrl,
    http: HttpSettings,
    now: Timestamp,
}

impl Fetcher {
    pub(super) fn new(settings: &FetchSettings, now: Timestamp) -> Result<Self, FetchError> {
        settings.checked()?;
        Ok(Self { cache: Cache::new(settings.cache_dir()?), base: settings.base()?, http: settings.http(), now })
    }

    pub(super) fn base_url(&self) -> String {
        self.base.to_string()
    }

    /// The set in force, if it is from this place and every file of it is still what was fetched.
    pub(super) async fn usable(&self) -> Result<Option<Set>, FetchError> {
        let (cache, base_url) = (self.cache.clone(), self.base_url());
        blocking(move || Ok(cache.current(&base_url)?.filter(|set| cache.is_whole(set)))).await
    }

    /// The right to fetch. It makes the cache folder.
    pub(super) async fn lock(&self) -> Result<Arc<Lock>, FetchError> {
        let folder = self.cache.sets();
        fs::create_dir_all(&folder).map_err(FetchError::cache("made", folder))?;
        Ok(Arc::new(lock(self.cache.folder()).await?))
    }

    /// Asks for each file, and puts what is new in force once all are there and belong together.
    pub(super) async fn fetch(
        &self,
        lock: &Arc<Lock>,
        progress: &mut FetchProgress<'_>,
    ) -> Result<FetchReport, FetchError> {
        let client = Client::new(self.http.clone()).map_err(FetchError::Http)?;
        let known = self.known().await?;
        let mut arrived = Vec::with_capacity(FILES.len());
        for (file, known) in FILES.into_iter().zip(known) {
            arrived.push(self.file(&client, file, known, progress).await?);
        }
        let outcomes: Vec<Outcome> = arrived.iter().map(Arrived::outcome).collect();
        let (cache, base_url, now, lock) = (self.cache.clone(), self.base_url(), self.now, Arc::clone(lock));
        let set = blocking(move || {
            let published = publish(&cache, arrived, base_url, now);
            // Held until here, even if nobody waits for this any more.
            drop(lock);
            published
        });
        Ok(self.report(set.await?, outcomes))
    }

    /// The cached files that need not be downloaded again, unless the server has others.
    async fn known(&self) -> Result<[Option<CachedFile>; FILES.len()], FetchError> {
        let (cache, base_url) = (self.cache.clone(), self.base_url());
        blocking(move || {
            let current = cache.current(&base_url)?;
            Ok(std::array::from_fn(|index| {
                let set = current.as_ref()?;
                set.files.get(index).filter(|file| cache.is_intact(set, file)).cloned()
            }))
        })
        .await
    }

    /// One file: the cached one, or one that was downloaded and is well.
    async fn file(
        &self,
        client: &Client,
        file: RemoteFile,
        known: Option<CachedFile>,
        progress: &mut FetchProgress<'_>,
    ) -> Result<Arrived, FetchError> {
        let url = self.base.join(file.path);
        let mut partial = Partial::open(self.cache.folder(), file.name, url.to_string());
        let version = known.as_ref().map(version);
        let request = Download { url: &url, known: version.as_ref(), max_bytes: MAX_BYTES };
        let mut told = |received, total| progress(file.name, received, total);
        let downloaded = client.download(request, &mut partial, &mut told).await;
        match (downloaded.map_err(|error| explained(error, &partial))?, known) {
            (Downloaded::Unchanged, Some(known)) => Ok(Arrived::Unchanged(known)),
            // The client says so only if a version is known.
            (Downloaded::Unchanged, None) => Err(FetchError::Stopped("an unknown file is unchanged".into())),
            (Downloaded::Whole { validators, resumed_from }, _) => {
                let (url, now) = (url.to_string(), self.now);
                blocking(move || arrived(file, partial, validators, resumed_from, url, now)).await
            }
        }
    }

    fn report(&self, set: Set, outcomes: Vec<Outcome>) -> FetchReport {
        let folder = self.cache.set(&set);
        let fetched = |(file, outcome): (CachedFile, Outcome)| {
            let CachedFile { file, url, bytes, sha256, .. } = file;
            FetchedFile { file, url, outcome, bytes, sha256 }
        };
        let files = set.files.into_iter().zip(outcomes).map(fetched).collect();
        FetchReport { folder, base_url: set.base_url, fetched_at: set.fetched_at, files }
    }
}

fn version(file: &CachedFile) -> Validators {
    Validators { etag: file.etag.clone(), last_modified: file.last_modified.clone() }
}

/// A disk that takes no more bytes is no fault of the server's.
fn explained(error: HttpError, partial: &Partial) -> FetchError {
    match error.fault() {
        HttpFault::Sink(cause) => {
            // An `io::Error` cannot be cloned, and this one is only looked at; its kind and text are kept.
            let source = std::io::Error::new(cause.kind(), cause.to_string());
            FetchError::cache("written", partial.path())(source)
        }
        _ => FetchError::Http(error),
    }
}

/// Looks at a file that was downloaded. What is not well is not kept: resuming it would not mend it.
fn arrived(
    file: RemoteFile,
    mut partial: Partial,
    validators: Validators,
    resumed_from: u64,
    url: String,
    now: Timestamp,
) -> Result<Arrived, FetchError> {
    let path = partial.path().to_owned();
    partial.finish().map_err(FetchError::cache("written", &path))?;
    let bytes = fs::read(&path).map_err(FetchError::cache("read", &path))?;
    if let Err(error) = check::file(file, &bytes, &url) {
        partial.discard();
        return Err(error);
    }
    let Validators { etag, last_modified } = validators;
    let (sha256, size) = (sha256_hex(&bytes), bytes.len() as u64);
    let entry =
        CachedFile { file: file.name.to_owned(), url, etag, last_modified, sha256, bytes: size, fetched_at: now };
    let outcome = if resumed_from > 0 { Outcome::Resumed } else { Outcome::Downloaded };
    Ok(Arrived::New { entry, partial, outcome })
}
