//! What the blend misses is learned: for some days ahead a ridge regression of the blend's past errors, pooled over places and
//! days, on features of a place's recent counts; between these days ahead the correction is interpolated.
//!
//! x(s) = blend(s) + correction(s), not below x(0), never falling over s. The regression of day s ahead learns from the days
//! u = t - 7, t - 14, ... whose day u + s is known at t, half a year back, each weighted by 7 * 0.5^(age / half-life), a place by
//! 0.5 / sqrt(0.05 + its blend's growth over 28 days); the error is
//! taken within 0.2 sqrt(s) of 0; the penalty is 300 sqrt(s) on features scaled to unit variance; the correction is
//! multiplied by n^2 / (n^2 + 150^2) for n days of history.
//!
//! Direct multi-horizon regression (Chevillon 2007, doi 10.1111/j.1467-6419.2007.00518.x) with Hoerl & Kennard's ridge (1970,
//! doi 10.1080/00401706.1970.10488634); a ridge in log space was also the heart of KGMON's winning entry in the Kaggle
//! competitions of spring 2020. How far each simple model lies from the blend is among the features, so that the fit is also
//! the weighing of these models by their past.

use std::{fmt, ops::Range, sync::Arc};

use covid_core::{PanelView, Target};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Blend, FittedForecaster, Forecaster,
    blend::{Members, Pooled},
    past::{PastDays, sum_of_parts},
    recent::Recent,
    weeks::ratio,
};
use crate::{
    LogPaths, TrainingError,
    error::check,
    normal::{Gram, ridge},
};

/// The blend with a learned correction, not fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ResidualRidge {
    half_life: f64,
    penalty: f64,
}

/// Days ahead that have a regression of their own.
const AHEAD: [usize; 13] = [1, 2, 3, 4, 5, 6, 7, 10, 14, 18, 21, 24, 28];

/// The furthest of them: beyond it the correction stays.
const FURTHEST: usize = 28;

/// Features, the constant first.
const FEATURES: usize = 23;

/// The position among them of the blend's growth over 28 days.
const GROWTH: usize = 2;

/// Errors older than this, in days, teach nothing.
const OLDEST: usize = 182;

/// The correction has half its weight with a history of so many days.
const HALF_TRUST: f64 = 150.0;

/// An error is taken within this times the root of the days ahead: revisions are not to be learned.
const MOST_MISSED: f64 = 0.2;

impl ResidualRidge {
    /// Within a broad optimum (half-life 45 to 180 days, penalty 10 to 3000) on JHU's final series.
    pub const DEFAULT: Self = Self { half_life: 60.0, penalty: 300.0 };

    /// `half_life` of a past error's weight in days (1 to 3650), `penalty` for one day ahead (0.001 to 1e9).
    ///
    /// # Errors
    /// If one is outside its range.
    pub fn new(half_life: f64, penalty: f64) -> Result<Self, TrainingError> {
        let [life, least] = [(1.0..=3650.0).contains(&half_life), (1e-3..=1e9).contains(&penalty)];
        Ok(Self {
            half_life: check("residual-ridge half-life", "from 1 to 3650 days", half_life, life)?,
            penalty: check("residual-ridge penalty", "from 0.001 to 1e9", penalty, least)?,
        })
    }

    /// Its hyper-parameters in the order of its name.
    pub(super) fn numbers(&self) -> [f64; 2] {
        [self.half_life, self.penalty]
    }

    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        vec![("half_life", self.half_life.to_string()), ("penalty", self.penalty.to_string())]
    }

    /// Fits on what the days before the as-of date of a view teach.
    pub(super) fn fit_from(
        &self,
        view: &PanelView<'_>,
        past: &PastDays<'_>,
    ) -> Result<FittedResidualRidge, TrainingError> {
        let today = view.days() - 1;
        let oldest = today.saturating_sub(OLDEST + FURTHEST);
        let days: Vec<usize> =
            (1..).map_while(|week| today.checked_sub(7 * week)).take_while(|&day| day >= oldest).collect();
        let days: Vec<Arc<PastDay>> = days.into_par_iter().map(|day| past.day(day)).collect();
        let [cases, deaths] = Target::ALL.map(|target| self.coefficients(view, &days, target));
        Ok(FittedResidualRidge { spec: *self, coefficients: [cases?, deaths?] })
    }

    /// Coefficients by day ahead of one target, from what each past day taught.
    fn coefficients(
        &self,
        view: &PanelView<'_>,
        days: &[Arc<PastDay>],
        target: Target,
    ) -> Result<Vec<Vec<f64>>, TrainingError> {
        let today = view.days() - 1;
        let squared = (view.days() as f64).powi(2);
        let trust = squared / (squared + HALF_TRUST.powi(2));
        let regression = |(i, &ahead): (usize, &usize)| {
            let (mut gram, mut moment) = (Gram::new(), [0.0; FEATURES]);
            for day in days.iter().filter(|day| day.day + ahead <= today && today - day.day - ahead <= OLDEST) {
                let age = (today - day.day - ahead) as f64;
                let weight = 7.0 * 0.5f64.powf(age / self.half_life);
                gram.merge(&day.grams[target.index()], weight);
                moment.iter_mut().zip(&day.moments[target.index()][i]).for_each(|(sum, value)| *sum += weight * value);
            }
            let fit = |cause| TrainingError::Fit { model: self.to_string(), as_of: view.as_of(), cause };
            let found = ridge(&gram, &moment, self.penalty * (ahead as f64).sqrt()).map_err(fit)?;
            Ok(found.map(|coefficient| trust * coefficient).to_vec())
        };
        AHEAD.iter().enumerate().map(regression).collect()
    }
}

