//! What a source's data are like, before anyone trusts a forecast from them.

pub mod series;

use covid_core::{Date, PanelView, Target};
use serde::Serialize;

use self::series::{Step, decreases, jumps, last_change, last_days, weekly_since};
use crate::{
    Findings,
    listing::{Lines, Listing},
    worst::Worst,
};

/// The most falls, and the most jumps, of a target that are kept one by one. All are counted, and the largest of every
/// series is kept with the series.
pub const MOST_LISTED: usize = 1000;

/// A location that published nothing new for so many days has stopped.
const STOPPED_AFTER: usize = 14;

/// What was found in a panel up to its as-of date.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// Number of locations.
    pub locations: usize,
    /// Number of days.
    pub days: usize,
    /// First date.
    pub first_date: Date,
    /// Last date, the as-of date of the view.
    pub last_date: Date,
    /// Dates on which no location has a count of either target.
    pub empty_days: Vec<DateRange>,
    /// What was found in each target, in the order of [`Target::ALL`]; none where no location has a count of it: what a
    /// source does not publish is not missing.
    pub targets: [Option<TargetQuality>; 2],
    /// Locations that published neither target anew during the last 14 days, the longest silent first. None where there
    /// are fewer than 15 days.
    pub stopped: Vec<Stopped>,
    /// Locations that publish cases weekly: in the last 8 weeks the count changed at least three times, and always on the
    /// same weekday.
    pub weekly_reporters: Vec<WeeklyReporter>,
    /// Every series of which there is something to tell, in the order of the panel.
    pub series: Vec<SeriesQuality>,
    /// What was noticed while reading the source; of all of it, also where the as-of date is earlier.
    pub reading: Findings,
}

/// Dates one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DateRange {
    /// The first.
    pub first: Date,
    /// The last.
    pub last: Date,
    /// How many.
    pub days: usize,
}

/// What was found in all series of one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetQuality {
    /// The target.
    pub target: Target,
    /// Location-days without a count.
    pub missing: usize,
    /// Those of them that come after the first count of their series.
    pub gaps: usize,
    /// Counts that are lower than the last one before them.
    pub decreases: usize,
    /// Series with at least one decrease.
    pub decreasing_series: usize,
    /// By how much counts fell, all decreases together.
    pub total_decrease: f64,
    /// The decreases by the most, the largest first; at most [`MOST_LISTED`].
    pub worst_decreases: Vec<Decrease>,
    /// Days whose new count is far beyond what the location published in the weeks before: more than three times its
    /// largest week of the last four, and at least [`least_jump`](Self::least_jump). A count that comes after missing
    /// days may be as many times larger as weeks have passed. Days without four weeks of counts before them are not
    /// judged. The largest week is taken, not the mean, so that neither growth nor weekly reports are jumps.
    pub jumps: usize,
    /// Series with at least one jump.
    pub jumping_series: usize,
    /// The smallest new count of a day that can be a jump.
    pub least_jump: f64,
    /// The jumps by the most, the largest first; at most [`MOST_LISTED`].
    pub worst_jumps: Vec<Jump>,
    /// Series without a count above 0.
    pub never_positive: usize,
    /// Counts below 0.
    pub negative: usize,
    /// Counts that are not whole numbers.
    pub non_integer: usize,
}

/// A cumulative count that went down.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decrease {
    /// Display name of the location.
    pub location: String,
    /// The date of the lower count.
    pub date: Date,
    /// The count before.
    pub from: f64,
    /// The lower count.
    pub to: f64,
}

/// A day's new count far beyond those before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Jump {
    /// Display name of the location.
    pub location: String,
    /// The date.
    pub date: Date,
    /// The new count.
    pub new: f64,
    /// The new counts of the largest of the four weeks before.
    pub largest_week: f64,
}

/// A location that publishes nothing new any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// Display name.
    pub location: String,
    /// The date on which a count of it last changed; none where none ever did.
    pub last_change: Option<Date>,
}

/// A location that publishes once a week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WeeklyReporter {
    /// Display name.
    pub location: String,
    /// The date of the first of its weekly reports. All are on that day of the week.
    pub since: Date,
}

