//! The figures as a page to open in a browser.

use covid_core::Target;
use covid_report::{Chart, Column, HeatMap, HtmlPage, ReportError, Scale, Series, Table, count, line_chart};

use crate::{
    files::Files,
    picture::{Curve, Picture},
    quality_section,
    report::summary,
    revisions_section,
};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The self-contained page.
pub(crate) fn page(picture: &Picture, files: &Files) -> Result<String, ReportError> {
    let title = match picture.targets[..] {
        [only] => format!("Cumulative {}", short(only)),
        _ => "Cumulative cases and deaths".to_owned(),
    };
    let mut page = HtmlPage::new(&title);
    page.paragraph(&picture.headline).heading("Summary").table(&summary(picture));
    explorer(&mut page, picture);
    world(&mut page, picture)?;
    largest(&mut page, picture)?;
    if picture.targets.len() == Target::ALL.len() {
        case_fatality(&mut page, picture)?;
    }
    pace(&mut page, picture)?;
    weekdays(&mut page, picture);
    rates(&mut page, picture);
    quality_section::show(&mut page, picture, files);
    if let Some(comparison) = &picture.comparison {
        revisions_section::show(&mut page, comparison, files);
    }
    Ok(page.render())
}

fn explorer(page: &mut HtmlPage, picture: &Picture) {
    let (all, carried) = (picture.quality.locations, picture.explorer.len() - 1);
    page.heading("Any location");
    page.paragraph(&if carried < all {
        let (all, carried) = (count(all as f64), count(carried as f64));
        format!(
            "The world and the {carried} locations with most cases, of {all}: the others would make the page too large."
        )
    } else {
        format!("The world and every location: {}.", count(all as f64))
    });
    page.explorer(&picture.explorer);
}

fn world(page: &mut HtmlPage, picture: &Picture) -> Result<(), ReportError> {
    let world = &picture.world;
    page.heading(&world.name);
    if picture.targets.is_empty() {
        page.paragraph("No count was published.");
        return Ok(());
    }
    page.paragraph(
        "New counts are drawn as published. The 7-day mean spreads a count that comes after a gap over the days it stands \
         for, and leaves out days on which a revision lowered the total: such a day says nothing of itself.",
    );
    let lowered = listed(&picture.targets, |target| format!("{} for {}", world.revisions(target), short(target)));
    page.paragraph(&format!(
        "Days on which revisions lowered the world's total: {lowered}. A revision of one location is not seen in the sum \
         where the others add more."
    ));
    if picture.carried.locations > 0 {
        let counts = listed(&picture.targets, |target| {
            format!("{} {}", count(picture.carried.counts[target.index()]), short(target))
        });
        page.paragraph(&format!(
            "Locations without a count on the last day: {}. The world's totals have their last ones ({counts}), and so count \
             twice what the source has published under other names since.",
            count(picture.carried.locations as f64)
        ));
    }
    let charts = picture.targets.iter().flat_map(|&target| {
        let total = [Series::new("cumulative", world.cumulative[target.index()].clone())];
        let new = [
            Series::new("as published", world.new_counts(target)).muted(),
            Series::new("7-day mean", world.weekly_mean(target)),
        ];
        [
            (format!("{}: cumulative", plain(target)), total.to_vec()),
            (format!("{}: new a day", plain(target)), new.to_vec()),
        ]
    });
    both_scales(page, picture, charts)
}

fn largest(page: &mut HtmlPage, picture: &Picture) -> Result<(), ReportError> {
    page.heading("Locations with most cases");
    let each = |values: &dyn Fn(&Curve) -> Vec<f64>| -> Vec<Series> {
        picture.largest.iter().map(|curve| Series::new(curve.name.clone(), values(curve))).collect()
    };
    let charts = picture.targets.iter().flat_map(|&target| {
        let total = each(&|curve| curve.cumulative[target.index()].clone());
        let new = each(&|curve| curve.weekly_mean(target));
        [(format!("{}: cumulative", plain(target)), total), (format!("{}: new a day, 7-day mean", plain(target)), new)]
    });
    both_scales(page, picture, charts)
}

