//! Files that are locked as long as a process lives.
//!
//! The operating system lets go of a lock when its holder ends, however that comes about: what a process left unfinished can
//! so be told from what it is still at, without a look at process numbers, which are used again.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// A lock that this process holds.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes a lock; none if somebody has it. The file and its folder are created if they are not there.
    pub(crate) fn take(path: PathBuf) -> io::Result<Option<Self>> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }

    /// Gives it back and removes the file: for a name that is used once.
    pub(crate) fn remove(self) {
        // A file that stays is no harm: nobody holds it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether somebody holds a lock.
pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(cause)) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/one");
        assert!(!is_held(&path).unwrap());
        let lock = Lock::take(path.clone()).unwrap().unwrap();
        assert!(is_held(&path).unwrap() && Lock::take(path.clone()).unwrap().is_none());
        drop(lock);
        assert!(!is_held(&path).unwrap());
        Lock::take(path.clone()).unwrap().unwrap().remove();
        assert!(!path.exists());
    }
}
