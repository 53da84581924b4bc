//! A table that is written in parts, so that it need not be in memory whole.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use polars::io::parquet::write::BatchedWriter;

use super::{begin, table::FORMAT};
use crate::{Table, TableError};

/// A `.csv` or `.parquet` file that is whole when it is finished, and not there before.
pub struct TableFile {
    path: PathBuf,
    partial: PathBuf,
    format: Format,
}

enum Format {
    Csv {
        file: BufWriter<File>,
        begun: bool,
    },
    /// The writer is made with the first part, which names the columns.
    Parquet {
        file: Option<File>,
        writer: Option<Box<BatchedWriter<File>>>,
    },
}

/// Why a part cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TableFileError {
    /// The file system says no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The encoder says no.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TableFile {
    /// Begins a file beside its place: CSV, or Parquet where the name ends so.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".partial-{}", std::process::id()));
        let partial = path.with_file_name(name);
        let file = File::create(&partial)?;
        let format = match path.extension().is_some_and(|ending| ending == "parquet") {
            true => Format::Parquet { file: Some(file), writer: None },
            false => Format::Csv { file: BufWriter::new(file), begun: false },
        };
        Ok(Self { path: path.to_owned(), partial, format })
    }

    /// Writes a part; all parts have the same columns. In Parquet it is a row group.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn append(&mut self, part: &Table) -> Result<(), TableFileError> {
        match &mut self.format {
            Format::Csv { file, begun } => {
                let bytes = part.to_csv()?;
                let header = bytes.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                let from = if std::mem::replace(begun, true) { header } else { 0 };
                Ok(file.write_all(&bytes[from..])?)
            }
            Format::Parquet { file, writer } => {
                let frame = part.to_frame()?;
                if let Some(file) = file.take() {
                    *writer = Some(Box::new(begin(file, &frame, FORMAT)?));
                }
                let failed = |error: polars::error::PolarsError| TableError::NotWritten(error.to_string());
                let Some(writer) = writer else { return Ok(()) };
                Ok(writer.write_batch(&frame).map_err(failed)?)
            }
        }
    }

    /// Puts the whole file into its place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(), TableFileError> {
        match &mut self.format {
            Format::Csv { file, .. } => {
                file.flush()?;
                file.get_ref().sync_all()?;
            }
            Format::Parquet { file, writer } => {
                if let Some(file) = file.take() {
                    // No part at all: an empty table.
                    drop(file);
                    fs::write(&self.partial, Table::new(Vec::<(String, crate::Column)>::new())?.to_parquet()?)?;
                }
                if let Some(writer) = writer {
                    writer.finish().map_err(|error| TableError::NotWritten(error.to_string()))?;
                }
            }
        }
        Ok(fs::rename(&self.partial, &self.path)?)
    }
}

impl Drop for TableFile {
    fn drop(&mut self) {
        // After it was finished there is none; else nobody wants half of it.
        let _ = fs::remove_file(&self.partial);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    fn part(numbers: [f64; 2]) -> Table {
        Table::new([("place", Column::Text(vec![Some("a, b".into()), None])), ("x", Column::Float(numbers.to_vec()))])
            .unwrap()
    }

    #[test]
    fn parts_make_one_table_and_nothing_is_there_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["t.csv", "t.parquet"] {
            let path = folder.path().join(name);
            let mut file = TableFile::create(&path).unwrap();
            file.append(&part([1.0, 2.0])).unwrap();
            file.append(&part([3.0, 4.5])).unwrap();
            assert!(!path.exists());
            file.finish().unwrap();
            let whole = Table::concat([part([1.0, 2.0]), part([3.0, 4.5])]).unwrap();
            let bytes = fs::read(&path).unwrap();
            match name {
                "t.csv" => assert_eq!(bytes, whole.to_csv().unwrap()),
                _ => assert_eq!(Table::from_parquet(&bytes).unwrap(), whole),
            }
        }
        let dropped = TableFile::create(&folder.path().join("u.csv")).unwrap();
        drop(dropped);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no partial file stays");
    }
}
