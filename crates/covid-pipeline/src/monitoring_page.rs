//! What monitoring found, as plain data, and the two ways to show it: a page for the browser, and a few lines for the
//! terminal.
//!
//! Whoever gathers the data fills [`MonitoringPage`]; a part that is left empty is said to be missing in a sentence.
//! RMSLE is without a unit; lists are shown in the order in which they are given, unless a field says otherwise.

mod charts;
mod gather;
mod html;
mod tables;
mod terminal;

use covid_core::{Date, Predicted, Target};
use covid_monitoring::Alert;

pub(crate) use self::gather::{About, quality};

/// Everything that a monitoring report shows.
#[derive(Debug, Clone, PartialEq)]
pub struct MonitoringPage {
    /// The dataset.
    pub dataset: String,
    /// The last date that was looked at.
    pub as_of: Date,
    /// What the counts are: `revised data` of a final series, say.
    pub source: String,
    /// What it comes to, in one sentence with its full stop: the first line of the page.
    pub verdict: String,
    /// The alerts that stand, the worst first.
    pub alerts: Vec<Alert>,
    /// The error day by day, the dates rising.
    pub history: Vec<DayScore>,
    /// The error by days ahead, rising.
    pub horizons: Vec<HorizonError>,
    /// Whether the forecasts are honest about their uncertainty.
    pub calibration: Calibration,
    /// Forecasts against what was published.
    pub fans: Fans,
    /// The places with the largest errors, the worst first.
    pub worst: Vec<PlaceError>,
    /// How far the counts have moved from those the champion was trained on.
    pub drift: Vec<Drift>,
    /// What is wrong with the data.
    pub quality: Vec<QualityFinding>,
    /// The champions so far, the latest first.
    pub champions: Vec<Reign>,
    /// What a replay found; none otherwise.
    pub comparison: Option<ReplayComparison>,
}

/// The headline RMSLE (the mean of both targets') of the 7 days that end at a date.
#[derive(Debug, Clone, PartialEq)]
pub struct DayScore {
    /// The last of the days.
    pub date: Date,
    /// The champion's; not finite where nothing was scored.
    pub champion: f64,
    /// That of no change.
    pub persistence: f64,
    /// The usual level, from the champion's own backtest: where the alert band begins.
    pub usual: Option<f64>,
    /// Where the alert band ends: above it, a rule is broken.
    pub limit: Option<f64>,
    /// That of the challenger's shadow runs.
    pub challenger: Option<f64>,
}

/// The headline RMSLE of one day ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct HorizonError {
    /// Days ahead, from 1.
    pub horizon: usize,
    /// The champion's.
    pub champion: f64,
    /// That of no change.
    pub persistence: f64,
    /// What the champion's backtest lets expect.
    pub expected: Option<f64>,
}

/// Observed shares against those that were promised.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    /// By target and level, the levels of a target rising.
    pub quantiles: Vec<QuantileShare>,
    /// By target and interval.
    pub coverage: Vec<Coverage>,
}

/// How often the published count was at or below a quantile.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileShare {
    /// The target.
    pub target: Target,
    /// The quantile's level, 0 to 1: the share that is due.
    pub level: f64,
    /// The observed share, 0 to 1.
    pub observed: f64,
}

/// How often the published count was inside a central interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// The target.
    pub target: Target,
    /// The share that is due: 0.5, 0.8, 0.95.
    pub nominal: f64,
    /// The observed share, 0 to 1.
    pub observed: f64,
    /// Forecast counts that were looked at.
    pub rows: usize,
}

/// Forecasts of every place over one stretch of days.
#[derive(Debug, Clone, PartialEq)]
pub struct Fans {
    /// The first day of the charts: some weeks before the first forecast.
    pub first: Date,
    /// Number of days, up to the last one that is forecast.
    pub days: usize,
    /// One a place and target; the first place is shown when the page is opened. Both targets of a place have its name.
    pub series: Vec<Fan>,
}