fn case_fatality(page: &mut HtmlPage, picture: &Picture) -> Result<(), ReportError> {
    page.heading("Case fatality");
    page.paragraph(
        "Deaths for every 100 cases so far, from the hundredth case on. Deaths come weeks after their cases, and many \
         infections are never confirmed: this is neither the risk of a patient nor that of an infected person.",
    );
    let percent = |curve: &Curve| curve.case_fatality().iter().map(|share| share * 100.0).collect();
    let chart = chart("Case fatality, %", picture, &world_and_largest(picture, percent), Scale::Linear);
    show(page, vec![chart])
}

fn pace(page: &mut HtmlPage, picture: &Picture) -> Result<(), ReportError> {
    page.heading("Growth and doubling time");
    page.paragraph(
        "Growth compares the 7-day mean of new cases with that of a week before. The doubling time is that of all cases \
         so far, if they went on as in the last 7 days. Where nothing grows there is none.",
    );
    let columns = ["New cases a day", "Growth in 7 days", "Doubling time, days", "Case fatality"].map(Column::number);
    let mut table = Table::new([Column::text("Location")].into_iter().chain(columns));
    for pace in &picture.paces {
        table.row([
            pace.name.clone(),
            count(pace.new_cases),
            finite(pace.growth, |growth| format!("{:+.1} %", growth * 100.0)),
            count(pace.doubling_days),
            finite(pace.case_fatality, |share| format!("{:.2} %", share * 100.0)),
        ]);
    }
    page.table(&table);
    let lines = world_and_largest(picture, Curve::doubling_days);
    show(page, vec![chart("Doubling time of cases, days (log scale)", picture, &lines, Scale::Log)])
}

fn weekdays(page: &mut HtmlPage, picture: &Picture) {
    page.heading("Reporting by weekday");
    page.paragraph(
        "The share of new cases that each weekday had in the last 52 weeks: 14 % each where a place reports evenly; one \
         dark cell where it reports once a week.",
    );
    let mut map = HeatMap::new("Location", WEEKDAYS);
    for place in &picture.weekdays {
        map.row(&place.name, place.shares);
    }
    page.heat_map(&map);
}

fn rates(page: &mut HtmlPage, picture: &Picture) {
    if picture.rates.is_empty() {
        return;
    }
    page.heading("For every 100,000 people");
    let columns = ["Rank", "Cases", "Deaths", "Population"].map(Column::number);
    let [rank, cases, deaths, population] = columns;
    let mut table = Table::new([rank, Column::text("Location"), cases, deaths, population]);
    for (rank, rate) in (1..).zip(&picture.rates) {
        let deaths = finite(rate.deaths, |deaths| format!("{deaths:.1}"));
        table.row([format!("{rank}"), rate.name.clone(), count(rate.cases), deaths, count(rate.population)]);
    }
    page.table(&table);
}

/// The world comes last, so that each location has the colour that it has in the other charts.
fn world_and_largest(picture: &Picture, values: impl Fn(&Curve) -> Vec<f64>) -> Vec<Series> {
    let curves = picture.largest.iter().chain([&picture.world]);
    curves.map(|curve| Series::new(curve.name.clone(), values(curve))).collect()
}

/// Each chart twice: on a linear scale and on a log scale.
fn both_scales(
    page: &mut HtmlPage,
    picture: &Picture,
    charts: impl Iterator<Item = (String, Vec<Series>)>,
) -> Result<(), ReportError> {
    let twice = |(title, series): (String, Vec<Series>)| {
        let log = format!("{title} (log scale)");
        [chart(&title, picture, &series, Scale::Linear), chart(&log, picture, &series, Scale::Log)]
    };
    show(page, charts.flat_map(twice).collect())
}

fn chart(title: &str, picture: &Picture, series: &[Series], scale: Scale) -> Result<Chart, ReportError> {
    line_chart(title, &picture.dates, series, scale)
}

/// A sentence on how much of a list a table shows, and where the rest is.
pub(crate) fn shown(what: &str, shown: usize, all: usize, rest: Option<String>) -> String {
    let rest = rest.map_or_else(String::new, |file| format!(" More in {file}, beside this page."));
    if shown < all {
        format!("{what}: {} of {}.{rest}", count(shown as f64), count(all as f64))
    } else {
        format!("{what}.")
    }
}

