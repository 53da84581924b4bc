#![doc = include_str!("../README.md")]

mod cell;
mod columns;
mod date;
mod error;
mod file;
mod jhu;
mod number;
mod parquet;
mod quality;
mod record;
mod repair;
mod simulate;
mod source;
mod table;
mod text;
mod vintage;
mod vintages;

pub use columns::{location_columns, target_column};
pub use error::{CountFault, DataError, FileFault};
pub use file::write_file;
pub use jhu::write_jhu;
pub use quality::{Decrease, Quality, TargetQuality, quality};
pub use repair::{Repair, RepairReport, UnknownRepair, repair};
pub use simulate::Simulation;
pub use source::{Findings, LoadOptions, Loaded, NegativeCount, Remark, SourceKind, load};
pub use table::{Column, ColumnKind, Table, TableError};
pub use vintage::{panel_from_parquet, panel_to_parquet};
