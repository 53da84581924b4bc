//! MLflow's messages, as far as they are read here. What is empty is left out of an answer; a whole number may come as a
//! number or as text; a number that JSON cannot hold comes as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::api::Page;
use crate::ModelStage;

#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) error_code: String,
    #[serde(default)]
    pub(super) message: String,
}

/// An answer that says no more than yes.
#[derive(Debug, Deserialize)]
pub(super) struct Done {}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

pub(super) fn pairs(pairs: &[(String, String)]) -> Vec<Pair> {
    pairs.iter().map(|(key, value)| Pair { key: key.clone(), value: value.clone() }).collect()
}

pub(super) fn map(pairs: Vec<Pair>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|pair| (pair.key, pair.value)).collect()
}

#[derive(Debug, Deserialize)]
pub(super) struct ExperimentAnswer {
    pub(super) experiment: WireExperiment,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct WireExperiment {
    pub(super) experiment_id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) lifecycle_stage: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ExperimentsAnswer {
    #[serde(default)]
    pub(super) experiments: Vec<WireExperiment>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

impl Page for ExperimentsAnswer {
    type Item = WireExperiment;

    fn into_parts(self) -> (Vec<WireExperiment>, String) {
        (self.experiments, self.next_page_token)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RunAnswer {
    pub(super) run: WireRun,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunsAnswer {
    #[serde(default)]
    pub(super) runs: Vec<WireRun>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct WireRun {
    pub(super) info: WireRunInfo,
    #[serde(default)]
    pub(super) data: WireRunData,
    #[serde(default)]
    pub(super) outputs: WireOutputs,
}

impl WireRun {
    pub(super) fn has_output(&self, model_id: &str) -> bool {
        self.outputs.model_outputs.iter().any(|output| output.model_id == model_id)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct WireRunInfo {
    pub(super) run_id: String,
    #[serde(default)]
    pub(super) run_name: String,
    pub(super) experiment_id: String,
    pub(super) status: String,
    #[serde(default, deserialize_with = "whole")]
    pub(super) start_time: i64,
    #[serde(default, deserialize_with = "optional_whole")]
    pub(super) end_time: Option<i64>,
    #[serde(default)]
    pub(super) artifact_uri: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct WireRunData {
    #[serde(default)]
    pub(super) params: Vec<Pair>,
    #[serde(default)]
    pub(super) metrics: Vec<WireMetric>,
    #[serde(default)]
    pub(super) tags: Vec<Pair>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct WireOutputs {
    #[serde(default)]
    pub(super) model_outputs: Vec<WireModelOutput>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct WireModelOutput {
    pub(super) model_id: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct WireMetric {
    pub(super) key: String,
    #[serde(default, deserialize_with = "number")]
    pub(super) value: f64,
    #[serde(default, deserialize_with = "whole")]
    pub(super) timestamp: i64,
    #[serde(default, deserialize_with = "whole")]
    pub(super) step: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct MetricsAnswer {
    #[serde(default)]
    pub(super) metrics: Vec<WireMetric>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

impl Page for MetricsAnswer {
    type Item = WireMetric;

    fn into_parts(self) -> (Vec<WireMetric>, String) {
        (self.metrics, self.next_page_token)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct FilesAnswer {
    #[serde(default)]
    pub(super) files: Vec<WireFile>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireFile {
    pub(super) path: String,
    #[serde(default)]
    pub(super) is_dir: bool,
    #[serde(default, deserialize_with = "whole")]
    pub(super) file_size: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct LoggedModelAnswer {
    pub(super) model: WireLoggedModel,
}

#[derive(Debug, Deserialize)]
pub(super) struct LoggedModelsAnswer {
    #[serde(default)]
    pub(super) models: Vec<WireLoggedModel>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct WireLoggedModel {
    pub(super) info: WireLoggedModelInfo,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct WireLoggedModelInfo {
    pub(super) model_id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) artifact_uri: String,
    #[serde(default)]
    pub(super) status: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ModelAnswer {
    pub(super) registered_model: WireModel,
}

#[derive(Debug, Deserialize)]
pub(super) struct ModelsAnswer {
    #[serde(default)]
    pub(super) registered_models: Vec<WireModel>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

impl Page for ModelsAnswer {
    type Item = WireModel;

    fn into_parts(self) -> (Vec<WireModel>, String) {
        (self.registered_models, self.next_page_token)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct WireModel {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) aliases: Vec<WireAlias>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireAlias {
    pub(super) alias: String,
    #[serde(deserialize_with = "whole")]
    pub(super) version: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct VersionAnswer {
    pub(super) model_version: WireVersion,
}

#[derive(Debug, Deserialize)]
pub(super) struct VersionsAnswer {
    #[serde(default)]
    pub(super) model_versions: Vec<WireVersion>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

impl Page for VersionsAnswer {
    type Item = WireVersion;

    fn into_parts(self) -> (Vec<WireVersion>, String) {
        (self.model_versions, self.next_page_token)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct WireVersion {
    pub(super) name: String,
    #[serde(deserialize_with = "whole")]
    pub(super) version: i64,
    #[serde(default, deserialize_with = "whole")]
    pub(super) creation_timestamp: i64,
    #[serde(default, deserialize_with = "whole")]
    pub(super) last_updated_timestamp: i64,
    #[serde(default)]
    pub(super) current_stage: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) source: String,
    #[serde(default)]
    pub(super) run_id: String,
    #[serde(default)]
    pub(super) tags: Vec<Pair>,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
}

impl WireVersion {
    pub(super) fn is_in(&self, stage: ModelStage) -> bool {
        self.current_stage == stage.as_str()
    }

    /// The version's number; MLflow hands out none below 1.
    pub(super) fn number(&self) -> u64 {
        self.version.unsigned_abs()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Real(f64),
    Text(String),
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    match Number::deserialize(deserializer)? {
        Number::Whole(number) => Ok(number),
        Number::Text(text) => text.parse().map_err(D::Error::custom),
        Number::Real(number) => Err(D::Error::custom(format!("{number} is not a whole number"))),
    }
}

fn optional_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    whole(deserializer).map(Some)
}

/// `NaN`, `Infinity` and `-Infinity` come as text; Rust reads these words, too.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Number::deserialize(deserializer)? {
        Number::Whole(number) => Ok(number as f64),
        Number::Real(number) => Ok(number),
        Number::Text(text) => text.parse().map_err(D::Error::custom),
    }
}

/// A metric's value as MLflow takes it.
pub(super) fn json_number(value: f64) -> serde_json::Value {
    if value.is_finite() {
        return value.into();
    }
    match (value.is_nan(), value > 0.0) {
        (true, _) => "NaN".into(),
        (_, true) => "Infinity".into(),
        _ => "-Infinity".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_numbers_or_as_text() {
        let metric = |value: &str| {
            let text = format!(r#"{{"key":"m","value":{value},"timestamp":"7","step":3}}"#);
            serde_json::from_str::<WireMetric>(&text).unwrap()
        };
        assert_eq!((metric("1").value, metric("0.5").value, metric("\"0.5\"").value), (1.0, 0.5, 0.5));
        assert!(metric("\"NaN\"").value.is_nan());
        assert_eq!([metric("\"Infinity\"").value, metric("\"-Infinity\"").value], [f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!((metric("0").timestamp, metric("0").step), (7, 3));
        assert!(serde_json::from_str::<WireMetric>(r#"{"key":"m","value":"many"}"#).is_err());
        for value in [0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(metric(&json_number(value).to_string()).value.total_cmp(&value), std::cmp::Ordering::Equal);
        }
    }

    #[test]
    fn what_is_empty_is_left_out() {
        let run = r#"{"info":{"run_id":"r","experiment_id":"1","status":"RUNNING"}}"#;
        let run: WireRun = serde_json::from_str(run).unwrap();
        assert!(run.data.params.is_empty() && run.info.end_time.is_none());
        assert!(serde_json::from_str::<RunsAnswer>("{}").unwrap().runs.is_empty());
    }
}
