//! The registered model of a dataset, and the version that predicts.

use std::borrow::Cow;

use covid_core::{MAX_HORIZON, Panel, PanelView, sha256_hex};
use covid_data::{Repair, repair};
use covid_registry::{CHAMPION, ModelVersion, Registry, RegistryError};
use covid_training::{Model, Replay, TrainingError, TrainingSettings};

use crate::PredictionError;

/// Where a tracking run keeps its model file.
pub const MODEL_ARTIFACT: &str = "model/model.json";

/// The tag of a version that holds the SHA-256 of its model file.
pub const MODEL_DIGEST_TAG: &str = "model_sha256";

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
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn find(registry: &dyn Registry, name: &str) -> Result<Option<Self>, PredictionError> {
        match registry.get_version_by_alias(name, CHAMPION).await? {
            Some(version) => Self::load(registry, &version).await.map(Some),
            None => Ok(None),
        }
    }

    /// Any registered version.
    ///
    /// # Errors
    /// [`PredictionError::LostModel`] if its file is missing, damaged, or another one than was registered; those of the
    /// registry, and of a file that is too new for this program.
    pub async fn load(registry: &dyn Registry, version: &ModelVersion) -> Result<Self, PredictionError> {
        let lost = |cause: String| PredictionError::LostModel {
            name: version.name.clone(),
            version: version.version,
            run_id: version.run_id.clone(),
            cause,
        };
        let bytes = match registry.get_artifact(&version.run_id, MODEL_ARTIFACT).await {
            Err(RegistryError::UnknownArtifact { .. }) => return Err(lost("is missing".to_owned())),
            read => read?,
        };
        let digest = sha256_hex(&bytes);
        if let Some(registered) = version.tags.get(MODEL_DIGEST_TAG).filter(|registered| **registered != digest) {
            return Err(lost(format!(
                "was changed: its SHA-256 is {digest}, and was {registered} when it was registered"
            )));
        }
        let model = Model::from_json(&bytes).map_err(|error| match error {
            TrainingError::ModelFile(cause) => lost(format!("is damaged: {cause}")),
            error => error.into(),
        })?;
        Ok(Self { name: version.name.clone(), version: version.version, run_id: version.run_id.clone(), model })
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
