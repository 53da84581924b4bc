//! Tables to and from bytes. The same content always gives the same bytes.

use std::fmt;

use covid_core::{Date, Explain, FaultKind};

/// Why a table cannot be made, read or asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A column is shorter or longer than the first.
    #[error("column `{column}` of a table has {found} rows where the first has {expected}")]
    UnequalLengths {
        /// The column.
        column: String,
        /// Its rows.
        found: usize,
        /// The first column's rows.
        expected: usize,
    },
    /// Two columns have one name.
    #[error("a table has two columns `{0}`")]
    RepeatedColumn(String),
    /// There is no such column.
    #[error("the table has no column `{0}`")]
    MissingColumn(String),
    /// A column holds something else.
    #[error("column `{column}` of the table holds {found}, not {expected}")]
    ColumnKind {
        /// The column.
        column: String,
        /// What was asked for.
        expected: ColumnKind,
        /// What it holds.
        found: String,
    },
    /// A cell is null in a column that cannot have one.
    #[error("row {row} of column `{column}` is empty, but {kind} cannot be missing")]
    MissingValue {
        /// The column.
        column: String,
        /// The row, from 1, without the header.
        row: usize,
        /// What the column holds.
        kind: ColumnKind,
    },
    /// A cell holds a value that its column does not know.
    #[error("row {row} of column `{column}` is not {expected}")]
    BadValue {
        /// The column.
        column: &'static str,
        /// The row, from 1, without the header.
        row: usize,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// Tables that cannot stand below each other.
    #[error("tables with different columns cannot be joined")]
    DifferentColumns,
    /// Bytes that are no Parquet file, or a damaged one.
    #[error("the bytes cannot be read as a Parquet file: {0}")]
    Unreadable(String),
    /// The encoder gave up.
    #[error("the table cannot be encoded: {0}")]
    NotWritten(String),
}

impl TableError {
    /// A cell of a row, from 0, that is not what its column should hold.
    pub fn bad_value(column: &'static str, row: usize, expected: &'static str) -> Self {
        Self::BadValue { column, row: row + 1, expected }
    }
}

impl Explain for TableError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::UnequalLengths { .. } | Self::RepeatedColumn(_) | Self::NotWritten(_) => FaultKind::Unexpected,
            _ => FaultKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        (self.kind() == FaultKind::Data)
            .then(|| "the file is damaged or was not written by this program: restore it, or make it anew".into())
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// Calendar dates.
    Date,
    /// Whole numbers.
    Integer,
    /// Floating-point numbers.
    Float,
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text => "text",
            Self::Date => "dates",
            Self::Integer => "whole numbers",
            Self::Float => "numbers",
        })
    }
}

/// The cells of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Text, null where there is none.
    Text(Vec<Option<String>>),
    /// Dates: DATE in Parquet, ISO in CSV.
    Date(Vec<Date>),
    /// Whole numbers: INT64 in Parquet.
    Integer(Vec<i64>),
    /// Numbers: DOUBLE in Parquet, the shortest form that reads back exactly in CSV. NaN is a missing number: null in
    /// Parquet, empty in CSV.
    Float(Vec<f64>),
}

impl Column {
    /// What it holds.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Self::Text(_) => ColumnKind::Text,
            Self::Date(_) => ColumnKind::Date,
            Self::Integer(_) => ColumnKind::Integer,
            Self::Float(_) => ColumnKind::Float,
        }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Date(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Float(cells) => cells.len(),
        }
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A cell as it stands in CSV; nothing where it is missing.
    fn csv_cell(&self, row: usize) -> Option<String> {
        match self {
            Self::Text(cells) => cells.get(row)?.clone(),
            Self::Date(cells) => Some(cells.get(row)?.to_string()),
            Self::Integer(cells) => Some(cells.get(row)?.to_string()),
            Self::Float(cells) => Some(cells.get(row).filter(|number| !number.is_nan())?.to_string()),
        }
    }
}

/// Named columns of equal length, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
}

impl Table {
    /// A table of named columns.
    ///
    /// # Errors
    /// If the columns are not equally long, or a name is there twice.
    pub fn new<N: Into<String>>(columns: impl IntoIterator<Item = (N, Column)>) -> Result<Self, TableError> {
        let columns: Vec<(String, Column)> = columns.into_iter().map(|(name, column)| (name.into(), column)).collect();
        let expected = columns.first().map_or(0, |(_, column)| column.len());
        for (index, (name, column)) in columns.iter().enumerate() {
            if column.len() != expected {
                return Err(TableError::UnequalLengths { column: name.clone(), found: column.len(), expected });
            }
            if columns.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(TableError::RepeatedColumn(name.clone()));
            }
        }
        Ok(Self { columns })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[(String, Column)] {
        &self.columns
    }

