//! Adding up what changed: by target, by series, by age.

use covid_core::Target;

use super::{
    AgeBand, Changes, MOST_REVISIONS_LISTED, Revision, SeriesRevisions, Spread, TargetRevisions, common::Common,
    is_same,
};
use crate::worst::Worst;

/// Where bands of days begin: the latest day, a week, two, four, twelve.
const AGES: [usize; 6] = [0, 1, 8, 15, 29, 85];

impl Changes {
    /// Counts one pair of counts in. Gives the change, if both are there and differ.
    fn add(&mut self, old: f64, new: f64) -> Option<f64> {
        self.compared += 1;
        match (old.is_nan(), new.is_nan()) {
            _ if is_same(old, new) => return None,
            (true, _) => self.filled += 1,
            (_, true) => self.withdrawn += 1,
            _ if new > old => self.raised += 1,
            _ => self.lowered += 1,
        }
        Some(new - old).filter(|change| !change.is_nan())
    }
}

/// Adds up the series of one target.
pub(super) struct TargetTally {
    target: Target,
    changes: Changes,
    absolute: Vec<f64>,
    relative: Vec<f64>,
    largest: Worst<Revision>,
    latest_totals: [f64; 2],
}

impl TargetTally {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            changes: Changes::default(),
            absolute: Vec::new(),
            relative: Vec::new(),
            largest: Worst::new(MOST_REVISIONS_LISTED),
            latest_totals: [0.0; 2],
        }
    }

    pub(super) fn add(
        &mut self,
        common: &Common,
        name: &str,
        counts: &(impl Iterator<Item = (usize, f64, f64)> + Clone),
    ) {
        for (day, old, new) in counts.clone() {
            if day + 1 == common.days && !(old.is_nan() || new.is_nan()) {
                self.latest_totals[0] += old;
                self.latest_totals[1] += new;
            }
            let Some(change) = self.changes.add(old, new) else { continue };
            self.absolute.push(change.abs());
            if old > 0.0 {
                self.relative.push(change.abs() / old);
            }
            self.largest.offer(change.abs(), || Revision {
                location: name.to_owned(),
                date: common.date(day),
                old,
                new,
            });
        }
    }

    pub(super) fn finish(self) -> TargetRevisions {
        TargetRevisions {
            target: self.target,
            changes: self.changes,
            absolute: spread(self.absolute),
            relative: spread(self.relative),
            largest: self.largest.into_sorted(),
            latest_totals: self.latest_totals,
        }
    }
}

fn spread(mut numbers: Vec<f64>) -> Option<Spread> {
    numbers.sort_by(f64::total_cmp);
    // The smallest number that so many of them do not exceed.
    let at = |share: f64| numbers.get(((share * numbers.len() as f64).ceil() as usize).max(1) - 1).copied();
    Some(Spread { median: at(0.5)?, p90: at(0.9)?, max: *numbers.last()? })
}

/// What changed in one series; none where nothing did.
pub(super) fn change_of_place(
    common: &Common,
    name: &str,
    target: Target,
    counts: &(impl Iterator<Item = (usize, f64, f64)> + Clone),
) -> Option<SeriesRevisions> {
    let mut changes = Changes::default();
    let (mut total, mut net, mut latest) = (0.0, 0.0, None);
    let mut largest: Option<(usize, f64, f64)> = None;
    for (day, old, new) in counts.clone() {
        let change = changes.add(old, new);
        if day + 1 == common.days {
            latest = Some(new - old).filter(|change| !change.is_nan());
        }
        let Some(change) = change else { continue };
        total += change.abs();
        net += change;
        if largest.is_none_or(|(_, old, new)| change.abs() > (new - old).abs()) {
            largest = Some((day, old, new));
        }
    }
    let location = name.to_owned();
    let revision = |(day, old, new)| Revision { location: location.clone(), date: common.date(day), old, new };
    let largest = largest.map(revision);
    (changes.changed() > 0).then_some(SeriesRevisions { location, target, changes, total, net, largest, latest })
}

/// Adds up by days from the latest common date.
pub(super) struct AgeTally {
    bands: Vec<AgeBand>,
    days: usize,
}

impl AgeTally {
    /// Bands for so many common days.
    pub(super) fn new(days: usize) -> Self {
        let ends = AGES.into_iter().skip(1).map(|next| next - 1).chain([usize::MAX]);
        let bands = AGES.into_iter().zip(ends).take_while(|(from, _)| *from < days);
        let band = |(from, to): (usize, usize)| AgeBand { from, to: to.min(days - 1), changes: Default::default() };
        Self { bands: bands.map(band).collect(), days }
    }

    pub(super) fn add(&mut self, target: Target, counts: &(impl Iterator<Item = (usize, f64, f64)> + Clone)) {
        for (day, old, new) in counts.clone() {
            let age = self.days - 1 - day;
            if let Some(band) = self.bands.iter_mut().find(|band| age <= band.to) {
                band.changes[target.index()].add(old, new);
            }
        }
    }

    pub(super) fn finish(self) -> Vec<AgeBand> {
        self.bands
    }
}
