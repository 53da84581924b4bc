#![doc = include_str!("../README.md")]

mod cell;
mod columns;
mod daily_reports;
mod date;
mod density;
mod error;
mod file;
mod header;
mod jhu;
mod kaggle;
mod long;
mod number;
mod parquet;
mod quality;
mod renamed;
mod repair;
mod row_fault;
mod simulate;
mod source;
mod table;
mod text;
mod text_table;
mod vintage;
mod vintages;

pub use columns::{location_columns, target_column};
pub use error::{CountFault, DataError, FileFault};
pub use file::write_file;
pub use jhu::write_jhu;
pub use kaggle::{KaggleTest, KaggleTestRow, read_kaggle_test};
pub use quality::{Decrease, Quality, TargetQuality, quality};
pub use repair::{Repair, RepairReport, UnknownRepair, repair};
pub use row_fault::RowFault;
pub use simulate::Simulation;
pub use source::{Findings, LoadOptions, Loaded, NegativeCount, Remark, SourceKind, load};
pub use table::{Column, ColumnKind, Table, TableError};
pub use vintage::{panel_from_parquet, panel_to_parquet};
