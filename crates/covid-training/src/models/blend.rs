//! The mean, on x = ln(1 + count), of three simple models with fixed weights; nothing is trained.
//!
//! Cases: w shrunk-growth + (1 - w) weekly-trend. Deaths: (1 - l) (shrunk-growth + weekly-trend) / 2 + l lagged-deaths, which
//! follows the blended cases; l goes in a straight line from its value 1 day ahead to that 28 days ahead, and stays: over
//! days deaths follow their own recent counts, over weeks the cases.
//!
//! Plain means of simple forecasts with fixed weights are hard to beat (Timmermann 2006, doi 10.1016/S1574-0706(05)01004-9),
//! and were for this epidemic (Cramer et al. 2022, doi 10.1073/pnas.2113561119).

use std::fmt;

use covid_core::{MAX_HORIZON, PanelView, Target};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster, LaggedDeaths, ShrunkGrowth, WeeklyTrend, recent::Recent};
use crate::{LogPaths, TrainingError, error::check};

/// Three simple models with fixed weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Blend {
    shrunk: f64,
    lagged_near: f64,
    lagged_far: f64,
}

/// Days ahead at which the weight of lagged deaths stops rising.
const FAR: usize = 28;

impl Blend {
    /// Weights chosen on JHU's final series from 2020-04 to 2023-03, within a broad optimum; see `docs/accuracy.md`.
    pub const DEFAULT: Self = Self { shrunk: 0.3, lagged_near: 0.1, lagged_far: 0.5 };

    /// `shrunk` is the weight of `shrunk-growth` for cases, `lagged_near` and `lagged_far` those of `lagged-deaths` 1 and 28
    /// days ahead; all from 0 to 1.
    ///
    /// # Errors
    /// If one is outside its range.
    pub fn new(shrunk: f64, lagged_near: f64, lagged_far: f64) -> Result<Self, TrainingError> {
        let weight = |name, value: f64| check(name, "from 0 to 1", value, (0.0..=1.0).contains(&value));
        Ok(Self {
            shrunk: weight("blend weight of shrunk-growth", shrunk)?,
            lagged_near: weight("blend weight of lagged-deaths 1 day ahead", lagged_near)?,
            lagged_far: weight("blend weight of lagged-deaths 28 days ahead", lagged_far)?,
        })
    }

    /// Its hyper-parameters in the order of its name.
    pub(super) fn numbers(&self) -> [f64; 3] {
        [self.shrunk, self.lagged_near, self.lagged_far]
    }

    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        vec![
            ("shrunk", self.shrunk.to_string()),
            ("lagged_near", self.lagged_near.to_string()),
            ("lagged_far", self.lagged_far.to_string()),
        ]
    }

    fn lagged(&self, ahead: usize) -> f64 {
        let far = ((ahead - 1) as f64 / (FAR - 1) as f64).min(1.0);
        self.lagged_near + (self.lagged_far - self.lagged_near) * far
    }

    /// What the members take from all places together.
    pub(super) fn pooled(places: &[Recent<'_>]) -> Pooled {
        let ((growth, world), fatality) = rayon::join(
            || (ShrunkGrowth::DEFAULT.pooled(places), WeeklyTrend::DEFAULT.pooled(places)),
            || LaggedDeaths::DEFAULT.pooled(places),
        );
        Pooled { growth, world, fatality }
    }

    /// The members' paths of one place and their blend, 1 to `horizon` days ahead (at most 60).
    pub(super) fn members(&self, recent: &Recent<'_>, pooled: Pooled, horizon: usize) -> Members {
        let mut members = Members { shrunk: [EMPTY; 2], trend: [EMPTY; 2], lagged: EMPTY, blend: [EMPTY; 2] };
        for target in Target::ALL {
            let i = target.index();
            ShrunkGrowth::DEFAULT.path(recent, pooled.growth, target, &mut members.shrunk[i][..horizon]);
            WeeklyTrend::DEFAULT.path(recent, pooled.world, target, &mut members.trend[i][..horizon]);
        }
        let Members { shrunk, trend, lagged, blend: [cases, deaths] } = &mut members;
        for ahead in 0..horizon {
            cases[ahead] = self.shrunk * shrunk[0][ahead] + (1.0 - self.shrunk) * trend[0][ahead];
        }
        LaggedDeaths::DEFAULT.path(recent, pooled.fatality, &cases[..horizon], &mut lagged[..horizon]);
        for ahead in 0..horizon {
            let share = self.lagged(ahead + 1);
            deaths[ahead] = (1.0 - share) * 0.5 * (shrunk[1][ahead] + trend[1][ahead]) + share * lagged[ahead];
        }
        members
    }
}

/// What the members take from all places together: mean growth and ratio of weeks by target, and deaths a case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pooled {
    growth: [f64; 2],
    world: [f64; 2],
    fatality: f64,
}

type Path = [f64; MAX_HORIZON];
const EMPTY: Path = [0.0; MAX_HORIZON];

/// Paths of one place on x, the arrays by target; `lagged` is of deaths.
pub(super) struct Members {
    pub(super) shrunk: [Path; 2],
    pub(super) trend: [Path; 2],
    pub(super) lagged: Path,
    pub(super) blend: [Path; 2],
}

impl Forecaster for Blend {
    type Fitted = Self;

    fn fit(&self, _view: &PanelView<'_>) -> Result<Self, TrainingError> {
        Ok(*self)
    }
}

impl FittedForecaster for Blend {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        let recents = Recent::latest(view);
        let pooled = Self::pooled(&recents);
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            let members = self.members(&recents[places[i]], pooled, horizon);
            cases.copy_from_slice(&members.blend[0][..horizon]);
            deaths.copy_from_slice(&members.blend[1][..horizon]);
        })
    }
}

impl fmt::Display for Blend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::names::write(f, "blend", self.numbers(), Self::DEFAULT.numbers())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    shrunk: f64,
    lagged_near: f64,
    lagged_far: f64,
}

impl TryFrom<Unchecked> for Blend {
    type Error = TrainingError;

    fn try_from(raw: Unchecked) -> Result<Self, TrainingError> {
        Self::new(raw.shrunk, raw.lagged_near, raw.lagged_far)
    }
}
