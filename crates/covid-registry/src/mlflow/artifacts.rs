//! A run's files, through the server's artifact store. As MLflow's own client does it, the files of a run's logged model
//! are found below the model's name, too.

use bytes::Bytes;
use covid_storage::{StorageError, check_key};

use super::{MlflowRegistry, api::NOT_FOUND, logged_model::MODEL, wire::FilesAnswer};
use crate::{Artifact, RegistryError};

impl MlflowRegistry {
    pub(super) async fn put_file(&self, run_id: &str, path: &str, bytes: Bytes) -> Result<(), RegistryError> {
        let place = self.place(run_id).await?;
        check_path(path)?;
        Ok(self.api.put_file(&format!("{}/{path}", place.folder), bytes).await?)
    }

    pub(super) async fn get_file(&self, run_id: &str, path: &str) -> Result<Bytes, RegistryError> {
        let place = self.place(run_id).await?;
        check_path(path)?;
        let mut found = self.file_at(&format!("{}/{path}", place.folder)).await?;
        let of_model = path.strip_prefix(MODEL).and_then(|rest| rest.strip_prefix('/'));
        if let (None, Some(rest)) = (&found, of_model) {
            found = match self.model_folder(run_id).await? {
                Some(folder) => self.file_at(&format!("{folder}/{rest}")).await?,
                None => None,
            };
        }
        found.ok_or_else(|| RegistryError::UnknownArtifact { run_id: run_id.to_owned(), path: path.to_owned() })
    }

    pub(super) async fn list_files(&self, run_id: &str) -> Result<Vec<Artifact>, RegistryError> {
        let place = self.place(run_id).await?;
        let mut found = self.files_below(&place.folder).await?;
        if let Some(folder) = self.model_folder(run_id).await? {
            let below = self.files_below(&folder).await?;
            found.extend(below.into_iter().map(|file| Artifact { path: format!("{MODEL}/{}", file.path), ..file }));
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found.dedup_by(|a, b| a.path == b.path);
        Ok(found)
    }

    async fn file_at(&self, place: &str) -> Result<Option<Bytes>, RegistryError> {
        match self.api.get_file(place).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(refusal) if refusal.is(NOT_FOUND) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Every file below a folder, by its path inside it.
    async fn files_below(&self, folder: &str) -> Result<Vec<Artifact>, RegistryError> {
        let mut found = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(inside) = folders.pop() {
            let place = if inside.is_empty() { folder.to_owned() } else { format!("{folder}/{inside}") };
            let answer: FilesAnswer = self.api.list_files(&place).await?;
            for file in answer.files {
                // Paths are told from the folder that was asked for.
                let path = if inside.is_empty() { file.path } else { format!("{inside}/{}", file.path) };
                if file.is_dir {
                    folders.push(path);
                } else {
                    found.push(Artifact { path, size: file.file_size.unsigned_abs() });
                }
            }
        }
        Ok(found)
    }

    /// The folder in the server's artifact store that a URI names.
    pub(super) fn folder_of(&self, run_id: &str, uri: &str) -> Result<String, RegistryError> {
        let served = uri.strip_prefix("mlflow-artifacts:").map(|rest| match rest.strip_prefix("//") {
            // With the server's own address.
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => rest.trim_start_matches('/'),
        });
        match served.map(|path| path.trim_matches('/')).filter(|path| !path.is_empty()) {
            Some(path) => Ok(path.to_owned()),
            None => {
                let place = uri.split_once(':').map_or("none", |(scheme, _)| scheme).to_owned();
                Err(RegistryError::ArtifactsNotServed { run_id: run_id.to_owned(), place })
            }
        }
    }
}

fn check_path(path: &str) -> Result<(), RegistryError> {
    const WHAT: &str = "path of an artifact";
    check_key(path).map_err(|error| {
        let reason = match error {
            StorageError::BadKey { reason, .. } => reason,
            other => other.to_string(),
        };
        RegistryError::BadName { what: WHAT, name: path.to_owned(), reason }
    })
}
