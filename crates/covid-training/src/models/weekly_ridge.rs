//! Medians of weekly new counts: for 1 to 4 weeks ahead a ridge regression of ln(1 + new count of the week) less the level b of
//! the last two weeks, pooled over places and past weeks, on ratios of past weeks, how long the wave has risen or fallen,
//! zeros, the world's growth, what the blend missed two weeks ago and, for deaths, the cases before them.
//!
//! It learns from the days t - 7, t - 14, ... whose week ahead is known at t; errors within 2 of 0; a day's places weigh as
//! the root of their level, a day as 0.5^(weeks / 26); penalty 300 on features of unit variance. With i weeks before t the
//! regression counts i / (i + 8); for the rest the forecast is half way from the level to the blend.
//! Point forecasts that are best on the logarithm of cumulative counts are not medians of weekly ones, so this model stands
//! apart from `residual-ridge`.

use std::{ops::Range, sync::Arc};

use covid_core::{PanelView, Target};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Blend,
    blend::Members,
    past::sum_of_parts,
    recent::Recent,
    weeks::{Weeks, ratio, week_before},
};
use crate::{
    TrainingError,
    error::check,
    normal::{Gram, ridge},
    paths::WEEKS,
};

/// Features, the constant first.
const FEATURES: usize = 26;

const PENALTY: f64 = 300.0;
const HALF_LIFE_WEEKS: f64 = 26.0;

/// The regression has half its weight after so many weeks.
const HALF_TRUST: f64 = 8.0;

/// The largest error that is learned.
const MOST: f64 = 2.0;

/// The change of a week, on a logarithm, from which on the wave rises (or falls).
const RISE: f64 = 0.05;

/// What all places together say: deaths a case, and the growth of the last week by target.
#[derive(Debug, Clone, Copy)]
pub(super) struct PooledWeeks {
    fatality: f64,
    growth: [f64; 2],
}

impl PooledWeeks {
    pub(super) fn of(places: &[Recent<'_>]) -> Self {
        let (mut deaths, mut cases) = (0.0, 0.0);
        for recent in places {
            let (d, c) = deaths_and_cases(recent);
            deaths += d;
            cases += c;
        }
        let growth = Target::ALL.map(|target| {
            let (mut sum, mut weights) = (0.0, 1e-9);
            for recent in places {
                let [week, before, _] = recent.weeks(target);
                let weight = (week + before).sqrt();
                sum += weight * ratio(week, before);
                weights += weight;
            }
            sum / weights
        });
        Self { fatality: (deaths + 20.0) / (cases + 1000.0), growth }
    }
}

/// Deaths of four weeks, and cases of the four weeks that end a week earlier.
fn deaths_and_cases(recent: &Recent<'_>) -> (f64, f64) {
    let sum = |target, weeks: std::ops::Range<usize>| weeks.map(|week| week_before(recent, target, week)).sum();
    (sum(Target::Fatalities, 0..4), sum(Target::ConfirmedCases, 1..5))
}

/// Every place of a view on a day, with what the blend said that day and two weeks before.
pub(super) struct Day<'a> {
    day: usize,
    pub(super) recents: Vec<Recent<'a>>,
    pooled: PooledWeeks,
    blend: super::blend::Pooled,
    /// What the blend said two weeks ago of the week that has just ended; none before.
    expected: Option<Vec<[f64; 2]>>,
}

