//! Shrunk damped growth: like `damped-growth`, but a place's growth is drawn to what other series say, since growth measured
//! over a week of small counts is mostly noise.
//!
//! With x = ln(1 + count): g(cases) = max((x(0) - x(-7)) / 7, 0), g(deaths) = max((x(0) - x(-10)) / 10, 0); deaths follow
//! cases, g(deaths) = a g(deaths) + (1 - a) min(g(cases), 0.3) with a = 0.6; then every place is drawn to the mean over the
//! places with a count, g = w g + (1 - w) mean(g), with w = a for deaths and w = most * C / (C + half) for cases, C being
//! the place's cases; x(h) = x(0) + g * (1 + phi + ... + phi^(h-1)). A place that pauses ([`super::pause`]) for k days has the
//! growth of its last report, damped for these days, too.
//!
//! The damping of about 0.92 a day is that of the winners of the Kaggle competitions of spring 2020 (0.93 in the kernels of
//! Kaz and of beluga); shrinkage to a pooled mean is the usual remedy for small groups (Efron & Morris 1975, doi
//! 10.1080/01621459.1975.10479864). Both are priors: tuned on the weeks before the lockdowns of 2020 they come out too high.

use std::fmt;

use covid_core::{PanelView, Target};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster, recent::Recent};
use crate::{LogPaths, TrainingError, error::check};

/// A place's growth, drawn to that of its cases and of other places, and damped by a factor a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ShrunkGrowth {
    phi: f64,
    most: f64,
    half: f64,
    deaths: f64,
}

/// Days over which the growth of cases and of deaths is measured: deaths are fewer, and noisier.
const SPANS: [usize; 2] = [7, 10];

/// Growth of cases above this a day (they double in 2.3 days) is not passed on to deaths.
const MOST_PASSED_ON: f64 = 0.3;

impl ShrunkGrowth {
    /// The priors stated above; with 30 cases a place's own growth counts half of what it may.
    pub const DEFAULT: Self = Self { phi: 0.92, most: 0.8, half: 30.0, deaths: 0.6 };

    /// Damped by `phi` a day. The weight of a place's own growth, the rest being that of others: for cases `most` times C / (C
    /// + `half`), for `deaths` a constant. All from 0 to 1, but for `half`, from 0 to 1e6 cases.
    ///
    /// # Errors
    /// If one is outside its range.
    pub fn new(phi: f64, most: f64, half: f64, deaths: f64) -> Result<Self, TrainingError> {
        let share = |name, value: f64| check(name, "from 0 to 1", value, (0.0..=1.0).contains(&value));
        Ok(Self {
            phi: share("shrunk-growth phi", phi)?,
            most: share("shrunk-growth largest weight of own cases", most)?,
            half: check("shrunk-growth cases of half weight", "from 0 to 1e6", half, (0.0..=1e6).contains(&half))?,
            deaths: share("shrunk-growth weight of own deaths", deaths)?,
        })
    }

    /// Its hyper-parameters in the order of its name.
    pub(super) fn numbers(&self) -> [f64; 4] {
        [self.phi, self.most, self.half, self.deaths]
    }

    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        vec![
            ("phi", self.phi.to_string()),
            ("most", self.most.to_string()),
            ("half", self.half.to_string()),
            ("deaths", self.deaths.to_string()),
        ]
    }

    /// Growth a day of both targets, deaths drawn to cases.
    fn growth(&self, recent: &Recent<'_>) -> [f64; 2] {
        let [cases, deaths] = Target::ALL.map(|target| {
            let span = SPANS[target.index()];
            ((recent.log(target, 0) - recent.log(target, span)) / span as f64).max(0.0)
        });
        [cases, self.deaths * deaths + (1.0 - self.deaths) * cases.min(MOST_PASSED_ON)]
    }

    /// The weight of a place's own growth.
    fn own(&self, recent: &Recent<'_>, target: Target) -> f64 {
        let cases = recent.count(Target::ConfirmedCases, 0);
        match target {
            Target::ConfirmedCases if self.half > 0.0 => self.most * cases / (cases + self.half),
            Target::ConfirmedCases => self.most,
            Target::Fatalities => self.deaths,
        }
    }

    /// The mean growth of the places with a count, by target; 0 where there is none.
    pub(super) fn pooled(&self, places: &[Recent<'_>]) -> [f64; 2] {
        let (mut sums, mut counts) = ([0.0; 2], [0usize; 2]);
        for recent in places {
            let growth = self.growth(recent);
            for target in Target::ALL.into_iter().filter(|&target| recent.count(target, 0) > 0.0) {
                sums[target.index()] += growth[target.index()];
                counts[target.index()] += 1;
            }
        }
        [0, 1].map(|target| if counts[target] > 0 { sums[target] / counts[target] as f64 } else { 0.0 })
    }

    pub(super) fn path(&self, recent: &Recent<'_>, pooled: [f64; 2], target: Target, path: &mut [f64]) {
        let own = self.own(recent, target);
        let mut growth = own * self.growth(recent)[target.index()] + (1.0 - own) * pooled[target.index()];
        // In a pause it is as old as the last report.
        growth *= self.phi.powi(recent.pause(target) as i32);
        let mut level = recent.log(target, 0);
        for x in path {
            level += growth;
            growth *= self.phi;
            *x = level;
        }
    }
}

