#![doc = include_str!("../README.md")]

mod champion;
mod error;
mod ledger;
mod predict;
mod rows;
mod run_id;
mod shards;

pub use champion::{Champion, Dated, MODEL_ARTIFACT, MODEL_DIGEST_TAG, registered_model_name};
pub use error::PredictionError;
pub use ledger::{
    Branch, Ledger, Listed, Manifest, Part, Plan, Started, Swept, Work, find_json, get_json, read_vintage,
    write_vintage,
};
pub use predict::{
    Beginning, ModelUsed, Outcome, Predictions, Request, begin, check_shards, outcome, predict, prediction_ledger,
    with_run,
};
pub use rows::{PredictionRow, QUANTILES, table_of};
pub use run_id::RunId;
pub use shards::Planned;