/// Charts side by side, and a sentence for each in which there is nothing to draw.
fn show(page: &mut HtmlPage, charts: Vec<Result<Chart, ReportError>>) -> Result<(), ReportError> {
    let mut drawn = Vec::with_capacity(charts.len());
    for chart in charts {
        match chart {
            Ok(chart) => drawn.push(chart),
            Err(ReportError::Empty { chart }) => drop(page.paragraph(&format!("{chart}: nothing to draw"))),
            Err(error) => return Err(error),
        }
    }
    page.charts(&drawn);
    Ok(())
}

/// A line of the terminal as a sentence of the page.
pub(crate) fn sentence(line: &str) -> String {
    let mut letters = line.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// What there is to say of each target, one after the other.
pub(crate) fn listed(targets: &[Target], say: impl Fn(Target) -> String) -> String {
    targets.iter().map(|target| say(*target)).collect::<Vec<_>>().join(", ")
}

/// The target's name within a sentence.
pub(crate) fn short(target: Target) -> &'static str {
    match target {
        Target::ConfirmedCases => "cases",
        Target::Fatalities => "deaths",
    }
}

pub(crate) fn plain(target: Target) -> &'static str {
    match target {
        Target::ConfirmedCases => "Confirmed cases",
        Target::Fatalities => "Deaths",
    }
}

pub(crate) fn finite(value: f64, show: impl Fn(f64) -> String) -> String {
    if value.is_finite() { show(value) } else { "-".into() }
}

#[cfg(test)]
mod tests {
    use covid_core::{Date, Location, Panel};
    use covid_data::Findings;

    use super::*;

    fn page_of(cases: &[&[f64]], populations: Option<&[Option<f64>]>) -> String {
        let days = cases[0].len();
        let locations = (0..cases.len()).map(|place| Location::named(&format!("place {place}"))).collect();
        let values = cases.iter().flat_map(|cases| cases.iter().chain(*cases)).copied().collect();
        let panel = Panel::new(locations, Date::constant(2020, 1, 22), days, values).unwrap();
        let picture = Picture::new("headline".into(), panel.view(), populations, &Findings::default());
        page(&picture, &Files::default()).unwrap()
    }

    #[test]
    fn rates_have_a_section_where_populations_are_known() {
        let known = page_of(&[&[1.0, 50.0], &[2.0, 10.0]], Some(&[Some(1000.0), None]));
        assert!(known.contains("<h2>For every 100,000 people</h2>"), "{known}");
        assert!(
            known.contains("<td class=\"number\">1</td><td>place 0</td><td class=\"number\">5,000</td>"),
            "{known}"
        );
        for unknown in [None, Some(&[][..]), Some(&[None, Some(f64::NAN)][..])] {
            assert!(!page_of(&[&[1.0, 50.0], &[2.0, 10.0]], unknown).contains("100,000 people"));
        }
    }

    #[test]
    fn the_page_says_what_it_leaves_out() {
        assert!(page_of(&[&[1.0, 2.0]], None).contains("The world and every location: 1."));
        let many = vec![&[1.0, 2.0][..]; 3_000];
        let says = "The world and the 1,000 locations with most cases, of 3,000";
        assert!(page_of(&many, None).contains(says));
    }

    #[test]
    fn the_page_says_what_the_world_has_of_places_that_are_gone() {
        let gone = page_of(&[&[1.0, 50.0], &[20.0, f64::NAN]], None);
        assert!(gone.contains("day: 1. The world&#39;s totals have their last ones (20 cases, 20 deaths)"), "{gone}");
        assert!(!page_of(&[&[1.0, 50.0]], None).contains("without a count on the last day"));
    }

    #[test]
    fn odd_counts_make_a_page() {
        let odd: [&[f64]; 6] =
            [&[f64::NAN; 9], &[0.0; 9], &[-5.0; 9], &[1e300; 9], &[f64::MAX, f64::MIN, f64::NAN, 0.5], &[7.0]];
        for cases in odd {
            assert!(page_of(&[cases, cases], None).contains("</html>"), "{cases:?}");
        }
    }
}
