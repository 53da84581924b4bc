//! Files that are whole or not there.

use std::{fs, io, io::Write as _, path::Path};

/// Writes a file beside its place, and then puts the whole there: a reader finds the old file or the new one.
///
/// # Errors
/// If the file cannot be written; nothing is left of it then.
pub fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    let partial = path.with_file_name(name);
    let written = write_synced(&partial, content).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // Best effort: the first error is the one to tell.
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}