impl Forecaster for ShrunkGrowth {
    type Fitted = Self;

    fn fit(&self, _view: &PanelView<'_>) -> Result<Self, TrainingError> {
        Ok(*self)
    }
}

impl FittedForecaster for ShrunkGrowth {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        let recents = Recent::latest(view);
        let pooled = self.pooled(&recents);
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            let recent = &recents[places[i]];
            self.path(recent, pooled, Target::ConfirmedCases, cases);
            self.path(recent, pooled, Target::Fatalities, deaths);
        })
    }
}

impl fmt::Display for ShrunkGrowth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::names::write(f, "shrunk-growth", self.numbers(), Self::DEFAULT.numbers())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    phi: f64,
    most: f64,
    half: f64,
    deaths: f64,
}

impl TryFrom<Unchecked> for ShrunkGrowth {
    type Error = TrainingError;

    fn try_from(raw: Unchecked) -> Result<Self, TrainingError> {
        Self::new(raw.phi, raw.most, raw.half, raw.deaths)
    }
}

#[cfg(test)]
mod tests {
    use covid_core::{Date, Location, Panel};

    use super::*;

    /// Two places: cases of the first grow by 0.1 a day on x, its deaths do not; the second has nothing.
    fn panel() -> Panel {
        let grown: Vec<f64> = (0..11).map(|day| f64::exp_m1(5.0 + 0.1 * f64::from(day))).collect();
        let counts = [grown, vec![0.0; 33]].concat();
        let locations = ["Dataland", "Emptyland"].map(Location::country).to_vec();
        Panel::new(locations, Date::constant(2020, 1, 1), 11, counts).unwrap()
    }

    #[test]
    fn the_formula_by_hand() {
        let panel = panel();
        let paths = ShrunkGrowth::DEFAULT.predict(&panel.view(), 2);
        // Only the first place has cases, so the pooled growth is its own.
        let expected = [6.0 + 0.1, 6.0 + 0.1 * 1.92];
        for (x, want) in paths.path(0, Target::ConfirmedCases).iter().zip(expected) {
            assert!((x - want).abs() < 1e-12, "{x} {want}");
        }
        // No place has deaths: their growth is 0.6 * 0.4 * 0.1, and not that of others.
        assert!((paths.path(0, Target::Fatalities)[0] - 0.024).abs() < 1e-12);
        assert!(
            (paths.path(1, Target::ConfirmedCases)[0] - 0.1).abs() < 1e-12,
            "an empty place has the others' growth"
        );
    }

    #[test]
    fn some_places_are_as_in_the_whole_panel() {
        let panel = panel();
        let view = panel.view();
        let (whole, part) =
            (ShrunkGrowth::DEFAULT.predict(&view, 5), ShrunkGrowth::DEFAULT.predict_places(&view, &[1], 5));
        assert_eq!(part.locations(), 1);
        assert_eq!(part.path(0, Target::ConfirmedCases), whole.path(1, Target::ConfirmedCases));
    }
}
