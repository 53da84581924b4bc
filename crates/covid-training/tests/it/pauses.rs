//! A pause of reporting must not look like the end of an epidemic, nor the end like a pause.

use covid_core::{Date, Location, Panel, Predicted, Target};
use covid_training::{Model, Recipe, Replay, forecast_at_origin, train_on_origins};

use crate::{SETTINGS, monotone};

const DAYS: usize = 260;
const ORIGIN: usize = DAYS - 8;
const RECIPES: [&str; 2] = ["ensemble", "weekly-trend"];

/// How a place publishes what happens in it.
#[derive(Debug, Clone, Copy)]
enum Reports {
    Daily,
    /// Every day, but nothing in the last days up to the origin.
    SilentFor(usize),
    /// On the days of one weekday.
    Weekly(usize),
    /// The same, but the last report before the origin did not come.
    WeeklyAndLate(usize),
}

impl Reports {
    fn on(self, day: usize) -> bool {
        match self {
            Self::Daily => true,
            Self::SilentFor(days) => !(ORIGIN - days + 1..=ORIGIN).contains(&day),
            Self::Weekly(weekday) => day % 7 == weekday,
            Self::WeeklyAndLate(weekday) => day % 7 == weekday && !(ORIGIN - 6..=ORIGIN).contains(&day),
        }
    }
}

/// The counts that are published: the newest ones on the days of a report, else those of the report before.
fn published(counts: &[f64], report_on: impl Fn(usize) -> bool) -> Vec<f64> {
    let mut last = 0.0;
    let publish = |(day, &count): (usize, &f64)| {
        if report_on(day) {
            last = count;
        }
        last
    };
    counts.iter().enumerate().map(publish).collect()
}

/// Cases and deaths of waves of 120 days, with weekdays and noise, of some 300 to 6000 cases a day.
fn happened(place: usize) -> [Vec<f64>; 2] {
    let mut seed = place as u64 + 1;
    let mut random = move || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as f64 / f64::from(u32::MAX >> 1)
    };
    let (size, phase) = (300.0 * 20f64.powf(random()), 6.0 * random());
    let (mut cases, mut both) = (0.0, [Vec::new(), Vec::new()]);
    for day in 0..DAYS {
        let wave = (0.5 * (phase + day as f64 / 120.0 * std::f64::consts::TAU).sin()).exp();
        let weekday = if day % 7 < 2 { 0.6 } else { 1.16 };
        cases += (size * wave * weekday * (0.8 + 0.4 * random())).floor();
        both[0].push(cases);
        both[1].push((0.015 * cases).floor());
    }
    both
}

/// A panel of places that publish so, and a dozen that publish every day.
fn panel(reports: &[Reports]) -> Panel {
    let all: Vec<Reports> = reports.iter().copied().chain([Reports::Daily; 12]).collect();
    let counts = all.iter().enumerate().flat_map(|(place, reports)| {
        let [cases, deaths] = happened(place);
        [cases, deaths].map(|counts| published(&counts, |day| reports.on(day))).concat()
    });
    let locations = (0..all.len()).map(|i| Location::country(&format!("Dataland {i}"))).collect();
    Panel::new(locations, Date::constant(2020, 3, 1), DAYS, counts.collect()).unwrap()
}

/// The forecast of a week: cumulative counts on its last day, and its new counts.
struct Week {
    cumulative: Predicted,
    new: Predicted,
}

/// Forecasts of the week after a date for some places, by recipe.
fn forecasts(panel: &Panel, origin: Date, places: &[usize], target: Target) -> Vec<(&'static str, Vec<Week>)> {
    let replay = Replay::new(panel.view(), &monotone, 28);
    let of = |name: &'static str| {
        let recipe: Recipe = name.parse().unwrap();
        let models: Vec<Model> = train_on_origins(&replay, recipe, &[origin], 28, &SETTINGS).unwrap();
        let (cumulative, weekly) = forecast_at_origin(&replay, &models[0], 28).unwrap();
        let weekly = weekly.unwrap();
        let week =
            |&place: &usize| Week { cumulative: cumulative.get(place, target, 7), new: weekly.get(place, target, 1) };
        (name, places.iter().map(week).collect())
    };
    RECIPES.into_iter().map(of).collect()
}

const MEDIAN: usize = 3;

