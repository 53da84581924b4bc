//! Flows under a Prefect server: deployments, and the workers that run them.
//!
//! A [`Worker`] takes the flow runs of a work pool, one state change of the server's being the lock, and runs them with the
//! same [`Engine`](crate::Engine) as everybody; a [`PrefectObserver`] tells the server what happens.

mod client;
mod deploy;
mod error;
mod observer;
mod offers;
mod settings;
mod wire;
mod worker;

pub use client::Prefect;
pub use deploy::{Change, Deployed, Deployment, deploy};
pub use error::PrefectError;
pub use observer::PrefectObserver;
pub use settings::PrefectSettings;
pub use wire::{Proposal, RemoteFlowRun, RemoteState, StateType, Verdict};
pub use worker::Worker;

/// The type of our work pools: workers of other types leave them alone.
pub const POOL_TYPE: &str = "covid-forecast";
