//! Backtests at the user's word, with a file from which anyone can recompute the scores.

use std::path::Path;

use covid_core::{Date, Fault, Location, Measure, Predicted, Target};
use covid_data::{Column, Table, location_columns, target_column};
use covid_training::{Backtest, OriginScore, Recipe, backtest as test, rolling_origins};
use serde::Serialize;

use crate::{
    Project,
    candidates::with_replay,
    predict::{TableFormat, write_table},
    project::blocking,
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct BacktestRequest {
    /// The first origin.
    pub from: Date,
    /// Days between origins.
    pub every: usize,
    /// Days ahead.
    pub horizon: usize,
    /// What is tested.
    pub recipes: Vec<Recipe>,
}

/// How one recipe did.
#[derive(Debug, Clone, Serialize)]
pub struct ModelScore {
    /// The recipe.
    pub model: String,
    /// Mean headline RMSLE over the origins; none if it exploded on one.
    pub rmsle: Option<f64>,
    /// The same of cases.
    pub rmsle_cases: Option<f64>,
    /// The same of deaths.
    pub rmsle_deaths: Option<f64>,
    /// Origins at which a forecast was not finite or above 1e12; not in the file.
    pub exploded: Vec<String>,
}

/// How all recipes did.
#[derive(Debug, Clone, Serialize)]
pub struct BacktestReport {
    /// The origins.
    pub origins: Vec<String>,
    /// Days ahead.
    pub horizon: usize,
    /// Locations.
    pub locations: usize,
    /// The scores, in the order asked.
    pub models: Vec<ModelScore>,
}

/// Tests recipes on rolling origins. With `out`, every forecast is written to a `.csv` or `.parquet` file in the contract's
/// columns, sorted by origin, location, target, date and model. `tick` is called after each recipe.
///
/// # Errors
/// If there is no origin, the horizon is out of range, a fit fails, or the file cannot be written.
pub async fn backtest(
    project: &Project,
    request: BacktestRequest,
    out: Option<&Path>,
    tick: impl Fn() + Send + Sync + 'static,
) -> Result<BacktestReport, Fault> {
    // Said before the work, not after it.
    out.map(TableFormat::of).transpose()?;
    let (project, out) = (project.clone(), out.map(Path::to_path_buf));
    blocking(move || {
        let training = project.settings.training;
        let origins = rolling_origins(&project.published()?, request.from, request.every, request.horizon)?;
        let tested = with_replay(&project, request.horizon.max(training.horizon), |replay| {
            let test = |&recipe: &Recipe| {
                let tested = test(replay, recipe, &origins, request.horizon, &training)?;
                tick();
                Ok(tested)
            };
            request.recipes.iter().map(test).collect::<Result<Vec<Backtest>, Fault>>()
        })?;
        if let Some(out) = out {
            write_table(&out, &table(&tested, &project.published()?.targets())?)?;
        }
        Ok(BacktestReport {
            origins: origins.iter().map(ToString::to_string).collect(),
            horizon: request.horizon,
            locations: project.panel.locations().len(),
            models: tested.iter().map(score).collect(),
        })
    })
    .await
}

fn score(tested: &Backtest) -> ModelScore {
    let finite = |loss: f64| loss.is_finite().then_some(loss);
    ModelScore {
        model: tested.recipe.to_string(),
        rmsle: finite(tested.mean_loss()),
        rmsle_cases: finite(tested.mean_rmsle(Target::ConfirmedCases)),
        rmsle_deaths: finite(tested.mean_rmsle(Target::Fatalities)),
        exploded: tested.exploded().iter().map(ToString::to_string).collect(),
    }
}

/// One row of a backtest file.
struct Row<'a> {
    origin: Date,
    location: &'a Location,
    target: Target,
    date: Date,
    horizon: usize,
    model: &'a str,
    predicted: Predicted,
}

fn table(tested: &[Backtest], targets: &[Target]) -> Result<Table, Fault> {
    let names: Vec<String> = tested.iter().map(|tested| tested.recipe.to_string()).collect();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (tested, model) in tested.iter().zip(&names) {
        for score in tested.origins.iter().filter(|score| score.errors.is_some()) {
            rows.extend(rows_of(score, targets, model));
        }
    }
    rows.sort_by(|a, b| key(a).cmp(&key(b)));
    let text = |value: &dyn Fn(&Row<'_>) -> String| Column::Text(rows.iter().map(|row| Some(value(row))).collect());
    let mut columns = vec![("origin".to_owned(), Column::Date(rows.iter().map(|row| row.origin).collect()))];
    columns.extend(location_columns(rows.iter().map(|row| row.location)));
    columns.push(target_column(rows.iter().map(|row| row.target)));
    columns.extend([
        ("measure".into(), text(&|_| Measure::Cumulative.name().to_owned())),
        ("date".into(), Column::Date(rows.iter().map(|row| row.date).collect())),
        ("horizon".into(), Column::Integer(rows.iter().map(|row| row.horizon as i64).collect())),
        ("model".into(), text(&|row| row.model.to_owned())),
        ("point".into(), Column::Float(rows.iter().map(|row| row.predicted.point).collect())),
    ]);
    for (i, name) in covid_prediction::QUANTILES.into_iter().enumerate() {
        columns.push((name.into(), Column::Float(rows.iter().map(|row| row.predicted.quantiles[i]).collect())));
    }
    Ok(Table::new(columns)?)
}

fn rows_of<'a>(score: &'a OriginScore, targets: &'a [Target], model: &'a str) -> impl Iterator<Item = Row<'a>> {
    let forecast = &score.forecast;
    let series = forecast
        .locations()
        .iter()
        .enumerate()
        .flat_map(|(place, location)| targets.iter().map(move |&target| (place, location, target)));
    series.flat_map(move |(place, location, target)| {
        (1..=forecast.horizon()).map(move |ahead| Row {
            origin: score.origin,
            location,
            target,
            date: forecast.date(ahead),
            horizon: ahead,
            model,
            predicted: forecast.get(place, target, ahead),
        })
    })
}

fn key<'a>(row: &'a Row<'_>) -> (Date, &'a str, Target, Date, &'a str) {
    (row.origin, row.location.name(), row.target, row.date, row.model)
}
