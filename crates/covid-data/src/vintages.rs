//! A folder of dated vintages: sources as they were published on several days, each in a subfolder named by its day.

use std::{
    fs,
    path::{Path, PathBuf},
};

use covid_core::Date;

use crate::{
    DataError,
    source::{LoadOptions, Read, Source, SourceKind, dataset_of, find},
};

/// A folder whose subfolders `YYYY-MM-DD` are sources. The newest one that is not after the as-of date is read; without
/// an as-of date, the newest.
pub(crate) struct Vintages;

impl Source for Vintages {
    fn kind(&self) -> SourceKind {
        SourceKind::Vintages
    }

    /// That of the newest vintage.
    fn dataset(&self, path: &Path) -> String {
        let newest = vintages(path).pop();
        newest.and_then(|(_, folder)| dataset_of(&folder)).unwrap_or_else(|| "jhu".into())
    }

    /// One vintage that can be read is enough; one that cannot is named when it is chosen.
    fn recognise(&self, path: &Path) -> bool {
        let options = LoadOptions::default();
        vintages(path)
            .iter()
            .any(|(_, folder)| find(folder, &options).is_some_and(|source| source.kind() != self.kind()))
    }

    fn read(&self, path: &Path, options: &LoadOptions) -> Result<Read, DataError> {
        let (date, folder) = choose(path, vintages(path), options.as_of)?;
        let source = find(&folder, options).filter(|source| source.kind() != self.kind());
        let source = source.ok_or_else(|| DataError::UnknownSource { path: folder.clone() })?;
        let read = source.read(&folder, options)?;
        Ok(Read { detail: Some(format!("vintage of {date}")), ..read })
    }
}

/// The dated subfolders, oldest first.
fn vintages(path: &Path) -> Vec<(Date, PathBuf)> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let dated = entries.filter_map(|entry| {
        let date: Date = entry.file_name().to_str().filter(|name| name.len() == 10)?.parse().ok()?;
        entry.path().is_dir().then(|| (date, entry.path()))
    });
    let mut vintages: Vec<_> = dated.collect();
    vintages.sort_unstable();
    vintages
}

fn choose(path: &Path, vintages: Vec<(Date, PathBuf)>, as_of: Option<Date>) -> Result<(Date, PathBuf), DataError> {
    let range = vintages.first().map(|(first, _)| *first).zip(vintages.last().map(|(last, _)| *last));
    let in_time = vintages.into_iter().rfind(|(date, _)| as_of.is_none_or(|as_of| *date <= as_of));
    in_time.ok_or_else(|| match (range, as_of) {
        (Some((first, last)), Some(as_of)) => DataError::NoVintage { path: path.to_owned(), as_of, first, last },
        _ => DataError::UnknownSource { path: path.to_owned() },
    })
}
