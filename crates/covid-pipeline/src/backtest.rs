//! Backtests at the user's word, with a file from which anyone can recompute the scores.

use std::path::Path;

use covid_core::{Date, Fault, Forecast, Location, Measure, Predicted, Target, WeeklyForecast};
use covid_data::{Column, Table, TableFile, TableFileError, location_columns, target_column};
use covid_training::{
    Backtest, Model, OriginScore, Recipe, Replay, Scores, forecast_at_origin, rolling_origins, train_in_turn,
    weeks_within,
};
use serde::Serialize;

use crate::{
    PipelineError, Project,
    candidates::with_replay,
    predict::TableFormat,
    project::blocking,
    score_table::{ScoreRow, score_rows},
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

impl BacktestRequest {
    /// The origins.
    ///
    /// # Errors
    /// If there is none, or the horizon is out of range.
    pub fn origins(&self, project: &Project) -> Result<Vec<Date>, Fault> {
        Ok(rolling_origins(&project.published()?, self.from, self.every, self.horizon)?)
    }
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
    /// Origins at which a forecast was not finite or above 1e12; not in the file, nor in the scores below.
    pub exploded: Vec<String>,
    /// All scores, by measure and target: of all, by days ahead, by quarter of the origin, by size of the series.
    pub scores: Vec<ScoreRow>,
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
/// columns, sorted by origin, location, target, measure, date and model, one origin after the other. `tick` is called as
/// often as [`BacktestRequest::origins`] has dates.
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
        let origins = request.origins(&project)?;
        let targets = project.published()?.targets();
        let out = out.as_deref();
        let mut file =
            out.map(|out| TableFile::create(out).map_err(|error| unwritable(out, error.into()))).transpose()?;
        let tested = with_replay(&project, request.horizon.max(project.settings.training.horizon), |replay| {
            let mut tested: Vec<Tested> = request.recipes.iter().map(|&recipe| Tested::new(recipe, &request)).collect();
            let training = &project.settings.training;
            train_in_turn(replay, &request.recipes, &origins, request.horizon, training, |trained| {
                for models in trained {
                    let made = forecast_all(replay, &models, request.horizon)?;
                    tested.iter_mut().zip(&made).for_each(|(tested, made)| tested.add(made, replay));
                    if let Some((file, out)) = file.as_mut().zip(out) {
                        file.append(&table(&tested, &made, &targets)?).map_err(|error| unwritable(out, error))?;
                    }
                    tick();
                }
                Ok::<(), Fault>(())
            })?;
            Ok(tested)
        })?;
        if let Some((file, out)) = file.zip(out) {
            file.finish().map_err(|error| unwritable(out, error))?;
        }
        Ok(BacktestReport {
            origins: origins.iter().map(ToString::to_string).collect(),
            horizon: request.horizon,
            locations: project.panel.locations().len(),
            models: scored(&tested),
        })
    })
    .await
}

fn unwritable(out: &Path, error: TableFileError) -> Fault {
    match error {
        TableFileError::Io(source) => PipelineError::Unwritable { path: out.to_owned(), source }.into(),
        TableFileError::Table(error) => error.into(),
    }
}

/// What one recipe forecast at one origin.
struct Made {
    score: OriginScore,
    cumulative: Forecast,
    weekly: Option<WeeklyForecast>,
}

fn forecast_all(replay: &Replay<'_>, models: &[Model], horizon: usize) -> Result<Vec<Made>, Fault> {
    let make = |model: &Model| {
        let (cumulative, weekly) = forecast_at_origin(replay, model, horizon)?;
        Ok(Made { score: OriginScore::new(*model.spec(), &cumulative, &replay.published()), cumulative, weekly })
    };
    models.iter().map(make).collect()
}

/// A recipe over the origins so far.
struct Tested {
    backtest: Backtest,
    scores: Scores,
}

