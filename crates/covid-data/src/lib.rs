#![doc = include_str!("../README.md")]

mod cell;
mod columns;
mod error;
mod file;
mod jhu;
mod parquet;
mod quality;
mod repair;
mod simulate;
mod source;
mod table;
mod table_file;
mod text;
mod vintage;

pub use columns::{location_columns, target_column};
pub use error::{CountFault, DataError, FileFault};
pub use file::write_file;
pub use jhu::write_jhu;
pub use quality::{Decrease, Quality, TargetQuality, quality};
pub use repair::{Repair, RepairReport, UnknownRepair, repair};
pub use simulate::Simulation;
pub use source::{Findings, LoadOptions, Loaded, NegativeCount, Remark, SourceKind, load};
pub use table::{Column, ColumnKind, Table, TableError};
pub use table_file::{TableFile, TableFileError};
pub use vintage::{panel_from_parquet, panel_to_parquet};