/// What was found in one series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesQuality {
    /// Display name of the location.
    pub location: String,
    /// The target.
    pub target: Target,
    /// Days without a count.
    pub missing: usize,
    /// Those of them that come after the first count.
    pub gaps: usize,
    /// Counts that are lower than the last one before them.
    pub decreases: usize,
    /// By how much counts fell, all decreases together.
    pub total_decrease: f64,
    /// The decrease by the most.
    pub largest_decrease: Option<Decrease>,
    /// Days whose new count is a jump, as [`TargetQuality::jumps`] has it.
    pub jumps: usize,
    /// The jump by the most.
    pub largest_jump: Option<Jump>,
    /// Counts below 0.
    pub negative: usize,
    /// Counts that are not whole numbers.
    pub non_integer: usize,
    /// The date on which the count last changed.
    pub last_change: Option<Date>,
    /// The date of the first of its weekly reports, where it is published weekly.
    pub weekly_since: Option<Date>,
}

impl SeriesQuality {
    fn is_notable(&self) -> bool {
        self.missing + self.decreases + self.jumps + self.negative + self.non_integer > 0
    }
}

/// Looks at every count up to the view's as-of date. `reading` is what was noticed while the source was read.
pub fn quality(view: &PanelView<'_>, reading: &Findings) -> Quality {
    let known = view.targets();
    let mut targets = Target::ALL.map(TargetTally::new);
    let mut published = vec![false; view.days()];
    let (mut stopped, mut weekly_reporters, mut notable) = (Vec::new(), Vec::new(), Vec::new());
    for (index, location) in view.locations().iter().enumerate() {
        let name = location.name();
        let found = targets.each_mut().map(|tally| tally.look_at(view, index, &mut published));
        let has_stopped = is_unchanged(view, index);
        if has_stopped {
            let last_change = found.iter().filter_map(|series| series.last_change).max();
            stopped.push(Stopped { location: name.to_owned(), last_change });
        }
        let weekly = found[Target::ConfirmedCases.index()].weekly_since;
        weekly_reporters.extend(weekly.map(|since| WeeklyReporter { location: name.to_owned(), since }));
        let found = found.into_iter().filter(|series| known.contains(&series.target));
        notable.extend(found.filter(|series| series.is_notable() || has_stopped || weekly.is_some()));
    }
    stopped.sort_by_key(|stopped| stopped.last_change);
    Quality {
        locations: view.locations().len(),
        days: view.days(),
        first_date: view.first_date(),
        last_date: view.as_of(),
        empty_days: ranges(view, published.iter().enumerate().filter(|(_, day)| !**day).map(|(day, _)| day)),
        targets: targets.map(TargetTally::finish).map(|found| known.contains(&found.target).then_some(found)),
        stopped,
        weekly_reporters,
        series: notable,
        reading: reading.clone(),
    }
}

/// Adds up what is found in the series of a target.
struct TargetTally {
    found: TargetQuality,
    decreases: Worst<Decrease>,
    jumps: Worst<Jump>,
}

impl TargetTally {
    fn new(target: Target) -> Self {
        let found = TargetQuality {
            target,
            missing: 0,
            gaps: 0,
            decreases: 0,
            decreasing_series: 0,
            total_decrease: 0.0,
            worst_decreases: Vec::new(),
            jumps: 0,
            jumping_series: 0,
            least_jump: series::least_jump(target),
            worst_jumps: Vec::new(),
            never_positive: 0,
            negative: 0,
            non_integer: 0,
        };
        Self { found, decreases: Worst::new(MOST_LISTED), jumps: Worst::new(MOST_LISTED) }
    }

    /// Looks at one series, and marks the days on which it has a count.
    fn look_at(&mut self, view: &PanelView<'_>, index: usize, published: &mut [bool]) -> SeriesQuality {
        let target = self.found.target;
        let counts = view.counts(index, target);
        for (published, count) in published.iter_mut().zip(counts) {
            *published |= !count.is_nan();
        }
        let location = view.locations()[index].name();
        let series = self.look_at_steps(view, location, counts);
        let found = &mut self.found;
        found.missing += series.missing;
        found.gaps += series.gaps;
        found.decreases += series.decreases;
        found.decreasing_series += usize::from(series.decreases > 0);
        found.total_decrease += series.total_decrease;
        found.jumps += series.jumps;
        found.jumping_series += usize::from(series.jumps > 0);
        found.never_positive += usize::from(!counts.iter().any(|&count| count > 0.0));
        found.negative += series.negative;
        found.non_integer += series.non_integer;
        series
    }