/// The median of the week is at least half of the week before the last report, and what comes lies within the intervals.
fn assert_goes_on(what: &str, week: &Week, counts: &[f64], origin: usize) {
    let last = counts[origin];
    let reported = counts.iter().position(|&count| count == last).unwrap();
    let (before, comes) = (last - counts[reported - 7], counts[origin + 7] - last);
    assert!(before > 0.0 && comes > 0.0, "{what}");
    let Week { cumulative, new } = week;
    assert!(new.quantiles[MEDIAN] >= 0.5 * before, "{what}: {new:?} after {before}");
    assert!((new.quantiles[0]..=new.quantiles[6]).contains(&comes), "{what}: {new:?}, not {comes}");
    let [low, .., high] = cumulative.quantiles;
    assert!((low..=high).contains(&(last + comes)), "{what}: {cumulative:?}, not {}", last + comes);
    assert!((low..high).contains(&cumulative.point), "{what}: {cumulative:?}");
}

#[test]
fn a_pause_is_not_the_end() {
    let pauses = [5, 7, 10, 14].map(Reports::SilentFor);
    let weekly = (0..7).map(Reports::Weekly).chain((0..7).map(Reports::WeeklyAndLate));
    let reports: Vec<Reports> = pauses.into_iter().chain(weekly).collect();
    let panel = panel(&reports);
    let places: Vec<usize> = (0..reports.len()).collect();
    for (recipe, weeks) in forecasts(&panel, panel.date(ORIGIN), &places, Target::ConfirmedCases) {
        for ((place, reports), week) in reports.iter().enumerate().zip(&weeks) {
            let what = format!("{recipe}, {reports:?}");
            assert_goes_on(&what, week, panel.counts(place, Target::ConfirmedCases), ORIGIN);
        }
    }
}

#[test]
fn deaths_pause_with_the_cases() {
    let reports = [5, 7, 10].map(Reports::SilentFor);
    let panel = panel(&reports);
    for (recipe, weeks) in forecasts(&panel, panel.date(ORIGIN), &[0, 1, 2], Target::Fatalities) {
        for ((place, reports), week) in reports.iter().enumerate().zip(&weeks) {
            let what = format!("deaths, {recipe}, {reports:?}");
            assert_goes_on(&what, week, panel.counts(place, Target::Fatalities), ORIGIN);
        }
    }
}

#[test]
fn the_end_is_not_a_pause() {
    let reports = [28, 45].map(Reports::SilentFor);
    let panel = panel(&reports);
    for target in Target::ALL {
        for (recipe, weeks) in forecasts(&panel, panel.date(ORIGIN), &[0, 1], target) {
            for ((place, reports), Week { cumulative, new }) in reports.iter().enumerate().zip(weeks) {
                let last = panel.counts(place, target)[ORIGIN];
                assert_eq!(new.quantiles[MEDIAN], 0.0, "{recipe}, {reports:?}");
                let most = cumulative.point.max(cumulative.quantiles[6]);
                assert!(most < 1.002 * last + 1.0, "{recipe}, {reports:?}: {cumulative:?}, after {last}");
            }
        }
    }
}

/// JHU's final series as of 2021-11-20, in the middle of a wave, as if some countries had fallen silent before, and as if
/// Poland published on Saturdays and had left one out: in the next week comes what came, with what was missing.
#[test]
fn pauses_in_real_series() {
    let Some(folder) = covid_testing::real_data() else { return };
    let folder = folder.join("jhu").display().to_string();
    let panel = covid_data::load(&folder, &covid_data::LoadOptions::default()).unwrap().panel;
    let origin = panel.day(Date::constant(2021, 11, 20)).unwrap();
    let place = |name: &str| panel.locations().iter().position(|place| place.name() == name).unwrap();
    let with = |name: &str, to: &mut Panel, report_on: &dyn Fn(usize) -> bool| {
        for target in Target::ALL {
            let counts = &mut to.counts_mut(place(name), target)[..=origin];
            counts.copy_from_slice(&published(counts, report_on));
        }
    };
    let silent = [("Germany", 5), ("France", 7), ("Italy", 10), ("Poland", 14)];
    let mut paused = panel.clone();
    for (name, days) in silent {
        with(name, &mut paused, &|day| day <= origin - days);
    }
    let mut late = panel.clone();
    with("Poland", &mut late, &|day| day % 7 == origin % 7 && day < origin);
    for (panel, names) in [(&paused, &silent[..]), (&late, &[("Poland", 7)])] {
        let places: Vec<usize> = names.iter().map(|(name, _)| place(name)).collect();
        for (recipe, weeks) in forecasts(panel, panel.date(origin), &places, Target::ConfirmedCases) {
            for (((name, days), week), place) in names.iter().zip(&weeks).zip(&places) {
                let what = format!("{recipe}, {name}, silent for {days} days");
                assert_goes_on(&what, week, panel.counts(*place, Target::ConfirmedCases), origin);
            }
        }
    }
}
