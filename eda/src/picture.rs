//! The figures of the report, apart from how they are shown.

use covid_core::{Date, Fault, PanelView, Target};
use covid_data::{Findings, Quality, Repair, quality, repaired_counts};
use covid_pipeline::Project;
use covid_report::Explorer;
use serde::Serialize;

use crate::{
    comparison::Comparison,
    figures::{
        carried, case_fatality, doubling_days, new_counts, per_100_000, revisions, weekday_shares, weekly_growth,
        weekly_mean,
    },
};

/// How many of the largest places are drawn.
const DRAWN: usize = 5;
/// How many of the largest places have a row in a table.
const LISTED: usize = 20;
/// How many places the page carries whole, so that it stays small enough to send.
const CARRIED: usize = 1000;

/// One line of the report: the world or a place.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Curve {
    /// Display name.
    pub(crate) name: String,
    /// Cumulative counts by target, then day; a gap repeats the count before it.
    pub(crate) cumulative: [Vec<f64>; 2],
    /// The same as published, NaN in gaps: in those of the world, no place has a count.
    #[serde(skip)]
    published: [Vec<f64>; 2],
}

/// Counts of earlier days in the world's latest totals. A country that is published by province since is in them twice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Carried {
    /// Places with no count on the last day, but one before it.
    pub(crate) locations: usize,
    /// The sums of their last counts, by target.
    pub(crate) counts: [f64; 2],
}

/// How fast a place goes, at the end of its series.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pace {
    /// Display name.
    pub(crate) name: String,
    /// New cases a day, mean of 7 days.
    pub(crate) new_cases: f64,
    /// How that changed in 7 days; 0.25 for a quarter more.
    pub(crate) growth: f64,
    /// Days in which all cases double.
    pub(crate) doubling_days: f64,
    /// Deaths for every case so far.
    pub(crate) case_fatality: f64,
}

/// When a place reports.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Weekdays {
    /// Display name.
    pub(crate) name: String,
    /// The share of new cases on each weekday, Monday first.
    pub(crate) shares: [Option<f64>; 7],
}

/// Counts for every 100,000 people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Rate {
    /// Display name.
    pub(crate) name: String,
    /// Number of people.
    pub(crate) population: f64,
    /// Cases for every 100,000 of them.
    pub(crate) cases: f64,
    /// Deaths for every 100,000 of them; NaN where none are published.
    pub(crate) deaths: f64,
}

/// What repair changed in a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RepairedSeries {
    /// Display name.
    pub(crate) location: String,
    /// The target.
    pub(crate) target: Target,
    /// How many counts.
    pub(crate) counts: usize,
    /// The date of the first of them.
    pub(crate) first: Date,
    /// The date of the last.
    pub(crate) last: Date,
    /// The most by which one was lowered.
    pub(crate) largest: f64,
}

/// What a source looks like up to the as-of date.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Picture {
    /// The source and what repair would do, in one line.
    pub(crate) headline: String,
    /// What the source publishes: of the others nothing is shown.
    pub(crate) targets: Vec<Target>,
    /// Every date.
    pub(crate) dates: Vec<Date>,
    /// The sum of all places.
    pub(crate) world: Curve,
    /// What the sum has of places without a count on the last day.
    pub(crate) carried: Carried,
    /// The places with most cases.
    pub(crate) largest: Vec<Curve>,
    /// The world and more of the places with most cases.
    pub(crate) paces: Vec<Pace>,
    /// The same places.
    pub(crate) weekdays: Vec<Weekdays>,
    /// The places with most cases for their people; none where no population is known.
    pub(crate) rates: Vec<Rate>,
    /// What is wrong or odd with the data.
    pub(crate) quality: Quality,
    /// The rule of repair.
    pub(crate) repair: Repair,
    /// What repair changes, the series with most changed counts first.
    pub(crate) repairs: Vec<RepairedSeries>,
    /// What changed from one vintage to another, where two are compared.
    pub(crate) comparison: Option<Comparison>,
    /// The world and as many places as a page can carry.
    #[serde(skip)]
    pub(crate) explorer: Explorer,
}

