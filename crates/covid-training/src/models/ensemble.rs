//! The full candidate. Its points are those of `residual-ridge`, which weighs the simple models by their past. Its weekly new
//! counts come from a regression of their own, which aims at medians. Its cumulative quantiles lie around these medians added
//! up, and, where they are small counts, half way to the blend: the points are made for RMSLE, which small places decide, and
//! need not be medians. A point beyond the 95 % interval is drawn to its end, which does the RMSLE no harm.

use std::fmt;

use covid_core::{PanelView, Target};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    FittedForecaster, FittedResidualRidge, Forecaster, ResidualRidge,
    past::PastDays,
    weekly_ridge::{Day, FittedWeeklyRidge},
};
use crate::{
    LogPaths, TrainingError,
    paths::{Centres, WEEKS},
};

/// The full candidate, not fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ensemble;

impl Ensemble {
    pub(super) fn params(&self) -> Vec<(&'static str, String)> {
        ResidualRidge::DEFAULT.params()
    }

    /// Fits on what the past days before the as-of date of a view of `days` days teach.
    pub(super) fn fit_from(&self, view: &PanelView<'_>, past: &PastDays<'_>) -> Result<FittedEnsemble, TrainingError> {
        let failed = |cause| TrainingError::Fit { model: self.to_string(), as_of: view.as_of(), cause };
        Ok(FittedEnsemble {
            points: ResidualRidge::DEFAULT.fit_from(view, past)?,
            weeks: FittedWeeklyRidge::fit(view.days() - 1, |day| past.week(day), failed)?,
        })
    }
}

impl Forecaster for Ensemble {
    type Fitted = FittedEnsemble;

    fn fit(&self, view: &PanelView<'_>) -> Result<FittedEnsemble, TrainingError> {
        self.fit_from(view, &PastDays::new(*view))
    }
}

/// The full candidate with all its coefficients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedEnsemble {
    points: FittedResidualRidge,
    weeks: FittedWeeklyRidge,
}

impl FittedForecaster for FittedEnsemble {
    fn predict_places(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> LogPaths {
        self.points.predict_places(view, places, horizon)
    }

    fn centres(&self, view: &PanelView<'_>, places: &[usize], horizon: usize) -> Centres {
        let days = Centres::days(horizon);
        let points = self.predict_places(view, places, days);
        let day = Day::of(view, view.days() - 1);
        let of_place = |&place: &usize| {
            let members = day.members(place, days);
            let medians = self.weeks.medians(&day, place, &members);
            let new = Target::ALL.map(|target| {
                let last = day.recents[place].count(target, 0);
                let weeks = medians[target.index()].map(f64::exp_m1);
                let blend = &members.blend[target.index()][..days];
                let centre = |(i, x): (usize, &f64)| centre(cumulated(&weeks, i + 1), (x.exp_m1() - last).max(0.0));
                blend.iter().enumerate().map(centre).collect::<Vec<f64>>()
            });
            (medians, new)
        };
        let (weekly, new): (Vec<_>, Vec<_>) = places.par_iter().map(of_place).unzip();
        let new = LogPaths::from_fn(places.len(), days, |i, cases, deaths| {
            cases.copy_from_slice(&new[i][0]);
            deaths.copy_from_slice(&new[i][1]);
        });
        Centres { points, new, weekly }
    }
}

/// The centre of new counts since the as-of date, given those of the weekly model and of the blend: half of each where they
/// are few, the weekly model alone where they are many.
fn centre(weekly: f64, blend: f64) -> f64 {
    let share = 1.0 - 0.5 * 10.0 / (10.0 + weekly);
    share * weekly.ln_1p() + (1.0 - share) * blend.ln_1p()
}

/// New counts within some days, evenly spread over each week; the last week's go on.
fn cumulated(weeks: &[f64; WEEKS], days: usize) -> f64 {
    let week = |i: usize| weeks[i.min(WEEKS - 1)];
    let whole: f64 = (0..days / 7).map(week).sum();
    whole + week(days / 7) * (days % 7) as f64 / 7.0
}

impl fmt::Display for Ensemble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ensemble")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_add_up_and_the_last_goes_on() {
        let weeks = [7.0, 14.0, 21.0, 28.0];
        for (days, want) in [(3, 3.0), (7, 7.0), (8, 9.0), (28, 70.0), (30, 78.0), (42, 126.0)] {
            assert!((cumulated(&weeks, days) - want).abs() < 1e-12, "{days}");
        }
    }
}
