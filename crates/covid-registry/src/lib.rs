#![doc = include_str!("../README.md")]

#[cfg(feature = "conformance")]
pub mod conformance;
mod embedded;
mod error;
mod models;
pub mod names;
mod tracking;
mod uri;

pub use embedded::EmbeddedRegistry;
pub use error::RegistryError;
pub use models::{
    CHALLENGER, CHAMPION, ModelRegistry, ModelStage, ModelVersion, NewVersion, Promotion, PromotionEvent,
    PromotionKind, RegisteredModel, champions,
};
pub use tracking::{Artifact, Experiment, Metric, Run, RunBatch, RunInfo, RunPage, RunStatus, Tracker, list_all_runs};
pub use uri::{Registry, RegistryUri, resolve};
