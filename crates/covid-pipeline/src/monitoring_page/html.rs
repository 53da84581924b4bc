//! The page for the browser.

use covid_monitoring::{Alert, Blame, Severity};
use covid_report::{HtmlPage, ReportError, Table, Tone, count};

use super::{MonitoringPage, charts, tables};

impl MonitoringPage {
    /// The self-contained page: the verdict first, then what it rests on.
    ///
    /// # Errors
    /// If the dates of the history, or the days ahead, do not rise.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let Self { dataset, as_of, source, verdict, .. } = self;
        let mut page = HtmlPage::headed(&format!("Monitoring of {dataset}, {as_of}"), verdict);
        page.paragraph(&format!("Dataset {dataset}, as of {as_of}, {source}."));
        self.show_alerts(&mut page);
        self.show_history(&mut page)?;
        self.show_horizons(&mut page)?;
        self.show_calibration(&mut page)?;
        self.show_fans(&mut page);
        self.show_worst(&mut page);
        self.show_data(&mut page);
        self.show_champions(&mut page);
        self.show_comparison(&mut page);
        Ok(page.render())
    }

    fn show_alerts(&self, page: &mut HtmlPage) {
        page.heading("Alerts");
        if self.alerts.is_empty() {
            page.note(Tone::Calm, "No alert", "stands.");
        }
        for alert in &self.alerts {
            page.note(tone(alert.severity), &label(alert), &format!("{} (rule {}).", alert.sentence, alert.rule));
        }
    }

    fn show_history(&self, page: &mut HtmlPage) -> Result<(), ReportError> {
        page.heading("Error over time");
        let charts = charts::history(&self.history, &self.champions)?;
        if charts.is_empty() {
            page.paragraph("No forecast has been scored yet.");
            return Ok(());
        }
        page.paragraph(
            "RMSLE, mean of both targets, of the 7 days up to each date, beside that of no change. The band reaches from \
             the usual level, that of the champion's own backtest, to the limit above which an alert is raised.",
        );
        page.charts(&charts);
        Ok(())
    }

    fn show_horizons(&self, page: &mut HtmlPage) -> Result<(), ReportError> {
        page.heading("Error by days ahead");
        let Some(chart) = charts::horizons(&self.horizons)? else {
            page.paragraph("No day ahead has been scored yet.");
            return Ok(());
        };
        page.chart_and_table(&chart, &tables::horizons(&self.horizons));
        Ok(())
    }

    fn show_calibration(&self, page: &mut HtmlPage) -> Result<(), ReportError> {
        page.heading("Calibration");
        let chart = charts::calibration(&self.calibration)?;
        if chart.is_none() && self.calibration.coverage.is_empty() {
            page.paragraph("No interval has been scored yet.");
            return Ok(());
        }
        page.paragraph(
            "Of the published counts, as many should be at or below each quantile as its level says: on the grey line. \
             Above it the forecasts were too high there, below it too low. A count equal to the quantile is at it, so that \
             places where nothing happens lift the line.",
        );
        let coverage = tables::coverage(&self.calibration.coverage);
        match chart {
            Some(chart) if coverage.is_empty() => page.chart(&chart),
            Some(chart) => page.chart_and_table(&chart, &coverage),
            None => page.table(&coverage),
        };
        Ok(())
    }

    fn show_fans(&self, page: &mut HtmlPage) {
        page.heading("Forecasts against what was published");
        let fans = charts::fans(&self.fans);
        if fans.is_empty() {
            page.paragraph("There is no forecast to show yet.");
            return;
        }
        page.paragraph(&format!("Locations to pick from: {}.", count(fans.len() as f64))).fans(&fans);
    }

    fn show_worst(&self, page: &mut HtmlPage) {
        page.heading("Worst locations");
        if self.worst.is_empty() {
            page.paragraph("No location has been scored yet.");
            return;
        }
        page.paragraph(
            "A bias above 0 means that too many were forecast. Where the data have a fault, the error need not be the \
             model's.",
        );
        page.table_of_locations(&tables::worst(&self.worst));
    }

    fn show_data(&self, page: &mut HtmlPage) {
        page.heading("Drift and data quality");
        if !self.drift.is_empty() {
            page.paragraph(
                "The latest counts against those of the champion's training: population stability index, \
                 Kolmogorov-Smirnov statistic, and the size of the effect. With many locations every difference is \
                 significant; its size is what matters.",
            );
        }
        or_sentence(page, &tables::drift(&self.drift), "Nothing was compared with the training data yet.");
        or_sentence(page, &tables::quality(&self.quality), "No fault of the data was found.");
    }

    fn show_champions(&self, page: &mut HtmlPage) {
        page.heading("Champions");
        or_sentence(page, &tables::champions(&self.champions), "There has been no champion yet.");
    }

    fn show_comparison(&self, page: &mut HtmlPage) {
        let Some(comparison) = &self.comparison else { return };
        page.heading("Whether the loop pays");
        page.paragraph(&format!(
            "{} to {}: {} promotions, {} alerts, {} of them false.",
            comparison.from,
            comparison.to,
            count(comparison.promotions as f64),
            count(comparison.alerts as f64),
            count(comparison.false_alarms as f64)
        ));
        page.table(&tables::comparison(comparison));
    }
}

/// A table, or what there is to say instead of one without a row.
fn or_sentence(page: &mut HtmlPage, table: &Table, sentence: &str) {
    if table.is_empty() {
        page.paragraph(sentence);
    } else {
        page.table(table);
    }
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Notice => Tone::Calm,
        Severity::Warning => Tone::Warning,
        Severity::Critical => Tone::Alarm,
    }
}

/// `Critical, the model, since 2022-03-01:`.
fn label(alert: &Alert) -> String {
    let severity = match alert.severity {
        Severity::Notice => "Notice",
        Severity::Warning => "Warning",
        Severity::Critical => "Critical",
    };
    let blame = match alert.blame {
        Blame::Model => "the model",
        Blame::Data => "the data",
        Blame::Age => "the model's age",
    };
    format!("{severity}, {blame}, since {}:", alert.since)
}
