//! The few lines for the terminal.

use std::fmt::Write as _;

use covid_report::{score, sparkline};

use super::{MonitoringPage, tables};

/// Days of the sparkline.
const DAYS: usize = 28;

impl MonitoringPage {
    /// The verdict, a sparkline of the champion's 7-day RMSLE over the last 28 days, and the worst places; without a
    /// line's end after the last row. What is not known is left out.
    pub fn summary_text(&self, worst: usize) -> String {
        let mut text = self.verdict.clone();
        let recent = &self.history[self.history.len().saturating_sub(DAYS)..];
        if let Some(last) = recent.iter().rev().find(|day| day.champion.is_finite()) {
            let values: Vec<f64> = recent.iter().map(|day| day.champion).collect();
            let _ = write!(
                text,
                "\nRMSLE of 7 days, {} days up to {}: {} {} (no change {})",
                recent.len(),
                recent.last().map_or(last.date, |day| day.date),
                sparkline(&values),
                score(last.champion),
                score(last.persistence)
            );
        }
        if !self.worst.is_empty() {
            let shown = &self.worst[..worst.min(self.worst.len())];
            let _ = write!(text, "\n{}", tables::worst(shown));
        }
        text
    }
}
