#![doc = include_str!("../README.md")]

mod backtest;
mod candidates;
pub mod commands;
mod deliver;
mod error;
mod evidence;
pub mod flows;
mod kaggle;
mod monitor;
pub mod monitoring_page;
mod predict;
mod project;
mod registry;
mod replay;
mod score_table;
mod serving;
mod settings;
mod show;
mod text;
mod train;
mod verdict;

pub use backtest::{BacktestReport, BacktestRequest, ModelScore, backtest};
pub use candidates::Candidate;
pub use deliver::{DeliveryReport, deliver};
pub use error::PipelineError;
pub use flows::{Parameters, ProjectFlows, Steps};
pub use kaggle::{KaggleReport, KaggleRequest, kaggle};
pub use monitor::{MonitoringReport, Rolling, monitor};
pub use predict::{CommittedRun, PredictionReport, committed_runs, export, predict, sweep};
pub use project::{Now, Project};
pub use registry::{
    Best, ChampionReport, Comparison, Difference, Filter, ListedRun, MetricPair, PromotionPlan, RunQuery, Sort,
    Strength, VersionChange, VersionReport, compare_runs, promote, promotions, rollback, sync, tracking_runs, versions,
};
pub use replay::{Alarms, ReplayReport, ReplayRequest, Rival, replay, write_document};
pub use score_table::{Grouping, ScoreRow};
pub use settings::{DeliverySettings, PredictionSettings, Settings, parse_date};
pub use show::{ShowReport, ShownDay, show};
pub use text::{alert_text, monitoring_text};
pub use train::{Decision, PassedOver, Refreshed, TrainingReport, ensure_champion, train_and_promote};
