//! Forecasts as rows of the store, and back.

use covid_core::{Date, Forecast, Location, Predicted, Target};
use covid_data::{Column, Table, TableError};

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

/// The columns of the four parts of some locations.
pub(crate) fn location_columns<'a>(locations: impl Iterator<Item = &'a Location> + Clone) -> Vec<(String, Column)> {
    let column = |name: &str, part: fn(&Location) -> Option<&str>| {
        let values = locations.clone().map(|location| part(location).map(str::to_owned)).collect();
        (name.to_owned(), Column::Text(values))
    };
    vec![
        column("location", |location| Some(location.name())),
        column("Admin2", Location::admin2),
        column("Province_State", Location::province_state),
        column("Country_Region", Location::country_region),
    ]
}

/// The rows of a forecast in the contract's columns: by location (in the forecast's order), target, date.
///
/// # Errors
/// None that a forecast can cause: all columns have its length.
pub fn table_of(forecast: &Forecast, model_name: &str, model_version: &str) -> Result<Table, TableError> {
    let rows: Vec<(usize, Target, usize)> = (0..forecast.locations().len())
        .flat_map(|location| Target::ALL.map(|target| (location, target)))
        .flat_map(|(location, target)| (1..=forecast.horizon()).map(move |ahead| (location, target, ahead)))
        .collect();
    let predicted: Vec<Predicted> =
        rows.iter().map(|&(place, target, ahead)| forecast.get(place, target, ahead)).collect();
    let text = |value: &str| Column::Text(vec![Some(value.to_owned()); rows.len()]);

    let mut columns = location_columns(rows.iter().map(|row| &forecast.locations()[row.0]));
    columns.push(("target".into(), Column::Text(rows.iter().map(|row| Some(row.1.name().to_owned())).collect())));
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
        let [names, admin2, provinces, countries] = [
            table.texts("location")?,
            table.texts("Admin2")?,
            table.texts("Province_State")?,
            table.texts("Country_Region")?,
        ];
        let (targets, dates, horizons) = (table.texts("target")?, table.dates("date")?, table.integers("horizon")?);
        let points = table.floats("point")?;
        let quantiles = QUANTILES.iter().map(|name| table.floats(name)).collect::<Result<Vec<_>, _>>()?;
        let text = |column: &[Option<String>], row: usize| column[row].clone().unwrap_or_default();
        (0..table.rows())
            .map(|row| {
                let parts = Location::from_parts(&text(admin2, row), &text(provinces, row), &text(countries, row));
                let target = text(targets, row);
                let target = Target::ALL.into_iter().find(|known| known.name() == target);
                Ok(Self {
                    location: parts.with_name(&text(names, row)),
                    target: target.ok_or_else(|| TableError::bad_value("target", row, "a target"))?,
                    date: dates[row],
                    horizon: usize::try_from(horizons[row])
                        .map_err(|_| TableError::bad_value("horizon", row, "days ahead"))?,
                    predicted: Predicted {
                        point: points[row],
                        quantiles: std::array::from_fn(|level| quantiles[level][row]),
                    },
                })
            })
            .collect()
    }
}
