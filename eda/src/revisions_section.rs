//! What changed between two vintages: in the terminal, and on the page.

use std::fmt::Write as _;

use covid_core::Target;
use covid_data::{AgeBand, Changes, Revision, Revisions, TargetRevisions};
use covid_report::{Column, HtmlPage, Table, count};

use crate::{
    comparison::Comparison,
    files::Files,
    page::{plain, sentence, short, shown},
    report::{listed, ranges},
};

/// Rows of a table at most.
const ROWS: usize = 20;

/// What the terminal shows, with a line's end after each line.
pub(crate) fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "revisions from {}\n            to {}", comparison.old, comparison.new);
    for line in lines(&comparison.revisions) {
        let _ = writeln!(text, "{line}");
    }
    if comparison.revisions.common.is_some() {
        let _ = writeln!(text, "{}\n{}", totals(&comparison.revisions), ages(&comparison.revisions));
    }
    text
}

/// The section of the page.
pub(crate) fn show(page: &mut HtmlPage, comparison: &Comparison, files: &Files) {
    let found = &comparison.revisions;
    page.heading("Revisions");
    for (what, vintage) in [("The old vintage", &comparison.old), ("The new one", &comparison.new)] {
        page.paragraph(&format!("{what}: {vintage}."));
    }
    for line in lines(found) {
        page.paragraph(&sentence(&line));
    }
    if found.common.is_none() {
        return;
    }
    page.table(&totals(found));
    page.subheading("How far back");
    page.paragraph(
        "The share of counts that changed, by the age of their day: days from the latest common date. High shares of old \
         days mean that history was rewritten, not only its last days completed.",
    );
    page.table(&ages(found));
    largest(page, found, files);
    by_series(page, found);
}

/// What both vintages have, and what only one of them.
fn lines(found: &Revisions) -> Vec<String> {
    let mut lines = vec![match found.common {
        Some(common) => format!("dates of both: {}", ranges(&[common])),
        None => "no date is in both: there is nothing to compare".into(),
    }];
    for (what, dates) in [("dates added", &found.added), ("dates removed", &found.removed)] {
        if !dates.is_empty() {
            lines.push(format!("{what}: {}", ranges(dates)));
        }
    }
    for (what, names) in [("places that are new", &found.appeared), ("places that are gone", &found.vanished)] {
        if !names.is_empty() {
            lines.push(listed(what, names.iter().map(String::as_str)));
        }
    }
    if !found.renamed.is_empty() {
        let names: Vec<String> =
            found.renamed.iter().map(|renamed| format!("{} -> {}", renamed.from, renamed.to)).collect();
        lines.push(listed("places that probably have another name", names.iter().map(String::as_str)));
    }
    if found.common.is_some() && found.series.is_empty() {
        lines.push("no count was revised".into());
    }
    lines
}

fn totals(found: &Revisions) -> Table {
    let columns = ["ConfirmedCases", "Fatalities"].map(Column::number);
    let mut table = Table::new([Column::text("Revisions")].into_iter().chain(columns));
    let mut row = |name: &str, value: &dyn Fn(&TargetRevisions) -> String| {
        let [cases, deaths] = found.targets.each_ref().map(|found| found.as_ref().map_or("-".into(), value));
        table.row([name.to_owned(), cases, deaths]);
    };
    let number = |number: usize| count(number as f64);
    row("counts compared", &|target| number(target.changes.compared));
    row("counts revised", &|target| with_share(&target.changes));
    row("raised", &|target| number(target.changes.raised));
    row("lowered", &|target| number(target.changes.lowered));
    row("missing before", &|target| number(target.changes.filled));
    row("missing now", &|target| number(target.changes.withdrawn));
    row("half of them by at most", &|target| {
        target
            .absolute
            .map_or("-".into(), |spread| format!("{}{}", count(spread.median), relative(target, |s| s.median)))
    });
    row("nine tenths by at most", &|target| {
        target.absolute.map_or("-".into(), |spread| format!("{}{}", count(spread.p90), relative(target, |s| s.p90)))
    });
    row("largest", &|target| match target.largest.first() {
        Some(largest) => {
            format!("{} ({}, {})", signed(largest.new - largest.old), largest.location, largest.date)
        }
        None => "-".into(),
    });
    if let Some(common) = found.common {
        row(&format!("all places on {}", common.last), &|target| {
            let [old, new] = target.latest_totals;
            format!("{} -> {}", count(old), count(new))
        });
    }
    table
}

