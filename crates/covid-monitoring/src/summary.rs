//! What the scores of many rows say.

use std::collections::BTreeMap;

use covid_core::{
    Target,
    metrics::{self, SquaredLogError},
};
use serde::Serialize;

use crate::ScoreRow;

/// Scores of some rows of one target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scores {
    /// Rows scored.
    pub rows: usize,
    /// Root mean squared logarithmic error.
    pub rmsle: f64,
    /// The same of the naive forecast, no change.
    pub persistence_rmsle: f64,
    /// Mean of ln(1 + forecast) - ln(1 + published): above 0, too many were forecast.
    pub bias: f64,
    /// Mean weighted interval score, in counts.
    pub wis: f64,
    /// Share of published counts inside the central 50, 80 and 95 % intervals.
    pub coverage: [f64; 3],
}

/// The headline of one day ahead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HorizonScore {
    /// Days ahead.
    pub horizon: usize,
    /// Mean RMSLE of the targets.
    pub headline: f64,
    /// The same of no change.
    pub persistence_headline: f64,
}

/// The headline of one place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LocationScore {
    /// Display name.
    pub location: String,
    /// Mean RMSLE of the targets.
    pub headline: f64,
    /// The same of no change.
    pub persistence_headline: f64,
}

/// What a monitoring run found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Rows scored.
    pub rows: usize,
    /// Places scored.
    pub locations: usize,
    /// Mean RMSLE of the targets; none without a published count.
    pub headline: Option<f64>,
    /// The same of no change.
    pub persistence_headline: Option<f64>,
    /// By target: cases, deaths.
    pub targets: BTreeMap<&'static str, Scores>,
    /// By days ahead.
    pub horizons: Vec<HorizonScore>,
    /// Every place, the worst first.
    pub worst: Vec<LocationScore>,
}

/// Errors of the model and of no change, by target.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    model: [SquaredLogError; 2],
    persistence: [SquaredLogError; 2],
}

impl Pair {
    fn add(&mut self, row: &ScoreRow) {
        self.model[row.target.index()].add(row.point, row.actual);
        self.persistence[row.target.index()].add(row.persistence, row.actual);
    }

    fn headlines(&self) -> Option<(f64, f64)> {
        Some((metrics::headline(self.model)?, metrics::headline(self.persistence)?))
    }
}

impl Summary {
    /// Gathers rows.
    pub fn of(rows: &[ScoreRow]) -> Self {
        let mut all = Pair::default();
        let mut by_horizon: BTreeMap<usize, Pair> = BTreeMap::new();
        let mut by_location: BTreeMap<&str, Pair> = BTreeMap::new();
        for row in rows {
            all.add(row);
            by_horizon.entry(row.horizon).or_default().add(row);
            by_location.entry(row.location.name()).or_default().add(row);
        }
        let targets =
            Target::ALL.into_iter().filter_map(|target| Some((target.name(), Scores::of(rows, target, &all)?)));
        let horizons = by_horizon.iter().filter_map(|(&horizon, pair)| {
            let (headline, persistence_headline) = pair.headlines()?;
            Some(HorizonScore { horizon, headline, persistence_headline })
        });
        let mut worst: Vec<LocationScore> = by_location
            .iter()
            .filter_map(|(&location, pair)| {
                let (headline, persistence_headline) = pair.headlines()?;
                Some(LocationScore { location: location.to_owned(), headline, persistence_headline })
            })
            .collect();
        worst.sort_by(|a, b| b.headline.total_cmp(&a.headline).then_with(|| a.location.cmp(&b.location)));
        Self {
            rows: rows.len(),
            locations: by_location.len(),
            headline: all.headlines().map(|headlines| headlines.0),
            persistence_headline: all.headlines().map(|headlines| headlines.1),
            targets: targets.collect(),
            horizons: horizons.collect(),
            worst,
        }
    }
}

impl Scores {
    fn of(rows: &[ScoreRow], target: Target, all: &Pair) -> Option<Self> {
        let rows: Vec<&ScoreRow> = rows.iter().filter(|row| row.target == target).collect();
        let mean =
            |value: &dyn Fn(&ScoreRow) -> f64| rows.iter().map(|row| value(row)).sum::<f64>() / rows.len() as f64;
        Some(Self {
            rows: rows.len(),
            rmsle: all.model[target.index()].rmsle()?,
            persistence_rmsle: all.persistence[target.index()].rmsle()?,
            bias: mean(&ScoreRow::log_error),
            wis: mean(&|row| row.wis),
            coverage: [0, 1, 2].map(|i| mean(&|row| f64::from(u8::from(row.covered[i])))),
        })
    }
}

#[cfg(test)]
mod tests {
    use covid_core::{Date, Location};

    use super::*;

    fn row(location: &str, target: Target, point: f64, actual: f64) -> ScoreRow {
        ScoreRow {
            location: Location::country(location),
            target,
            forecast_as_of: Date::constant(2020, 1, 1),
            forecast_run: "run".into(),
            model_version: "1".into(),
            vintage: "0".repeat(64),
            date: Date::constant(2020, 1, 2),
            horizon: 1,
            point,
            actual,
            persistence: 0.0,
            wis: 1.0,
            wis_log: 0.5,
            quantiles_below: 6,
            shadow: false,
            covered: [false, true, true],
        }
    }

    #[test]
    fn by_hand() {
        let e = std::f64::consts::E;
        let rows = [
            row("A", Target::ConfirmedCases, e - 1.0, 0.0),
            row("A", Target::Fatalities, 0.0, 0.0),
            row("B", Target::ConfirmedCases, 0.0, 0.0),
            row("B", Target::Fatalities, 0.0, e * e - 1.0),
        ];
        let summary = Summary::of(&rows);
        // Cases: errors 1 and 0; deaths: 0 and -2.
        let expected = (0.5f64.sqrt() + 2f64.sqrt()) / 2.0;
        assert!((summary.headline.unwrap() - expected).abs() < 1e-12);
        assert!((summary.persistence_headline.unwrap() - 2f64.sqrt() / 2.0).abs() < 1e-12);
        assert_eq!(summary.worst.iter().map(|place| place.location.as_str()).collect::<Vec<_>>(), ["B", "A"]);
        let deaths = summary.targets["Fatalities"];
        assert!((deaths.bias + 1.0).abs() < 1e-12);
        assert_eq!(deaths.coverage, [0.0, 1.0, 1.0]);
    }

    #[test]
    fn nothing_is_no_score() {
        assert_eq!(Summary::of(&[]).headline, None);
        assert_eq!(Summary::of(&[row("A", Target::Fatalities, 1.0, 1.0)]).headline, Some(0.0));
    }
}
