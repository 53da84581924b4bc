//! One fetch at a time: a lock that the operating system releases, whatever becomes of its owner.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    time::Duration,
};

use tokio::time;

use super::FetchError;

/// A fetch of these files takes seconds; the other program's time-outs end it, too.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
const STEP: Duration = Duration::from_millis(50);

/// The right to fetch, as long as this value lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Waits for the right to fetch to a folder.
pub(super) async fn lock(folder: &Path) -> Result<Lock, FetchError> {
    let path = folder.join("lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(FetchError::cache("written", &path))?;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::Error(error)) => return Err(FetchError::cache("locked", path)(error)),
            Err(TryLockError::WouldBlock) if waited >= LONGEST_WAIT => {
                return Err(FetchError::Busy { folder: folder.to_owned(), seconds: LONGEST_WAIT.as_secs() });
            }
            Err(TryLockError::WouldBlock) if waited.is_zero() => {
                tracing::info!("waiting for another program that fetches to `{}`", folder.display());
            }
            Err(TryLockError::WouldBlock) => {}
        }
        time::sleep(STEP).await;
        waited += STEP;
    }
}
