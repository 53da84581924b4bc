//! The figures as text.

use std::{fmt::Write as _, path::PathBuf};

use covid_core::Target;
use covid_data::{Quality, Simulation};
use covid_report::{Column, Table, count, sparkline};

use crate::picture::Picture;

/// Names listed before a line says `and N more`.
const LISTED: usize = 5;

/// What the terminal shows.
pub(crate) fn text(picture: &Picture, page: &str) -> String {
    let mut text = format!("{}\n{}\n", summary(picture), quality(&picture.quality));
    for line in lists(&picture.quality) {
        let _ = writeln!(text, "{line}");
    }
    let _ = write!(text, "report: {page}");
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
    let mut row = |name: &str, value: &dyn Fn(usize) -> String| {
        table.row([name.to_owned(), value(0), value(1)]);
    };
    row("missing counts", &|i| quality.targets[i].missing.to_string());
    row("counts that fall", &|i| quality.targets[i].decreases.to_string());
    row("series with a fall", &|i| quality.targets[i].decreasing_series.to_string());
    row("largest fall", &|i| match &quality.targets[i].largest_decrease {
        Some(fall) => format!("{} ({}, {})", count(fall.from - fall.to), fall.location, fall.date),
        None => "-".into(),
    });
    row("series without any", &|i| quality.targets[i].never_positive.to_string());
    row("not whole numbers", &|i| quality.targets[i].non_integer.to_string());
    table
}

pub(crate) fn lists(quality: &Quality) -> [String; 2] {
    let list = |what: &str, names: &[String]| {
        let listed = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join("; ");
        let more = names.len().saturating_sub(LISTED);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        format!("{what}: {}{}{listed}{more}", names.len(), if names.is_empty() { "" } else { " - " })
    };
    [
        list("places without news for 14 days", &quality.unchanged),
        list("places that report weekly", &quality.weekly_reporters),
    ]
}

/// What was simulated, and where it is.
pub(crate) fn simulated(simulation: &Simulation, files: &[PathBuf]) -> String {
    let mut text = simulation.to_string();
    for file in files {
        let _ = write!(text, "\n{}", file.display());
    }
    text
}
