//! Putting files in force: all of them or none.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use covid_core::Timestamp;
use tempfile::TempDir;

use super::{
    FetchError, Outcome,
    cache::{Cache, CachedFile, Set},
    check,
    partial::Partial,
};

/// What the names of folders that are not in force yet begin with.
const UNFINISHED: &str = ".new-";

/// A file of a fetch, and where its bytes are.
#[derive(Debug)]
pub(super) enum Arrived {
    /// In the set in force.
    Unchanged(CachedFile),
    /// In a partial file, which is whole and well.
    New { entry: CachedFile, partial: Partial, outcome: Outcome },
}

impl Arrived {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Unchanged(_) => Outcome::Unchanged,
            Self::New { outcome, .. } => *outcome,
        }
    }

    fn entry(&self) -> &CachedFile {
        match self {
            Self::Unchanged(entry) | Self::New { entry, .. } => entry,
        }
    }
}

/// Puts a set in force, once it is seen that its files belong together. If they do not, the new ones are gone.
pub(super) fn publish(
    cache: &Cache,
    mut arrived: Vec<Arrived>,
    base_url: String,
    now: Timestamp,
) -> Result<Set, FetchError> {
    let before = cache.current(&base_url)?;
    let set = Set::new(base_url, arrived.iter().map(Arrived::entry).cloned().collect(), now);
    // A folder of this name was checked when it was made; the same bytes may come once more, under other tags.
    if !cache.is_whole(&set) {
        remove_unfinished(cache);
        let staged = stage(cache, &mut arrived, before.as_ref())?;
        check::together(staged.path(), &set)?;
        put(staged, &cache.set(&set)).map_err(FetchError::cache("written", cache.set(&set)))?;
    }
    cache.set_current(&set)?;
    arrived.iter_mut().for_each(forget);
    remove_outdated(cache, [Some(&set), before.as_ref()]);
    Ok(set)
}

/// A folder with all the files, which vanishes unless it is put in force.
fn stage(cache: &Cache, arrived: &mut [Arrived], before: Option<&Set>) -> Result<TempDir, FetchError> {
    let sets = cache.sets();
    let staged = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&sets);
    let staged = staged.map_err(FetchError::cache("written", sets))?;
    for file in arrived {
        let place = staged.path().join(&file.entry().file);
        let placed = match (&*file, before) {
            (Arrived::New { partial, .. }, _) => fs::rename(partial.path(), &place),
            (Arrived::Unchanged(entry), Some(before)) => share(&cache.set(before).join(&entry.file), &place),
            // Nothing can be unchanged where nothing was.
            (Arrived::Unchanged(_), None) => Err(io::ErrorKind::NotFound.into()),
        };
        forget(file);
        placed.map_err(FetchError::cache("written", place))?;
    }
    Ok(staged)
}

/// The same bytes at a second place. They are never written again, so one copy is enough where the disk can do that.
fn share(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

/// What a partial file holds has been taken, or is in force already.
fn forget(file: &mut Arrived) {
    if let Arrived::New { partial, .. } = file {
        partial.discard();
    }
}

/// Gives a staged folder its name. One of that name that is there is damaged, or the caller would have used it.
fn put(staged: TempDir, place: &Path) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(staged.path(), place)?;
    // Under its new name it is not to vanish.
    let _ = staged.keep();
    // So that the name outlives a power cut. Some file systems cannot do this for a folder, and need not: best effort.
    if let Some(above) = place.parent() {
        let _ = File::open(above).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// Removes what fetches left that were killed. Best effort.
fn remove_unfinished(cache: &Cache) {
    for entry in fs::read_dir(cache.sets()).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Removes every set but these: the one in force and the one before, which somebody may be reading. Best effort.
fn remove_outdated(cache: &Cache, kept: [Option<&Set>; 2]) {
    let kept = kept.map(|set| set.map(|set| cache.set(set)));
    for entry in fs::read_dir(cache.sets()).into_iter().flatten().flatten() {
        if !kept.iter().flatten().any(|set| *set == entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
