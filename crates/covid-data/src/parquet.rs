//! Parquet bytes from and to polars frames: the only place that knows how they are encoded.

use std::{
    io::{Cursor, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

use polars::{
    io::{
        SerReader,
        parquet::write::{BatchedWriter, KeyValueMetadata, ParquetCompression, ParquetWriter},
    },
    prelude::{DataFrame, ParquetReader},
};

use crate::TableError;

/// What every Parquet file begins and ends with.
const MAGIC: &[u8] = b"PAR1";

/// Rows of a row group, fixed so that the same content gives the same bytes.
const ROW_GROUP: usize = 1 << 18;

/// The bytes of a frame, with a note (key and value) in the footer.
pub(crate) fn write(mut frame: DataFrame, note: (&str, &str)) -> Result<Vec<u8>, TableError> {
    let mut bytes = Vec::new();
    writer(&mut bytes, note).finish(&mut frame).map_err(|error| TableError::NotWritten(error.to_string()))?;
    Ok(bytes)
}

/// A writer of frames with the columns of the first, one after the other.
pub(crate) fn begin<W: Write>(to: W, first: &DataFrame, note: (&str, &str)) -> Result<BatchedWriter<W>, TableError> {
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
pub(crate) fn read(bytes: &[u8], note: &str) -> Result<(DataFrame, Option<String>), TableError> {
    check_frame(bytes)?;
    // Bytes that were changed after they were written make some of polars' decoders panic, not fail.
    catch_unwind(AssertUnwindSafe(|| read_unguarded(bytes, note)))
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
    let unreadable = |error: polars::error::PolarsError| TableError::Unreadable(error.to_string());
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let notes = reader.get_metadata().map_err(unreadable)?.key_value_metadata().clone().unwrap_or_default();
    let value = notes.into_iter().find(|pair| pair.key == note).and_then(|pair| pair.value);
    let mut frame = reader.finish().map_err(unreadable)?;
    frame.rechunk_mut();
    Ok((frame, value))
}
