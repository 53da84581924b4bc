//! What a flow run may be told.

use std::path::{Path, PathBuf, absolute};

use covid_core::{Date, Fault, redact};
use covid_data::Repair;
use covid_flow::schemars::JsonSchema;
use covid_storage::StoreUri;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{PipelineError, Settings, parse_date};

/// The parameters of a flow run. What is left out is as the settings of the process say that runs it.
///
/// They are shown to everybody who may look at the flow runs, so that no secret is among them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(crate = "covid_flow::schemars")]
pub struct Parameters {
    /// Where the data come from: `sample`, `jhu`, or a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The name under which data, predictions and models live; by default after the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The as-of date (YYYY-MM-DD): no later data are used. By default the last date of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// Where predictions and scores are kept: `file:PATH` or `s3://BUCKET/PREFIX`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Where experiments and models are kept: `embedded:PATH` or `http(s)://HOST`, without user and password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// What to do about cumulative counts that fall: `monotone` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<String>,
    /// Days ahead that are predicted, 1 to 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60))]
    pub horizon: Option<usize>,
    /// Parts into which the locations of a prediction are split; under Prefect, each is offered to the work pool as a flow run
    /// of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub shards: Option<usize>,
}

impl Parameters {
    /// What these settings say, for another process, also one in another folder. What they leave open stays open: a dataset that
    /// is named after its source, the last date, a tracker beside the store.
    ///
    /// # Errors
    /// If the store's URI cannot be read.
    pub fn of(settings: &Settings) -> Result<Self, Fault> {
        let place = Place::of(settings)?;
        Ok(Self {
            source: Some(absolute_source(&settings.source)),
            dataset: settings.dataset.clone(),
            as_of: settings.as_of.map(|date| date.to_string()),
            store: place.store,
            tracking: place.tracking,
            repair: Some(settings.repair.to_string()),
            horizon: Some(settings.prediction.horizon),
            shards: Some(settings.prediction.shards),
        })
    }

    /// As the document that schedules and deployments hold.
    pub(crate) fn document(&self) -> Result<Value, Fault> {
        Ok(serde_json::to_value(self).map_err(PipelineError::Json)?)
    }

    /// Without what only this machine has: a source that is a path, a store or a tracker in a folder.
    pub(crate) fn for_any_machine(self) -> Self {
        let elsewhere = |uri: &String| !uri.starts_with("file:") && !uri.starts_with("embedded:");
        Self {
            source: self.source.filter(|source| !Path::new(source).is_absolute()),
            store: self.store.filter(elsewhere),
            tracking: self.tracking.filter(elsewhere),
            ..self
        }
    }

    /// The settings with these parameters over them. What they say already stays as they say it: a relative path, say.
    pub(crate) fn over(self, mut settings: Settings) -> Result<Settings, Fault> {
        let own_source = absolute_source(&settings.source);
        let Self { source, dataset, as_of, store, tracking, repair, horizon, shards } = self;
        settings.source = source.filter(|source| *source != own_source).unwrap_or(settings.source);
        settings.dataset = dataset.or(settings.dataset);
        let as_of: Option<Date> = as_of.map(|text| parse_date("as_of", &text)).transpose()?;
        settings.as_of = as_of.or(settings.as_of);
        settings.repair = repair.map(|text| text.parse::<Repair>()).transpose()?.unwrap_or(settings.repair);
        settings.prediction.horizon = horizon.unwrap_or(settings.prediction.horizon);
        settings.prediction.shards = shards.unwrap_or(settings.prediction.shards);
        Place { store, tracking }.over(settings)
    }
}

/// Where a flow run finds and keeps what others made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) store: Option<String>,
    pub(crate) tracking: Option<String>,
}

impl Place {
    pub(crate) fn of(settings: &Settings) -> Result<Self, Fault> {
        let uri: StoreUri = settings.store.parse()?;
        let store = match uri.folder() {
            Some(folder) => format!("file:{}", absolute_path(folder).display()),
            None => settings.store.clone(),
        };
        Ok(Self { store: Some(store), tracking: settings.tracking.as_deref().and_then(shareable) })
    }

    /// The settings at this place; where that is their own, as they say it.
    pub(crate) fn over(self, mut settings: Settings) -> Result<Settings, Fault> {
        let own = Self::of(&settings)?;
        let differs = (self.store != own.store, self.tracking != own.tracking);
        settings.store = self.store.filter(|_| differs.0).unwrap_or(settings.store);
        settings.tracking = self.tracking.filter(|_| differs.1).or(settings.tracking);
        Ok(settings)
    }
}

/// A tracker as others may be told of it: a file by its whole path, an address with secrets in it not at all.
fn shareable(tracking: &str) -> Option<String> {
    match tracking.strip_prefix("embedded:") {
        Some(path) => Some(format!("embedded:{}", absolute_path(Path::new(path)).display())),
        None => (redact(tracking) == tracking).then(|| tracking.to_owned()),
    }
}

/// A source that is a path, by its whole path. The names of sources are none, whatever folders there are.
fn absolute_source(source: &str) -> String {
    match !["sample", "jhu"].contains(&source) && Path::new(source).exists() {
        true => absolute_path(Path::new(source)).display().to_string(),
        false => source.to_owned(),
    }
}

fn absolute_path(path: &Path) -> PathBuf {
    absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_told() {
        assert_eq!(shareable("http://me:secret@host:5000"), None);
        assert_eq!(shareable("http://host:5000"), Some("http://host:5000".to_owned()));
        assert_eq!(shareable("embedded:/a/tracking.db"), Some("embedded:/a/tracking.db".to_owned()));
    }

    #[test]
    fn a_parameter_that_is_not_known_is_refused() {
        let error = serde_json::from_str::<Parameters>(r#"{"horizn": 7}"#).unwrap_err();
        assert!(error.to_string().contains("horizn"), "{error}");
    }
}
