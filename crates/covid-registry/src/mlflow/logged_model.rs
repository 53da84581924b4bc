//! A run's model as MLflow 3 keeps it: a logged model, with files, parameters and metrics of its own.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    MlflowRegistry,
    runs::json_metric,
    wire::{Done, LoggedModelAnswer, LoggedModelsAnswer, WireLoggedModel, WireRun},
};
use crate::{Metric, RegistryError};

/// The name of every logged model: it stands for the run's folder `model`.
pub(super) const MODEL: &str = "model";
const READY: &str = "LOGGED_MODEL_READY";
/// MLflow takes so many parameters of a logged model at once.
const MAX_PARAMS: usize = 100;

impl MlflowRegistry {
    /// Logs a model and gives its address, `models:/m-...`. One that an earlier call began is finished.
    pub(super) async fn log_model_files(
        &self,
        run_id: &str,
        files: &[(String, Bytes)],
    ) -> Result<String, RegistryError> {
        let run = self.wire_run(run_id).await?;
        let model = match self.begun_model(&run).await? {
            Some(begun) => begun,
            None => self.create_model(&run).await?,
        };
        let id = &model.info.model_id;
        let folder = self.folder_of(&run.info.run_id, &model.info.artifact_uri)?;
        for (path, bytes) in files {
            self.api.put_file(&format!("{folder}/{path}"), bytes.clone()).await?;
        }
        if model.info.status != READY {
            let body = json!({ "model_id": id, "status": READY });
            self.api.patch::<Value>(&format!("logged-models/{id}"), &body).await?;
        }
        if !run.has_output(id) {
            self.add_output(&run.info.run_id, id).await?;
        }
        self.give_metrics(&run, id).await?;
        Ok(format!("models:/{id}"))
    }

    async fn add_output(&self, run_id: &str, model_id: &str) -> Result<(), RegistryError> {
        let body = json!({ "run_id": run_id, "models": [{ "model_id": model_id, "step": 0 }] });
        match self.api.post::<Done>("runs/outputs", &body).await {
            Ok(Done {}) => Ok(()),
            // MLflow refuses an output that is there: a try that was cut off may have been carried out.
            Err(_) if self.wire_run(run_id).await?.has_output(model_id) => Ok(()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The folder of a run's model in the server's artifact store.
    pub(super) async fn model_folder(&self, run_id: &str) -> Result<Option<String>, RegistryError> {
        Ok(self.ready_model(run_id).await?.map(|(_, folder)| folder))
    }

    /// The address of a run's model; none if it has none that is ready.
    pub(crate) async fn model_source(&self, run_id: &str) -> Result<Option<String>, RegistryError> {
        Ok(self.ready_model(run_id).await?.map(|(id, _)| format!("models:/{id}")))
    }

    async fn ready_model(&self, run_id: &str) -> Result<Option<(String, String)>, RegistryError> {
        let run = self.wire_run(run_id).await?;
        for output in &run.outputs.model_outputs {
            let path = format!("logged-models/{}", output.model_id);
            let WireLoggedModel { info } = self.api.get::<LoggedModelAnswer>(&path, &[]).await?.model;
            if info.name == MODEL && info.status == READY {
                let folder = self.folder_of(&run.info.run_id, &info.artifact_uri)?;
                return Ok(Some((info.model_id, folder)));
            }
        }
        Ok(None)
    }

    async fn begun_model(&self, run: &WireRun) -> Result<Option<WireLoggedModel>, RegistryError> {
        let body = json!({
            "experiment_ids": [run.info.experiment_id],
            "filter": format!("source_run_id = '{}'", run.info.run_id),
        });
        let answer: LoggedModelsAnswer = self.api.post("logged-models/search", &body).await?;
        Ok(answer.models.into_iter().find(|model| model.info.name == MODEL))
    }

    async fn create_model(&self, run: &WireRun) -> Result<WireLoggedModel, RegistryError> {
        let params = &run.data.params;
        let body = json!({
            "experiment_id": run.info.experiment_id,
            "name": MODEL,
            "source_run_id": run.info.run_id,
            "params": params[..params.len().min(MAX_PARAMS)],
        });
        let answer: LoggedModelAnswer = self
            .api
            .create("logged-models", &body, || async {
                Ok(self.begun_model(run).await?.map(|model| LoggedModelAnswer { model }))
            })
            .await?;
        Ok(answer.model)
    }

    /// The run's metrics are the model's, too: MLflow's page of models shows them.
    async fn give_metrics(&self, run: &WireRun, model_id: &str) -> Result<(), RegistryError> {
        let metrics: Vec<Value> = run
            .data
            .metrics
            .iter()
            .map(|metric| {
                let mut metric = json_metric(&Metric::from(metric.clone()));
                metric["model_id"] = model_id.into();
                metric
            })
            .collect();
        for metrics in metrics.chunks(1000) {
            self.log(json!({ "run_id": run.info.run_id, "metrics": metrics })).await?;
        }
        Ok(())
    }
}
