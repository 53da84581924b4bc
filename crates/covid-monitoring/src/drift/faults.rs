//! What is wrong with the recent counts of places that are in the panel.

use covid_core::{Date, PanelView, Target, log_count};
use covid_data::series::{Step, decreases, jumps, least_jump};
use serde::{Deserialize, Serialize};

/// The last gaps between two changes that make a place's habit (half a year of a weekly reporter's), and the fewest. Were
/// its gaps alike, the next would be longer than the longest of n with a chance of 1 / (n + 1), and much longer hardly ever.
const HABIT: usize = 26;
const FEWEST_GAPS: usize = 9;

/// Much longer: so many times the longest, and more days than a holiday.
const MUCH_LONGER: usize = 2;
const HOLIDAY: usize = 7;

/// Days of the past in which a place's usual gaps in publishing are looked for.
const HALF_A_YEAR: usize = 182;

/// The smallest fall that matters, on ln(1 + count), the scale of the score: 1 %, where a good forecast of a week is off by
/// some percent. Corrections of a few counts of many are an everyday matter.
const LEAST_FALL: f64 = 0.01;

/// Days before the window that jumps in it are judged by: four weeks, and as many for gaps.
const BEFORE_JUMPS: usize = 56;

/// A place of which neither count has changed for much longer than it usually does not: for more than a week, and more than
/// twice the longest of its last 26 gaps between two changes. A weekly reporter is so after two reports that did not come.
/// Places with fewer than nine such gaps have no habit yet, and are none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stalled {
    /// Display name.
    pub location: String,
    /// The date of the last change.
    pub last_change: Date,
    /// Days since.
    pub days: usize,
    /// The longest gap it had before, in days.
    pub usual: usize,
}

/// A place without a published count on the as-of date, for more days than ever in the half year before. A place that
/// publishes every seventh day only, and nothing in between, is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// Display name.
    pub location: String,
    /// The target that is missing for longer.
    pub target: Target,
    /// The date of its last count.
    pub last_date: Date,
    /// Days without one since.
    pub days: usize,
}

/// A cumulative count that fell within the window by 1 % or more: the largest fall of the place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revised {
    /// Display name.
    pub location: String,
    /// The target.
    pub target: Target,
    /// The date of the lower count.
    pub date: Date,
    /// The count before.
    pub from: f64,
    /// The lower count.
    pub to: f64,
}

/// A day's new count within the window out of all proportion, probably a backlog: more than three times the largest of the
/// four weeks before, as the quality report has it ([`covid_data::TargetQuality::jumps`]). The largest of the place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Jumped {
    /// Display name.
    pub location: String,
    /// The target.
    pub target: Target,
    /// The date.
    pub date: Date,
    /// The new count.
    pub new: f64,
    /// The new counts of the largest of the four weeks before.
    pub largest_week: f64,
}

/// The last days at the source had nothing new for any place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptyDays {
    /// How many, up to the as-of date.
    pub days: usize,
    /// Whether the last of them has counts, the same as before; otherwise it has none at all.
    pub repeated: bool,
}

/// The faults of places in the panel, each list with the worst first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Faults {
    /// Places with a published count.
    pub(super) places: usize,
    pub(super) stalled: Vec<Stalled>,
    pub(super) missing: Vec<Missing>,
    pub(super) revised: Vec<Revised>,
    pub(super) jumps: Vec<Jumped>,
}

impl Faults {
    /// Looks at the last `window` days of a view, and at as much before as habits need.
    pub(super) fn find(view: &PanelView<'_>, window: usize) -> Self {
        let mut found = Self::default();
        for place in (0..view.locations().len()).filter(|&place| is_published(view, place)) {
            found.places += 1;
            found.stalled.extend(stalled(view, place));
            found.missing.extend(missing(view, place));
            found.revised.extend(revised(view, place, window));
            found.jumps.extend(jumped(view, place, window));
        }
        found.stalled.sort_by(|a, b| b.days.cmp(&a.days).then_with(|| a.location.cmp(&b.location)));
        found.missing.sort_by(|a, b| b.days.cmp(&a.days).then_with(|| a.location.cmp(&b.location)));
        let fall = |revised: &Revised| log_fall(revised.from, revised.to);
        found.revised.sort_by(|a, b| fall(b).total_cmp(&fall(a)).then_with(|| a.location.cmp(&b.location)));
        found.jumps.sort_by(|a, b| b.new.total_cmp(&a.new).then_with(|| a.location.cmp(&b.location)));
        found
    }
}

/// Whether a place has a count at all.
pub(super) fn is_published(view: &PanelView<'_>, place: usize) -> bool {
    Target::ALL.into_iter().any(|target| view.counts(place, target).iter().any(|count| count.is_finite()))
}

fn name(view: &PanelView<'_>, place: usize) -> String {
    view.locations()[place].name().to_owned()
}

fn stalled(view: &PanelView<'_>, place: usize) -> Option<Stalled> {
    let mut changes = changes(view, place).peekable();
    let last = *changes.peek()?;
    let days = view.days() - 1 - last;
    if days <= HOLIDAY {
        return None;
    }
    let (mut later, mut gaps, mut usual) = (changes.next()?, 0, 0);
    for day in changes.take(HABIT) {
        (usual, gaps, later) = (usual.max(later - day), gaps + 1, day);
    }
    let is_stalled = gaps >= FEWEST_GAPS && days > MUCH_LONGER * usual;
    is_stalled.then(|| Stalled { location: name(view, place), last_change: view.date(last), days, usual })
}

