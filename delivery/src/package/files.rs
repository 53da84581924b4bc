//! The files of a package: names, sizes, checksums.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use ring::digest::{Context, SHA256};
use serde::Serialize;

use super::PackageError;

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PackagedFile {
    /// From the package's folder on, with `/`.
    pub(crate) path: String,
    /// In bytes.
    pub(crate) size: u64,
    /// In hexadecimal.
    pub(crate) sha256: String,
}

impl PackagedFile {
    /// Looks at a file below a folder.
    pub(super) fn of(folder: &Path, path: String) -> Result<Self, PackageError> {
        let file = folder.join(&path);
        let summed = File::open(&file).and_then(sha256);
        let (size, sha256) = summed.map_err(PackageError::io("read", file))?;
        Ok(Self { path, size, sha256 })
    }
}

/// Writes a text below a folder, with the folders between.
pub(super) fn write(folder: &Path, name: &str, text: &str) -> Result<(), PackageError> {
    let path = folder.join(name);
    let above = path.parent().unwrap_or(folder);
    fs::create_dir_all(above).map_err(PackageError::io("make the folder", above))?;
    fs::write(&path, text).map_err(PackageError::io("write", path))
}

/// The files below a folder, sorted by path.
pub(super) fn below(folder: &Path) -> Result<Vec<PackagedFile>, PackageError> {
    let mut paths = Vec::new();
    collect(folder, "", &mut paths)?;
    paths.sort();
    paths.into_iter().map(|path| PackagedFile::of(folder, path)).collect()
}

fn collect(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<(), PackageError> {
    for entry in fs::read_dir(folder).map_err(PackageError::io("read the folder", folder))? {
        let path = entry.map_err(PackageError::io("read the folder", folder))?.path();
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
        match path.is_dir() {
            true => collect(&path, &format!("{name}/"), paths)?,
            false => paths.push(name),
        }
    }
    Ok(())
}

/// As `sha256sum` writes them and `sha256sum --check` reads them.
pub(super) fn sums(files: &[PackagedFile]) -> String {
    files.iter().map(|file| format!("{}  {}\n", file.sha256, file.path)).collect()
}

/// The length of a file in bytes, and its SHA-256 in hexadecimal. Programs are large, and ring is quick in a debug build, too.
fn sha256(mut file: File) -> io::Result<(u64, String)> {
    let (mut digest, mut size, mut buffer) = (Context::new(&SHA256), 0, vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => {
                digest.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
    Ok((size, digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()))
}
