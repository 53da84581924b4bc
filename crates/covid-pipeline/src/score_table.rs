//! Scores as rows: what a backtest says in JSON, and what `docs/accuracy.md` is made of.

use std::collections::BTreeSet;

use covid_core::{LEVELS, Measure, Target};
use covid_training::{Group, Scores, Tally};
use serde::Serialize;

/// The scores of one model in one group of forecasts.
#[derive(Debug, Clone, Serialize)]
pub struct ScoreRow {
    /// What was forecast.
    pub measure: Measure,
    /// The target.
    pub target: Target,
    /// How forecasts are grouped.
    pub by: Grouping,
    /// The group: days ahead, `2020Q2`, a range of counts, one of these and days ahead (`2020Q2 7`), or `all`.
    pub group: String,
    /// Forecasts.
    pub forecasts: usize,
    /// Root of the mean squared error of the points on ln(1 + count), over all forecasts of the group.
    pub rmsle: f64,
    /// Mean absolute error of the points.
    pub mae: f64,
    /// Mean weighted interval score.
    pub wis: f64,
    /// The same on ln(1 + count).
    pub wis_log: f64,
    /// Shares of actual counts within the central 50, 80 and 95 % intervals.
    pub coverage: [f64; 3],
    /// Shares of actual counts below each quantile.
    pub below: [f64; 7],
    /// Shares of actual counts at or below each quantile.
    pub at_most: [f64; 7],
    /// The largest of share(y < q) - level and level - share(y <= q) over the levels.
    pub miscalibration: f64,
    /// WIS divided by that of persistence, natural and on ln(1 + count), where it was tested, too, and ever wrong.
    pub wis_to_persistence: Option<[f64; 2]>,
    /// The same by that of the hubs' baseline.
    pub wis_to_hub_baseline: Option<[f64; 2]>,
}

/// How forecasts are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// Not.
    All,
    /// By days ahead.
    Horizon,
    /// By quarter of the origin.
    Quarter,
    /// By the last published count of the series.
    Size,
    /// By quarter of the origin, and by whole weeks ahead in days.
    QuarterAndHorizon,
    /// By the last published count of the series, and by whole weeks ahead in days.
    SizeAndHorizon,
}

impl Grouping {
    const ALL: [Self; 6] =
        [Self::All, Self::Horizon, Self::Quarter, Self::Size, Self::QuarterAndHorizon, Self::SizeAndHorizon];

    /// A name that sorts as the group should, and the one to show; none of what is left out.
    fn name(self, group: &Group) -> Option<([usize; 2], String)> {
        let quarter = || {
            let (year, quarter) = group.quarter;
            (year as usize * 4 + quarter as usize, format!("{year}Q{quarter}"))
        };
        let size = || (group.size as usize, group.size.name().to_owned());
        let alone = |(sorts, name): (usize, String)| Some(([sorts, 0], name));
        let with_days = |(sorts, name): (usize, String)| {
            let days = group.horizon;
            days.is_multiple_of(7).then(|| ([sorts, days], format!("{name} {days}")))
        };
        match self {
            Self::All => alone((0, "all".to_owned())),
            Self::Horizon => alone((group.horizon, group.horizon.to_string())),
            Self::Quarter => alone(quarter()),
            Self::Size => alone(size()),
            Self::QuarterAndHorizon => with_days(quarter()),
            Self::SizeAndHorizon => with_days(size()),
        }
    }
}

/// The rows of a model; `references` are persistence and the hubs' baseline, where they were tested.
pub(crate) fn score_rows(scores: &Scores, references: [Option<&Scores>; 2]) -> Vec<ScoreRow> {
    let mut rows = Vec::new();
    for measure in [Measure::Cumulative, Measure::WeeklyNew] {
        for target in Target::ALL {
            for by in Grouping::ALL {
                let of = |group: &&Group| group.measure == measure && group.target == target;
                let names: BTreeSet<([usize; 2], String)> =
                    scores.groups().filter(of).filter_map(|group| by.name(group)).collect();
                for name in names {
                    let wanted = |group: &Group| of(&group) && by.name(group).as_ref() == Some(&name);
                    if let Some(tally) = scores.total(wanted) {
                        let references = references.map(|scores| scores.and_then(|scores| scores.total(wanted)));
                        rows.push(row(&tally, references, (measure, target, by, name.1.clone())));
                    }
                }
            }
        }
    }
    rows
}

fn row(tally: &Tally, references: [Option<Tally>; 2], key: (Measure, Target, Grouping, String)) -> ScoreRow {
    let share = |hits: usize| hits as f64 / tally.count as f64;
    let mean = |sum: f64| sum / tally.count as f64;
    // A model that exploded at some origins has forecasts of the others alone: its sum is not comparable.
    let same = |of: &Tally| of.count == tally.count;
    // Where a reference is never wrong, as of a series that stays 0, nothing is a share of its score.
    let finite = |ratios: &[f64; 2]| ratios.iter().all(|ratio| ratio.is_finite());
    let ratio =
        |of: Option<Tally>| of.filter(same).map(|of| [tally.wis / of.wis, tally.wis_log / of.wis_log]).filter(finite);
    let [persistence, hub_baseline] = references.map(ratio);
    let (measure, target, by, group) = key;
    ScoreRow {
        measure,
        target,
        by,
        group,
        forecasts: tally.count,
        rmsle: mean(tally.squared_log).sqrt(),
        mae: mean(tally.absolute),
        wis: mean(tally.wis),
        wis_log: mean(tally.wis_log),
        coverage: tally.coverage(),
        below: tally.below.map(share),
        at_most: tally.at_most.map(share),
        miscalibration: tally.miscalibration(),
        wis_to_persistence: persistence,
        wis_to_hub_baseline: hub_baseline,
    }
}

/// Levels and shares stand in the same order.
const _: () = assert!(LEVELS.len() == 7);
