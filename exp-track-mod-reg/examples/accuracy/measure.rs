//! What the page says, measured.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use covid_cli::Session;
use covid_core::{Date, PanelView, Predicted, Target};
use covid_data::repair;
use covid_pipeline::{BacktestReport, BacktestRequest, KaggleRequest, Project, Settings, backtest, kaggle};
use covid_training::{Ensemble, Model, Recipe, Replay, Spec, rolling_origins};

use crate::speed::{self, Speed};

/// All of it.
pub(crate) struct Measured {
    /// 7 and 28 days ahead, with the time that each took.
    pub(crate) backtests: [(BacktestReport, Duration); 2],
    /// RMSLE of cases and deaths in the private window.
    pub(crate) kaggle: [f64; 2],
    /// Sums over places: the world, and the countries that report by province.
    pub(crate) sums: Vec<SumScore>,
    /// By candidate.
    pub(crate) speed: Vec<Speed>,
}

/// How the quantiles of sums over places did.
pub(crate) struct SumScore {
    /// Which sums.
    pub(crate) what: &'static str,
    /// The target.
    pub(crate) target: Target,
    /// Days ahead.
    pub(crate) ahead: usize,
    /// Forecasts that were scored.
    pub(crate) forecasts: usize,
    /// Actual sums within the central 50, 80 and 95 % intervals.
    pub(crate) covered: [usize; 3],
}

/// Measures all of it.
pub(crate) async fn all(session: &Session, data: &Path) -> Result<Measured> {
    let mut settings: Settings = session.settings(&[])?;
    settings.source = data.join("jhu").display().to_string();
    let clock = session.clock;
    let project = Project::open(settings.clone(), Arc::new(move || clock.now())).await?;
    Ok(Measured {
        backtests: [tested(session, &project, 7).await?, tested(session, &project, 28).await?],
        sums: sums(&project)?,
        kaggle: kaggle_score(&settings, &data.join("kaggle_week2")).await?,
        speed: speed::measure(&project)?,
    })
}

async fn tested(session: &Session, project: &Project, horizon: usize) -> Result<(BacktestReport, Duration)> {
    let from = Date::constant(2020, 4, 1);
    let request = BacktestRequest { from, every: 28, horizon, recipes: Recipe::CANDIDATES.to_vec() };
    let bar = session.progress.bar("origins", request.origins(project)?.len());
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

/// Sums as `deployment show` forecasts them, at the origins of the backtest.
fn sums(project: &Project) -> Result<Vec<SumScore>> {
    const AHEAD: [usize; 4] = [7, 14, 21, 28];
    let published = project.published()?;
    let world: Vec<usize> = (0..published.locations().len()).collect();
    let mut countries: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (place, location) in published.locations().iter().enumerate() {
        countries.entry(location.country_region()).or_default().push(place);
    }
    countries.retain(|_, places| places.len() > 1);
    let mut scores = Vec::new();
    for (what, sums) in [("World", vec![world]), ("countries by province", countries.into_values().collect())] {
        let empty = |target| AHEAD.map(|ahead| SumScore { what, target, ahead, forecasts: 0, covered: [0; 3] });
        let mut found = Target::ALL.map(empty);
        for origin in rolling_origins(&published, Date::constant(2020, 4, 1), 28, 28)? {
            let prepare = |view: &PanelView<'_>| repair(view, project.repair).0;
            let replay = Replay::new(published.earlier(origin)?, &prepare, 28);
            let model = Model::train(&replay, Recipe::Fixed(Spec::Ensemble(Ensemble)), &project.settings.training)?;
            for places in &sums {
                let paths = model.forecast_sum(&replay, places, 28)?;
                for score in found.iter_mut().flatten() {
                    let day = replay.published().days() - 1 + score.ahead;
                    let actual: f64 = places.iter().map(|&place| published.count_at(place, score.target, day)).sum();
                    score.add(&paths[score.target.index()][score.ahead - 1], actual);
                }
            }
        }
        scores.extend(found.into_iter().flatten());
    }
    Ok(scores)
}

impl SumScore {
    fn add(&mut self, predicted: &Predicted, actual: f64) {
        self.forecasts += 1;
        for (covered, interval) in self.covered.iter_mut().zip([[2, 4], [1, 5], [0, 6]]) {
            let [lower, upper] = interval.map(|level| predicted.quantiles[level]);
            *covered += usize::from((lower..=upper).contains(&actual));
        }
    }
}
