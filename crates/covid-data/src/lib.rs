#![doc = include_str!("../README.md")]

mod cell;
mod columns;
mod error;
mod file;
mod jhu;
mod listing;
mod parquet;
mod quality;
mod repair;
mod revisions;
mod simulate;
mod source;
mod table;
mod text;
mod vintage;
mod worst;

pub use columns::{location_columns, target_column};
pub use error::{CountFault, DataError, FileFault};
pub use file::write_file;
pub use jhu::write_jhu;
pub use listing::Listing;
pub use quality::{
    DateRange, Decrease, Jump, MOST_LISTED, Quality, SeriesQuality, Stopped, TargetQuality, WeeklyReporter, quality,
    quality_to_csv,
};
pub use repair::{Repair, RepairReport, RepairedCount, UnknownRepair, repair, repaired_counts, repairs_to_csv};
pub use revisions::{
    AgeBand, Changes, MOST_REVISIONS_LISTED, Renamed, RevisedCount, Revision, Revisions, SeriesRevisions, Spread,
    TargetRevisions, compare, revised_counts, revisions_to_csv,
};
pub use simulate::Simulation;
pub use source::{Findings, LoadOptions, Loaded, NegativeCount, Remark, SourceKind, load};
pub use table::{Column, ColumnKind, Table, TableError};
pub use vintage::{panel_from_parquet, panel_to_parquet};