impl Picture {
    /// The figures of a project.
    pub(crate) fn of(project: &Project, comparison: Option<Comparison>) -> Result<Self, Fault> {
        let view = project.published()?;
        let picture = Self::new(project.headline()?, view, project.populations.as_deref(), &project.findings);
        Ok(Self { repair: project.repair, repairs: repairs(&view, project.repair), comparison, ..picture })
    }

    /// Gathers the figures of a panel.
    pub(crate) fn new(
        headline: String,
        view: PanelView<'_>,
        populations: Option<&[Option<f64>]>,
        reading: &Findings,
    ) -> Self {
        let order = by_cases(&view);
        let world = Curve::world(&view);
        let place = |&place: &usize| Curve::place(&view, place);
        let listed: Vec<Curve> = std::iter::once(world.clone()).chain(order.iter().take(LISTED).map(place)).collect();
        Self {
            headline,
            targets: view.targets(),
            dates: (0..view.days()).map(|day| view.date(day)).collect(),
            largest: listed.iter().skip(1).take(DRAWN).cloned().collect(),
            paces: listed.iter().map(Curve::pace).collect(),
            weekdays: listed.iter().map(|curve| curve.weekdays(view.first_date())).collect(),
            rates: rates(&view, populations.unwrap_or_default()),
            quality: quality(&view, reading),
            repair: Repair::None,
            repairs: Vec::new(),
            comparison: None,
            explorer: explorer(&view, &world, &order),
            carried: carried_to_last_day(&view),
            world,
        }
    }
}

impl Curve {
    fn place(view: &PanelView<'_>, place: usize) -> Self {
        let published = Target::ALL.map(|target| view.counts(place, target).to_vec());
        let known = view.targets();
        let cumulative = Target::ALL.map(|target| match known.contains(&target) {
            true => carried(view.counts(place, target)).into_iter().map(whole).collect(),
            false => published[target.index()].clone(),
        });
        Self { name: view.locations()[place].name().to_owned(), cumulative, published }
    }

    fn world(view: &PanelView<'_>) -> Self {
        let known = view.targets();
        let sum = |target: Target| {
            if !known.contains(&target) {
                return vec![f64::NAN; view.days()];
            }
            let mut total = vec![0.0; view.days()];
            for place in 0..view.locations().len() {
                for (total, count) in total.iter_mut().zip(carried(view.counts(place, target))) {
                    *total += count.max(0.0);
                }
            }
            total.into_iter().map(whole).collect::<Vec<f64>>()
        };
        let cumulative = Target::ALL.map(sum);
        let published = Target::ALL.map(|target| {
            let has_count =
                |day: usize| (0..view.locations().len()).any(|place| !view.counts(place, target)[day].is_nan());
            let counts = cumulative[target.index()].iter().enumerate();
            counts.map(|(day, count)| if has_count(day) { *count } else { f64::NAN }).collect()
        });
        // A place may be called so in the data.
        let taken = view.locations().iter().any(|location| location.name() == "World");
        let name = if taken { "World (all locations)" } else { "World" };
        Self { name: name.to_owned(), cumulative, published }
    }

    /// The latest count.
    pub(crate) fn last(&self, target: Target) -> f64 {
        self.cumulative[target.index()].last().copied().unwrap_or(f64::NAN)
    }

    /// New counts a day as published.
    pub(crate) fn new_counts(&self, target: Target) -> Vec<f64> {
        new_counts(&self.published[target.index()])
    }

    /// New counts a day, mean of 7 days.
    pub(crate) fn weekly_mean(&self, target: Target) -> Vec<f64> {
        weekly_mean(&self.published[target.index()])
    }

    /// Days on which a revision lowered the total.
    pub(crate) fn revisions(&self, target: Target) -> usize {
        revisions(&self.published[target.index()])
    }

    /// Deaths for every case so far, by day.
    pub(crate) fn case_fatality(&self) -> Vec<f64> {
        let [cases, deaths] = &self.cumulative;
        deaths.iter().zip(cases).map(|(deaths, cases)| case_fatality(*deaths, *cases)).collect()
    }

    /// Days in which all cases double, by day.
    pub(crate) fn doubling_days(&self) -> Vec<f64> {
        let cases = &self.cumulative[Target::ConfirmedCases.index()];
        (0..cases.len()).map(|day| doubling_days(cases, day)).collect()
    }

