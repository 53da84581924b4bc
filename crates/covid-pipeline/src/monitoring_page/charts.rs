//! The charts of the monitoring page.

use std::cmp::Ordering;

use covid_core::{Date, LEVELS, Target};
use covid_report::{Band, Chart, FanExplorer, LineChart, ReportError, Series};

use super::{Calibration, DayScore, Fans, HorizonError, Reign};

/// The days of the chart of the recent history; a longer history has a chart of its own.
const RECENT: usize = 90;

/// The error over time, recent and whole; none without a score.
pub(super) fn history(days: &[DayScore], champions: &[Reign]) -> Result<Vec<Chart>, ReportError> {
    let recent = &days[days.len().saturating_sub(RECENT)..];
    let charts = match days.first() {
        Some(first) if recent.len() < days.len() => vec![
            over_time(&format!("RMSLE of 7 days, last {RECENT} days"), recent, champions),
            over_time(&format!("RMSLE of 7 days, since {}", first.date), days, champions),
        ],
        _ => vec![over_time("RMSLE of 7 days", days, champions)],
    };
    charts.into_iter().filter_map(drawn).collect()
}

/// More marks than this would be a grey ground.
const MOST_MARKS: usize = 30;

fn over_time(title: &str, days: &[DayScore], champions: &[Reign]) -> Result<Chart, ReportError> {
    let dates: Vec<Date> = days.iter().map(|day| day.date).collect();
    let values = |value: fn(&DayScore) -> f64| days.iter().map(value).collect::<Vec<f64>>();
    let [usual, limit] = [values(|day| day.usual.unwrap_or(f64::NAN)), values(|day| day.limit.unwrap_or(f64::NAN))];
    let challenger = values(|day| day.challenger.unwrap_or(f64::NAN));
    let within = |date: &Date| dates.first() <= Some(date) && Some(date) <= dates.last();
    let mut promotions: Vec<Date> = champions.iter().map(|reign| reign.from).filter(within).collect();
    if promotions.len() > MOST_MARKS {
        promotions.clear();
    }
    let mut chart = LineChart::over_dates(title, &dates)
        .line(Series::new("champion", values(|day| day.champion)))
        .line(Series::new("no change", values(|day| day.persistence)))
        .marks("promotion", &promotions);
    if challenger.iter().any(|value| value.is_finite()) {
        chart = chart.line(Series::new("challenger", challenger));
    }
    if limit.iter().zip(&usual).any(|(limit, usual)| limit.is_finite() && usual.is_finite()) {
        chart = chart.band(Band::new("usual level to alert limit", usual, limit));
    }
    chart.draw()
}

/// The error by days ahead; none without a score.
pub(super) fn horizons(horizons: &[HorizonError]) -> Result<Option<Chart>, ReportError> {
    let ahead: Vec<f64> = horizons.iter().map(|at| at.horizon as f64).collect();
    let values = |value: fn(&HorizonError) -> f64| horizons.iter().map(value).collect::<Vec<f64>>();
    let mut chart = LineChart::over_numbers("RMSLE by days ahead", &ahead)
        .line(Series::new("champion", values(|at| at.champion)).dotted())
        .line(Series::new("no change", values(|at| at.persistence)).dotted());
    let expected = values(|at| at.expected.unwrap_or(f64::NAN));
    if expected.iter().any(|value| value.is_finite()) {
        chart = chart.line(Series::new("expected from the backtest", expected).dotted());
    }
    drawn(chart.draw()).transpose()
}

/// Observed shares over the levels of the quantiles, beside the diagonal; none without a share.
pub(super) fn calibration(calibration: &Calibration) -> Result<Option<Chart>, ReportError> {
    if calibration.quantiles.is_empty() {
        return Ok(None);
    }
    let mut levels: Vec<f64> = calibration.quantiles.iter().map(|share| share.level).chain(LEVELS).collect();
    levels.extend([0.0, 1.0]);
    levels.sort_by(f64::total_cmp);
    levels.dedup_by(|a, b| a.partial_cmp(&b) == Some(Ordering::Equal));
    let mut chart = LineChart::over_numbers("Share of published counts at or below each quantile", &levels)
        .line(Series::new("as promised", levels.clone()).muted());
    for target in Target::ALL {
        let of_target = || calibration.quantiles.iter().filter(|share| share.target == target);
        let observed =
            |level: f64| of_target().find(|share| share.level == level).map_or(f64::NAN, |share| share.observed);
        if of_target().next().is_some() {
            let values: Vec<f64> = levels.iter().map(|level| observed(*level)).collect();
            chart = chart.line(Series::new(super::tables::plain(target), values).dotted());
        }
    }
    drawn(chart.draw()).transpose()
}

/// Forecasts to pick from.
pub(super) fn fans(fans: &Fans) -> FanExplorer {
    let mut explorer = FanExplorer::new(fans.first, fans.days);
    for fan in &fans.series {
        let forecasts: Vec<_> = fan.forecasts.iter().map(|forecast| (forecast.as_of, &forecast.days[..])).collect();
        explorer.series(&fan.place, fan.target, &fan.actuals, &forecasts);
    }
    explorer
}

/// A chart without a value is none.
fn drawn(chart: Result<Chart, ReportError>) -> Option<Result<Chart, ReportError>> {
    match chart {
        Err(ReportError::Empty { .. }) => None,
        chart => Some(chart),
    }
}
