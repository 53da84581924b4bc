//! Objects as files in a folder of this machine.

use std::{
    cmp::Ordering,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use covid_core::sha256_hex;
use tempfile::NamedTempFile;

use crate::{
    ETag, ListPage, Object, ObjectMeta, ObjectStore, PAGE_SIZE, PutMode, StorageError, check_key,
    key::{RESERVED, fault_of_part},
    store::into_page,
};

/// Objects as files under a folder, which the first write creates.
///
/// Several programs may use one folder at once. A write goes to a temporary file beside its target, which is then
/// renamed; a program that is killed in between leaves that file behind, and no listing shows it. Symbolic links below
/// the folder are refused: they could lead out of it.
#[derive(Debug, Clone)]
pub struct FolderStore {
    root: PathBuf,
    page_size: usize,
}

impl FolderStore {
    /// The store in a folder, which need not be there.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), page_size: PAGE_SIZE }
    }

    /// The same store with so many objects on a page of a listing, at least one.
    pub fn with_page_size(mut self, page_size: usize) -> Self {
        self.page_size = page_size.max(1);
        self
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Runs file work where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(done) => done,
            Err(cause) => Err(StorageError::Stopped { uri: self.uri(), cause }),
        }
    }

    fn read(&self, key: &str) -> Result<Object, StorageError> {
        let path = self.path(key)?;
        match fs::read(&path) {
            Ok(content) => Ok(Object { etag: ETag(sha256_hex(&content)), bytes: content.into() }),
            Err(cause) if is_absent(&cause) || path.is_dir() => Err(self.not_found(key)),
            Err(cause) => Err(io_error("read", &path, cause)),
        }
    }

    fn write(&self, key: &str, bytes: &[u8], mode: &PutMode) -> Result<ETag, StorageError> {
        let path = self.path(key)?;
        if *mode == PutMode::CreateOnly && path.is_file() {
            return Err(self.already_exists(key));
        }
        let folder = path.parent().unwrap_or(&self.root);
        create_folder(folder, key)?;
        let temporary = write_temporary(folder, bytes)?;
        match mode {
            PutMode::CreateOnly => self.create(key, temporary, &path)?,
            PutMode::Overwrite => {
                let _lock = self.lock_shared()?;
                replace(key, temporary, &path)?;
            }
            PutMode::IfMatch(seen) => {
                let _lock = self.lock_exclusive()?;
                self.check_unchanged(key, seen)?;
                replace(key, temporary, &path)?;
            }
        }
        sync_folder(folder);
        Ok(ETag(sha256_hex(bytes)))
    }

    /// Gives a temporary file its name if nobody has it: the operating system decides between two that try.
    fn create(&self, key: &str, temporary: NamedTempFile, path: &Path) -> Result<(), StorageError> {
        match temporary.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(_) if path.is_dir() => Err(is_folder(key)),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => Err(self.already_exists(key)),
            Err(failed) => Err(io_error("created", path, failed.error)),
        }
    }

    fn check_unchanged(&self, key: &str, seen: &ETag) -> Result<(), StorageError> {
        let changed = match self.read(key) {
            Ok(found) => found.etag != *seen,
            Err(StorageError::NotFound { .. }) => true,
            Err(other) => return Err(other),
        };
        if changed { Err(StorageError::Changed { key: key.to_owned(), uri: self.uri() }) } else { Ok(()) }
    }

    fn remove(&self, key: &str) -> Result<(), StorageError> {
        let path = self.path(key)?;
        if !path.is_file() {
            return Ok(());
        }
        let _lock = self.lock_shared()?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(cause) if is_absent(&cause) => Ok(()),
            Err(cause) if is_refusal(&cause) => Err(StorageError::Unwritable { path, cause }),
            Err(cause) => Err(io_error("removed", &path, cause)),
        }
    }

    fn page(&self, prefix: &str, after: Option<&str>) -> Result<ListPage, StorageError> {
        let mut listing =
            Listing { prefix, after: after.unwrap_or(""), limit: self.page_size.saturating_add(1), objects: vec![] };
        listing.walk(&self.root, "")?;
        Ok(into_page(listing.objects, self.page_size))
    }

    /// The file of a key, which is under the root and not behind a symbolic link.
    fn path(&self, key: &str) -> Result<PathBuf, StorageError> {
        check_key(key)?;
        let mut path = self.root.clone();
        for part in key.split('/') {
            path.push(part);
            if path.is_symlink() {
                let reason = format!("{} is a symbolic link", path.display());
                return Err(StorageError::BadKey { key: key.to_owned(), reason });
            }
        }
        Ok(path)
    }

    /// Held by a writer between its look at an object and its rename: nobody else writes meanwhile.
    fn lock_exclusive(&self) -> Result<File, StorageError> {
        let (file, path) = self.lock_file()?;
        file.lock().map_err(|cause| io_error("locked", &path, cause))?;
        Ok(file)
    }

    /// Held by writers that need not look first: they do not wait for each other, only for an exclusive lock.
    fn lock_shared(&self) -> Result<File, StorageError> {
        let (file, path) = self.lock_file()?;
        match file.lock_shared() {
            Ok(()) => Ok(file),
            // Where locks are not supported, nobody can hold the exclusive one either.
            Err(cause) if cause.kind() == io::ErrorKind::Unsupported => Ok(file),
            Err(cause) => Err(io_error("locked", &path, cause)),
        }
    }

    fn lock_file(&self) -> Result<(File, PathBuf), StorageError> {
        let path = self.root.join(format!("{RESERVED}lock"));
        let opened = File::options().read(true).append(true).create(true).open(&path);
        match opened {
            Ok(file) => Ok((file, path)),
            Err(cause) if is_refusal(&cause) => Err(StorageError::Unwritable { path: self.root.clone(), cause }),
            Err(cause) => Err(io_error("opened", &path, cause)),
        }
    }

    fn not_found(&self, key: &str) -> StorageError {
        StorageError::NotFound { key: key.to_owned(), uri: self.uri() }
    }

    fn already_exists(&self, key: &str) -> StorageError {
        StorageError::AlreadyExists { key: key.to_owned(), uri: self.uri() }
    }
}

