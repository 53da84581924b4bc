//! What can be wrong in a table with one row a place and day.

use covid_core::Date;

/// What is wrong in a table with one row a place and day: a daily report, a long table, Kaggle's files. Rows are counted
/// from 1: lines of a text with its header, rows of a Parquet file without one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RowFault {
    /// A column that is needed is not there.
    #[error("the header has no column `{wanted}`, only {there}")]
    MissingColumn {
        /// Its name.
        wanted: String,
        /// The names of the columns that are there.
        there: String,
        /// What to do next.
        hint: &'static str,
    },
    /// A column that is needed is there twice.
    #[error("the header has two columns `{column}`")]
    RepeatedColumn {
        /// The name of the second.
        column: String,
    },
    /// A column holds daily counts.
    #[error("column `{column}` holds the counts of each day, as in Kaggle's week 5, not cumulative ones")]
    NotCumulative {
        /// Its name.
        column: String,
    },
    /// One column is named for cases and for deaths.
    #[error("column `{column}` is named for cases and for deaths")]
    SameColumn {
        /// Its name.
        column: String,
    },
    /// A column of a Parquet file has a type that cannot be read as what it should be.
    #[error("column `{column}` is of type {found}, which does not hold {expected}")]
    ColumnType {
        /// Its name.
        column: String,
        /// Its type.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A header and nothing below it.
    #[error("there is a header, but no row below it")]
    NoRows,
    /// A cell that must not be empty.
    #[error("row {row} has nothing in column `{column}`")]
    EmptyCell {
        /// The row.
        row: usize,
        /// Name of the column.
        column: String,
    },
    /// A cell that is no date.
    #[error("row {row}, column `{column}` holds `{text}`, which is not a date")]
    NotADate {
        /// The row.
        row: usize,
        /// Name of the column.
        column: String,
        /// The cell, shortened.
        text: String,
    },
    /// Dates that no one order of day, month and year can read.
    #[error("row {first} (`{first_text}`) and row {second} (`{second_text}`) write dates in different orders")]
    MixedDates {
        /// The first row.
        first: usize,
        /// Its date.
        first_text: String,
        /// The first row that differs.
        second: usize,
        /// Its date.
        second_text: String,
    },
    /// Most days between the first and the last date have no row.
    #[error("only {dates} of the {days} days from {first} to {last} are there")]
    SparseDates {
        /// Dates that are there.
        dates: usize,
        /// Days from the first to the last.
        days: usize,
        /// First date.
        first: Date,
        /// Last date.
        last: Date,
    },
    /// Far fewer rows than a panel of their places and days has.
    #[error("{rows} rows are too few for {locations} locations on {days} days")]
    SparseRows {
        /// Rows.
        rows: usize,
        /// Different places.
        locations: usize,
        /// Days from the first to the last.
        days: usize,
    },
    /// A Parquet file that cannot be read.
    #[error("the Parquet file cannot be read: {cause}")]
    NotParquet {
        /// Why.
        cause: String,
    },
    /// Two rows for one place and date with different counts.
    #[error("rows {first} and {second} give location `{location}` two counts on {date} in column `{column}`")]
    Contradiction {
        /// The first row.
        first: usize,
        /// The second row.
        second: usize,
        /// Display name of the location.
        location: String,
        /// The date.
        date: Date,
        /// Name of the column.
        column: String,
    },
    /// A cell that is no number of a forecast.
    #[error("row {row}, column `{column}` holds `{text}`, which is not a whole number")]
    NotAnId {
        /// The row.
        row: usize,
        /// Name of the column.
        column: String,
        /// The cell, shortened.
        text: String,
    },
}

impl RowFault {
    /// What to do next.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::MissingColumn { hint, .. } => hint,
            Self::RepeatedColumn { .. } => "rename or remove one of the two",
            Self::NotCumulative { .. } => "give the data of an earlier week, or add up the counts of each place",
            Self::SameColumn { .. } => "name another with --deaths-column, or leave it out where there are none",
            Self::ColumnType { .. } => "write locations as text, dates as dates or text, and counts as numbers",
            Self::NoRows => "the file may be cut off: make it again, or download it again",
            Self::EmptyCell { .. } => "fill the cell, or remove the row",
            Self::NotADate { .. } => "write dates as year-month-day, such as `2020-01-22`",
            Self::MixedDates { .. } => "write every date as year-month-day, such as `2020-01-22`",
            Self::SparseDates { .. } => {
                "look for a date with a wrong year, or remove days that are far from the others"
            }
            Self::SparseRows { .. } => "check that the column of locations names places, and that dates are right",
            Self::NotParquet { .. } => "check that the file is whole, or write it anew",
            Self::Contradiction { .. } => "keep one of the two rows, or tell the places apart by another column",
            Self::NotAnId { .. } => "take `test.csv` as Kaggle gives it",
        }
    }
}
