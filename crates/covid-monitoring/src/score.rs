//! One forecast beside what was published, and tables of them.

use covid_core::{Date, Location, Predicted, Target, log_count, metrics::weighted_interval_score};
use covid_data::{Column, Table, TableError, location_columns, target_column};

/// One forecast count beside what was published for its date.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow {
    /// The place.
    pub location: Location,
    /// What was forecast.
    pub target: Target,
    /// The as-of date of the forecast.
    pub forecast_as_of: Date,
    /// The prediction run.
    pub forecast_run: String,
    /// The version that made it.
    pub model_version: String,
    /// Whether that version was the challenger, whose forecasts nobody was given.
    pub shadow: bool,
    /// The digest of the panel with the published count.
    pub vintage: String,
    /// The date that came.
    pub date: Date,
    /// Days ahead.
    pub horizon: usize,
    /// The forecast count.
    pub point: f64,
    /// The published count.
    pub actual: f64,
    /// The count published last on the day of the forecast, as it was known then.
    pub persistence: f64,
    /// Weighted interval score, in counts.
    pub wis: f64,
    /// The same with quantiles and published count on ln(1 + count).
    pub wis_log: f64,
    /// How many of the seven quantiles lie below the published count, 0 to 7.
    pub quantiles_below: usize,
    /// Whether the published count lies in the central 50, 80 and 95 % interval, ends included.
    pub covered: [bool; 3],
}

/// Names of the coverage columns.
const COVERED: [&str; 3] = ["covered50", "covered80", "covered95"];

/// What a forecast and its quantiles score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Judged {
    pub(crate) wis: f64,
    pub(crate) wis_log: f64,
    pub(crate) quantiles_below: usize,
    pub(crate) covered: [bool; 3],
}

impl Judged {
    pub(crate) fn of(predicted: &Predicted, actual: f64) -> Self {
        let q = &predicted.quantiles;
        let within = |lower: usize, upper: usize| q[lower] <= actual && actual <= q[upper];
        Self {
            wis: weighted_interval_score(q, actual),
            wis_log: weighted_interval_score(&q.map(log_count), log_count(actual)),
            quantiles_below: q.iter().filter(|quantile| **quantile < actual).count(),
            covered: [within(2, 4), within(1, 5), within(0, 6)],
        }
    }
}

impl ScoreRow {
    /// ln(1 + forecast) - ln(1 + published): above 0, too many were forecast.
    pub fn log_error(&self) -> f64 {
        log_count(self.point) - log_count(self.actual)
    }

    pub(crate) fn judged(&self) -> Judged {
        let Self { wis, wis_log, quantiles_below, covered, .. } = *self;
        Judged { wis, wis_log, quantiles_below, covered }
    }

    /// ln(1 + published) less ln(1 + the count published last on the day of the forecast), squared: what no change scores.
    pub fn squared_persistence_error(&self) -> f64 {
        (log_count(self.persistence) - log_count(self.actual)).powi(2)
    }

    /// Rows as a table of the store.
    ///
    /// # Errors
    /// None that rows can cause: all columns have their length.
    pub fn table(rows: &[Self]) -> Result<Table, TableError> {
        let text = |value: fn(&Self) -> Option<&str>| {
            Column::Text(rows.iter().map(|row| value(row).map(str::to_owned)).collect())
        };
        let number = |value: fn(&Self) -> f64| Column::Float(rows.iter().map(value).collect());
        let integer = |value: fn(&Self) -> i64| Column::Integer(rows.iter().map(value).collect());
        let mut columns = location_columns(rows.iter().map(|row| &row.location));
        columns.push(target_column(rows.iter().map(|row| row.target)));
        columns.extend([
            ("forecast_as_of".into(), Column::Date(rows.iter().map(|row| row.forecast_as_of).collect())),
            ("forecast_run".into(), text(|row| Some(&row.forecast_run))),
            ("model_version".into(), text(|row| Some(&row.model_version))),
            ("vintage".into(), text(|row| Some(&row.vintage))),
            ("date".into(), Column::Date(rows.iter().map(|row| row.date).collect())),
            ("horizon".into(), integer(|row| row.horizon as i64)),
            ("point".into(), number(|row| row.point)),
            ("actual".into(), number(|row| row.actual)),
            ("persistence".into(), number(|row| row.persistence)),
            ("log_error".into(), number(Self::log_error)),
            ("wis".into(), number(|row| row.wis)),
            ("wis_log".into(), number(|row| row.wis_log)),
            ("quantiles_below".into(), integer(|row| row.quantiles_below as i64)),
            ("shadow".into(), integer(|row| i64::from(row.shadow))),
        ]);
        for (i, name) in COVERED.into_iter().enumerate() {
            columns.push((name.into(), Column::Integer(rows.iter().map(|row| i64::from(row.covered[i])).collect())));
        }
        Table::new(columns)
    }

    /// The rows of a table of the store.
    ///
    /// # Errors
    /// If a column is missing or of another type, or a value is not what the column says.
    pub fn all(table: &Table) -> Result<Vec<Self>, TableError> {
        let (locations, targets, horizons) = (table.locations()?, table.targets()?, table.horizons()?);
        let [runs, versions, vintages] =
            [table.texts("forecast_run")?, table.texts("model_version")?, table.texts("vintage")?];
        let (as_ofs, dates) = (table.dates("forecast_as_of")?, table.dates("date")?);
        let [points, actuals, persistence] =
            [table.floats("point")?, table.floats("actual")?, table.floats("persistence")?];
        let [wis, wis_log] = [table.floats("wis")?, table.floats("wis_log")?];
        let [below, shadow] = [table.integers("quantiles_below")?, table.integers("shadow")?];
        let [covered50, covered80, covered95] =
            [table.integers("covered50")?, table.integers("covered80")?, table.integers("covered95")?];
        let row = |(row, location): (usize, Location)| Self {
            location,
            target: targets[row],
            forecast_as_of: as_ofs[row],
            forecast_run: runs[row].clone().unwrap_or_default(),
            model_version: versions[row].clone().unwrap_or_default(),
            vintage: vintages[row].clone().unwrap_or_default(),
            date: dates[row],
            horizon: horizons[row],
            point: points[row],
            actual: actuals[row],
            persistence: persistence[row],
            wis: wis[row],
            wis_log: wis_log[row],
            quantiles_below: usize::try_from(below[row]).unwrap_or(0).min(7),
            shadow: shadow[row] != 0,
            covered: [covered50[row], covered80[row], covered95[row]].map(|flag| flag != 0),
        };
        Ok(locations.into_iter().enumerate().map(row).collect())
    }
}
