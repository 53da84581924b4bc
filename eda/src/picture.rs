//! The figures of the report, apart from how they are shown.

use covid_core::{Date, Fault, PanelView, Target};
use covid_data::{Quality, quality};
use covid_pipeline::Project;
use serde::Serialize;

/// How many of the largest places are shown.
const LARGEST: usize = 5;

/// One line of the report: the world or a place.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Curve {
    /// Display name.
    pub(crate) name: String,
    /// Cumulative counts by target, then day; a gap repeats the count before it.
    pub(crate) cumulative: [Vec<f64>; 2],
}

/// What a source looks like up to the as-of date.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Picture {
    /// The source and what repair would do, in one line.
    pub(crate) headline: String,
    /// Every date.
    pub(crate) dates: Vec<Date>,
    /// The sum of all places.
    pub(crate) world: Curve,
    /// The places with most cases.
    pub(crate) largest: Vec<Curve>,
    /// What is wrong or odd with the data.
    pub(crate) quality: Quality,
}

impl Picture {
    /// Gathers the figures.
    pub(crate) fn of(project: &Project) -> Result<Self, Fault> {
        let view = project.published()?;
        let places = view.locations().len();
        let mut order: Vec<usize> = (0..places).collect();
        let cases = |&place: &usize| view.last_log(place, Target::ConfirmedCases);
        order.sort_by(|a, b| cases(b).total_cmp(&cases(a)));
        Ok(Self {
            headline: project.headline()?,
            dates: (0..view.days()).map(|day| view.date(day)).collect(),
            world: curve(&view, "World", &order),
            largest: order
                .iter()
                .take(LARGEST)
                .map(|&place| curve(&view, view.locations()[place].name(), &[place]))
                .collect(),
            quality: quality(&view),
        })
    }
}

impl Curve {
    /// The latest count.
    pub(crate) fn last(&self, target: Target) -> f64 {
        self.cumulative[target.index()].last().copied().unwrap_or(f64::NAN)
    }

    /// New counts a day, as the mean of the 7 days that end on each day; missing for the first week.
    pub(crate) fn daily(&self, target: Target) -> Vec<f64> {
        let counts = &self.cumulative[target.index()];
        let mean = |day: usize| day.checked_sub(7).map_or(f64::NAN, |before| (counts[day] - counts[before]) / 7.0);
        (0..counts.len()).map(mean).collect()
    }

    /// New counts of the last 7 days.
    pub(crate) fn last_week(&self, target: Target) -> f64 {
        self.daily(target).last().map_or(f64::NAN, |mean| mean * 7.0)
    }

    /// New counts a day at the end of each of the last 26 weeks.
    pub(crate) fn recent_weeks(&self, target: Target) -> Vec<f64> {
        let mut weeks: Vec<f64> = self.daily(target).into_iter().rev().step_by(7).take(26).collect();
        weeks.reverse();
        weeks
    }
}

fn curve(view: &PanelView<'_>, name: &str, places: &[usize]) -> Curve {
    let sum = |target: Target| {
        let mut total = vec![0.0; view.days()];
        for &place in places {
            for (total, x) in total.iter_mut().zip(view.logs(place, target)) {
                *total += x.exp_m1();
            }
        }
        total.iter().map(|count| count.round()).collect()
    };
    Curve { name: name.to_owned(), cumulative: Target::ALL.map(sum) }
}