/// What was forecast of one target of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Fan {
    /// Display name.
    pub place: String,
    /// The target.
    pub target: Target,
    /// Published cumulative counts, one a day from the first day of the charts on, before and after the as-of dates; what
    /// is not finite, or missing at the end, was not published.
    pub actuals: Vec<f64>,
    /// Forecasts, as-of dates rising: one, or several that follow each other.
    pub forecasts: Vec<FanForecast>,
}

/// A forecast of one target of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct FanForecast {
    /// Its as-of date.
    pub as_of: Date,
    /// Cumulative counts, one for each day after the as-of date.
    pub days: Vec<Predicted>,
}

/// The headline of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceError {
    /// Display name.
    pub place: String,
    /// The champion's RMSLE.
    pub rmsle: f64,
    /// That of no change.
    pub persistence: f64,
    /// Mean of ln(1 + forecast) - ln(1 + published): above 0, too many were forecast.
    pub bias: f64,
    /// What is wrong with its data, if anything: then the error need not be the model's.
    pub data_fault: Option<String>,
}

/// How far a quantity has moved from the training window.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// What is compared: `weekly growth`, say.
    pub quantity: String,
    /// Of which target.
    pub target: Target,
    /// Population stability index.
    pub psi: f64,
    /// Kolmogorov-Smirnov statistic: the largest distance of the two distributions, 0 to 1.
    pub ks: f64,
    /// Effect size: with many places everything is significant, and little of it matters.
    pub effect: f64,
    /// The whole in a word: none, moderate, large.
    pub word: String,
}

/// One kind of fault of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityFinding {
    /// What: stalled, new, vanished, revised downward.
    pub what: String,
    /// How many places.
    pub count: usize,
    /// Their names, or the first of them.
    pub places: Vec<String>,
}

/// A time as champion.
#[derive(Debug, Clone, PartialEq)]
pub struct Reign {
    /// The model version.
    pub version: String,
    /// Its recipe.
    pub recipe: String,
    /// The last date of its training data.
    pub trained_as_of: Date,
    /// The day of its promotion.
    pub from: Date,
    /// The day on which another followed; none of today's champion.
    pub until: Option<Date>,
    /// Why it was promoted.
    pub reason: String,
}

/// What a replay shows of the loop: monitor, retrain, promote, predict.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayComparison {
    /// The first day that was replayed.
    pub from: Date,
    /// The last.
    pub to: Date,
    /// The loop itself.
    pub of_loop: Contender,
    /// What it is compared with: the first champion left frozen, models refitted daily, no change.
    pub others: Vec<Contender>,
    /// Promotions in that time, the first champion's aside.
    pub promotions: usize,
    /// Alerts in that time.
    pub alerts: usize,
    /// Those of them that were false.
    pub false_alarms: usize,
}

/// RMSLE of 7-day forecasts over the whole time of a replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Contender {
    /// Who.
    pub who: String,
    /// Of cases.
    pub cases: f64,
    /// Of deaths.
    pub deaths: f64,
    /// The mean of both.
    pub headline: f64,
}

impl MonitoringPage {
    /// A report in which nothing is known but its verdict.
    pub fn new(dataset: &str, as_of: Date, source: &str, verdict: &str) -> Self {
        Self {
            dataset: dataset.to_owned(),
            as_of,
            source: source.to_owned(),
            verdict: verdict.to_owned(),
            alerts: Vec::new(),
            history: Vec::new(),
            horizons: Vec::new(),
            calibration: Calibration::default(),
            fans: Fans { first: as_of, days: 0, series: Vec::new() },
            worst: Vec::new(),
            drift: Vec::new(),
            quality: Vec::new(),
            champions: Vec::new(),
            comparison: None,
        }
    }
}

impl ReplayComparison {
    /// By which share the loop's headline is below another's: 0.1 for 10 %, below 0 where it is above; none where the
    /// other's is 0.
    pub fn gain(&self, other: &Contender) -> Option<f64> {
        (other.headline > 0.0).then(|| 1.0 - self.of_loop.headline / other.headline)
    }
}