fn relative(target: &TargetRevisions, part: impl Fn(&covid_data::Spread) -> f64) -> String {
    target.relative.map_or_else(String::new, |spread| format!(" ({})", percent(part(&spread))))
}

fn ages(found: &Revisions) -> Table {
    let columns = ["ConfirmedCases", "Fatalities"].map(Column::number);
    let mut table = Table::new([Column::text("Age of the day")].into_iter().chain(columns));
    for band in &found.ages {
        let [cases, deaths] = Target::ALL.map(|target| match &found.targets[target.index()] {
            Some(_) => with_share(&band.changes[target.index()]),
            None => "-".into(),
        });
        table.row([age(band), cases, deaths]);
    }
    table
}

fn age(band: &AgeBand) -> String {
    match (band.from, band.to) {
        (0, 0) => "latest day".into(),
        (from, to) if from == to => format!("{from} days"),
        (from, to) => format!("{from} to {to} days"),
    }
}

fn with_share(changes: &Changes) -> String {
    let share = changes.changed() as f64 / changes.compared.max(1) as f64;
    format!("{} ({})", count(changes.changed() as f64), percent(share))
}

fn percent(share: f64) -> String {
    // Beyond a thousandfold, the number of digits says no more.
    if share < 1000.0 { format!("{:.1} %", share * 100.0) } else { "> 100,000 %".into() }
}

fn signed(change: f64) -> String {
    if change > 0.0 { format!("+{}", count(change)) } else { count(change) }
}

/// A row for each location: what was counted in another way changed on every day since, by about as much.
fn largest(page: &mut HtmlPage, found: &Revisions, files: &Files) {
    for target in Target::ALL {
        let series = found.series.iter().filter(|series| series.target == target);
        let mut largest: Vec<&Revision> = series.filter_map(|series| series.largest.as_ref()).collect();
        if largest.is_empty() {
            continue;
        }
        let size = |found: &Revision| (found.new - found.old).abs();
        largest.sort_by(|a, b| size(b).total_cmp(&size(a)));
        page.subheading(&format!("Largest revisions: {}", short(target)));
        let rows = largest.iter().take(ROWS);
        let what = "The largest change of each location, the largest of all first";
        page.paragraph(&shown(what, rows.len(), largest.len(), files.mention("revisions.csv")));
        let numbers = ["Old", "New", "Change", "Of the old"].map(Column::number);
        let mut table = Table::new(["Location", "Date"].map(Column::text).into_iter().chain(numbers));
        for found in rows {
            let change = found.new - found.old;
            let share = if found.old > 0.0 { percent(change.abs() / found.old) } else { "-".into() };
            let numbers = [count(found.old), count(found.new), signed(change), share];
            table.row([found.location.clone(), found.date.to_string()].into_iter().chain(numbers));
        }
        page.table(&table);
    }
}

fn by_series(page: &mut HtmlPage, found: &Revisions) {
    if found.series.is_empty() {
        return;
    }
    page.subheading("Revisions by location");
    let rows = found.series.iter().take(ROWS);
    let what = "All days together, the most revised first; a change that stays counts on each day";
    page.paragraph(&shown(what, rows.len(), found.series.len(), None));
    let numbers = ["Counts", "Raised", "Lowered", "All together", "Net", "On the latest day"].map(Column::number);
    let mut table = Table::new(["Location", "Of"].map(Column::text).into_iter().chain(numbers));
    for series in rows {
        table.row([
            series.location.clone(),
            plain(series.target).to_owned(),
            count(series.changes.changed() as f64),
            count(series.changes.raised as f64),
            count(series.changes.lowered as f64),
            count(series.total),
            signed(series.net),
            series.latest.map_or("-".into(), signed),
        ]);
    }
    page.table(&table);
}
