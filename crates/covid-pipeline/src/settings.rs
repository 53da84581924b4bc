//! Every setting, as the layers of `covid-cli` give them; each part is checked by the crate that owns it.

use covid_core::{Date, Fault};
use covid_data::{FetchSettings, LoadOptions, Repair};
use covid_flow::{FlowSettings, prefect::PrefectSettings};
use covid_monitoring::{AlertSettings, MonitoringSettings};
use covid_registry::MlflowSettings;
use covid_training::{GateSettings, TrainingError, TrainingSettings};
use serde::Deserialize;

use crate::PipelineError;

/// All settings. `config/default.toml` has one entry for each, with what it means.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Settings {
    /// Where the data come from.
    pub source: String,
    /// Whether counties are kept apart where a source has them.
    pub by_county: bool,
    /// The column of cumulative cases in a long table.
    pub cases_column: Option<String>,
    /// The column of cumulative deaths in a long table.
    pub deaths_column: Option<String>,
    /// The dataset's name; by default the source's own.
    pub dataset: Option<String>,
    /// The as-of date; by default the source's last.
    pub as_of: Option<Date>,
    /// Where predictions are kept.
    pub store: String,
    /// Where experiments and models are kept; by default beside the store.
    pub tracking: Option<String>,
    /// What models see of the counts.
    pub repair: Repair,
    /// Where the source `jhu` is downloaded from and to.
    pub fetch: FetchSettings,
    /// How an MLflow server is spoken to.
    pub mlflow: MlflowSettings,
    /// How candidates are tuned, calibrated and compared.
    pub training: TrainingSettings,
    /// When a candidate may replace the champion.
    pub gate: GateSettings,
    /// What is predicted.
    pub prediction: PredictionSettings,
    /// What monitoring shows.
    pub monitoring: MonitoringSettings,
    /// Who is told of alerts.
    pub alerts: AlertSettings,
    /// When the loop acts.
    pub delivery: DeliverySettings,
    /// How patient flows are, and how this machine's schedules are kept.
    pub flow: FlowSettings,
    /// How a Prefect server is spoken to.
    pub prefect: PrefectSettings,
}

/// What is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct PredictionSettings {
    /// Days ahead.
    pub horizon: usize,
    /// Parts into which the locations are split.
    pub shards: usize,
}

/// When the loop acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct DeliverySettings {
    /// Whether it trains a challenger when a rule says so.
    pub retrain: bool,
    /// Whether it lets the gate replace the champion.
    pub promote: bool,
    /// Days after a training in which it does not train again.
    pub cooldown_days: usize,
}

impl Settings {
    /// How the source is to be read.
    pub(crate) fn load_options(&self) -> LoadOptions {
        LoadOptions {
            by_county: self.by_county,
            cases_column: self.cases_column.clone(),
            deaths_column: self.deaths_column.clone(),
            as_of: self.as_of,
        }
    }

    /// The settings, if every part is within its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn checked(self) -> Result<Self, Fault> {
        self.fetch.checked()?;
        self.mlflow.checked()?;
        self.training.checked()?;
        self.gate.checked()?;
        TrainingError::check_horizon(self.prediction.horizon)?;
        self.monitoring.checked()?;
        self.alerts.checked()?;
        self.flow.clone().checked()?;
        self.prefect.clone().checked()?;
        covid_prediction::check_shards(self.prediction.shards)?;
        let days = self.delivery.cooldown_days;
        if days > 365 {
            let (name, range) = ("delivery.cooldown_days", "from 0 to 365");
            return Err(PipelineError::BadSetting { name, range, value: days.to_string() }.into());
        }
        Ok(self)
    }
}

/// An ISO date that a person typed as the value of `name`.
///
/// # Errors
/// If it is not a date.
pub fn parse_date(name: &'static str, text: &str) -> Result<Date, Fault> {
    let bad = |_| PipelineError::BadSetting { name, range: "a date like 2020-04-01", value: text.to_owned() };
    Ok(text.parse().map_err(bad)?)
}
