//! Looking at what is tracked and registered, and changing the champion by hand.

mod compare;
mod promotion;
mod runs;
mod sync;
mod versions;

pub use compare::{Comparison, Difference, MetricPair, compare_runs};
pub use promotion::{ChampionReport, PromotionPlan, VersionChange, promote, rollback};
pub use runs::{Filter, ListedRun, RunQuery, Sort, tracking_runs};
pub use sync::sync;
pub use versions::{Best, Strength, VersionReport, promotions, versions};
