#![doc = include_str!("../README.md")]

mod backtest;
mod calibration;
mod error;
mod gate;
mod intervals;
mod model;
mod models;
mod normal;
mod paths;
mod recipe;
mod replay;
mod rolling;
mod scores;
mod settings;
mod spread;
mod sums;
mod tables;
mod train;

pub use backtest::{
    Backtest, OriginErrors, OriginScore, backtest, forecast_at_origin, recent_origins, rolling_origins,
};
pub use calibration::Calibration;
pub use error::TrainingError;
pub use gate::{Verdict, compare, frozen_scores, paired_p_value, refresh};
pub use intervals::ErrorQuantiles;
pub use model::{FORMAT_VERSION, Model};
pub use models::{
    Blend, DampedGrowth, Ensemble, Ets, Fitted, FittedEnsemble, FittedForecaster, FittedPolynomial,
    FittedResidualRidge, Forecaster, HubBaseline, LaggedDeaths, LinearDrift, Persistence, Polynomial, ResidualRidge,
    ShrunkGrowth, Spec, WeeklyTrend,
};
pub use paths::{Centres, LogPaths};
pub use recipe::Recipe;
pub use replay::{MIN_DAYS, Prepare, Replay};
pub use rolling::roll;
pub use scores::{Group, Scores, Size, Tally, weekly_new, weeks_within};
pub use settings::{GateSettings, TrainingSettings};
pub use train::{train_in_turn, train_on_origins};
