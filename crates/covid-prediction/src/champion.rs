//! The registered model of a dataset, and the version that predicts.

use std::borrow::Cow;

use covid_core::{MAX_HORIZON, Panel, PanelView};
use covid_data::{Repair, repair};
use covid_registry::{CHAMPION, ModelVersion, Registry};
use covid_training::{Model, Replay, TrainingSettings};

use crate::PredictionError;

/// Where a tracking run keeps its model file.
pub const MODEL_ARTIFACT: &str = "model/model.json";

/// The registered model of a dataset.
pub fn registered_model_name(dataset: &str) -> String {
    match dataset {
        "jhu" => "covid-predictor".to_owned(),
        other => format!("covid-predictor-{other}"),
    }
}

/// A registered version with its model.
#[derive(Debug, Clone)]
pub struct Champion {
    /// The registered model.
    pub name: String,
    /// The version.
    pub version: u64,
    /// The tracking run that made it.
    pub run_id: String,
    /// What it holds.
    pub model: Model,
}

/// A version as it may be used on a date.
#[derive(Debug)]
pub struct Dated<'a> {
    /// The model: the registered one, or its recipe refitted.
    pub model: Cow<'a, Model>,
    /// `3`, or `3+refit`.
    pub version: String,
}

impl Champion {
    /// The champion of a registered model, if there is one.
    pub async fn find(registry: &dyn Registry, name: &str) -> Result<Option<Self>, PredictionError> {
        match registry.get_version_by_alias(name, CHAMPION).await? {
            Some(version) => Self::load(registry, &version).await.map(Some),
            None => Ok(None),
        }
    }

    /// Any registered version.
    pub async fn load(registry: &dyn Registry, version: &ModelVersion) -> Result<Self, PredictionError> {
        let bytes = registry.get_artifact(&version.run_id, MODEL_ARTIFACT).await?;
        Ok(Self {
            name: version.name.clone(),
            version: version.version,
            run_id: version.run_id.clone(),
            model: Model::from_json(&bytes)?,
        })
    }

    /// The version for the as-of date of a view of published counts: itself, or, for a date before its training, its
    /// recipe refitted on that view.
    pub fn on(
        &self,
        published: PanelView<'_>,
        repair: Repair,
        settings: &TrainingSettings,
    ) -> Result<Dated<'_>, PredictionError> {
        if published.as_of() >= self.model.trained_as_of() {
            return Ok(Dated { model: Cow::Borrowed(&self.model), version: self.version.to_string() });
        }
        let prepare = |view: &PanelView<'_>| prepared(view, repair);
        let replay = Replay::new(published, &prepare, MAX_HORIZON);
        let model = Model::train(&replay, self.model.recipe(), settings)?;
        Ok(Dated { model: Cow::Owned(model), version: format!("{}+refit", self.version) })
    }
}

/// What models see of published counts.
pub(crate) fn prepared(view: &PanelView<'_>, method: Repair) -> Panel {
    repair(view, method).0
}