    /// New counts of the last 7 days.
    pub(crate) fn last_week(&self, target: Target) -> f64 {
        let counts = &self.cumulative[target.index()];
        counts.len().checked_sub(8).map_or(f64::NAN, |before| self.last(target) - counts[before])
    }

    /// New counts a day at the end of each of the last 26 weeks.
    pub(crate) fn recent_weeks(&self, target: Target) -> Vec<f64> {
        let mut weeks: Vec<f64> = self.weekly_mean(target).into_iter().rev().step_by(7).take(26).collect();
        weeks.reverse();
        weeks
    }

    fn pace(&self) -> Pace {
        let mean = self.weekly_mean(Target::ConfirmedCases);
        let last = |values: Vec<f64>| values.last().copied().unwrap_or(f64::NAN);
        Pace {
            name: self.name.clone(),
            growth: weekly_growth(&mean),
            new_cases: last(mean),
            doubling_days: last(self.doubling_days()),
            case_fatality: last(self.case_fatality()),
        }
    }

    fn weekdays(&self, first: Date) -> Weekdays {
        let cases = &self.published[Target::ConfirmedCases.index()];
        Weekdays { name: self.name.clone(), shares: weekday_shares(cases, first) }
    }
}

fn whole(count: f64) -> f64 {
    count.max(0.0).round()
}

/// Positions of the places, those with most cases first.
fn by_cases(view: &PanelView<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..view.locations().len()).collect();
    let cases = |&place: &usize| view.last_count(place, Target::ConfirmedCases);
    order.sort_by(|a, b| cases(b).total_cmp(&cases(a)));
    order
}

fn carried_to_last_day(view: &PanelView<'_>) -> Carried {
    let last = |place: usize, target: Target| match view.counts(place, target) {
        [.., last] if last.is_nan() => whole(view.last_count(place, target)),
        _ => 0.0,
    };
    let each = (0..view.locations().len()).map(|place| Target::ALL.map(|target| last(place, target)));
    let each: Vec<[f64; 2]> = each.filter(|counts| *counts != [0.0; 2]).collect();
    Carried { locations: each.len(), counts: [0, 1].map(|target| each.iter().map(|counts| counts[target]).sum()) }
}

fn explorer(view: &PanelView<'_>, world: &Curve, order: &[usize]) -> Explorer {
    let mut explorer = Explorer::new(view.first_date(), view.days());
    explorer.location(&world.name, world.published.each_ref().map(Vec::as_slice));
    for &place in order.iter().take(CARRIED) {
        let counts = Target::ALL.map(|target| view.counts(place, target));
        explorer.location(view.locations()[place].name(), counts);
    }
    explorer
}

/// The places with most cases for their people, as far as populations are known.
fn rates(view: &PanelView<'_>, populations: &[Option<f64>]) -> Vec<Rate> {
    let rate = |(place, population): (usize, &Option<f64>)| {
        let rate = |target| per_100_000(view.last_count(place, target), *population);
        Some(Rate {
            name: view.locations().get(place)?.name().to_owned(),
            population: (*population)?,
            cases: rate(Target::ConfirmedCases)?,
            deaths: rate(Target::Fatalities).unwrap_or(f64::NAN),
        })
    };
    let known = populations.iter().enumerate().take(view.locations().len());
    let mut rates: Vec<Rate> = known.filter_map(rate).collect();
    rates.sort_by(|a, b| b.cases.total_cmp(&a.cases));
    rates.truncate(LISTED);
    rates
}

/// What repair changes, by series.
fn repairs(view: &PanelView<'_>, rule: Repair) -> Vec<RepairedSeries> {
    let mut series: Vec<RepairedSeries> = Vec::new();
    for found in repaired_counts(view, rule) {
        let (name, target, lowered) = (found.location.name(), found.target, found.published - found.repaired);
        match series.last_mut().filter(|last| last.target == target && last.location == name) {
            Some(last) => {
                last.counts += 1;
                last.last = found.date;
                last.largest = last.largest.max(lowered);
            }
            None => series.push(RepairedSeries {
                location: name.to_owned(),
                target,
                counts: 1,
                first: found.date,
                last: found.date,
                largest: lowered,
            }),
        }
    }
    series.sort_by_key(|series| std::cmp::Reverse(series.counts));
    series
}