    fn look_at_steps(&mut self, view: &PanelView<'_>, location: &str, counts: &[f64]) -> SeriesQuality {
        let target = self.found.target;
        let number = |fits: &dyn Fn(&f64) -> bool| counts.iter().filter(|count| fits(count)).count();
        let missing = number(&|count| count.is_nan());
        let before_first = counts.iter().take_while(|count| count.is_nan()).count();
        let mut series = SeriesQuality {
            location: location.to_owned(),
            target,
            missing,
            gaps: missing - before_first,
            decreases: 0,
            total_decrease: 0.0,
            largest_decrease: None,
            jumps: 0,
            largest_jump: None,
            negative: number(&|count| *count < 0.0),
            non_integer: number(&|count| count.is_finite() && count.fract() != 0.0),
            last_change: last_change(counts).map(|day| view.date(day)),
            weekly_since: weekly_since(counts).map(|day| view.date(day)),
        };
        let decrease = |step: Step| Decrease {
            location: location.to_owned(),
            date: view.date(step.day),
            from: step.before,
            to: step.count,
        };
        let mut largest = Step::NONE;
        for step in decreases(counts) {
            series.decreases += 1;
            series.total_decrease -= step.increase();
            self.decreases.offer(-step.increase(), || decrease(step));
            largest = if step.increase() < largest.increase() { step } else { largest };
        }
        series.largest_decrease = (series.decreases > 0).then(|| decrease(largest));
        let jump = |(step, largest_week): (Step, f64)| Jump {
            location: location.to_owned(),
            date: view.date(step.day),
            new: step.increase(),
            largest_week,
        };
        let mut largest = (Step::NONE, 0.0);
        for found in jumps(counts, self.found.least_jump) {
            series.jumps += 1;
            self.jumps.offer(found.0.increase(), || jump(found));
            largest = if found.0.increase() > largest.0.increase() { found } else { largest };
        }
        series.largest_jump = (series.jumps > 0).then(|| jump(largest));
        series
    }

    fn finish(self) -> TargetQuality {
        TargetQuality {
            worst_decreases: self.decreases.into_sorted(),
            worst_jumps: self.jumps.into_sorted(),
            ..self.found
        }
    }
}

/// Days in ascending order as ranges of dates.
fn ranges(view: &PanelView<'_>, days: impl Iterator<Item = usize>) -> Vec<DateRange> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for day in days {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == day => *last = day,
            _ => ranges.push((day, day)),
        }
    }
    let range = |(first, last)| DateRange { first: view.date(first), last: view.date(last), days: last - first + 1 };
    ranges.into_iter().map(range).collect()
}

fn is_unchanged(view: &PanelView<'_>, location: usize) -> bool {
    let unchanged = |target| last_change(last_days(view.counts(location, target), STOPPED_AFTER + 1)).is_none();
    view.days() > STOPPED_AFTER && Target::ALL.into_iter().all(unchanged)
}

/// What was found series by series, as CSV with one row for each of [`Quality::series`]; at most `most` rows.
pub fn quality_to_csv(view: &PanelView<'_>, quality: &Quality, most: usize) -> Listing {
    let mut lines = Lines::new(
        "target,missing,gaps,decreases,total_decrease,largest_decrease,largest_decrease_date,jumps,largest_jump,\
         largest_jump_date,negative,non_integer,last_change,weekly_since",
        most,
    );
    let mut series = quality.series.iter().peekable();
    // Both are in the order of the panel.
    for location in view.locations() {
        while let Some(found) = series.next_if(|series| series.location == location.name()) {
            lines.row(location, |row| {
                let (decrease, jump) = (found.largest_decrease.as_ref(), found.largest_jump.as_ref());
                row.cell(found.target.name()).cell(found.missing).cell(found.gaps);
                row.cell(found.decreases).number(found.total_decrease);
                row.optional(decrease.map(|decrease| decrease.from - decrease.to));
                row.optional(decrease.map(|decrease| decrease.date));
                row.cell(found.jumps).optional(jump.map(|jump| jump.new)).optional(jump.map(|jump| jump.date));
                row.cell(found.negative).cell(found.non_integer);
                row.optional(found.last_change).optional(found.weekly_since);
            });
        }
    }
    lines.finish()
}