/// What one past day teaches: the features of every place that day, and the blend's errors after it that are known.
#[derive(Debug)]
pub(crate) struct PastDay {
    day: usize,
    grams: [Gram<FEATURES>; 2],
    moments: [[[f64; FEATURES]; AHEAD.len()]; 2],
}

impl PastDay {
    /// A day of a view. Days ahead that lie after the view's as-of date teach nothing.
    pub(crate) fn learn(view: &PanelView<'_>, day: usize) -> Self {
        let recents = Recent::all(view, day);
        let pooled = Blend::pooled(&recents);
        let part = |places: Range<usize>| {
            let mut past =
                Self { day, grams: [Gram::new(), Gram::new()], moments: [[[0.0; FEATURES]; AHEAD.len()]; 2] };
            for place in places {
                let members = Blend::DEFAULT.members(&recents[place], pooled, FURTHEST);
                for target in Target::ALL {
                    past.add(view, place, target, &recents[place], &members);
                }
            }
            past
        };
        sum_of_parts(recents.len(), part, Self::merge)
    }

    fn merge(&mut self, other: Self) {
        for (gram, other) in self.grams.iter_mut().zip(&other.grams) {
            gram.merge(other, 1.0);
        }
        let moments = self.moments.as_flattened_mut().as_flattened_mut();
        moments.iter_mut().zip(other.moments.as_flattened().as_flattened()).for_each(|(sum, value)| *sum += value);
    }

    fn add(&mut self, view: &PanelView<'_>, place: usize, target: Target, recent: &Recent<'_>, members: &Members) {
        let features = features(recent, members, target);
        // A place that is growing has larger errors, and would drown the others.
        let weight = 0.5 / (0.05 + features[GROWTH].max(0.0)).sqrt();
        self.grams[target.index()].add(&features, weight);
        for (i, &ahead) in AHEAD.iter().enumerate().filter(|&(_, &ahead)| self.day + ahead < view.days()) {
            // What was not published teaches nothing.
            if view.counts(place, target)[self.day + ahead].is_nan() {
                continue;
            }
            let most = MOST_MISSED * (ahead as f64).sqrt();
            let missed = view.log_at(place, target, self.day + ahead) - members.blend[target.index()][ahead - 1];
            let missed = weight * missed.clamp(-most, most);
            let moment = &mut self.moments[target.index()][i];
            moment.iter_mut().zip(&features).for_each(|(sum, feature)| *sum += feature * missed);
        }
    }
}

/// The features of one series, the constant first.
fn features(recent: &Recent<'_>, members: &Members, target: Target) -> [f64; FEATURES] {
    let (i, other) = (target.index(), Target::ALL[1 - target.index()]);
    let (blend, now) = (&members.blend[i], recent.log(target, 0));
    let [growth7, growth28] = [7, 28].map(|ahead| blend[ahead - 1] - now);
    let trend = |ahead: usize| members.trend[i][ahead - 1] - blend[ahead - 1];
    let lagged = |ahead: usize| match target {
        Target::ConfirmedCases => 0.0,
        Target::Fatalities => members.lagged[ahead - 1] - blend[ahead - 1],
    };
    let [week, before, oldest] = recent.weeks(target);
    let newest = ratio(week, before);
    let [other_week, other_before, _] = recent.weeks(other);
    let grown = |ago: usize| (now - recent.log(target, ago)).min(3.0);
    let rises = (0..14).filter(|&ago| recent.count(target, ago) > recent.count(target, ago + 1)).count() as f64 / 14.0;
    let three_days = (recent.count(target, 0) - recent.count(target, 3) + 2.0).max(1.0);
    let flag = |condition: bool| f64::from(u8::from(condition));
    [
        1.0,
        growth7,
        growth28,
        trend(7),
        trend(28),
        lagged(7),
        lagged(28),
        // The mean of ln(1 + a Poisson count) lies below ln(1 + its mean): by about this, where the count is small.
        (1.0 - (-growth28.max(0.0)).exp()) * (-blend[27]).exp(),
        members.blend[other.index()][27] - recent.log(other, 0),
        newest,
        ratio(before, oldest),
        ratio(other_week, other_before),
        grown(5),
        grown(7),
        grown(14),
        rises,
        rises * newest,
        flag(now == 0.0),
        flag(week == 0.0),
        // Has the rest of the week reported less or more than the last three days?
        (three_days / (3.0 * week / 7.0 + 2.0)).ln().clamp(-2.0, 2.0),
        now / 5.0,
        lagged(28).abs(),
        (members.shrunk[i][6] - blend[6]).abs(),
    ]
}

