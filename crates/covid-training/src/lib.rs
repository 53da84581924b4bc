#![doc = include_str!("../README.md")]

mod backtest;
mod error;
mod gate;
mod intervals;
mod model;
mod models;
mod normal;
mod paths;
mod recipe;
mod replay;
mod settings;

pub use backtest::{Backtest, OriginScore, backtest, recent_origins, rolling_origins};
pub use error::TrainingError;
pub use gate::{Verdict, compare, paired_p_value, refresh};
pub use intervals::ErrorQuantiles;
pub use model::{FORMAT_VERSION, Model};
pub use models::{
    Blend, DampedGrowth, Ets, Fitted, FittedForecaster, FittedPolynomial, FittedResidualRidge, Forecaster, HubBaseline,
    LaggedDeaths, LinearDrift, Persistence, Polynomial, ResidualRidge, ShrunkGrowth, Spec, WeeklyTrend,
};
pub use paths::LogPaths;
pub use recipe::Recipe;
pub use replay::{MIN_DAYS, Prepare, Replay};
pub use settings::{GateSettings, TrainingSettings};
