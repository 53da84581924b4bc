//! Parquet bytes from and to polars frames, and what is kept in them: with the reader of long tables, the only modules that
//! know polars. They are left out without the feature `tables`.

mod table;
mod table_file;
mod vintage;

use std::{
    io::{Cursor, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

use polars::{
    error::PolarsError,
    io::{
        SerReader,
        parquet::write::{BatchedWriter, KeyValueMetadata, ParquetCompression, ParquetWriter},
    },
    prelude::{ArrowDataType, ArrowSchema, DataFrame, ParquetReader},
};

pub(crate) use self::{table::date_of_epoch_day, vintage::is_vintage};
pub use self::{
    table_file::{TableFile, TableFileError},
    vintage::{panel_from_parquet, panel_to_parquet},
};
use crate::{RowFault, TableError};

/// What every Parquet file begins and ends with.
const MAGIC: &[u8] = b"PAR1";

/// Rows of a row group, fixed so that the same content gives the same bytes.
const ROW_GROUP: usize = 1 << 18;

/// The bytes of a frame, with a note (key and value) in the footer.
fn write(mut frame: DataFrame, note: (&str, &str)) -> Result<Vec<u8>, TableError> {
    let mut bytes = Vec::new();
    writer(&mut bytes, note).finish(&mut frame).map_err(|error| TableError::NotWritten(error.to_string()))?;
    Ok(bytes)
}

/// A writer of frames with the columns of the first, one after the other.
fn begin<W: Write>(to: W, first: &DataFrame, note: (&str, &str)) -> Result<BatchedWriter<W>, TableError> {
    writer(to, note).batched(first.schema()).map_err(|error| TableError::NotWritten(error.to_string()))
}

fn writer<W: Write>(to: W, note: (&str, &str)) -> ParquetWriter<W> {
    ParquetWriter::new(to)
        // Read by everything that reads Parquet, and several times as fast to write as Zstd.
        .with_compression(ParquetCompression::Snappy)
        .with_row_group_size(Some(ROW_GROUP))
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(vec![(note.0.into(), note.1.into())])))
}

/// The frame that the bytes hold, and the value of a note in the footer, if it is there.
fn read(bytes: &[u8], note: &str) -> Result<(DataFrame, Option<String>), TableError> {
    guarded(bytes, || read_unguarded(bytes, note))
}

fn guarded<T>(bytes: &[u8], read: impl FnOnce() -> Result<T, TableError>) -> Result<T, TableError> {
    check_frame(bytes)?;
    // Bytes that were changed after they were written make some of polars' decoders panic, not fail.
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(TableError::Unreadable("its content is damaged".into())))
}

/// The marks at both ends and the length of the footer, before anything trusts them.
fn check_frame(bytes: &[u8]) -> Result<(), TableError> {
    if bytes.len() < 12 || !bytes.starts_with(MAGIC) {
        return Err(TableError::Unreadable("it does not begin as a Parquet file does".into()));
    }
    if !bytes.ends_with(MAGIC) {
        return Err(TableError::Unreadable("its end is missing".into()));
    }
    Ok(())
}

fn read_unguarded(bytes: &[u8], note: &str) -> Result<(DataFrame, Option<String>), TableError> {
    let mut reader = open(bytes)?;
    let notes = reader.get_metadata().map_err(unreadable)?.key_value_metadata().clone().unwrap_or_default();
    let value = notes.into_iter().find(|pair| pair.key == note).and_then(|pair| pair.value);
    let mut frame = reader.finish().map_err(unreadable)?;
    frame.rechunk_mut();
    Ok((frame, value))
}

/// Rows that any file may claim to have.
const ROWS_ALWAYS: usize = 4 << 20;

/// Rows that a file may claim for a byte. Rows of equal content need next to no bytes, so that a small file could
/// otherwise ask for more than a machine has; tables of real counts take a byte a row at least.
const ROWS_A_BYTE: usize = 16;

fn open(bytes: &[u8]) -> Result<ParquetReader<Cursor<&[u8]>>, TableError> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let rows = reader.get_metadata().map_err(unreadable)?.num_rows;
    if rows > ROWS_ALWAYS.max(bytes.len().saturating_mul(ROWS_A_BYTE)) {
        let why = format!("it claims to have {rows} rows, too many for its {} bytes", bytes.len());
        return Err(TableError::Unreadable(why));
    }
    Ok(reader)
}

/// The first line of what polars says.
fn unreadable(error: PolarsError) -> TableError {
    TableError::Unreadable(error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// Whether a file is meant to be in Parquet.
pub(crate) fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The value of a note in the footer of a file, if both are there.
fn note(bytes: &[u8], note: &str) -> Option<String> {
    let read = || {
        let mut reader = open(bytes).ok()?;
        let notes = reader.get_metadata().ok()?.key_value_metadata().clone()?;
        notes.into_iter().find(|pair| pair.key == note)?.value
    };
    check_frame(bytes).ok()?;
    catch_unwind(AssertUnwindSafe(read)).ok()?
}

/// The names of the columns of a file that somebody else may have written.
pub(crate) fn column_names(bytes: &[u8]) -> Result<Vec<String>, TableError> {
    guarded(bytes, || {
        let schema = open(bytes)?.schema().map_err(unreadable)?;
        Ok(schema.iter_names().map(|name| name.to_string()).collect())
    })
}

/// Some columns of a file that somebody else may have written.
pub(crate) fn read_columns(bytes: &[u8], names: Vec<String>) -> Result<DataFrame, RowFault> {
    guarded(bytes, || Ok(check_types(open(bytes)?.schema().map_err(unreadable)?.as_ref(), &names)))
        .map_err(|error| fault(&error))??;
    let frame = guarded(bytes, || {
        let mut frame = open(bytes)?.with_columns(Some(names)).finish().map_err(unreadable)?;
        frame.rechunk_mut();
        Ok(frame)
    });
    frame.map_err(|error| fault(&error))
}

/// Refuses columns of types that no column of a table of counts needs, and that polars is built here without.
fn check_types(schema: &ArrowSchema, names: &[String]) -> Result<(), RowFault> {
    for name in names {
        if let Some(field) = schema.get(name.as_str()).filter(|field| !is_plain(field.dtype())) {
            let (column, found) = (name.clone(), format!("{:?}", field.dtype()));
            return Err(RowFault::ColumnType { column, found, expected: "names, dates or counts" });
        }
    }
    Ok(())
}

fn is_plain(dtype: &ArrowDataType) -> bool {
    use ArrowDataType::*;
    match dtype {
        Dictionary(_, values, _) => is_plain(values),
        Null | Boolean | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float32 | Float64 => true,
        Utf8 | LargeUtf8 | Utf8View | Date32 | Date64 | Timestamp(..) => true,
        _ => false,
    }
}

/// What is wrong with a file that cannot be read, said of a file.
pub(crate) fn fault(error: &TableError) -> RowFault {
    match error {
        TableError::Unreadable(cause) => RowFault::NotParquet { cause: cause.clone() },
        other => RowFault::NotParquet { cause: other.to_string() },
    }
}
