//! What has changed in the data since the champion was trained: the distributions of growth and level, and the places that
//! report otherwise than they used to. Numbers of a view in, a report out; what comes after the as-of date is not seen.

mod distributions;
mod faults;
mod names;
mod statistics;
mod usual;

use std::collections::BTreeSet;

use covid_core::{Date, PanelView};
use serde::{Deserialize, Serialize};

pub use self::{
    distributions::{Drift, Extent, Quantity},
    faults::{EmptyDays, Jumped, Missing, Revised, Stalled},
    names::{LastSeen, NewPlace, RenamedPlace},
    usual::{PastShares, Usual, usual},
};
use self::{faults::Faults, names::Names};

/// Days of the recent window, unless it is said otherwise: four weeks.
pub const DRIFT_WINDOW: usize = 28;

/// What the data of the last days are like, next to those of the training and to what each place is used to.
///
/// The recent window is the last `window` days up to the as-of date. The reference is as many days up to the training
/// as-of date, of the counts as they are published now: of a champion trained today the two are the same, and nothing has
/// drifted; a younger training than the window is long shares days with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataReport {
    /// The last date that is looked at.
    pub as_of: Date,
    /// The training as-of date of the champion.
    pub trained_as_of: Date,
    /// Days of both windows.
    pub window: usize,
    /// Places with a published count.
    pub places: usize,
    /// By target and quantity, where both windows have values. None where the training was before the panel begins.
    pub drift: Vec<Drift>,
    /// Whether nothing was new at the source on the last days.
    pub empty: Option<EmptyDays>,
    /// Places that do not change any more, the longest silent first.
    pub stalled: Vec<Stalled>,
    /// Places without a count on the as-of date, the longest first.
    pub missing: Vec<Missing>,
    /// Places that the training did not see, by name.
    pub new: Vec<NewPlace>,
    /// Places that predictions knew and the panel does not, by name.
    pub vanished: Vec<String>,
    /// Old and new names of what is probably one place, the surest first. Those places are in no other list of names.
    pub renamed: Vec<RenamedPlace>,
    /// Places whose counts fell, the largest fall (on the scale of the score) first.
    pub revised: Vec<Revised>,
    /// Places with a day out of all proportion, the largest first.
    pub jumps: Vec<Jumped>,
}

impl DataReport {
    /// Looks at the last `window` days (at least 1) of a view. `last_seen` are the places of the committed predictions that
    /// are monitored, from which vanished and renamed ones are told; it may be empty.
    pub fn new(view: &PanelView<'_>, trained_as_of: Date, window: usize, last_seen: &[LastSeen]) -> Self {
        let window = window.max(1);
        let reference = view.earlier(trained_as_of.min(view.as_of())).ok();
        let Faults { places, stalled, mut missing, revised, jumps } = Faults::find(view, window);
        let trained = reference.map(|reference| reference.days() - 1);
        let Names { new, vanished, renamed } = Names::find(view, trained, last_seen, &mut missing);
        Self {
            as_of: view.as_of(),
            trained_as_of,
            window,
            places,
            drift: reference.map_or_else(Vec::new, |reference| distributions::drift(view, &reference, window)),
            empty: faults::empty_days(view),
            stalled,
            missing,
            new,
            vanished,
            renamed,
            revised,
            jumps,
        }
    }

    /// The places whose data are at fault, by display name: a bad score of theirs says nothing against the model. New places
    /// are none: they have counts, and no prediction yet.
    pub fn flagged(&self) -> BTreeSet<&str> {
        let stalled = self.stalled.iter().map(|place| place.location.as_str());
        let missing = self.missing.iter().map(|place| place.location.as_str());
        let renamed = self.renamed.iter().flat_map(|pair| [pair.old.as_str(), pair.new.as_str()]);
        let revised = self.revised.iter().map(|place| place.location.as_str());
        let jumps = self.jumps.iter().map(|place| place.location.as_str());
        let vanished = self.vanished.iter().map(String::as_str);
        stalled.chain(missing).chain(vanished).chain(renamed).chain(revised).chain(jumps).collect()
    }

    /// The shares that rules look at.
    pub fn shares(&self) -> Shares {
        Shares::from_counts([self.stalled.len(), self.missing.len(), self.revised.len(), self.jumps.len()], self.places)
    }

    /// The share of the places known before, those in the panel and those not, that have vanished.
    pub fn vanished_share(&self) -> f64 {
        share(self.vanished.len(), self.places + self.vanished.len())
    }

    /// The largest drift of a quantity by the population stability index, over the targets; none where there is no row.
    pub fn largest_drift(&self, quantity: Quantity) -> Option<&Drift> {
        let rows = self.drift.iter().filter(|row| row.quantity == quantity);
        rows.max_by(|a, b| a.stability_index.total_cmp(&b.stability_index))
    }
}

/// Shares of the places with a count, 0 to 1, by fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// Stalled.
    pub stalled: f64,
    /// Missing on the as-of date.
    pub missing: f64,
    /// Revised downward within the window.
    pub revised: f64,
    /// With a jump within the window.
    pub jumps: f64,
}

impl Shares {
    fn of(faults: &Faults) -> Self {
        let Faults { places, stalled, missing, revised, jumps } = faults;
        Self::from_counts([stalled.len(), missing.len(), revised.len(), jumps.len()], *places)
    }

    fn from_counts([stalled, missing, revised, jumps]: [usize; 4], places: usize) -> Self {
        Self {
            stalled: share(stalled, places),
            missing: share(missing, places),
            revised: share(revised, places),
            jumps: share(jumps, places),
        }
    }
}

fn share(some: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { some as f64 / all as f64 }
}
