//! What each model would have said on past days: the one place where history is replayed, so that backtests, tuning and
//! calibration share what they learn of it, and the one place to look for look-ahead.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use covid_core::{Panel, PanelView, Target, log_count, metrics};
use rayon::prelude::*;

use crate::{Fitted, FittedForecaster, LogPaths, Spec, TrainingError, models::PastDays};

/// Makes of a view what models may see (repair). It gets the view of an origin, and so nothing later.
pub type Prepare<'a> = dyn Fn(&PanelView<'_>) -> Panel + Sync + 'a;

/// Fewest days of history at an origin: four weeks.
pub const MIN_DAYS: usize = 28;

/// Published counts up to an as-of date, and how well models forecast from past days of them.
pub struct Replay<'a> {
    published: PanelView<'a>,
    prepare: &'a Prepare<'a>,
    horizon: usize,
    /// By model, day and days ahead. The forecasts themselves would fill the memory.
    losses: Mutex<HashMap<(String, usize, usize), f64>>,
    past: PastDays<'a>,
}

impl<'a> Replay<'a> {
    /// Forecasts of 1 to `horizon` days ahead from any day up to the view's as-of date; models see what `prepare` makes of
    /// a day's view.
    pub fn new(published: PanelView<'a>, prepare: &'a Prepare<'a>, horizon: usize) -> Self {
        Self { published, prepare, horizon, losses: Mutex::default(), past: PastDays::new(published) }
    }

    /// The same of other places.
    pub(crate) fn of_places<'b>(&'b self, panel: &'b Panel) -> Replay<'b> {
        Replay::new(panel.view(), self.prepare, self.horizon)
    }

    /// The published counts.
    pub fn published(&self) -> PanelView<'a> {
        self.published
    }

    /// Days ahead of every forecast.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// What models see on a day.
    pub(crate) fn prepared(&self, day: usize) -> Result<Panel, TrainingError> {
        Ok((self.prepare)(&self.view(day)?))
    }

    /// A model fitted on a day's view, as `prepare` made it. What its past days teach is learned from published counts, once
    /// for all the days that ask.
    pub(crate) fn fit(&self, spec: &Spec, view: &PanelView<'_>) -> Result<Fitted, TrainingError> {
        spec.fit_from(view, &self.past)
    }

    /// Published counts up to a day.
    pub(crate) fn view(&self, day: usize) -> Result<PanelView<'a>, TrainingError> {
        Ok(self.published.earlier(self.published.date(day))?)
    }

    /// Finds the losses that are not known yet of every model over `horizon` days after some days, days in parallel.
    pub(crate) fn learn_losses(&self, specs: &[Spec], days: &[usize], horizon: usize) -> Result<(), TrainingError> {
        let days: HashSet<usize> = days.iter().copied().collect();
        days.into_par_iter().try_for_each(|day| {
            let unknown: Vec<&Spec> =
                specs.iter().filter(|spec| self.known_loss(spec, day, horizon).is_none()).collect();
            if unknown.is_empty() {
                return Ok(());
            }
            let (prepared, known) = (self.prepared(day)?, self.view(day + horizon)?);
            let view = prepared.view();
            for spec in unknown {
                let loss = loss(&known, &self.fit(spec, &view)?.predict(&view, horizon), day, horizon);
                self.losses
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert((spec.to_string(), day, horizon), loss);
            }
            Ok(())
        })
    }

    /// The headline of what a model forecast on a day over `horizon` days, all of which must be published: infinite if it
    /// exploded, NaN if there is nothing to score it by. It is the same for every later day that asks.
    pub(crate) fn loss(&self, spec: &Spec, day: usize, horizon: usize) -> Result<f64, TrainingError> {
        if let Some(loss) = self.known_loss(spec, day, horizon) {
            return Ok(loss);
        }
        self.learn_losses(&[*spec], &[day], horizon)?;
        self.known_loss(spec, day, horizon).ok_or_else(|| TrainingError::UnknownModel(spec.to_string()))
    }

    fn known_loss(&self, spec: &Spec, day: usize, horizon: usize) -> Option<f64> {
        let losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        losses.get(&(spec.to_string(), day, horizon)).copied()
    }
}

/// The headline of paths from an origin, of all places with a published count.
fn loss(known: &PanelView<'_>, paths: &LogPaths, origin: usize, horizon: usize) -> f64 {
    let rmsle = |target: Target| {
        let all = (1..=horizon).flat_map(|ahead| errors(known, paths, origin, target, ahead));
        let (sum, count) = all.fold((0.0, 0usize), |(sum, count), error| (sum + error * error, count + 1));
        match count {
            0 => None,
            _ if !f64::is_finite(sum) => Some(f64::INFINITY),
            _ => Some((sum / count as f64).sqrt()),
        }
    };
    metrics::mean_of_scored(Target::ALL.map(rmsle)).unwrap_or(f64::NAN)
}

/// Errors on ln(1 + count), actual less forecast, `ahead` days after an origin, of the places with a published count.
/// `known` is the view of the day on which the errors are asked for; none of it is later than that.
fn errors(
    known: &PanelView<'_>,
    paths: &LogPaths,
    origin: usize,
    target: Target,
    ahead: usize,
) -> impl Iterator<Item = f64> {
    (0..known.locations().len()).filter_map(move |location| {
        let actual = *known.counts(location, target).get(origin + ahead)?;
        (!actual.is_nan()).then(|| log_count(actual) - paths.path(location, target)[ahead - 1])
    })
}

/// How many past days of a panel are forecast at once: as many as keep all cores busy, and memory small.
pub(crate) fn days_at_once(view: &PanelView<'_>) -> usize {
    (20_000 / view.locations().len().max(1)).clamp(1, 16)
}

/// Origins before a day, `every` days apart, the newest first, each with at least one day ahead of it known: the newest is
/// `gap` days before. At most `most`; none with less than four weeks of history.
pub(crate) fn origins_before(day: usize, gap: usize, every: usize, most: usize) -> Vec<usize> {
    let newest = day.checked_sub(gap);
    let earlier = |origin: &usize| origin.checked_sub(every);
    std::iter::successors(newest, earlier).take_while(|&origin| origin + 1 >= MIN_DAYS).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_leave_a_gap_and_four_weeks() {
        assert_eq!(origins_before(60, 7, 7, 100), [53, 46, 39, 32]);
        assert_eq!(origins_before(60, 7, 7, 2), [53, 46]);
        assert_eq!(origins_before(33, 7, 7, 9), Vec::<usize>::new());
        assert_eq!(origins_before(3, 7, 7, 9), Vec::<usize>::new());
    }
}
