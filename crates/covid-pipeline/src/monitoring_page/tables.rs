//! The tables of the monitoring page and of its summary on the terminal.

use covid_core::Target;
use covid_report::{Column, Table, score};

use super::{Contender, Coverage, Drift, HorizonError, PlaceError, QualityFinding, Reign, ReplayComparison};

/// More names than this would hide the others.
const MOST_NAMES: usize = 8;

pub(super) fn horizons(horizons: &[HorizonError]) -> Table {
    let mut table = Table::new(["Days ahead", "Champion", "No change", "Expected"].map(Column::number));
    for at in horizons {
        let expected = at.expected.unwrap_or(f64::NAN);
        let scores = [at.champion, at.persistence, expected].map(score);
        table.row([at.horizon.to_string()].into_iter().chain(scores));
    }
    table
}

pub(super) fn coverage(coverage: &[Coverage]) -> Table {
    let numbers = ["Interval", "Counts inside", "Forecasts"].map(Column::number);
    let mut table = Table::new([Column::text("Target")].into_iter().chain(numbers));
    for Coverage { target, nominal, observed, rows } in coverage {
        let row = [plain(*target).to_owned(), percent(*nominal), percent(*observed), covid_report::count(*rows as f64)];
        table.row(row);
    }
    table
}

pub(super) fn worst(places: &[PlaceError]) -> Table {
    let numbers = ["RMSLE", "No change", "Bias (log)"].map(Column::number);
    let columns = [Column::text("Location")].into_iter().chain(numbers).chain([Column::text("Its data")]);
    let mut table = Table::new(columns);
    for place in places {
        let scores = [score(place.rmsle), score(place.persistence), signed(place.bias)];
        let fault = place.data_fault.as_deref().unwrap_or("no fault seen");
        table.row([place.place.clone()].into_iter().chain(scores).chain([fault.to_owned()]));
    }
    table
}

pub(super) fn drift(drift: &[Drift]) -> Table {
    let numbers = ["PSI", "KS statistic", "Effect size"].map(Column::number);
    let text = ["Quantity", "Target"].map(Column::text);
    let mut table = Table::new(text.into_iter().chain(numbers).chain([Column::text("Drift")]));
    for Drift { quantity, target, psi, ks, effect, word } in drift {
        let [psi, ks, effect] = [psi, ks, effect].map(|value| decimals(*value));
        table.row([quantity.clone(), plain(*target).to_owned(), psi, ks, effect, word.clone()]);
    }
    table
}

pub(super) fn quality(findings: &[QualityFinding]) -> Table {
    let mut table = Table::new([Column::text("Data"), Column::number("Locations"), Column::prose("Which")]);
    for QualityFinding { what, count, places } in findings {
        table.row([what.clone(), covid_report::count(*count as f64), named(places, *count)]);
    }
    table
}

pub(super) fn champions(champions: &[Reign]) -> Table {
    let dates = ["Trained as of", "Champion from", "Until"].map(Column::text);
    let first = [Column::number("Version"), Column::prose("Recipe")];
    let mut table = Table::new(first.into_iter().chain(dates).chain([Column::prose("Why")]));
    for Reign { version, recipe, trained_as_of, from, until, reason } in champions {
        let until = until.map_or_else(|| "today".to_owned(), |date| date.to_string());
        let dates = [trained_as_of.to_string(), from.to_string(), until];
        table.row([version.clone(), recipe.clone()].into_iter().chain(dates).chain([reason.clone()]));
    }
    table
}

pub(super) fn comparison(comparison: &ReplayComparison) -> Table {
    let numbers = ["Cases", "Deaths", "Headline", "The loop's error is"].map(Column::number);
    let mut table = Table::new([Column::text("RMSLE of 7 days")].into_iter().chain(numbers));
    let row = |contender: &Contender, against: String| {
        let scores = [contender.cases, contender.deaths, contender.headline].map(score);
        [contender.who.clone()].into_iter().chain(scores).chain([against])
    };
    table.row(row(&comparison.of_loop, String::new()));
    for other in &comparison.others {
        table.row(row(other, comparison.gain(other).map_or_else(String::new, lower)));
    }
    table
}

/// `12.3 % lower`, or `1.0 % higher`.
fn lower(gain: f64) -> String {
    let word = if gain >= 0.0 { "lower" } else { "higher" };
    format!("{:.1} % {word}", gain.abs() * 100.0)
}

/// The first names, and how many more there are.
fn named(places: &[String], count: usize) -> String {
    let shown = places.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join("; ");
    match count.saturating_sub(places.len().min(MOST_NAMES)) {
        0 => shown,
        more if shown.is_empty() => format!("{more} not named"),
        more => format!("{shown}; {more} more"),
    }
}

/// The target's name as people read it.
pub(super) fn plain(target: Target) -> &'static str {
    match target {
        Target::ConfirmedCases => "Confirmed cases",
        Target::Fatalities => "Deaths",
    }
}

fn percent(share: f64) -> String {
    finite(share, |share| format!("{:.0} %", share * 100.0))
}

fn signed(value: f64) -> String {
    finite(value, |value| format!("{value:+.4}"))
}

fn decimals(value: f64) -> String {
    finite(value, |value| format!("{value:.3}"))
}

fn finite(value: f64, show: impl Fn(f64) -> String) -> String {
    if value.is_finite() { show(value) } else { "-".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names = |count: usize| (0..count).map(|place| format!("p{place}")).collect::<Vec<_>>();
        assert_eq!(named(&names(2), 2), "p0; p1");
        assert_eq!(named(&names(9), 12), "p0; p1; p2; p3; p4; p5; p6; p7; 4 more");
        assert_eq!(named(&[], 3), "3 not named");
        assert_eq!(named(&[], 0), "");
    }

    #[test]
    fn a_gain_is_told_by_its_sign() {
        assert_eq!([0.123, 0.0, -0.01].map(lower), ["12.3 % lower", "0.0 % lower", "1.0 % higher"]);
    }
}
