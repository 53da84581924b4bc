//! What the page says, measured.

use std::{
    collections::HashMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use covid_cli::Session;
use covid_core::Date;
use covid_pipeline::{BacktestReport, BacktestRequest, KaggleRequest, Project, Settings, backtest, kaggle};
use covid_training::{FittedForecaster, Forecaster, Recipe, Spec};

/// All of it.
pub(crate) struct Measured {
    /// 7 and 28 days ahead, with the time that each took.
    pub(crate) backtests: [(BacktestReport, Duration); 2],
    /// RMSLE of cases and deaths in the private window.
    pub(crate) kaggle: [f64; 2],
    /// To fit every place and to predict it 28 days ahead, by model.
    pub(crate) speed: Vec<(String, Duration, Duration)>,
}

/// Measures all of it.
pub(crate) async fn all(session: &Session, data: &Path) -> Result<Measured> {
    let mut settings: Settings = session.settings(&[])?;
    settings.source = data.join("jhu").display().to_string();
    let clock = session.clock;
    let project = Project::open(settings.clone(), Arc::new(move || clock.now())).await?;
    Ok(Measured {
        backtests: [tested(session, &project, 7).await?, tested(session, &project, 28).await?],
        kaggle: kaggle_score(&settings, &data.join("kaggle_week2")).await?,
        speed: speed(&project)?,
    })
}

async fn tested(session: &Session, project: &Project, horizon: usize) -> Result<(BacktestReport, Duration)> {
    let from = Date::constant(2020, 4, 1);
    let request = BacktestRequest { from, every: 28, horizon, recipes: Recipe::CANDIDATES.to_vec() };
    let bar = session.progress.bar("models and origins", request.steps(project)?);
    let start = Instant::now();
    let report = backtest(project, request, None, move || bar.inc()).await?;
    Ok((report, start.elapsed()))
}

/// The score of the submission that the command `kaggle` makes, by the competition's rule: the rows flagged as private.
async fn kaggle_score(settings: &Settings, folder: &Path) -> Result<[f64; 2]> {
    let out = std::env::temp_dir().join(format!("submission-{}.csv", std::process::id()));
    let request = KaggleRequest { train: folder.join("train.csv"), test: folder.join("test.csv"), out: out.clone() };
    kaggle(settings, request).await?;
    let submission = std::fs::read_to_string(&out)?;
    std::fs::remove_file(&out)?;
    let submitted: HashMap<&str, [f64; 2]> =
        submission.lines().skip(1).map(|line| row(line, [0, 1, 2])).collect::<Result<_>>()?;
    let actuals = std::fs::read_to_string(folder.join("actuals.csv"))?;
    let (mut squares, mut rows) = ([0.0; 2], 0);
    for line in actuals.lines().skip(1).filter(|line| line.ends_with(",1")) {
        // Names of places may hold commas: the counts are counted from the end.
        let fields = line.split(',').count();
        let (id, actual) = row(line, [0, fields - 3, fields - 2])?;
        let forecast = submitted.get(id).context("a row of the private window is not in the submission")?;
        for target in [0, 1] {
            squares[target] += (forecast[target].ln_1p() - actual[target].ln_1p()).powi(2);
        }
        rows += 1;
    }
    Ok(squares.map(|sum: f64| (sum / f64::from(rows)).sqrt()))
}

fn row(line: &str, columns: [usize; 3]) -> Result<(&str, [f64; 2])> {
    let fields: Vec<&str> = line.split(',').collect();
    let [id, cases, deaths] = columns.map(|column| fields.get(column).copied().unwrap_or_default());
    Ok((id, [cases.parse()?, deaths.parse()?]))
}

fn speed(project: &Project) -> Result<Vec<(String, Duration, Duration)>> {
    let view = project.published()?;
    let measure = |recipe: Recipe| {
        let spec: Spec = recipe.grid()[0];
        let start = Instant::now();
        let fitted = spec.fit(&view)?;
        let fit = start.elapsed();
        let start = Instant::now();
        let paths = fitted.predict(&view, 28);
        assert_eq!(paths.horizon(), 28);
        Ok((spec.to_string(), fit, start.elapsed()))
    };
    Recipe::CANDIDATES.into_iter().map(measure).collect()
}
