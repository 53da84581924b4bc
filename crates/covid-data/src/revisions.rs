//! What changed between two vintages of the same data.

mod common;
mod renamed;
mod tally;

use std::collections::HashMap;

use covid_core::{Date, Location, PanelView, Target};
use serde::Serialize;

use self::{
    common::{Common, Pair},
    tally::{AgeTally, TargetTally, change_of_place},
};
use crate::{
    DateRange,
    listing::{Lines, Listing},
};

/// The most changed counts of a target that are kept one by one, the largest first. All are counted.
pub const MOST_REVISIONS_LISTED: usize = 100;

/// What changed from one vintage to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Revisions {
    /// Number of locations in the old vintage and in the new one.
    pub locations: [usize; 2],
    /// The dates of the old vintage and of the new one.
    pub dates: [DateRange; 2],
    /// The dates that both have; none where they do not meet.
    pub common: Option<DateRange>,
    /// Dates that only the new one has.
    pub added: Vec<DateRange>,
    /// Dates that only the old one has.
    pub removed: Vec<DateRange>,
    /// Locations that only the new one has, in its order, without those that were probably renamed.
    pub appeared: Vec<String>,
    /// Locations that only the old one has, in its order, without those that were probably renamed.
    pub vanished: Vec<String>,
    /// Locations that probably have another name now: nine tenths of their counts on common days are the same. They are
    /// not compared further.
    pub renamed: Vec<Renamed>,
    /// What changed in each target, in the order of [`Target::ALL`]; of common locations and dates alone. None where
    /// neither vintage has a count of it.
    pub targets: [Option<TargetRevisions>; 2],
    /// Every series in which a count changed, the most changed first.
    pub series: Vec<SeriesRevisions>,
    /// How far back counts changed, by days from the latest common date.
    pub ages: Vec<AgeBand>,
}

/// A location under two names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Renamed {
    /// The display name in the old vintage.
    pub from: String,
    /// The display name in the new one.
    pub to: String,
    /// The share of counts, on common days and other than 0, that are the same.
    pub agreement: f64,
}

/// How many counts changed, and in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Counts that both vintages may have: common locations times common days.
    pub compared: usize,
    /// Counts that are higher in the new vintage.
    pub raised: usize,
    /// Counts that are lower in the new vintage.
    pub lowered: usize,
    /// Counts that only the new vintage has.
    pub filled: usize,
    /// Counts that only the old vintage has.
    pub withdrawn: usize,
}

impl Changes {
    /// Counts that are not the same.
    pub fn changed(&self) -> usize {
        self.raised + self.lowered + self.filled + self.withdrawn
    }
}

/// What changed in one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetRevisions {
    /// The target.
    pub target: Target,
    /// How many counts changed.
    pub changes: Changes,
    /// By how much raised and lowered counts changed, without the sign.
    pub absolute: Option<Spread>,
    /// The same as a share of the old count, where that was above 0.
    pub relative: Option<Spread>,
    /// The largest of those changes, the largest first; at most [`MOST_REVISIONS_LISTED`].
    pub largest: Vec<Revision>,
    /// The sums on the latest common date, old and new, of all locations that have a count in both.
    pub latest_totals: [f64; 2],
}

/// The middle and the upper end of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Half of them are at most this.
    pub median: f64,
    /// Nine tenths of them are at most this.
    pub p90: f64,
    /// The largest.
    pub max: f64,
}

/// A count that changed, with its location by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Revision {
    /// Display name.
    pub location: String,
    /// The date of the count.
    pub date: Date,
    /// The count in the old vintage.
    pub old: f64,
    /// The count in the new one.
    pub new: f64,
}

/// What changed in one series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesRevisions {
    /// Display name.
    pub location: String,
    /// The target.
    pub target: Target,
    /// How many counts changed.
    pub changes: Changes,
    /// By how much, all days together, without the sign.
    pub total: f64,
    /// By how much, all days together: above 0 where counts were raised on the whole.
    pub net: f64,
    /// The change by the most.
    pub largest: Option<Revision>,
    /// The change on the latest common date; none where either vintage has no count of it.
    pub latest: Option<f64>,
}

/// Days of about the same age.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgeBand {
    /// Days from the latest common date back to the youngest of them.
    pub from: usize,
    /// And to the oldest.
    pub to: usize,
    /// How many counts changed, in the order of [`Target::ALL`]; all 0 where neither vintage has a count of it.
    pub changes: [Changes; 2],
}

/// A count that changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RevisedCount<'a> {
    /// The location, as the new vintage has it.
    pub location: &'a Location,
    /// The target.
    pub target: Target,
    /// The date.
    pub date: Date,
    /// The count in the old vintage; NaN where it has none.
    pub old: f64,
    /// The count in the new one; NaN where it has none.
    pub new: f64,
}

