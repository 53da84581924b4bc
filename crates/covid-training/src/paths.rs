//! Point forecasts on the scale of the models.

use covid_core::{PanelView, Target};
use rayon::prelude::*;

/// Point forecasts on x = ln(1 + count), by location, target and day ahead (1 to the horizon). They may not be finite.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPaths {
    horizon: usize,
    values: Vec<f64>,
}

impl LogPaths {
    /// Paths of `places` locations, filled in parallel by `path(location, cases, deaths)`; both slices are one value a day
    /// ahead, 0 at first.
    pub fn from_fn(places: usize, horizon: usize, path: impl Fn(usize, &mut [f64], &mut [f64]) + Sync) -> Self {
        let mut paths = Self { horizon, values: vec![0.0; places * Target::ALL.len() * horizon] };
        paths.change(path);
        paths
    }

    /// Changes every location's paths in parallel, as [`Self::from_fn`] fills them.
    pub(crate) fn change(&mut self, path: impl Fn(usize, &mut [f64], &mut [f64]) + Sync) {
        let horizon = self.horizon;
        self.values.par_chunks_mut(Target::ALL.len() * horizon).with_min_len(PLACES_A_TASK).enumerate().for_each(
            |(place, both)| {
                let (cases, deaths) = both.split_at_mut(horizon);
                path(place, cases, deaths);
            },
        );
    }

    /// Days ahead.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// Number of locations.
    pub fn locations(&self) -> usize {
        self.values.len() / (Target::ALL.len() * self.horizon)
    }

    /// One series, for 1 to horizon days ahead.
    pub fn path(&self, location: usize, target: Target) -> &[f64] {
        let from = (location * Target::ALL.len() + target.index()) * self.horizon;
        &self.values[from..from + self.horizon]
    }
}

/// Weeks ahead for which new counts are forecast.
pub(crate) const WEEKS: usize = covid_core::WEEKS_AHEAD;

/// What intervals are laid around, of some places of a view; every logarithm is of 1 + count.
#[derive(Debug, Clone, PartialEq)]
pub struct Centres {
    /// Point forecasts of cumulative counts.
    pub(crate) points: LogPaths,
    /// ln(1 + new counts since the as-of date), by day ahead.
    pub(crate) new: LogPaths,
    /// ln(1 + new counts of the weeks ahead), by place and target.
    pub(crate) weekly: Vec<[[f64; WEEKS]; 2]>,
}

impl Centres {
    /// Days ahead of the points that are needed for centres up to `horizon`: at least the weeks'.
    pub(crate) fn days(horizon: usize) -> usize {
        horizon.max(7 * WEEKS)
    }

    /// The points themselves: new counts are what they lie above the last published count, at least 0.
    pub(crate) fn of_points(view: &PanelView<'_>, places: &[usize], points: LogPaths) -> Self {
        let last = |i: usize, target| view.last_count(places[i], target);
        // A point that is not a number has no new counts; it counts as exploded anyway.
        let above = |later: f64, earlier: f64| (later - earlier).max(0.0).ln_1p();
        let new = LogPaths::from_fn(places.len(), points.horizon(), |i, cases, deaths| {
            for (target, path) in Target::ALL.into_iter().zip([cases, deaths]) {
                let last = last(i, target);
                path.iter_mut().zip(points.path(i, target)).for_each(|(new, x)| *new = above(x.exp_m1(), last));
            }
        });
        let weekly = |i: usize| {
            Target::ALL.map(|target| {
                let path = points.path(i, target);
                let at = |week: usize| if week == 0 { last(i, target) } else { path[7 * week - 1].exp_m1() };
                std::array::from_fn(|week| above(at(week + 1), at(week)))
            })
        };
        Self { weekly: (0..places.len()).map(weekly).collect(), new, points }
    }
}

/// Fewer places than these are not worth a task of their own.
const PLACES_A_TASK: usize = 16;
