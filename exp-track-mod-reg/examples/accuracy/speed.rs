//! How fast it is: what is measured here, and what other programs measured before.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use covid_core::PanelView;
use covid_data::repair;
use covid_pipeline::{BacktestReport, Project};
use covid_training::{FittedForecaster, Forecaster, Model, Recipe, Replay, Spec};

/// Days ahead for which it is measured.
const AHEAD: usize = 28;

/// How long each model takes for every place.
pub(crate) struct Speed {
    model: String,
    /// To fit the points, and to predict them.
    points: [Duration; 2],
    /// The same with tuning and calibration, and with quantiles.
    quantiles: [Duration; 2],
}

/// Measures every candidate.
pub(crate) fn measure(project: &Project) -> Result<Vec<Speed>> {
    let view = project.published()?;
    let prepare = |view: &PanelView<'_>| repair(view, project.repair).0;
    let seen = prepare(&view);
    let measure = |recipe: Recipe| {
        let spec: Spec = recipe.grid()[0];
        let (fitted, fit) = timed(|| spec.fit(&seen.view()));
        let fitted = fitted?;
        let (_, predict) = timed(|| fitted.predict(&seen.view(), AHEAD));
        // One of its own: what past days teach is kept for those that ask later.
        let replay = Replay::new(view, &prepare, AHEAD);
        let (model, train) = timed(|| Model::train(&replay, recipe, &project.settings.training));
        let model = model?;
        let (_, forecast) = timed(|| model.forecast(&seen.view(), AHEAD));
        Ok(Speed { model: recipe.to_string(), points: [fit, predict], quantiles: [train, forecast] })
    };
    Recipe::CANDIDATES.into_iter().map(measure).collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

/// What another program printed.
pub(crate) fn printed(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// The section of the page: the backtests with the time that each took, every candidate, and what others printed of how it
/// grows with the number of places and of its peers.
pub(crate) fn section(backtests: &[(BacktestReport, Duration); 2], speed: &[Speed], printed: &[String]) -> String {
    let [(week, week_took), (month, month_took)] = backtests;
    let mut section = format!(
        "\n## Speed\n\nAll {} candidates: {} origins 7 days ahead in {:.1} s, {} origins 28 days ahead in {:.1} s, with their \
         tuning, calibration and scores; asked for is 60 s in all. Below, 289 places: fitting and predicting the points alone, \
         and training with everything that a champion needs (tuning, calibration, the other weekdays), and a forecast with its \
         quantiles; asked for is 1 s for `ensemble`.\n\n\
         | model | fit points | predict {AHEAD} days | train | forecast {AHEAD} days |\n|---|---|---|---|---|\n",
        week.models.len(),
        week.origins.len(),
        week_took.as_secs_f64(),
        month.origins.len(),
        month_took.as_secs_f64()
    );
    for Speed { model, points, quantiles } in speed {
        let [fit, predict, train, forecast] =
            [points[0], points[1], quantiles[0], quantiles[1]].map(|took| took.as_secs_f64());
        let _ = writeln!(section, "| {model} | {fit:.4} s | {predict:.4} s | {train:.2} s | {forecast:.3} s |");
    }
    section.push_str(
        "\nHow `ensemble` grows with the number of places (`crates/covid-training/examples/scale.rs`: simulated panels of 400 \
         days and two targets, trained, calibrated for 60 days ahead, forecast 7 days ahead with intervals; asked for is 60 s \
         and 3 GB at 100,000 places), and `ets` beside Nixtla's statsforecast (`benches/peers/smoothing.py`; asked for is 5 \
         times as fast), as printed:\n\n```text\n",
    );
    section.extend(printed.iter().flat_map(|text| [text.trim(), "\n"]));
    section.push_str("```\n");
    section
}
