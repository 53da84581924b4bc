#![doc = include_str!("../README.md")]

#[cfg(feature = "conformance")]
pub mod conformance;
mod embedded;
mod error;
mod mlflow;
mod models;
pub mod names;
mod sync;
mod tracking;
mod uri;

pub use embedded::EmbeddedRegistry;
pub use error::RegistryError;
pub use mlflow::{MlflowRegistry, MlflowSettings};
pub use models::{
    CHALLENGER, CHAMPION, ModelRegistry, ModelStage, ModelVersion, NewVersion, Promotion, PromotionEvent,
    PromotionKind, RegisteredModel, VERSION_ID_TAG, champions,
};
pub use sync::{ChampionThere, SyncReport, Synced, sync};
pub use tracking::{
    Artifact, DatasetInput, Experiment, Metric, RUN_ID_TAG, Run, RunBatch, RunInfo, RunPage, RunStatus, Tracker,
    list_all_runs,
};
pub use uri::{Registry, RegistryUri, resolve};
