//! Point forecasts on the scale of the models.

use covid_core::Target;
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
        let mut values = vec![0.0; places * Target::ALL.len() * horizon];
        values.par_chunks_mut(Target::ALL.len() * horizon).with_min_len(PLACES_A_TASK).enumerate().for_each(
            |(place, both)| {
                let (cases, deaths) = both.split_at_mut(horizon);
                path(place, cases, deaths);
            },
        );
        Self { horizon, values }
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

/// Fewer places than these are not worth a task of their own.
const PLACES_A_TASK: usize = 16;