impl Forecaster for ResidualRidge {
    type Fitted = FittedResidualRidge;

    fn fit(&self, view: &PanelView<'_>) -> Result<FittedResidualRidge, TrainingError> {
        self.fit_from(view, &PastDays::new(*view))
    }
}

/// The blend with its learned correction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedFitted")]
pub struct FittedResidualRidge {
    spec: ResidualRidge,
    /// By target, then by day ahead of the regressions: the constant and a coefficient a feature.
    coefficients: [Vec<Vec<f64>>; 2],
}

impl FittedResidualRidge {
    fn corrected(&self, recent: &Recent<'_>, members: &Members, target: Target, path: &mut [f64]) {
        let features = features(recent, members, target);
        let corrections: [f64; AHEAD.len()] = std::array::from_fn(|i| {
            self.coefficients[target.index()][i].iter().zip(&features).map(|(c, feature)| c * feature).sum()
        });
        let mut floor = recent.log(target, 0);
        for (i, x) in path.iter_mut().enumerate() {
            floor = floor.max(members.blend[target.index()][i] + interpolated(&corrections, i + 1));
            *x = floor;
        }
    }
}

/// The correction some days ahead: on a straight line between the two nearest, the last beyond.
fn interpolated(corrections: &[f64; AHEAD.len()], ahead: usize) -> f64 {
    let ahead = ahead.min(FURTHEST);
    let after = AHEAD.partition_point(|&known| known < ahead);
    if AHEAD[after] == ahead {
        return corrections[after];
    }
    let (left, right) = (AHEAD[after - 1], AHEAD[after]);
    let share = (ahead - left) as f64 / (right - left) as f64;
    (1.0 - share) * corrections[after - 1] + share * corrections[after]
}

impl FittedForecaster for FittedResidualRidge {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        let recents = Recent::latest(view);
        let pooled: Pooled = Blend::pooled(&recents);
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            let recent = &recents[places[i]];
            let members = Blend::DEFAULT.members(recent, pooled, horizon.max(FURTHEST));
            self.corrected(recent, &members, Target::ConfirmedCases, cases);
            self.corrected(recent, &members, Target::Fatalities, deaths);
        })
    }
}

impl fmt::Display for ResidualRidge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::names::write(f, "residual-ridge", self.numbers(), Self::DEFAULT.numbers())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    half_life: f64,
    penalty: f64,
}

impl TryFrom<Unchecked> for ResidualRidge {
    type Error = TrainingError;

    fn try_from(raw: Unchecked) -> Result<Self, TrainingError> {
        Self::new(raw.half_life, raw.penalty)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedFitted {
    spec: ResidualRidge,
    coefficients: [Vec<Vec<f64>>; 2],
}

impl TryFrom<UncheckedFitted> for FittedResidualRidge {
    type Error = TrainingError;

    fn try_from(UncheckedFitted { spec, coefficients }: UncheckedFitted) -> Result<Self, TrainingError> {
        let shape = |of: &Vec<Vec<f64>>| of.len() == AHEAD.len() && of.iter().all(|row| row.len() == FEATURES);
        let right = coefficients.iter().all(shape);
        check("residual-ridge coefficients", "23 for each of 13 days ahead", coefficients[0].len(), right)?;
        Ok(Self { spec, coefficients })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_are_interpolated_and_stay_beyond_the_last() {
        let corrections = std::array::from_fn(|i| AHEAD[i] as f64);
        for ahead in 1..=28 {
            assert!((interpolated(&corrections, ahead) - ahead as f64).abs() < 1e-12);
        }
        assert_eq!(interpolated(&corrections, 60), 28.0);
    }
}