impl<'a> Day<'a> {
    pub(super) fn of(view: &PanelView<'a>, day: usize) -> Self {
        let recents = Recent::all(view, day);
        let expected = day.checked_sub(14).map(|before| {
            let recents = Recent::all(view, before);
            let pooled = Blend::pooled(&recents);
            let week = |recent: &Recent<'_>| {
                let members = Blend::DEFAULT.members(recent, pooled, 14);
                Target::ALL.map(|target| blend_weeks::<2>(recent, &members, target)[1])
            };
            recents.par_iter().with_min_len(64).map(week).collect()
        });
        Self { day, pooled: PooledWeeks::of(&recents), blend: Blend::pooled(&recents), recents, expected }
    }

    /// The paths of the blend and its members of a place.
    pub(super) fn members(&self, place: usize, horizon: usize) -> Members {
        Blend::DEFAULT.members(&self.recents[place], self.blend, horizon)
    }

    /// The features of one series, the constant first.
    fn features(&self, place: usize, weeks: &[Weeks; 2], target: Target) -> [f64; FEATURES] {
        let (recent, this, cases) = (&self.recents[place], &weeks[target.index()], &weeks[0]);
        let new = &this.new;
        let mean = |weeks: usize| new[..weeks].iter().sum::<f64>() / weeks as f64;
        let flag = |condition: bool| f64::from(u8::from(condition));
        let of_deaths = |value: f64| if target == Target::Fatalities { value } else { 0.0 };
        let (deaths, before) = deaths_and_cases(recent);
        let fatality = ((deaths + 200.0 * self.pooled.fatality) / (before + 200.0)).min(0.3);
        let rises = (0..14).filter(|&ago| recent.count(target, ago) > recent.count(target, ago + 1)).count();
        let seen = (1.0 - (-this.level / 10.0).exp()).sqrt();
        let missed = self
            .expected
            .as_ref()
            .map_or(0.0, |expected| (new[0].ln_1p() - expected[place][target.index()].ln_1p()).clamp(-2.0, 2.0) * seen);
        [
            1.0,
            this.ratio(0),
            this.ratio(1),
            this.ratio(2),
            this.ratio(3),
            this.above(mean(4)),
            this.above(mean(8)),
            this.above(new[4]),
            this.above(new[7]),
            this.above(new[8]),
            this.above(median(new[0], new[1], new[2])),
            (this.ratio(0) - this.ratio(1)).abs(),
            flag(new[0] == 0.0),
            ratio(recent.new_counts(target, 0, 3), 3.0 * new[0] / 7.0),
            rises as f64 / 14.0,
            this.log / 5.0,
            this.size(recent.count(target, 0)),
            self.pooled.growth[target.index()],
            this.in_a_row(|change| change > RISE),
            this.in_a_row(|change| change < -RISE),
            of_deaths(this.above(fatality * cases.new[0])),
            of_deaths(this.above(fatality * cases.new[1])),
            of_deaths(cases.in_a_row(|change| change > RISE)),
            of_deaths(cases.in_a_row(|change| change < -RISE)),
            of_deaths((cases.log - this.log) / 5.0),
            missed,
        ]
    }
}

fn median(a: f64, b: f64, c: f64) -> f64 {
    a.max(b).min(a.min(b).max(c))
}

/// New counts of the weeks of the blend's path, which does not fall.
pub(super) fn blend_weeks<const N: usize>(recent: &Recent<'_>, members: &Members, target: Target) -> [f64; N] {
    let mut reached = recent.count(target, 0);
    std::array::from_fn(|week| {
        let before = reached;
        for x in &members.blend[target.index()][7 * week..7 * (week + 1)] {
            reached = reached.max(x.exp_m1());
        }
        reached - before
    })
}

/// What one past day teaches: the features of every place that day, and the new counts of the weeks after it.
#[derive(Debug)]
pub(crate) struct PastWeek {
    grams: [Gram<FEATURES>; 2],
    moments: [[[f64; FEATURES]; WEEKS]; 2],
}

impl PastWeek {
    /// A day of a view. Weeks that end after the view's as-of date teach nothing.
    pub(crate) fn learn(view: &PanelView<'_>, day: usize) -> Self {
        let all = Day::of(view, day);
        let weeks: Vec<[Weeks; 2]> = all.recents.par_iter().with_min_len(64).map(Weeks::both).collect();
        let mean = Target::ALL
            .map(|target| weeks.iter().map(|weeks| root(&weeks[target.index()])).sum::<f64>() / weeks.len() as f64);
        let part = |places: Range<usize>| {
            let mut past = Self { grams: [Gram::new(), Gram::new()], moments: [[[0.0; FEATURES]; WEEKS]; 2] };
            for target in Target::ALL {
                let mean = mean[target.index()];
                places.clone().for_each(|place| past.add(view, &all, place, &weeks[place], target, mean));
            }
            past
        };
        sum_of_parts(weeks.len(), part, Self::merge)
    }

