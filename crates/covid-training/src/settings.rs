//! Settings of training and of the gate, checked here once.

use serde::Deserialize;

use crate::{TrainingError, error::check};

/// How candidates are tuned, calibrated and compared.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct TrainingSettings {
    /// Days ahead on which candidates are tuned and compared.
    pub horizon: usize,
    /// Days between two origins.
    pub every: usize,
    /// Origins before an as-of date on which its hyper-parameters are chosen.
    pub tuning_origins: usize,
    /// Weeks after which a past error counts half in the quantiles.
    pub calibration_half_life: usize,
}

impl TrainingSettings {
    /// The settings, if every one is within its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn checked(self) -> Result<Self, TrainingError> {
        let Self { horizon, every, tuning_origins, calibration_half_life } = self;
        check("training.horizon", "from 1 to 60 days", horizon, (1..=60).contains(&horizon))?;
        check("training.every", "from 1 to 365 days", every, (1..=365).contains(&every))?;
        check("training.tuning_origins", "from 1 to 100", tuning_origins, (1..=100).contains(&tuning_origins))?;
        let allowed = (1..=520).contains(&calibration_half_life);
        check("training.calibration_half_life", "from 1 to 520 weeks", calibration_half_life, allowed)?;
        Ok(self)
    }
}

/// When a candidate may replace the champion.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct GateSettings {
    /// The last origins on which champion and candidate are compared.
    pub origins: usize,
    /// The candidate's better loss must be this unlikely by chance (one-sided).
    pub level: f64,
    /// The same recipe on newer data may lose this share of the champion's loss.
    pub margin: f64,
}

impl GateSettings {
    /// The settings, if every one is within its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn checked(self) -> Result<Self, TrainingError> {
        // 5 origins are the fewest that can reach a level of 0.05 (2^-5 = 0.03); 20 are a million sign flips.
        check("gate.origins", "from 5 to 20", self.origins, (5..=20).contains(&self.origins))?;
        check("gate.level", "above 0 and at most 0.5", self.level, self.level > 0.0 && self.level <= 0.5)?;
        check("gate.margin", "from 0 to 10", self.margin, (0.0..=10.0).contains(&self.margin))?;
        Ok(self)
    }
}
