//! Forecasts as rows of the store, and back.

use covid_core::{Date, Forecast, Location, Predicted, Target};
use covid_data::{Column, Table, TableError, location_columns, target_column};

/// Names of the quantile columns, in the order of [`covid_core::LEVELS`].
pub const QUANTILES: [&str; 7] = ["q025", "q10", "q25", "q50", "q75", "q90", "q975"];

/// One forecast as it lies in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRow {
    /// The place.
    pub location: Location,
    /// What is forecast.
    pub target: Target,
    /// For which date.
    pub date: Date,
    /// Days after the as-of date.
    pub horizon: usize,
    /// The count, with its quantiles.
    pub predicted: Predicted,
}

/// The rows of a forecast of some targets in the contract's columns: by location (in the forecast's order), target, date.
///
/// # Errors
/// None that a forecast can cause: all columns have its length.
pub fn table_of(
    forecast: &Forecast,
    targets: &[Target],
    model_name: &str,
    model_version: &str,
) -> Result<Table, TableError> {
    let rows: Vec<(usize, Target, usize)> = (0..forecast.locations().len())
        .flat_map(|location| targets.iter().map(move |&target| (location, target)))
        .flat_map(|(location, target)| (1..=forecast.horizon()).map(move |ahead| (location, target, ahead)))
        .collect();
    let predicted: Vec<Predicted> =
        rows.iter().map(|&(place, target, ahead)| forecast.get(place, target, ahead)).collect();
    let text = |value: &str| Column::Text(vec![Some(value.to_owned()); rows.len()]);

    let mut columns = location_columns(rows.iter().map(|row| &forecast.locations()[row.0]));
    columns.push(target_column(rows.iter().map(|row| row.1)));
    columns.push(("date".into(), Column::Date(rows.iter().map(|row| forecast.date(row.2)).collect())));
    columns.push(("horizon".into(), Column::Integer(rows.iter().map(|row| row.2 as i64).collect())));
    columns.push(("point".into(), Column::Float(predicted.iter().map(|predicted| predicted.point).collect())));
    for (i, name) in QUANTILES.into_iter().enumerate() {
        columns.push((name.into(), Column::Float(predicted.iter().map(|predicted| predicted.quantiles[i]).collect())));
    }
    columns.push(("model_name".into(), text(model_name)));
    columns.push(("model_version".into(), text(model_version)));
    Table::new(columns)
}

impl PredictionRow {
    /// The rows of a table in the contract's columns.
    ///
    /// # Errors
    /// If a column is missing or of another type, or a value is not what the column says.
    pub fn all(table: &Table) -> Result<Vec<Self>, TableError> {
        let (locations, targets, horizons) = (table.locations()?, table.targets()?, table.horizons()?);
        let dates = table.dates("date")?;
        let points = table.floats("point")?;
        let quantiles = QUANTILES.iter().map(|name| table.floats(name)).collect::<Result<Vec<_>, _>>()?;
        let row = |(row, location): (usize, Location)| Self {
            location,
            target: targets[row],
            date: dates[row],
            horizon: horizons[row],
            predicted: Predicted { point: points[row], quantiles: std::array::from_fn(|level| quantiles[level][row]) },
        };
        Ok(locations.into_iter().enumerate().map(row).collect())
    }
}