    /// Adds what a place teaches, which weighs as the root of its level over the `mean` of these.
    fn add(
        &mut self,
        view: &PanelView<'_>,
        all: &Day<'_>,
        place: usize,
        weeks: &[Weeks; 2],
        target: Target,
        mean: f64,
    ) {
        let i = target.index();
        // What comes of a pause says nothing of others.
        if all.recents[place].pause(target) > 0 {
            return;
        }
        let features = all.features(place, weeks, target);
        let weight = root(&weeks[i]) / mean;
        self.grams[i].add(&features, weight);
        for (week, moment) in self.moments[i].iter_mut().enumerate() {
            let end = all.day + 7 * (week + 1);
            // What was not published teaches nothing.
            if view.counts(place, target).get(end).is_some_and(|count| !count.is_nan()) {
                let new = (view.count_at(place, target, end) - view.count_at(place, target, end - 7)).max(0.0);
                let missed = weight * (new.ln_1p() - weeks[i].log).clamp(-MOST, MOST);
                moment.iter_mut().zip(&features).for_each(|(sum, feature)| *sum += feature * missed);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        for (gram, other) in self.grams.iter_mut().zip(&other.grams) {
            gram.merge(other, 1.0);
        }
        let moments = self.moments.as_flattened_mut().as_flattened_mut();
        moments.iter_mut().zip(other.moments.as_flattened().as_flattened()).for_each(|(sum, value)| *sum += value);
    }
}

fn root(weeks: &Weeks) -> f64 {
    (1.0 + weeks.level).sqrt()
}

/// The coefficients of every target and week ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub(super) struct FittedWeeklyRidge {
    trust: f64,
    coefficients: [Vec<Vec<f64>>; 2],
}

impl FittedWeeklyRidge {
    /// Learns from the past days of a view that ends on day `today`; `past` gives what a day teaches.
    pub(super) fn fit(
        today: usize,
        past: impl Fn(usize) -> Arc<PastWeek>,
        failed: impl Fn(String) -> TrainingError,
    ) -> Result<Self, TrainingError> {
        let before = today / 7;
        // The first day of the grid has no week before it.
        let days: Vec<_> = (1..before).map(|weeks| (weeks, past(today - 7 * weeks))).collect();
        let trust = before as f64 / (before as f64 + HALF_TRUST);
        let regression = |target: Target, week: usize| {
            let (mut gram, mut moment) = (Gram::new(), [0.0; FEATURES]);
            for (weeks, day) in days.iter().filter(|(weeks, _)| *weeks > week) {
                let weight = 0.5f64.powf((weeks - week - 1) as f64 / HALF_LIFE_WEEKS);
                gram.merge(&day.grams[target.index()], weight);
                let sums = &day.moments[target.index()][week];
                moment.iter_mut().zip(sums).for_each(|(sum, value)| *sum += weight * value);
            }
            let found = ridge(&gram, &moment, PENALTY).map_err(&failed)?;
            Ok(found.to_vec())
        };
        let of = |target| (0..WEEKS).map(|week| regression(target, week)).collect::<Result<_, TrainingError>>();
        Ok(Self { trust, coefficients: [of(Target::ConfirmedCases)?, of(Target::Fatalities)?] })
    }

    /// ln(1 + median) of the new counts 1 to 4 weeks ahead of a place, by target; `members` reach four weeks.
    pub(super) fn medians(&self, day: &Day<'_>, place: usize, members: &Members) -> [[f64; WEEKS]; 2] {
        let recent = &day.recents[place];
        let both = Weeks::both(recent);
        Target::ALL.map(|target| {
            let (features, level) = (day.features(place, &both, target), both[target.index()].log);
            let blend: [f64; WEEKS] = blend_weeks(recent, members, target);
            std::array::from_fn(|week| {
                let row = &self.coefficients[target.index()][week];
                let learned: f64 = row.iter().zip(&features).map(|(c, feature)| c * feature).sum();
                let half_way = 0.5 * (blend[week].ln_1p() - level).clamp(-3.0, 3.0);
                (level + self.trust * learned + (1.0 - self.trust) * half_way).max(0.0)
            })
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    trust: f64,
    coefficients: [Vec<Vec<f64>>; 2],
}

impl TryFrom<Unchecked> for FittedWeeklyRidge {
    type Error = TrainingError;

    fn try_from(Unchecked { trust, coefficients }: Unchecked) -> Result<Self, TrainingError> {
        let shape = |of: &Vec<Vec<f64>>| of.len() == WEEKS && of.iter().all(|row| row.len() == FEATURES);
        let right = coefficients.iter().all(shape);
        check("coefficients of weekly new counts", "26 for each of 4 weeks ahead", coefficients[0].len(), right)?;
        check("trust in weekly new counts", "from 0 to 1", trust, (0.0..=1.0).contains(&trust))?;
        Ok(Self { trust, coefficients })
    }
}
