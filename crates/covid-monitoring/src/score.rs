//! One forecast beside what was published, and tables of them.

use covid_core::{Date, Location, Predicted, Target, log_count, metrics::weighted_interval_score};
use covid_data::{Column, Table, TableError};

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
    /// Whether the published count lies in the central 50, 80 and 95 % interval.
    pub covered: [bool; 3],
}

/// Names of the coverage columns.
const COVERED: [&str; 3] = ["covered50", "covered80", "covered95"];

impl ScoreRow {
    /// ln(1 + forecast) - ln(1 + published): above 0, too many were forecast.
    pub fn log_error(&self) -> f64 {
        log_count(self.point) - log_count(self.actual)
    }

    /// What [`weighted_interval_score`] and the intervals say of a forecast.
    pub(crate) fn judge(predicted: &Predicted, actual: f64) -> (f64, [bool; 3]) {
        let q = &predicted.quantiles;
        let within = |lower: usize, upper: usize| q[lower] <= actual && actual <= q[upper];
        (weighted_interval_score(q, actual), [within(2, 4), within(1, 5), within(0, 6)])
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
        let mut columns = vec![
            ("location".to_owned(), text(|row| Some(row.location.name()))),
            ("Admin2".into(), text(|row| row.location.admin2())),
            ("Province_State".into(), text(|row| row.location.province_state())),
            ("Country_Region".into(), text(|row| row.location.country_region())),
            ("target".into(), text(|row| Some(row.target.name()))),
            ("forecast_as_of".into(), Column::Date(rows.iter().map(|row| row.forecast_as_of).collect())),
            ("forecast_run".into(), text(|row| Some(&row.forecast_run))),
            ("model_version".into(), text(|row| Some(&row.model_version))),
            ("date".into(), Column::Date(rows.iter().map(|row| row.date).collect())),
            ("horizon".into(), Column::Integer(rows.iter().map(|row| row.horizon as i64).collect())),
            ("point".into(), number(|row| row.point)),
            ("actual".into(), number(|row| row.actual)),
            ("persistence".into(), number(|row| row.persistence)),
            ("log_error".into(), number(Self::log_error)),
            ("wis".into(), number(|row| row.wis)),
        ];
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
        let [names, admin2, provinces, countries] = [
            table.texts("location")?,
            table.texts("Admin2")?,
            table.texts("Province_State")?,
            table.texts("Country_Region")?,
        ];
        let (targets, runs, versions) =
            (table.texts("target")?, table.texts("forecast_run")?, table.texts("model_version")?);
        let (as_ofs, dates, horizons) =
            (table.dates("forecast_as_of")?, table.dates("date")?, table.integers("horizon")?);
        let [points, actuals, persistence, wis] =
            [table.floats("point")?, table.floats("actual")?, table.floats("persistence")?, table.floats("wis")?];
        let [covered50, covered80, covered95] =
            [table.integers("covered50")?, table.integers("covered80")?, table.integers("covered95")?];
        let text = |column: &[Option<String>], row: usize| column[row].clone().unwrap_or_default();
        (0..table.rows())
            .map(|row| {
                let parts = Location::from_parts(&text(admin2, row), &text(provinces, row), &text(countries, row));
                let target = text(targets, row);
                let target = Target::ALL.into_iter().find(|known| known.name() == target);
                Ok(Self {
                    location: parts.with_name(&text(names, row)),
                    target: target.ok_or_else(|| TableError::bad_value("target", row, "a target"))?,
                    forecast_as_of: as_ofs[row],
                    forecast_run: text(runs, row),
                    model_version: text(versions, row),
                    date: dates[row],
                    horizon: usize::try_from(horizons[row])
                        .map_err(|_| TableError::bad_value("horizon", row, "days ahead"))?,
                    point: points[row],
                    actual: actuals[row],
                    persistence: persistence[row],
                    wis: wis[row],
                    covered: [covered50[row], covered80[row], covered95[row]].map(|flag| flag != 0),
                })
            })
            .collect()
    }
}
