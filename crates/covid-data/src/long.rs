//! Long tables: one row a place and day, in CSV or Parquet, whoever wrote them.

#[cfg(feature = "tables")]
mod columnar;
mod columns;
mod dates;
mod delimited;
mod rows;

use std::path::Path;

use covid_core::Panel;

use self::{columns::Columns, rows::Rows};
pub(crate) use self::{
    columns::{PlaceColumns, place},
    dates::DateTexts,
};
use crate::{
    DataError, FileFault, Remark,
    source::{Findings, LoadOptions, Read, Source, SourceKind},
    text,
};

/// A file with one row a place and day.
pub(crate) struct LongTable;

impl Source for LongTable {
    fn kind(&self) -> SourceKind {
        SourceKind::LongTable
    }

    fn dataset(&self, path: &Path) -> String {
        dataset_name(path)
    }

    /// Any file: what it lacks of a long table, its reader says.
    fn recognise(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn read(&self, path: &Path, options: &LoadOptions) -> Result<Read, DataError> {
        read(path, options)
    }
}

/// Reads a file into a panel. Days and places that have no row are missing.
pub(crate) fn read(path: &Path, options: &LoadOptions) -> Result<Read, DataError> {
    let bytes = text::read_file(path)?;
    // Without the feature, a Parquet file is refused like any other that is no text.
    #[cfg(feature = "tables")]
    if crate::parquet::is_parquet(&bytes) {
        return columnar::read(&bytes, path, options);
    }
    let rows = delimited::read(bytes, options).map_err(|fault| DataError::InFile { file: path.to_owned(), fault })?;
    into_panel(rows, path)
}

fn into_panel(rows: Rows, path: &Path) -> Result<Read, DataError> {
    let in_file = |fault: FileFault| DataError::InFile { file: path.to_owned(), fault };
    let remark = |text: &String| Remark { file: path.to_owned(), text: text.clone() };
    let remarks = rows.remarks.iter().map(remark).collect();
    let negative = rows.negative(path);
    let without_coordinates = rows.without_coordinates();
    let dense = rows.into_dense().map_err(|fault| in_file(fault.into()))?;
    let panel = Panel::new(dense.locations, dense.start, dense.days, dense.values)?;
    let findings = Findings { remarks, negative, duplicate_rows: dense.duplicate_rows, without_coordinates };
    Ok(Read { findings, ..Read::from(panel) })
}

/// The name of a file or folder without its endings, in the letters that the name of a dataset may have.
pub(crate) fn dataset_name(path: &Path) -> String {
    // `.` and `..` have a name, too.
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let mut stem = name.as_ref();
    for ending in [".gz", ".csv", ".tsv", ".txt", ".parquet"] {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let plain: String = stem.chars().map(allowed).take(100).collect();
    match plain.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()) {
        "" => "table".into(),
        // The names of other sources: their models know nothing of this table.
        own @ ("sample" | "jhu") => format!("{own}-table"),
        own => own.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dataset_is_named_after_the_file() {
        for (path, name) in [
            ("x/visits.csv", "visits"),
            ("visits 2020 (new).csv.gz", "visits-2020--new-"),
            ("no/such/covid19-global-forecasting-week-2", "covid19-global-forecasting-week-2"),
            ("Übersicht.parquet", "bersicht"),
            ("--.csv", "table"),
            ("jhu.csv", "jhu-table"),
        ] {
            assert_eq!(dataset_name(Path::new(path)), name);
        }
    }
}
