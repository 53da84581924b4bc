//! Repair of series that fall, for models that take cumulative counts at their word.

use std::{fmt, str::FromStr};

use covid_core::{Date, Explain, FaultKind, Location, Panel, PanelView, Target};
use serde::{Deserialize, Serialize};

use crate::listing::{Lines, Listing};

/// How series are repaired before a model sees them. Scores never are: they compare with published counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Repair {
    /// Counts as published.
    None,
    /// Where a later count is lower, the earlier ones are lowered to it: a running minimum from the as-of date
    /// backwards. The latest published count, from which every forecast starts, stays as it is.
    #[default]
    Monotone,
}

impl Repair {
    const ALL: [Self; 2] = [Self::None, Self::Monotone];

    /// The name in settings and arguments.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Monotone => "monotone",
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that stands for no repair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no repair `{0}`")]
pub struct UnknownRepair(String);

impl Explain for UnknownRepair {
    fn kind(&self) -> FaultKind {
        FaultKind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("give `none` or `monotone`".into())
    }
}

impl FromStr for Repair {
    type Err = UnknownRepair;

    fn from_str(name: &str) -> Result<Self, UnknownRepair> {
        Self::ALL.into_iter().find(|repair| repair.name() == name).ok_or_else(|| UnknownRepair(name.to_owned()))
    }
}

/// What a repair changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairReport {
    /// The rule that was applied.
    pub repair: Repair,
    /// How many counts were lowered.
    pub lowered_counts: usize,
    /// In how many series (a location has one for each target).
    pub lowered_series: usize,
}

impl fmt::Display for RepairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repair {
            Repair::None => f.write_str("no repair"),
            Repair::Monotone => write!(f, "{} counts in {} series lowered", self.lowered_counts, self.lowered_series),
        }
    }
}

/// The panel up to the view's as-of date, repaired, and what was changed. Nothing after the as-of date is looked at;
/// a missing count stays missing.
pub fn repair(view: &PanelView<'_>, repair: Repair) -> (Panel, RepairReport) {
    let mut panel = view.to_panel();
    let mut report = RepairReport { repair, ..RepairReport::default() };
    if repair == Repair::Monotone {
        for location in 0..panel.locations().len() {
            for target in Target::ALL {
                let lowered = lower_to_later_counts(panel.counts_mut(location, target));
                report.lowered_counts += lowered;
                report.lowered_series += usize::from(lowered > 0);
            }
        }
    }
    (panel, report)
}

/// A count that repair changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepairedCount<'a> {
    /// Where.
    pub location: &'a Location,
    /// Of what.
    pub target: Target,
    /// When.
    pub date: Date,
    /// The count as published.
    pub published: f64,
    /// What models see instead.
    pub repaired: f64,
    /// The rule that changed it.
    pub rule: Repair,
}

/// Every count that [`repair`] changes, in the order of the panel: found when asked for, one series at a time, so that
/// repair itself need not remember.
pub fn repaired_counts<'a>(view: &PanelView<'a>, repair: Repair) -> impl Iterator<Item = RepairedCount<'a>> + use<'a> {
    let view = *view;
    let series = (0..view.locations().len()).flat_map(|location| Target::ALL.map(|target| (location, target)));
    let series = series.filter(move |_| repair == Repair::Monotone);
    series.flat_map(move |(index, target)| {
        let (published, location) = (view.counts(index, target), &view.locations()[index]);
        let mut counts = published.to_vec();
        // Most series do not fall, and need no second look.
        let lowered = lower_to_later_counts(&mut counts) > 0;
        let counts = if lowered { counts } else { Vec::new() };
        let changed =
            counts.into_iter().zip(published).enumerate().filter(|(_, (count, published))| count < *published);
        changed.map(move |(day, (repaired, &published))| RepairedCount {
            location,
            target,
            date: view.date(day),
            published,
            repaired,
            rule: repair,
        })
    })
}

/// Every count that [`repair`] changes, as CSV: `target`, `date`, `published`, `repaired` and `rule` beside the location;
/// at most `most` rows.
pub fn repairs_to_csv(view: &PanelView<'_>, repair: Repair, most: usize) -> Listing {
    let mut lines = Lines::new("target,date,published,repaired,rule", most);
    for found in repaired_counts(view, repair) {
        lines.row(found.location, |row| {
            row.cell(found.target.name()).cell(found.date).number(found.published).number(found.repaired);
            row.cell(found.rule.name());
        });
    }
    lines.finish()
}

/// The running minimum from the end. Returns how many counts were lowered.
fn lower_to_later_counts(counts: &mut [f64]) -> usize {
    let mut lowered = 0;
    let mut lowest = f64::INFINITY;
    for count in counts.iter_mut().rev() {
        // A comparison with NaN is false, so a missing count is neither lowered nor remembered.
        if *count > lowest {
            *count = lowest;
            lowered += 1;
        } else if *count < lowest {
            lowest = *count;
        }
    }
    lowered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_counts_come_down_to_later_ones() {
        let mut counts = [1.0, 5.0, f64::NAN, 4.0, 7.0, 3.0, 6.0];
        assert_eq!(lower_to_later_counts(&mut counts), 3);
        assert_eq!(format!("{counts:?}"), "[1.0, 3.0, NaN, 3.0, 3.0, 3.0, 6.0]");
    }

    #[test]
    fn names_go_there_and_back() {
        for repair in Repair::ALL {
            assert_eq!(repair.to_string().parse(), Ok(repair));
        }
        let error = "Monotone".parse::<Repair>().unwrap_err();
        assert_eq!(error.to_string(), "there is no repair `Monotone`");
    }
}
