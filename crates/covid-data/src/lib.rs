#![doc = include_str!("../README.md")]

mod cell;
mod columns;
mod daily_reports;
mod date;
mod density;
mod error;
mod fetch;
mod file;
mod header;
mod jhu;
mod kaggle;
mod listing;
mod long;
mod number;
#[cfg(feature = "tables")]
mod parquet;
mod quality;
mod record;
mod renamed;
mod repair;
mod revisions;
mod row_fault;
mod simulate;
mod source;
mod table;
mod text;
mod text_table;
mod vintages;
mod worst;

pub use columns::{location_columns, target_column};
pub use error::{CountFault, DataError, FileFault};
pub use fetch::{FetchError, FetchProgress, FetchReport, FetchSettings, FetchedFile, Outcome, fetch, open};
pub use file::write_file;
pub use jhu::write_jhu;
pub use kaggle::{KaggleTest, KaggleTestRow, read_kaggle_test};
pub use listing::Listing;
#[cfg(feature = "tables")]
pub use parquet::{TableFile, TableFileError, panel_from_parquet, panel_to_parquet};
pub use quality::{
    DateRange, Decrease, Jump, MOST_LISTED, Quality, SeriesQuality, Stopped, TargetQuality, WeeklyReporter, quality,
    quality_to_csv, series,
};
pub use repair::{Repair, RepairReport, RepairedCount, UnknownRepair, repair, repaired_counts, repairs_to_csv};
pub use revisions::{
    AgeBand, Changes, MOST_REVISIONS_LISTED, Renamed, RevisedCount, Revision, Revisions, SeriesRevisions, Spread,
    TargetRevisions, compare, revised_counts, revisions_to_csv,
};
pub use row_fault::RowFault;
pub use simulate::Simulation;
pub use source::{Findings, LoadOptions, Loaded, NegativeCount, Remark, SourceKind, load};
pub use table::{Column, ColumnKind, Table, TableError};
