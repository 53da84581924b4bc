//! The beginning of a file, and a note of the version that it is the beginning of.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use covid_http::{Held, Sink, Validators};
use serde::{Deserialize, Serialize};

use crate::write_file;

/// The version of the note. A beginning under another one is worth nothing.
const FORMAT: u32 = 1;

/// `<file>.partial`, with its note `<file>.partial.json`.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    note: PathBuf,
    /// The address, without secrets.
    url: String,
    /// Open once there is something to write.
    file: Option<File>,
    held: Option<Held>,
}

/// What is known of a beginning.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    format: u32,
    url: String,
    etag: Option<String>,
    last_modified: Option<String>,
}

impl Partial {
    /// The beginning of a file from an address that an earlier fetch may have left.
    pub(super) fn open(folder: &Path, name: &str, url: String) -> Self {
        let path = folder.join(format!("{name}.partial"));
        let note = folder.join(format!("{name}.partial.json"));
        let held = held(&path, &note, &url);
        Self { path, note, url, file: None, held }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Brings what was written to the disk, so that the file may take its name.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |file| file.sync_all())
    }

    /// Removes it: what it holds is not a beginning of what was asked for, or has been taken away.
    pub(super) fn discard(&mut self) {
        (self.file, self.held) = (None, None);
        // Best effort, the note first: a beginning without one is not used.
        let _ = fs::remove_file(&self.note);
        let _ = fs::remove_file(&self.path);
    }
}

fn held(path: &Path, note: &Path, url: &str) -> Option<Held> {
    let note: Note = serde_json::from_slice(&fs::read(note).ok()?).ok()?;
    if note.format != FORMAT || note.url != url {
        return None;
    }
    let bytes = fs::metadata(path).ok()?.len();
    Some(Held { bytes, validators: Validators { etag: note.etag, last_modified: note.last_modified } })
}

impl Sink for Partial {
    fn held(&self) -> Option<Held> {
        self.held.clone().filter(|held| held.bytes > 0)
    }

    fn restart(&mut self, validators: &Validators) -> io::Result<()> {
        // In this order, so that a beginning of one version never has the note of another, wherever this is cut off.
        (self.file, self.held) = (None, None);
        match fs::remove_file(&self.note) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.file = Some(File::create(&self.path)?);
        let Validators { etag, last_modified } = validators.clone();
        let note = Note { format: FORMAT, url: self.url.clone(), etag, last_modified };
        write_file(&self.note, &serde_json::to_vec(&note)?)?;
        self.held = Some(Held { bytes: 0, validators: validators.clone() });
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(OpenOptions::new().append(true).open(&self.path)?);
        }
        if let (Some(file), Some(held)) = (&mut self.file, &mut self.held) {
            file.write_all(bytes)?;
            held.bytes += bytes.len() as u64;
        }
        Ok(())
    }
}