    /// A column by name.
    ///
    /// # Errors
    /// If there is none.
    pub fn column(&self, name: &str) -> Result<&Column, TableError> {
        let found = self.columns.iter().find(|(column, _)| column == name);
        found.map(|(_, column)| column).ok_or_else(|| TableError::MissingColumn(name.to_owned()))
    }

    /// The cells of a text column.
    ///
    /// # Errors
    /// If there is no such column, or it holds something else.
    pub fn texts(&self, name: &str) -> Result<&[Option<String>], TableError> {
        match self.column(name)? {
            Column::Text(cells) => Ok(cells),
            other => Err(wrong_kind(name, ColumnKind::Text, other)),
        }
    }

    /// The cells of a date column.
    ///
    /// # Errors
    /// If there is no such column, or it holds something else.
    pub fn dates(&self, name: &str) -> Result<&[Date], TableError> {
        match self.column(name)? {
            Column::Date(cells) => Ok(cells),
            other => Err(wrong_kind(name, ColumnKind::Date, other)),
        }
    }

    /// The cells of a column of whole numbers.
    ///
    /// # Errors
    /// If there is no such column, or it holds something else.
    pub fn integers(&self, name: &str) -> Result<&[i64], TableError> {
        match self.column(name)? {
            Column::Integer(cells) => Ok(cells),
            other => Err(wrong_kind(name, ColumnKind::Integer, other)),
        }
    }

    /// The cells of a column of numbers, NaN where missing.
    ///
    /// # Errors
    /// If there is no such column, or it holds something else.
    pub fn floats(&self, name: &str) -> Result<&[f64], TableError> {
        match self.column(name)? {
            Column::Float(cells) => Ok(cells),
            other => Err(wrong_kind(name, ColumnKind::Float, other)),
        }
    }

    /// The rows that are to be kept, in their order: one answer a row.
    #[must_use]
    pub fn filter(self, keep: &[bool]) -> Self {
        fn kept<T>(cells: Vec<T>, keep: &[bool]) -> Vec<T> {
            cells.into_iter().zip(keep).filter_map(|(cell, keep)| keep.then_some(cell)).collect()
        }
        let column = |(name, column)| {
            let column = match column {
                Column::Text(cells) => Column::Text(kept(cells, keep)),
                Column::Date(cells) => Column::Date(kept(cells, keep)),
                Column::Integer(cells) => Column::Integer(kept(cells, keep)),
                Column::Float(cells) => Column::Float(kept(cells, keep)),
            };
            (name, column)
        };
        Self { columns: self.columns.into_iter().map(column).collect() }
    }

    /// The rows of several tables, one after the other; empty without a table.
    ///
    /// # Errors
    /// If they differ in the names, order or kinds of their columns.
    pub fn concat(tables: impl IntoIterator<Item = Self>) -> Result<Self, TableError> {
        let mut tables = tables.into_iter();
        let Some(mut all) = tables.next() else { return Ok(Self { columns: Vec::new() }) };
        for table in tables {
            if table.columns.len() != all.columns.len() {
                return Err(TableError::DifferentColumns);
            }
            for ((name, column), (other_name, other)) in all.columns.iter_mut().zip(table.columns) {
                match (column, other) {
                    _ if *name != other_name => return Err(TableError::DifferentColumns),
                    (Column::Text(cells), Column::Text(more)) => cells.extend(more),
                    (Column::Date(cells), Column::Date(more)) => cells.extend(more),
                    (Column::Integer(cells), Column::Integer(more)) => cells.extend(more),
                    (Column::Float(cells), Column::Float(more)) => cells.extend(more),
                    _ => return Err(TableError::DifferentColumns),
                }
            }
        }
        Ok(all)
    }

    /// The table as CSV: a header, LF line ends, fields quoted where they must be.
    ///
    /// # Errors
    /// If the encoder fails, which no table is known to bring about.
    pub fn to_csv(&self) -> Result<Vec<u8>, TableError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let not_written = |error: csv::Error| TableError::NotWritten(error.to_string());
        writer.write_record(self.columns.iter().map(|(name, _)| name)).map_err(not_written)?;
        for row in 0..self.rows() {
            let cells = self.columns.iter().map(|(_, column)| column.csv_cell(row).unwrap_or_default());
            writer.write_record(cells).map_err(not_written)?;
        }
        writer.into_inner().map_err(|error| TableError::NotWritten(error.to_string()))
    }
}

fn wrong_kind(column: &str, expected: ColumnKind, found: &Column) -> TableError {
    TableError::ColumnKind { column: column.to_owned(), expected, found: found.kind().to_string() }
}
