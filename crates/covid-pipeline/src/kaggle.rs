//! A submission to a Kaggle competition (COVID19 Global Forecasting, weeks 1 to 4): fitted on its training file alone.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use covid_core::{Date, Fault, MAX_HORIZON, Panel, PanelView, Target};
use covid_data::{Column, KaggleTestRow, Table, load, read_kaggle_test, repair};
use covid_training::{Ensemble, FittedForecaster, Forecaster, LogPaths, TrainingError};
use serde::Serialize;

use crate::{
    PipelineError, Settings,
    predict::{TableFormat, write_table},
    project::blocking,
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct KaggleRequest {
    /// The training file.
    pub train: PathBuf,
    /// The file that asks.
    pub test: PathBuf,
    /// The submission, `.csv` or `.parquet`.
    pub out: PathBuf,
}

/// What was submitted.
#[derive(Debug, Clone, Serialize)]
pub struct KaggleReport {
    /// The model.
    pub model: String,
    /// The last date of the training file.
    pub as_of: String,
    /// Places of the training file.
    pub locations: usize,
    /// Rows whose date is in the training file: they repeat it.
    pub known: usize,
    /// Rows that are forecasts.
    pub forecast: usize,
    /// The furthest day ahead.
    pub horizon: usize,
}

/// Fits the full candidate on the training file, as of its last date, and answers every row of the test file in its order: a
/// date of the training file with its count, a later one with a forecast. Reads and writes nothing else.
///
/// # Errors
/// If a file cannot be read or written, or a row asks for an unknown place, or for a date before the training file or more
/// than 60 days after it.
pub async fn kaggle(settings: &Settings, request: KaggleRequest) -> Result<KaggleReport, Fault> {
    TableFormat::of(&request.out)?;
    let settings = settings.clone();
    blocking(move || {
        let loaded = load(&request.train.display().to_string(), &settings.load_options())?;
        loaded.findings.refuse_negative()?;
        let asked = read_kaggle_test(&request.test)?.rows;
        let panel = loaded.panel;
        let submission = Submission::plan(&panel, &asked, &request.test)?;
        let horizon = submission.horizon();
        let seen = repair(&panel.view(), settings.repair).0;
        let paths = forecast(&seen.view(), horizon)?;
        write_table(&request.out, &submission.table(&panel.view(), &asked, &paths)?)?;
        let forecast = submission.rows.iter().filter(|row| matches!(row.1, When::Ahead(_))).count();
        Ok(KaggleReport {
            model: Ensemble.to_string(),
            as_of: panel.last_date().to_string(),
            locations: panel.locations().len(),
            known: asked.len() - forecast,
            forecast,
            horizon,
        })
    })
    .await
}

fn forecast(view: &PanelView<'_>, horizon: usize) -> Result<LogPaths, Fault> {
    let paths = Ensemble.fit(view)?.predict(view, horizon.max(1));
    let most = covid_core::MAX_COUNT.ln_1p();
    let exploded = |place: &usize| {
        let finite = |target| paths.path(*place, target).iter().all(|x| x.is_finite() && *x <= most);
        !Target::ALL.into_iter().all(finite)
    };
    match (0..view.locations().len()).find(exploded) {
        None => Ok(paths),
        Some(place) => Err(TrainingError::Exploded {
            model: Ensemble.to_string(),
            location: view.locations()[place].name().to_owned(),
            horizon,
            as_of: view.as_of(),
        }
        .into()),
    }
}

/// Of which day a row asks.
#[derive(Debug, Clone, Copy)]
enum When {
    /// A day of the training file.
    Known(usize),
    /// Days after it.
    Ahead(usize),
}

/// For every row asked, the position of its place, and the day.
struct Submission {
    rows: Vec<(usize, When)>,
}

impl Submission {
    fn plan(panel: &Panel, asked: &[KaggleTestRow], test: &Path) -> Result<Self, Fault> {
        let positions: HashMap<&str, usize> =
            panel.locations().iter().enumerate().map(|(i, location)| (location.name(), i)).collect();
        let plan = |row: &KaggleTestRow| {
            let unanswerable = |reason: String| PipelineError::Unanswerable {
                file: test.to_owned(),
                forecast_id: row.forecast_id,
                reason,
            };
            let name = row.location.name();
            let place = positions.get(name);
            let place = place.ok_or_else(|| unanswerable(format!("`{name}` is not in the training file")))?;
            Ok((*place, when(panel, row.date).map_err(unanswerable)?))
        };
        Ok(Self { rows: asked.iter().map(plan).collect::<Result<_, PipelineError>>()? })
    }

    fn horizon(&self) -> usize {
        let ahead = |&(_, when): &(usize, When)| if let When::Ahead(days) = when { days } else { 0 };
        self.rows.iter().map(ahead).max().unwrap_or(0)
    }

    fn table(&self, published: &PanelView<'_>, asked: &[KaggleTestRow], paths: &LogPaths) -> Result<Table, Fault> {
        let count = |target: Target| {
            let answer = |&(place, when): &(usize, When)| match when {
                When::Known(day) => published.count_at(place, target, day),
                When::Ahead(days) => paths.path(place, target)[days - 1].exp_m1(),
            };
            Column::Float(self.rows.iter().map(answer).collect())
        };
        let ids = asked.iter().map(|row| row.forecast_id as i64).collect();
        let mut columns = vec![("ForecastId", Column::Integer(ids))];
        columns.extend(Target::ALL.map(|target| (target.name(), count(target))));
        Ok(Table::new(columns)?)
    }
}

fn when(panel: &Panel, date: Date) -> Result<When, String> {
    if let Some(day) = panel.day(date) {
        return Ok(When::Known(day));
    }
    let (first, last) = (panel.first_date(), panel.last_date());
    let ahead = last.until(date).map_or(i32::MAX, |span| span.get_days());
    match usize::try_from(ahead) {
        Ok(ahead) if (1..=MAX_HORIZON).contains(&ahead) => Ok(When::Ahead(ahead)),
        Ok(_) => Err(format!("{date} is more than {MAX_HORIZON} days after the training file, which ends on {last}")),
        Err(_) => Err(format!("{date} is before the training file, which begins on {first}")),
    }
}