#[async_trait]
impl ObjectStore for FolderStore {
    fn uri(&self) -> String {
        format!("file:{}", self.root.display())
    }

    async fn get(&self, key: &str) -> Result<Object, StorageError> {
        let key = key.to_owned();
        self.blocking(move |store| store.read(&key)).await
    }

    async fn put(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<ETag, StorageError> {
        let key = key.to_owned();
        self.blocking(move |store| store.write(&key, &bytes, &mode)).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<ListPage, StorageError> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.blocking(move |store| store.page(&prefix, after.as_deref())).await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let key = key.to_owned();
        self.blocking(move |store| store.remove(&key)).await
    }
}

/// A walk over the tree in the order of the keys' bytes, which visits only folders that can hold what is asked for.
struct Listing<'q> {
    prefix: &'q str,
    after: &'q str,
    limit: usize,
    objects: Vec<ObjectMeta>,
}

/// A file or folder. A folder's key ends with `/`, so that entries sort as the keys below them do.
struct Entry {
    key: String,
    path: PathBuf,
    is_folder: bool,
}

impl Listing<'_> {
    fn walk(&mut self, folder: &Path, folder_key: &str) -> Result<(), StorageError> {
        let mut entries = self.entries(folder, folder_key)?;
        entries.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        for entry in entries {
            if self.objects.len() >= self.limit {
                break;
            }
            if entry.is_folder {
                self.walk(&entry.path, &entry.key)?;
            } else {
                self.visit(entry)?;
            }
        }
        Ok(())
    }

    fn visit(&mut self, entry: Entry) -> Result<(), StorageError> {
        match fs::symlink_metadata(&entry.path).and_then(|metadata| Ok((metadata.len(), metadata.modified()?))) {
            Ok((size, modified)) => self.objects.push(ObjectMeta { key: entry.key, size, modified }),
            // Removed since its folder was read.
            Err(cause) if is_absent(&cause) => {}
            Err(cause) => return Err(io_error("read", &entry.path, cause)),
        }
        Ok(())
    }

    fn entries(&self, folder: &Path, folder_key: &str) -> Result<Vec<Entry>, StorageError> {
        let found = match fs::read_dir(folder) {
            Ok(found) => found,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(_) if folder.is_file() => return Err(StorageError::NotAFolder { path: folder.to_owned() }),
            Err(cause) => return Err(io_error("listed", folder, cause)),
        };
        let mut entries = Vec::new();
        for entry in found {
            let entry = entry.map_err(|cause| io_error("listed", folder, cause))?;
            entries.extend(as_entry(&entry, folder_key).filter(|entry| self.wants(entry)));
        }
        Ok(entries)
    }

    fn wants(&self, entry: &Entry) -> bool {
        let key = entry.key.as_str();
        if entry.is_folder {
            let may_match = key.starts_with(self.prefix) || self.prefix.starts_with(key);
            let may_follow = key.as_bytes().cmp(self.after.as_bytes()) != Ordering::Less || self.after.starts_with(key);
            may_match && may_follow
        } else {
            key.starts_with(self.prefix) && key > self.after
        }
    }
}

