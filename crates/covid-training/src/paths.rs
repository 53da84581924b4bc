//! Point forecasts on the scale of the models.

use covid_core::Target;

/// Point forecasts on x = ln(1 + count), by location, target and day ahead (1 to the horizon). They may not be finite.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPaths {
    horizon: usize,
    values: Vec<f64>,
}

impl LogPaths {
    /// Room for every series; all values 0.
    pub fn zeros(locations: usize, horizon: usize) -> Self {
        Self { horizon, values: vec![0.0; locations * Target::ALL.len() * horizon] }
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
        let from = self.offset(location, target);
        &self.values[from..from + self.horizon]
    }

    /// One series, to fill it.
    pub fn path_mut(&mut self, location: usize, target: Target) -> &mut [f64] {
        let from = self.offset(location, target);
        &mut self.values[from..from + self.horizon]
    }

    fn offset(&self, location: usize, target: Target) -> usize {
        (location * Target::ALL.len() + target.index()) * self.horizon
    }
}
