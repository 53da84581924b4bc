//! The backend of an MLflow server, by its REST interface.

mod api;
mod artifacts;
mod logged_model;
mod models;
mod runs;
mod settings;
mod trail;
mod wire;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use covid_http::HttpUrl;

pub use self::settings::MlflowSettings;
use self::{api::Api, runs::Place};
use crate::{Registry, RegistryError};

/// Tracker and model registry of an MLflow server.
///
/// It keeps MLflow's own forms, so that MLflow's pages and clients show them: a model is a logged model, a dataset an
/// input of its run, the champion an alias. What MLflow has no form for are tags whose keys start with `covid.`.
///
/// MLflow has no transactions. Several calls make one step, in an order in which a step that is cut off is finished by
/// the next one. In particular the alias `champion` alone decides who is champion: the stages `Production` and
/// `Archived` follow it, and are put right at the next look at the versions; after a promotion the alias is read back.
#[derive(Debug, Clone)]
pub struct MlflowRegistry {
    api: Api,
    known: Arc<Mutex<Known>>,
}

/// What never changes of what was seen: it need not be asked for again.
#[derive(Debug, Default)]
struct Known {
    experiments: HashMap<String, String>,
    places: HashMap<String, Place>,
}

impl MlflowRegistry {
    /// The server at an address; nothing is sent to it yet.
    ///
    /// # Errors
    /// [`RegistryError::BadSetting`].
    pub fn new(address: HttpUrl, settings: &MlflowSettings) -> Result<Self, RegistryError> {
        settings.checked()?;
        Ok(Self { api: Api::new(address, settings)?, known: Arc::default() })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry for MlflowRegistry {
    fn uri(&self) -> String {
        self.api.uri()
    }
}