/// A file or folder that a key can name; none for links, temporary files and whatever else lies there.
fn as_entry(entry: &fs::DirEntry, folder_key: &str) -> Option<Entry> {
    let name = entry.file_name().into_string().ok()?;
    if fault_of_part(&name).is_some() {
        return None;
    }
    let kind = entry.file_type().ok()?;
    let is_folder = kind.is_dir();
    let slash = if is_folder { "/" } else { "" };
    (is_folder || kind.is_file()).then(|| Entry {
        key: format!("{folder_key}{name}{slash}"),
        path: entry.path(),
        is_folder,
    })
}

fn create_folder(folder: &Path, key: &str) -> Result<(), StorageError> {
    match fs::create_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::StorageFull => Err(io_error("created", folder, cause)),
        Err(cause) => match first_file(folder, key) {
            Some(reason) => Err(StorageError::BadKey { key: key.to_owned(), reason }),
            None => Err(StorageError::Unwritable { path: folder.to_owned(), cause }),
        },
    }
}

/// Says so if a key's folder cannot be created because an object of this store is in its place.
fn first_file(folder: &Path, key: &str) -> Option<String> {
    let parts = key.split('/').count() - 1;
    let object = folder.ancestors().take(parts).find(|ancestor| ancestor.is_file())?;
    Some(format!("its folder {} is an object", object.display()))
}

/// Writes bytes, through to the disk, to a file that vanishes unless it is given a name.
fn write_temporary(folder: &Path, bytes: &[u8]) -> Result<NamedTempFile, StorageError> {
    let mut temporary = match new_temporary(folder) {
        Ok(temporary) => temporary,
        Err(cause) if is_refusal(&cause) => return Err(StorageError::Unwritable { path: folder.to_owned(), cause }),
        Err(cause) => return Err(io_error("written to", folder, cause)),
    };
    // Through to the disk before the rename: else a crash could leave the new name with no content.
    match temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all()) {
        Ok(()) => Ok(temporary),
        Err(cause) => Err(io_error("written", temporary.path(), cause)),
    }
}

fn new_temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let prefix = format!("{RESERVED}tmp-");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    // A temporary file is private by default; an object is as readable as the user's other files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn replace(key: &str, temporary: NamedTempFile, path: &Path) -> Result<(), StorageError> {
    match temporary.persist(path) {
        Ok(_) => Ok(()),
        Err(_) if path.is_dir() => Err(is_folder(key)),
        Err(failed) => Err(io_error("replaced", path, failed.error)),
    }
}

/// Makes a rename survive a power cut. Some file systems cannot do this for a folder, and need not: best effort.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Nothing is there, or a file is where a folder would have to be.
fn is_absent(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The user may not write here.
fn is_refusal(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn is_folder(key: &str) -> StorageError {
    StorageError::BadKey { key: key.to_owned(), reason: "it is the folder of other objects".to_owned() }
}

fn io_error(action: &'static str, path: &Path, cause: io::Error) -> StorageError {
    StorageError::Io { action, path: path.to_owned(), cause }
}
