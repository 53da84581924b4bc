//! Forecasts: a point and seven quantiles for every location, target and day ahead.

use crate::{Date, Location, Target, panel::add_days};

/// The levels of the seven quantiles.
pub const LEVELS: [f64; 7] = [0.025, 0.10, 0.25, 0.50, 0.75, 0.90, 0.975];

/// The furthest day ahead that may be forecast.
pub const MAX_HORIZON: usize = 60;

/// A forecast above this count, or one that is not finite, has exploded.
pub const MAX_COUNT: f64 = 1e12;

/// One forecast count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// The point forecast.
    pub point: f64,
    /// The quantiles at [`LEVELS`], never falling.
    pub quantiles: [f64; 7],
}

impl Predicted {
    /// Whether its point is not finite or above [`MAX_COUNT`], or a quantile is not finite.
    pub fn exploded(&self) -> bool {
        !self.point.is_finite() || self.point > MAX_COUNT || !self.quantiles.iter().all(|count| count.is_finite())
    }
}

/// Forecast counts of a panel's locations, by location, target and day ahead (1 to the horizon).
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    as_of: Date,
    horizon: usize,
    locations: Vec<Location>,
    values: Vec<Predicted>,
}

impl Forecast {
    /// A forecast whose values come from `predict(location, target, days ahead)`.
    pub fn from_fn(
        as_of: Date,
        horizon: usize,
        locations: Vec<Location>,
        predict: impl Fn(usize, Target, usize) -> Predicted,
    ) -> Self {
        let mut values = Vec::with_capacity(locations.len() * Target::ALL.len() * horizon);
        for location in 0..locations.len() {
            for target in Target::ALL {
                values.extend((1..=horizon).map(|ahead| predict(location, target, ahead)));
            }
        }
        Self { as_of, horizon, locations, values }
    }

    /// The date up to which data were used.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// Days ahead.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// The locations, in the order of the values.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// The date of a day ahead (1 is the day after the as-of date).
    pub fn date(&self, ahead: usize) -> Date {
        add_days(self.as_of, ahead as i64)
    }

    /// The forecasts of one series, for 1 to horizon days ahead.
    pub fn path(&self, location: usize, target: Target) -> &[Predicted] {
        let from = (location * Target::ALL.len() + target.index()) * self.horizon;
        &self.values[from..from + self.horizon]
    }

    /// One forecast; `ahead` runs from 1 to the horizon.
    pub fn get(&self, location: usize, target: Target, ahead: usize) -> Predicted {
        self.path(location, target)[ahead - 1]
    }

    /// The first location with a forecast that exploded.
    pub fn exploded(&self) -> Option<&Location> {
        let position = self.values.iter().position(Predicted::exploded)?;
        self.locations.get(position / (Target::ALL.len() * self.horizon))
    }
}

/// Forecast new counts of the weeks after the as-of date (days 1 to 7, 8 to 14, 15 to 21, 22 to 28), by location, target and
/// week. Their quantiles are of their own: a difference of cumulative quantiles is none.
#[derive(Debug, Clone, PartialEq)]
pub struct WeeklyForecast {
    as_of: Date,
    locations: Vec<Location>,
    values: Vec<[[Predicted; WEEKS_AHEAD]; 2]>,
}

/// Weeks for which new counts are forecast.
pub const WEEKS_AHEAD: usize = 4;

impl WeeklyForecast {
    /// A forecast of the locations' values, in their order; within one by target, then week.
    pub fn new(as_of: Date, locations: Vec<Location>, values: Vec<[[Predicted; WEEKS_AHEAD]; 2]>) -> Self {
        Self { as_of, locations, values }
    }

    /// The date up to which data were used.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// The locations, in the order of the values.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// The last date of a week (1 is that of the first seven days after the as-of date).
    pub fn date(&self, week: usize) -> Date {
        add_days(self.as_of, 7 * week as i64)
    }

    /// One forecast; `week` runs from 1 to 4.
    pub fn get(&self, location: usize, target: Target, week: usize) -> Predicted {
        self.values[location][target.index()][week - 1]
    }

    /// The first location with a forecast that exploded.
    pub fn exploded(&self) -> Option<&Location> {
        let position = self.values.iter().position(|both| both.as_flattened().iter().any(Predicted::exploded))?;
        self.locations.get(position)
    }
}