/// What changed from the vintage `old` to the vintage `new`. Locations are the same where their display names are.
pub fn compare(old: &PanelView<'_>, new: &PanelView<'_>) -> Revisions {
    let pairs = pairs(old, new);
    let common = Common::of(old, new);
    let known = [old.targets(), new.targets()].concat();
    let mut targets = Target::ALL.map(TargetTally::new);
    let mut ages = AgeTally::new(common.as_ref().map_or(0, |common| common.days));
    let mut series = Vec::new();
    if let Some(common) = &common {
        let series_of = |pair| Target::ALL.map(|target| (pair, target));
        for (pair, target) in pairs.iter().flat_map(series_of).filter(|(_, target)| known.contains(target)) {
            let counts = common.counts(old, new, *pair, target);
            let name = new.locations()[pair.new].name();
            ages.add(target, &counts);
            targets[target.index()].add(common, name, &counts);
            series.extend(change_of_place(common, name, target, &counts));
        }
    }
    series.sort_by(|a: &SeriesRevisions, b| b.total.total_cmp(&a.total));
    let (vanished, appeared) = (unpaired(old, pairs.iter().map(|p| p.old)), unpaired(new, pairs.iter().map(|p| p.new)));
    let renamed = common.as_ref().map_or_else(Vec::new, |common| renamed::find(old, new, common, &vanished, &appeared));
    let names = |view: &PanelView<'_>, positions: &[usize], taken: &dyn Fn(&Pair) -> usize| {
        let left = positions.iter().filter(|&&position| renamed.iter().all(|(pair, _)| taken(pair) != position));
        left.map(|&position| view.locations()[position].name().to_owned()).collect()
    };
    let shared = common.as_ref().map(|common| common.dates());
    let dates = [old, new].map(dates_of);
    Revisions {
        locations: [old, new].map(|view| view.locations().len()),
        added: common::outside(dates[1], shared),
        removed: common::outside(dates[0], shared),
        dates,
        common: shared,
        appeared: names(new, &appeared, &|pair| pair.new),
        vanished: names(old, &vanished, &|pair| pair.old),
        renamed: renamed.iter().map(|(pair, agreement)| named(old, new, *pair, *agreement)).collect(),
        targets: targets.map(TargetTally::finish).map(|found| known.contains(&found.target).then_some(found)),
        series,
        ages: ages.finish(),
    }
}

/// Every count of common locations and dates that is not the same, in the order of the new vintage.
pub fn revised_counts<'a>(
    old: &PanelView<'a>,
    new: &PanelView<'a>,
) -> impl Iterator<Item = RevisedCount<'a>> + use<'a> {
    let (old, new) = (*old, *new);
    let (pairs, common) = (pairs(&old, &new), Common::of(&old, &new));
    let series = pairs.into_iter().flat_map(|pair| Target::ALL.map(|target| (pair, target)));
    common.into_iter().cycle().zip(series).flat_map(move |(common, (pair, target))| {
        let location = &new.locations()[pair.new];
        let counts = common.counts(&old, &new, pair, target);
        counts.filter(|(_, old, new)| !is_same(*old, *new)).map(move |(day, old, new)| {
            let date = common.date(day);
            RevisedCount { location, target, date, old, new }
        })
    })
}

/// Every count that changed, as CSV: `target`, `date`, `old`, `new` and `change` beside the location; at most `most` rows.
pub fn revisions_to_csv(old: &PanelView<'_>, new: &PanelView<'_>, most: usize) -> Listing {
    let mut lines = Lines::new("target,date,old,new,change", most);
    for found in revised_counts(old, new) {
        lines.row(found.location, |row| {
            row.cell(found.target.name()).cell(found.date).number(found.old).number(found.new);
            row.number(found.new - found.old);
        });
    }
    lines.finish()
}

/// Whether two counts are the same; a missing one is the same as a missing one.
fn is_same(old: f64, new: f64) -> bool {
    old == new || (old.is_nan() && new.is_nan())
}

/// The locations that both have, in the order of the new one.
fn pairs(old: &PanelView<'_>, new: &PanelView<'_>) -> Vec<Pair> {
    let known: HashMap<&str, usize> = old.locations().iter().map(Location::name).zip(0..).collect();
    let pair = |(new, location): (usize, &Location)| Some(Pair { old: *known.get(location.name())?, new });
    new.locations().iter().enumerate().filter_map(pair).collect()
}

/// Positions of the locations that have no partner.
fn unpaired(view: &PanelView<'_>, paired: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut alone = vec![true; view.locations().len()];
    paired.for_each(|position| alone[position] = false);
    alone.iter().enumerate().filter(|(_, alone)| **alone).map(|(position, _)| position).collect()
}

fn named(old: &PanelView<'_>, new: &PanelView<'_>, pair: Pair, agreement: f64) -> Renamed {
    let [from, to] =
        [&old.locations()[pair.old], &new.locations()[pair.new]].map(|location| location.name().to_owned());
    Renamed { from, to, agreement }
}

fn dates_of(view: &PanelView<'_>) -> DateRange {
    DateRange { first: view.first_date(), last: view.as_of(), days: view.days() }
}