/// The days on which a count of a place changed, the latest first.
fn changes(view: &PanelView<'_>, place: usize) -> impl Iterator<Item = usize> {
    let [mut cases, mut deaths] = Target::ALL.map(|target| changes_of(view.counts(place, target)).peekable());
    std::iter::from_fn(move || {
        let day = cases.peek().max(deaths.peek()).copied()?;
        cases.next_if_eq(&day);
        deaths.next_if_eq(&day);
        Some(day)
    })
}

fn changes_of(counts: &[f64]) -> impl Iterator<Item = usize> {
    let mut later: Option<(usize, f64)> = None;
    let published = counts.iter().enumerate().rev().filter(|(_, count)| count.is_finite());
    published.filter_map(move |(day, &count)| {
        let (changed, after) = later.replace((day, count))?;
        (after != count).then_some(changed)
    })
}

fn missing(view: &PanelView<'_>, place: usize) -> Option<Missing> {
    let of = |target| {
        let counts = view.counts(place, target);
        let days = trailing_gap(counts);
        let published = &counts[..counts.len() - days];
        (days > longest_gap(published)).then(|| Missing {
            location: name(view, place),
            target,
            last_date: view.date(published.len().saturating_sub(1)),
            days,
        })
    };
    // Of two that are missing for as long, the first.
    Target::ALL.into_iter().filter_map(of).rev().max_by_key(|missing| missing.days)
}

/// Days without a count at the end of a series; 0 of one without any.
pub(super) fn trailing_gap(counts: &[f64]) -> usize {
    counts.iter().rev().position(|count| count.is_finite()).unwrap_or(0)
}

/// The most days without a count between two counts of the last half year.
fn longest_gap(counts: &[f64]) -> usize {
    let recent = &counts[counts.len().saturating_sub(HALF_A_YEAR)..];
    let first = recent.iter().position(|count| count.is_finite()).unwrap_or(recent.len());
    let (mut longest, mut gap) = (0, 0);
    for count in &recent[first..] {
        gap = if count.is_finite() { 0 } else { gap + 1 };
        longest = longest.max(gap);
    }
    longest
}

fn log_fall(from: f64, to: f64) -> f64 {
    log_count(from) - log_count(to)
}

fn revised(view: &PanelView<'_>, place: usize, window: usize) -> Option<Revised> {
    let fall = |(_, step): &(Target, Step)| log_fall(step.before, step.count);
    let falls = Target::ALL.into_iter().flat_map(|target| {
        let (counts, from) = recent(view.counts(place, target), window, 1);
        let falls = decreases(counts).map(move |step| (target, Step { day: step.day + from, ..step }));
        falls.filter(move |(_, step)| step.day + window >= view.days())
    });
    let largest = falls.filter(|found| fall(found) >= LEAST_FALL).max_by(|a, b| fall(a).total_cmp(&fall(b)));
    largest.map(|(target, step)| Revised {
        location: name(view, place),
        target,
        date: view.date(step.day),
        from: step.before,
        to: step.count,
    })
}

fn jumped(view: &PanelView<'_>, place: usize, window: usize) -> Option<Jumped> {
    let found = Target::ALL.into_iter().flat_map(|target| {
        let (counts, from) = recent(view.counts(place, target), window, BEFORE_JUMPS);
        let found = jumps(counts, least_jump(target));
        let found = found.map(move |(step, week)| (target, Step { day: step.day + from, ..step }, week));
        found.filter(move |(_, step, _)| step.day + window >= view.days())
    });
    let largest = found.max_by(|(_, a, _), (_, b, _)| a.increase().total_cmp(&b.increase()));
    largest.map(|(target, step, largest_week)| Jumped {
        location: name(view, place),
        target,
        date: view.date(step.day),
        new: step.increase(),
        largest_week,
    })
}

/// The counts of the last `window` days and of some before, with the day of the first; where that is a gap, from the last
/// count before it.
fn recent(counts: &[f64], window: usize, before: usize) -> (&[f64], usize) {
    let from = counts.len().saturating_sub(window.saturating_add(before));
    let from = counts[..from.saturating_add(1).min(counts.len())].iter().rposition(|count| count.is_finite());
    let from = from.unwrap_or(0);
    (&counts[from..], from)
}

/// Whether the last days at the source had nothing new.
pub(super) fn empty_days(view: &PanelView<'_>) -> Option<EmptyDays> {
    let days = (0..view.days()).rev().take_while(|&day| is_empty(view, day)).count();
    (days > 0).then(|| EmptyDays { days, repeated: has_count(view, view.days() - 1) })
}

/// The most such days one after the other among the last `most` of a view.
pub(super) fn longest_empty(view: &PanelView<'_>, most: usize) -> usize {
    let (mut longest, mut days) = (0, 0);
    for day in view.days().saturating_sub(most)..view.days() {
        days = if is_empty(view, day) { days + 1 } else { 0 };
        longest = longest.max(days);
    }
    longest
}

/// Whether no count of any place is another than the last one before it.
fn is_empty(view: &PanelView<'_>, day: usize) -> bool {
    !series(view).any(|counts| {
        let before = || counts[..day].iter().rev().find(|count| count.is_finite());
        counts[day].is_finite() && before() != Some(&counts[day])
    })
}

fn has_count(view: &PanelView<'_>, day: usize) -> bool {
    series(view).any(|counts| counts[day].is_finite())
}

fn series<'a>(view: &PanelView<'a>) -> impl Iterator<Item = &'a [f64]> {
    let view = *view;
    (0..view.locations().len()).flat_map(move |place| Target::ALL.map(|target| view.counts(place, target)))
}
