//! Deaths from the cases of some days before: of the cases reported `lag` days earlier a share dies, the share that did in
//! the last two weeks. Cases are those of `weekly-trend`. This is what serves places that have cases and no deaths yet.
//!
//! D(h) = D(0) + kappa * (cases of day h - lag, observed or forecast, less those of day -lag);
//! kappa = (d + 200 k0) / (c + 200), at most 0.3, with d = new deaths of the last 14 days, c = new cases of the 14 days
//! `lag` days earlier; k0 is the geometric mean of (d + 1) / (c + 50) over the places with c > 200, or, where there are fewer
//! than 10 of them, the pooled (sum d + 20) / (sum c + 1000).
//!
//! The idea of the delayed case-fatality ratio is old (Nishiura et al. 2009, doi 10.1371/journal.pone.0006852); 8 days are
//! from report to report, less than the 2 to 3 weeks from onset to death, because early cases were found late. The prior of
//! 2 % is about the crude ratio outside Wuhan of February 2020 (WHO-China Joint Mission: 0.7 % to 5.8 % by time and place).

use std::fmt;

use covid_core::{PanelView, Target};
use serde::{Deserialize, Serialize};

use super::{FittedForecaster, Forecaster, WeeklyTrend, recent::Recent};
use crate::{LogPaths, TrainingError, error::check};

/// Deaths follow the cases of some days before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct LaggedDeaths {
    lag: usize,
}

/// Days over which deaths and the cases before them are counted.
const SPAN: usize = 14;

/// Weight of the pooled ratio, in cases.
const PRIOR_CASES: f64 = 200.0;

/// No place is taken to lose a larger share of its cases than this.
const MOST: f64 = 0.3;

/// Places with more cases than these have a ratio of their own worth pooling, if there are enough of them.
const MANY_CASES: f64 = 200.0;
const ENOUGH_PLACES: usize = 10;

impl LaggedDeaths {
    /// From report of a case to report of a death.
    pub const DEFAULT: Self = Self { lag: 8 };

    /// Deaths follow cases `lag` days later (1 to 45).
    ///
    /// # Errors
    /// If it is outside its range.
    pub fn new(lag: usize) -> Result<Self, TrainingError> {
        Ok(Self { lag: check("lagged-deaths lag", "from 1 to 45 days", lag, (1..=45).contains(&lag))? })
    }

    /// Its hyper-parameters in the order of its name.
    pub(super) fn numbers(&self) -> [f64; 1] {
        [self.lag as f64]
    }

    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        vec![("lag", self.lag.to_string())]
    }

    /// New deaths, and the new cases that they are compared with.
    fn deaths_and_cases(&self, recent: &Recent<'_>) -> (f64, f64) {
        let cases = recent.new_counts(Target::ConfirmedCases, self.lag, self.lag + SPAN);
        (recent.new_counts(Target::Fatalities, 0, SPAN), cases)
    }

    /// The ratio of deaths to cases before them, over all places.
    pub(super) fn pooled(&self, places: &[Recent<'_>]) -> f64 {
        let (mut logs, mut many, mut deaths, mut cases) = (0.0, 0usize, 0.0, 0.0);
        for (d, c) in places.iter().map(|recent| self.deaths_and_cases(recent)) {
            deaths += d;
            cases += c;
            if c > MANY_CASES {
                logs += ((d + 1.0) / (c + 50.0)).ln();
                many += 1;
            }
        }
        if many >= ENOUGH_PLACES { (logs / many as f64).exp() } else { (deaths + 20.0) / (cases + 1000.0) }
    }

    /// Deaths, given the path of cases on x = ln(1 + count).
    pub(super) fn path(&self, recent: &Recent<'_>, pooled: f64, cases: &[f64], path: &mut [f64]) {
        let (deaths, before) = self.deaths_and_cases(recent);
        let ratio = ((deaths + PRIOR_CASES * pooled) / (before + PRIOR_CASES)).min(MOST);
        let now = recent.count(Target::Fatalities, 0);
        let from = recent.count(Target::ConfirmedCases, self.lag);
        for (i, x) in path.iter_mut().enumerate() {
            let later = match (i + 1).checked_sub(self.lag) {
                None | Some(0) => recent.count(Target::ConfirmedCases, self.lag - 1 - i),
                Some(ahead) => cases[ahead - 1].exp_m1(),
            };
            *x = (now + ratio * (later - from).max(0.0)).ln_1p();
        }
    }
}

impl Forecaster for LaggedDeaths {
    type Fitted = Self;

    fn fit(&self, _view: &PanelView<'_>) -> Result<Self, TrainingError> {
        Ok(*self)
    }
}

impl FittedForecaster for LaggedDeaths {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        let recents = Recent::latest(view);
        let (pooled, world) = (self.pooled(&recents), WeeklyTrend::DEFAULT.pooled(&recents));
        LogPaths::from_fn(places.len(), horizon, |i, cases, deaths| {
            let recent = &recents[places[i]];
            WeeklyTrend::DEFAULT.path(recent, world, Target::ConfirmedCases, cases);
            self.path(recent, pooled, cases, deaths);
        })
    }
}

impl fmt::Display for LaggedDeaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::names::write(f, "lagged-deaths", self.numbers(), Self::DEFAULT.numbers())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    lag: usize,
}

impl TryFrom<Unchecked> for LaggedDeaths {
    type Error = TrainingError;

    fn try_from(raw: Unchecked) -> Result<Self, TrainingError> {
        Self::new(raw.lag)
    }
}

#[cfg(test)]
mod tests {
    use covid_core::{Date, Location, Panel};

    use super::*;

    #[test]
    fn the_formula_by_hand() {
        // 100 new cases a day for 30 days, no deaths: kappa = 200 k0 / (1400 + 200), k0 = 20 / (1400 + 1000).
        let counts = (1..=30).map(|day| 100.0 * f64::from(day)).chain([0.0; 30]).collect();
        let panel = Panel::new(vec![Location::country("Dataland")], Date::constant(2020, 1, 1), 30, counts).unwrap();
        let paths = LaggedDeaths::DEFAULT.predict(&panel.view(), 12);
        let kappa = 200.0 * (20.0 / 2400.0) / 1600.0;
        for (i, x) in paths.path(0, Target::Fatalities).iter().enumerate() {
            let want = kappa * 100.0 * (i + 1) as f64;
            assert!((x.exp_m1() - want).abs() < 1e-9, "{} days ahead: {}, not {want}", i + 1, x.exp_m1());
        }
    }
}
