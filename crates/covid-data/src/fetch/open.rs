//! Any source, `jhu` included: it is fetched first, if the copy in the cache is not fresh.

use covid_core::{Explain as _, FaultKind, Timestamp};

use super::{FetchError, FetchSettings, blocking, cache::Set, fetcher::Fetcher};
use crate::{
    DataError, LoadOptions, Loaded, Remark, load,
    source::{JHU, load_path},
};

/// Reads a source as [`load`] does, and `jhu` from the cache folder, which is renewed before if the copy in it is older than
/// the settings allow at the time `now`. If it cannot be renewed, the older copy is read, with a remark that says so.
///
/// # Errors
/// As [`load`]; for `jhu` as [`fetch`](super::fetch), if there is no older copy.
pub async fn open(
    source: &str,
    options: &LoadOptions,
    settings: &FetchSettings,
    now: Timestamp,
) -> Result<Loaded, DataError> {
    let options = options.clone();
    if source != JHU {
        let source = source.to_owned();
        return blocking(move || load(&source, &options)).await;
    }
    let fetcher = Fetcher::new(settings, now)?;
    let (set, remark) = current(&fetcher, settings, now).await?;
    let folder = fetcher.cache.set(&set);
    let mut loaded = blocking(move || load_path(&folder, &options)).await?;
    loaded.dataset = JHU.into();
    loaded.description = format!("{}, fetched {}", set.base_url, set.fetched_at);
    loaded.fetched_at = Some(set.fetched_at);
    loaded.findings.remarks.extend(remark);
    Ok(loaded)
}

/// The set to read: a fresh one without asking, else a renewed one, else an older one with a remark.
async fn current(
    fetcher: &Fetcher,
    settings: &FetchSettings,
    now: Timestamp,
) -> Result<(Set, Option<Remark>), FetchError> {
    let is_fresh = |set: &Set| {
        let hours = now.duration_since(set.checked_at).as_secs_f64() / 3600.0;
        (0.0..=settings.max_age_hours).contains(&hours)
    };
    let older = fetcher.usable().await?;
    if let Some(fresh) = older.clone().filter(is_fresh) {
        return Ok((fresh, None));
    }
    match (renew(fetcher, is_fresh).await, older) {
        (Ok(set), _) => Ok((set, None)),
        (Err(error), Some(older)) if error.kind() == FaultKind::Remote => {
            let text =
                format!("the copy fetched at {} is used, for it could not be renewed: {error}", older.fetched_at);
            let remark = Remark { file: fetcher.cache.folder().to_owned(), text };
            Ok((older, Some(remark)))
        }
        (Err(error), _) => Err(error),
    }
}

async fn renew(fetcher: &Fetcher, is_fresh: impl Fn(&Set) -> bool) -> Result<Set, FetchError> {
    let lock = fetcher.lock().await?;
    // Another program may have renewed it while this one waited.
    if let Some(fresh) = fetcher.usable().await?.filter(is_fresh) {
        return Ok(fresh);
    }
    tracing::info!("fetching JHU's data from {}", fetcher.base_url());
    fetcher.fetch(&lock, &mut |_, _, _| {}).await?;
    let gone = || FetchError::Stopped("the files that were fetched have gone".into());
    fetcher.usable().await?.ok_or_else(gone)
}