impl Tested {
    fn new(recipe: Recipe, request: &BacktestRequest) -> Self {
        let backtest = Backtest { recipe, horizon: request.horizon, origins: Vec::new() };
        Self { backtest, scores: Scores::default() }
    }

    fn add(&mut self, made: &Made, replay: &Replay<'_>) {
        if made.score.errors.is_some() {
            self.scores.add(&made.cumulative, made.weekly.as_ref(), &replay.published());
        }
        self.backtest.origins.push(made.score.clone());
    }
}

fn scored(tested: &[Tested]) -> Vec<ModelScore> {
    let named = |name: &str| tested.iter().find(|tested| tested.backtest.recipe.to_string() == name);
    let references = ["persistence", "hub-baseline"].map(|name| named(name).map(|tested| &tested.scores));
    let score = |Tested { backtest, scores }: &Tested| {
        let finite = |loss: f64| loss.is_finite().then_some(loss);
        ModelScore {
            model: backtest.recipe.to_string(),
            rmsle: finite(backtest.mean_loss()),
            rmsle_cases: finite(backtest.mean_rmsle(Target::ConfirmedCases)),
            rmsle_deaths: finite(backtest.mean_rmsle(Target::Fatalities)),
            exploded: backtest.exploded().iter().map(ToString::to_string).collect(),
            scores: score_rows(scores, references),
        }
    };
    tested.iter().map(score).collect()
}

/// One row of a backtest file.
struct Row<'a> {
    location: &'a Location,
    target: Target,
    measure: Measure,
    date: Date,
    horizon: usize,
    model: &'a str,
    predicted: Predicted,
}

/// The rows of one origin.
fn table(tested: &[Tested], made: &[Made], targets: &[Target]) -> Result<Table, Fault> {
    let names: Vec<String> = tested.iter().map(|tested| tested.backtest.recipe.to_string()).collect();
    let mut models: Vec<(&str, &Made)> = names.iter().map(String::as_str).zip(made).collect();
    models.retain(|(_, made)| made.score.errors.is_some());
    models.sort_by_key(|(name, _)| *name);
    let rows = rows(&models, targets);
    let origin = made.first().map(|made| made.score.origin);
    let text = |value: &dyn Fn(&Row<'_>) -> String| Column::Text(rows.iter().map(|row| Some(value(row))).collect());
    let mut columns = vec![("origin".to_owned(), Column::Date(rows.iter().filter_map(|_| origin).collect()))];
    columns.extend(location_columns(rows.iter().map(|row| row.location)));
    columns.push(target_column(rows.iter().map(|row| row.target)));
    columns.extend([
        ("measure".into(), text(&|row| row.measure.name().to_owned())),
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

fn rows<'a>(models: &[(&'a str, &'a Made)], targets: &[Target]) -> Vec<Row<'a>> {
    let Some((_, first)) = models.first() else { return Vec::new() };
    let (locations, horizon) = (first.cumulative.locations(), first.cumulative.horizon());
    let mut places: Vec<usize> = (0..locations.len()).collect();
    places.sort_by_key(|&place| locations[place].name());
    let mut rows = Vec::with_capacity(places.len() * targets.len() * (horizon + 4) * models.len());
    for place in places {
        let location = &locations[place];
        for &target in targets {
            for horizon in 1..=horizon {
                rows.extend(models.iter().map(|&(model, made)| Row {
                    date: made.cumulative.date(horizon),
                    predicted: made.cumulative.get(place, target, horizon),
                    measure: Measure::Cumulative,
                    location,
                    target,
                    horizon,
                    model,
                }));
            }
            for week in 1..=weeks_within(horizon) {
                let weekly = models.iter().filter_map(|&(model, made)| Some((model, made.weekly.as_ref()?)));
                rows.extend(weekly.map(|(model, weekly)| Row {
                    date: weekly.date(week),
                    predicted: weekly.get(place, target, week),
                    measure: Measure::WeeklyNew,
                    location,
                    target,
                    horizon: 7 * week,
                    model,
                }));
            }
        }
    }
    rows
}
