//! What the champion may be expected to score: its own backtest, from which the limits of rules come.

use covid_core::{Date, Forecast, PanelView, Target, metrics};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{
    MonitoringError,
    tally::{Group, Sums, Tally, Window},
};

/// The version of the file that this program writes.
const FORMAT_VERSION: u64 = 1;

/// Fewer origins than this say nothing of how much a score varies.
const FEWEST_ORIGINS: usize = 3;

/// A model's backtest, as it is kept with the version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    format_version: u64,
    /// Days ahead.
    pub horizon: usize,
    /// One an origin.
    pub origins: Vec<OriginScores>,
}

/// The scores at one origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginScores {
    /// The origin.
    pub origin: Date,
    /// Sums of the scores by date and target.
    pub tallies: Vec<Tally>,
}

impl OriginScores {
    /// Scores forecasts against the published counts of a view, which must be of later days than the forecast.
    pub fn of(forecast: &Forecast, published: &PanelView<'_>) -> Self {
        let mut tallies = Vec::new();
        if let Ok(then) = published.earlier(forecast.as_of()) {
            for target in Target::ALL {
                for ahead in 1..=forecast.horizon() {
                    let mut sums = Sums::default();
                    for place in 0..forecast.locations().len() {
                        let actual = published.counts(place, target).get(then.days() - 1 + ahead);
                        if let Some(&actual) = actual.filter(|actual| !actual.is_nan()) {
                            sums.add_forecast(
                                &forecast.get(place, target, ahead),
                                actual,
                                then.last_count(place, target),
                            );
                        }
                    }
                    let group = Group { date: forecast.date(ahead), horizon: ahead, target, shadow: false };
                    tallies.push(Tally { group, sums });
                }
            }
        }
        Self { origin: forecast.as_of(), tallies }
    }

    fn window(&self) -> Window {
        Window::of(&self.tallies, false)
    }
}

/// Which side of the usual a score may not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Too large.
    Above,
    /// Too small.
    Below,
}

impl Baseline {
    /// A backtest `horizon` days ahead.
    pub fn new(horizon: usize, origins: Vec<OriginScores>) -> Self {
        Self { format_version: FORMAT_VERSION, horizon, origins }
    }

    /// The file of a version.
    ///
    /// # Errors
    /// None that a baseline can cause.
    pub fn to_json(&self) -> Result<Vec<u8>, MonitoringError> {
        serde_json::to_vec(self).map_err(|error| MonitoringError::BaselineFile(error.to_string()))
    }

    /// Reads the file of a version.
    ///
    /// # Errors
    /// If it is not one, or of a newer version.
    pub fn from_json(bytes: &[u8]) -> Result<Self, MonitoringError> {
        let read: Self = serde_json::from_slice(bytes)
            .map_err(|error| MonitoringError::BaselineFile(covid_core::one_line(&error.to_string()).into_owned()))?;
        match read.format_version {
            FORMAT_VERSION => Ok(read),
            other => Err(MonitoringError::BaselineFile(format!("its format version is {other}, not {FORMAT_VERSION}"))),
        }
    }

    /// The headline that the backtest lets expect of a window: by days ahead and target the root mean square over its
    /// origins, weighted as the days ahead are in the window. None without scores of the same days ahead.
    pub fn expected_headline(&self, window: &Window) -> Option<f64> {
        metrics::mean_of_scored(Target::ALL.map(|target| self.expected_rmsle(window, target)))
    }

    fn expected_rmsle(&self, window: &Window, target: Target) -> Option<f64> {
        let all = self.all();
        let (mut squared, mut rows) = (0.0, 0.0);
        for ahead in window.horizons().into_iter().filter(|&ahead| ahead <= self.horizon) {
            let seen = window.horizon(ahead)[target.index()].rows as f64;
            if seen > 0.0 {
                squared += seen * all.horizon(ahead)[target.index()].rmsle()?.powi(2);
                rows += seen;
            }
        }
        (rows > 0.0).then(|| (squared / rows).sqrt())
    }

    /// The headline of one day ahead.
    pub fn headline_at(&self, ahead: usize) -> Option<f64> {
        let of = self.all().horizon(ahead);
        metrics::mean_of_scored([of[0].rmsle(), of[1].rmsle()])
    }

    fn all(&self) -> Window {
        Window::of(self.origins.iter().flat_map(|origin| &origin.tallies), false)
    }

    /// The limit of the headline in a window: what one week in `1 / level` would pass, if weeks were like those of the
    /// backtest. It is the prediction limit for one more value of a normal sample (Student's t), on the logarithms of the
    /// origins' headlines as shares of what is expected.
    pub fn headline_limit(&self, window: &Window, level: f64) -> Option<f64> {
        let usual = self.all().headline(self.horizon).filter(|usual| *usual > 0.0)?;
        let share = |origin: &OriginScores| {
            origin.window().headline(self.horizon).filter(|loss| *loss > 0.0).map(|loss| (loss / usual).ln())
        };
        let shares: Vec<f64> = self.origins.iter().filter_map(share).collect();
        Some(self.expected_headline(window)? * prediction_limit(&shares, level, Side::Above)?.exp())
    }

    /// The limit of a score of a window, in the same way, on its own scale.
    pub fn limit(&self, score: impl Fn(&Window) -> Option<f64>, level: f64, side: Side) -> Option<f64> {
        let scores: Vec<f64> = self.origins.iter().filter_map(|origin| score(&origin.window())).collect();
        prediction_limit(&scores, level, side)
    }
}

/// What one more value of a normal sample passes with a chance of `level` (Hahn and Meeker 1991, Statistical Intervals,
/// section 4.7, one-sided).
fn prediction_limit(values: &[f64], level: f64, side: Side) -> Option<f64> {
    if values.len() < FEWEST_ORIGINS {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(1.0 - level);
    let width = t * (variance * (1.0 + 1.0 / n)).sqrt();
    Some(match side {
        Side::Above => mean + width,
        Side::Below => mean - width,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prediction_limit_by_hand() {
        // Mean 3, sd 1.5811, t(0.95; 4) 2.1318, and sqrt(1 + 1/5).
        let limit = prediction_limit(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.05, Side::Above).unwrap();
        assert!((limit - (3.0 + 2.131_846_786 * 2.5f64.sqrt() * 1.2f64.sqrt())).abs() < 1e-6, "{limit}");
        assert_eq!(prediction_limit(&[1.0, 2.0], 0.05, Side::Above), None);
        assert_eq!(prediction_limit(&[2.0; 4], 0.05, Side::Below), Some(2.0));
    }
}
