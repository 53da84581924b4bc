//! The figures as text.

use std::{fmt::Write as _, path::PathBuf};

use covid_core::Target;
use covid_data::{DateRange, Quality, Simulation, TargetQuality};
use covid_report::{Column, Table, count, sparkline};
use serde::Serialize;

use crate::{files::Files, picture::Picture, revisions_section};

/// Names listed before a line says `and N more`.
const LISTED: usize = 5;

/// The figures and the files, as one document for programs.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    #[serde(flatten)]
    pub(crate) picture: &'a Picture,
    pub(crate) files: &'a Files,
}

/// What the terminal shows.
pub(crate) fn text(picture: &Picture, files: &Files) -> String {
    let mut text = format!("{}\n{}\n", summary(picture), quality(&picture.quality));
    for line in lists(&picture.quality).into_iter().chain(reading(&picture.quality)) {
        let _ = writeln!(text, "{line}");
    }
    if let Some(comparison) = &picture.comparison {
        text += &revisions_section::text(comparison);
    }
    let _ = writeln!(text, "report: {}", files.report);
    let beside: Vec<String> = files.lists.iter().filter_map(|list| files.mention(list.name)).collect();
    let _ = write!(text, "beside it: {}", beside.join(", "));
    text
}

pub(crate) fn summary(picture: &Picture) -> Table {
    let numbers = ["Cases", "New in 7 days", "Deaths", "New in 7 days"].map(Column::number);
    let columns = [Column::text("Location")].into_iter().chain(numbers).chain([Column::text("Weekly cases")]);
    let mut table = Table::new(columns);
    for curve in std::iter::once(&picture.world).chain(&picture.largest) {
        let numbers = Target::ALL.map(|target| [count(curve.last(target)), count(curve.last_week(target))]);
        let weeks = sparkline(&curve.recent_weeks(Target::ConfirmedCases));
        table.row([curve.name.clone()].into_iter().chain(numbers.into_iter().flatten()).chain([weeks]));
    }
    table
}

pub(crate) fn quality(quality: &Quality) -> Table {
    let columns = ["ConfirmedCases", "Fatalities"].map(Column::number);
    let mut table = Table::new([Column::text("Quality")].into_iter().chain(columns));
    let mut row = |name: &str, value: &dyn Fn(&TargetQuality) -> String| {
        let [cases, deaths] = quality.targets.each_ref().map(|found| found.as_ref().map_or("-".into(), value));
        table.row([name.to_owned(), cases, deaths]);
    };
    let number = |number: usize| count(number as f64);
    row("missing counts", &|found| number(found.missing));
    row("counts that fall", &|found| number(found.decreases));
    row("series with a fall", &|found| number(found.decreasing_series));
    row("largest fall", &|found| match found.worst_decreases.first() {
        Some(fall) => format!("{} ({}, {})", count(fall.from - fall.to), fall.location, fall.date),
        None => "-".into(),
    });
    row("jumps", &|found| number(found.jumps));
    row("largest jump", &|found| match found.worst_jumps.first() {
        Some(jump) => format!("{} ({}, {})", count(jump.new), jump.location, jump.date),
        None => "-".into(),
    });
    row("series without any", &|found| number(found.never_positive));
    row("below 0", &|found| number(found.negative));
    row("not whole numbers", &|found| number(found.non_integer));
    table
}

/// Names, the first few of them.
pub(crate) fn listed<'a>(what: &str, names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let all = names.len();
    let listed = names.take(LISTED).collect::<Vec<_>>().join("; ");
    let more = all.saturating_sub(LISTED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{what}: {all}{}{listed}{more}", if all == 0 { "" } else { " - " })
}

/// Ranges of dates in words.
pub(crate) fn ranges(ranges: &[DateRange]) -> String {
    let words = |range: &DateRange| match range.days {
        1 => range.first.to_string(),
        days => format!("{} to {} ({days} days)", range.first, range.last),
    };
    ranges.iter().map(words).collect::<Vec<_>>().join("; ")
}

fn lists(quality: &Quality) -> [String; 2] {
    let stopped = quality.stopped.iter().map(|stopped| &*stopped.location);
    let weekly = quality.weekly_reporters.iter().map(|weekly| &*weekly.location);
    [listed("places without news for 14 days", stopped), listed("places that report weekly", weekly)]
}

/// What was noticed while reading, if anything was, and the days without a count.
pub(crate) fn reading(quality: &Quality) -> Vec<String> {
    let mut lines = Vec::new();
    if !quality.empty_days.is_empty() {
        let days: usize = quality.empty_days.iter().map(|range| range.days).sum();
        let first = &quality.empty_days[..quality.empty_days.len().min(LISTED)];
        let more = if first.len() < quality.empty_days.len() { "; and more" } else { "" };
        lines.push(format!("days without any count: {} - {}{more}", count(days as f64), ranges(first)));
    }
    let reading = &quality.reading;
    if reading.duplicate_rows > 0 {
        lines.push(format!("rows that say again what another says: {}", count(reading.duplicate_rows as f64)));
    }
    if let Some(places) = reading.without_coordinates.as_ref().filter(|places| !places.is_empty()) {
        lines.push(listed("places without coordinates", places.iter().map(String::as_str)));
    }
    if let Some(first) = reading.negative.first() {
        let (file, row, column, all) = (first.file.display(), first.row, &first.column, reading.negative.len());
        lines.push(format!("counts below 0 in the files: {all}, the first in `{file}`, row {row}, column `{column}`"));
    }
    lines
}

/// What was simulated, and where it is.
pub(crate) fn simulated(simulation: &Simulation, files: &[PathBuf]) -> String {
    let mut text = simulation.to_string();
    for file in files {
        let _ = write!(text, "\n{}", file.display());
    }
    text
}
