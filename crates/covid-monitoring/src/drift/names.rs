//! Places that came, went, or have another name.

use std::collections::HashSet;

use covid_core::{Date, PanelView, Target, log_count};
use serde::{Deserialize, Serialize};

use super::faults::{Missing, is_published, trailing_gap};

/// How far the counts of one place under two names may be apart on ln(1 + count): about 10 %, for revisions and a few days.
const CLOSE: f64 = 0.1;

/// Fewer cases are those of many a place, and tell nothing.
const FEWEST_CASES: f64 = 100.0;

/// A place as a prediction knew it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastSeen {
    /// Display name.
    pub location: String,
    /// The date up to which it was known.
    pub date: Date,
    /// Its last published counts by then: cases and deaths, as far as known. Without them a new name is not found.
    pub counts: [Option<f64>; 2],
}

impl LastSeen {
    /// All places with a count in a view, such as that of the vintage from which a committed prediction was made.
    pub fn all(view: &PanelView<'_>) -> Vec<Self> {
        (0..view.locations().len()).filter_map(|place| Self::of(view, place)).collect()
    }

    fn of(view: &PanelView<'_>, place: usize) -> Option<Self> {
        let last = |target| view.counts(place, target).iter().rev().find(|count| count.is_finite()).copied();
        let counts = Target::ALL.map(last);
        let date = Target::ALL.map(|target| view.days() - 1 - trailing_gap(view.counts(place, target)));
        counts.iter().any(Option::is_some).then(|| Self {
            location: view.locations()[place].name().to_owned(),
            date: view.date(date[0].min(date[1])),
            counts,
        })
    }
}

/// A place that the model's training did not see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewPlace {
    /// Display name.
    pub location: String,
    /// The date of its first published count. It may be before the training where a later vintage brought it, with a past.
    pub first_date: Date,
}

/// Two names that probably stand for one place: the counts of the new one go on where those of the old one end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenamedPlace {
    /// The name that is no more.
    pub old: String,
    /// The name that is new.
    pub new: String,
    /// By how much their counts are apart on ln(1 + count), the larger of both targets.
    pub apart: f64,
}

/// Who came and who went, in the order of their names; a renamed place is neither.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Names {
    pub(super) new: Vec<NewPlace>,
    pub(super) vanished: Vec<String>,
    pub(super) renamed: Vec<RenamedPlace>,
}

impl Names {
    /// `trained` is the day of the training, if the view has it; `last_seen` what predictions knew, and may be empty.
    /// A place of the panel that is missing may have a new name, too, and is then taken from the list.
    pub(super) fn find(
        view: &PanelView<'_>,
        trained: Option<usize>,
        last_seen: &[LastSeen],
        missing: &mut Vec<Missing>,
    ) -> Self {
        let new = new_places(view, trained, last_seen);
        let there = published_names(view);
        let vanished: Vec<&LastSeen> =
            last_seen.iter().filter(|seen| !there.contains(seen.location.as_str())).collect();
        let silent: Vec<LastSeen> = silent(view, missing);
        let gone: Vec<&LastSeen> = vanished.iter().copied().chain(&silent).collect();
        let renamed = renamed(view, &gone, &new);
        missing.retain(|place| !renamed.iter().any(|pair| pair.old == place.location));
        let is_old = |name: &str| renamed.iter().any(|pair| pair.old == name);
        let is_new = |name: &str| renamed.iter().any(|pair| pair.new == name);
        let name = |&place: &usize| view.locations()[place].name();
        let mut new: Vec<NewPlace> = new
            .iter()
            .filter(|place| !is_new(name(place)))
            .filter_map(|&place| {
                Some(NewPlace { location: name(&place).to_owned(), first_date: view.date(first(view, place)?) })
            })
            .collect();
        new.sort_by(|a, b| a.location.cmp(&b.location));
        let vanished = vanished.iter().map(|seen| seen.location.as_str()).filter(|name| !is_old(name));
        let mut vanished: Vec<String> = vanished.map(str::to_owned).collect();
        vanished.sort();
        vanished.dedup();
        Self { new, vanished, renamed }
    }
}

fn published_names<'a>(view: &PanelView<'a>) -> HashSet<&'a str> {
    let published = (0..view.locations().len()).filter(|&place| is_published(view, place));
    published.map(|place| view.locations()[place].name()).collect()
}

/// The day of a place's first count.
fn first(view: &PanelView<'_>, place: usize) -> Option<usize> {
    let first = |target| view.counts(place, target).iter().position(|count| count.is_finite());
    Target::ALL.into_iter().filter_map(first).min()
}

/// Places whose first count came after the training, or which no prediction knew.
fn new_places(view: &PanelView<'_>, trained: Option<usize>, last_seen: &[LastSeen]) -> Vec<usize> {
    let known: HashSet<&str> = last_seen.iter().map(|seen| seen.location.as_str()).collect();
    let is_new = |&place: &usize| {
        let unknown = !known.is_empty() && !known.contains(view.locations()[place].name());
        first(view, place).is_some_and(|first| unknown || trained.is_some_and(|trained| first > trained))
    };
    (0..view.locations().len()).filter(is_new).collect()
}

fn silent(view: &PanelView<'_>, missing: &[Missing]) -> Vec<LastSeen> {
    let names: HashSet<&str> = missing.iter().map(|place| place.location.as_str()).collect();
    let silent = (0..view.locations().len()).filter(|&place| names.contains(view.locations()[place].name()));
    silent.filter_map(|place| LastSeen::of(view, place)).collect()
}

/// Pairs of an old and a new name with close counts, the closest first; each name once.
fn renamed(view: &PanelView<'_>, gone: &[&LastSeen], new: &[usize]) -> Vec<RenamedPlace> {
    let pairs = gone.iter().flat_map(|&old| new.iter().map(move |&place| (old, place)));
    let mut close: Vec<RenamedPlace> = pairs
        .filter_map(|(old, place)| {
            let (name, apart) = (view.locations()[place].name(), apart(view, old, place)?);
            let differ = name != old.location && apart <= CLOSE;
            differ.then(|| RenamedPlace { old: old.location.clone(), new: name.to_owned(), apart })
        })
        .collect();
    close.sort_by(|a, b| a.apart.total_cmp(&b.apart).then_with(|| (&a.old, &a.new).cmp(&(&b.old, &b.new))));
    let (mut old_taken, mut new_taken) = (HashSet::new(), HashSet::new());
    close.retain(|pair| {
        let free = !old_taken.contains(&pair.old) && !new_taken.contains(&pair.new);
        free && old_taken.insert(pair.old.clone()) && new_taken.insert(pair.new.clone())
    });
    close
}

/// How far the counts of a place are from what was last seen of another. None where too little is known to tell.
fn apart(view: &PanelView<'_>, old: &LastSeen, place: usize) -> Option<f64> {
    old.counts[Target::ConfirmedCases.index()].filter(|&cases| cases >= FEWEST_CASES)?;
    let day = view.earlier(old.date).map_or(0, |earlier| earlier.days() - 1);
    let mut largest = 0f64;
    for (target, last) in Target::ALL.into_iter().zip(old.counts) {
        let Some(last) = last else { continue };
        let counts = view.counts(place, target);
        // On the day of the last count; otherwise the first count after it.
        let by_then = counts[..=day].iter().rev().find(|count| count.is_finite());
        let count = by_then.or_else(|| counts.iter().find(|count| count.is_finite()))?;
        largest = largest.max((log_count(last) - log_count(*count)).abs());
    }
    Some(largest)
}