#[cfg(test)]
mod tests {
    use covid_core::{Location, Panel};

    use super::*;

    /// Two days of places with so many cases each; a tenth of them die on the second day.
    fn panel(cases: &[(&str, [f64; 2])]) -> Panel {
        let locations = cases.iter().map(|(name, _)| Location::named(name)).collect();
        let values = cases.iter().flat_map(|(_, [a, b])| [*a, *b, 0.0, b / 10.0]).collect();
        Panel::new(locations, Date::constant(2020, 1, 22), 2, values).unwrap()
    }

    #[test]
    fn the_world_is_the_sum_and_gaps_repeat_the_count_before() {
        let panel = panel(&[("a", [100.0, f64::NAN]), ("b", [10.0, 30.0])]);
        let world = Curve::world(&panel.view());
        assert_eq!(world.cumulative[0], [110.0, 130.0]);
        assert_eq!(world.name, "World");
        let carried = Carried { locations: 1, counts: [100.0, 0.0] };
        assert_eq!(carried_to_last_day(&panel.view()), carried);
    }

    #[test]
    fn a_day_on_which_no_place_publishes_is_a_gap_of_the_world() {
        let mut values = Vec::new();
        for place in [1.0, 3.0] {
            let cases = (0..22).map(|day| if day % 7 == 0 || day < 2 { place * f64::from(day) } else { f64::NAN });
            values.extend(cases.chain(vec![0.0; 22]));
        }
        let places = ["a", "b"].map(Location::named).to_vec();
        let panel = Panel::new(places, Date::constant(2020, 1, 22), 22, values).unwrap();
        let world = Curve::world(&panel.view());
        assert_eq!((world.cumulative[0][13], world.cumulative[0][14]), (28.0, 56.0));
        let mean = world.weekly_mean(Target::ConfirmedCases);
        assert!(mean[7..].iter().all(|mean| *mean == 4.0), "{mean:?}");
        assert_eq!(world.revisions(Target::ConfirmedCases), 0);
    }

    #[test]
    fn a_place_called_world_is_told_from_the_sum() {
        let panel = panel(&[("World", [1.0, 2.0]), ("b", [10.0, 30.0])]);
        let world = Curve::world(&panel.view());
        assert_eq!(world.name, "World (all locations)");
        assert_eq!(explorer(&panel.view(), &world, &[1, 0]).len(), 3);
    }

    #[test]
    fn a_page_carries_the_largest_places_and_no_more() {
        let names: Vec<String> = (0..1_200).map(|place| format!("place {place}")).collect();
        let cases: Vec<(&str, [f64; 2])> =
            names.iter().zip(0..).map(|(name, i)| (&**name, [0.0, f64::from(i)])).collect();
        let panel = panel(&cases);
        let order = by_cases(&panel.view());
        assert_eq!(order[..2], [1_199, 1_198]);
        assert_eq!(explorer(&panel.view(), &Curve::world(&panel.view()), &order).len(), 1_001);
    }

    #[test]
    fn repairs_are_gathered_by_series() {
        let panel = panel(&[("a", [9.0, 4.0]), ("b", [1.0, 2.0]), ("c", [8.0, 7.0])]);
        let found = repairs(&panel.view(), Repair::Monotone);
        let lowered: Vec<_> = found.iter().map(|series| (&*series.location, series.counts, series.largest)).collect();
        assert_eq!(lowered, [("a", 1, 5.0), ("c", 1, 1.0)]);
        assert_eq!(repairs(&panel.view(), Repair::None), []);
    }

    #[test]
    fn rates_are_ranked_where_people_are_known() {
        let panel = panel(&[("a", [0.0, 10.0]), ("b", [0.0, 20.0]), ("c", [0.0, 30.0])]);
        assert_eq!(rates(&panel.view(), &[]), []);
        assert_eq!(rates(&panel.view(), &[None, Some(0.0), None]), []);
        let found = rates(&panel.view(), &[Some(1_000.0), None, Some(10_000.0), Some(5.0)]);
        let a = Rate { name: "a".into(), population: 1_000.0, cases: 1_000.0, deaths: 100.0 };
        let c = Rate { name: "c".into(), population: 10_000.0, cases: 300.0, deaths: 30.0 };
        assert_eq!(found, [a, c]);
    }
}
