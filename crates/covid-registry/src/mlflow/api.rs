//! MLflow's REST interface: calls, pages, and what a refusal means.

use std::future::Future;

use bytes::Bytes;
use covid_http::{Call, Client, HttpError, HttpFault, HttpUrl};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wire::ErrorBody;
use crate::{MlflowSettings, RegistryError};

/// What MLflow says of a thing that is not there.
pub(super) const NOT_FOUND: &str = "RESOURCE_DOES_NOT_EXIST";
/// What MLflow says of a name that is taken.
pub(super) const TAKEN: &str = "RESOURCE_ALREADY_EXISTS";
/// What MLflow says of a value that it does not take, and of an alias that is not there.
pub(super) const BAD_VALUE: &str = "INVALID_PARAMETER_VALUE";

/// The largest artifact that is read, in bytes.
const MAX_ARTIFACT: u64 = 4 << 30;

/// Calls one server.
#[derive(Debug, Clone)]
pub(super) struct Api {
    client: Client,
    base: HttpUrl,
    tries: u32,
}

/// Why a call brought nothing, and MLflow's word for it where it has one.
pub(super) struct Refusal {
    code: String,
    pub(super) may_be_done: bool,
    error: RegistryError,
}

impl Refusal {
    pub(super) fn is(&self, code: &str) -> bool {
        self.code == code
    }
}

impl From<Refusal> for RegistryError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

impl Api {
    pub(super) fn new(base: HttpUrl, settings: &MlflowSettings) -> Result<Self, RegistryError> {
        let client = Client::new(settings.http())?;
        let client = match settings.credentials() {
            Some(credentials) => client.with_credentials(credentials),
            None => client,
        };
        Ok(Self { client, base, tries: settings.tries })
    }

    /// The server's address, without its secrets.
    pub(super) fn uri(&self) -> String {
        self.base.to_string()
    }

    fn url(&self, path: &str) -> HttpUrl {
        self.base.join("api/2.0/mlflow").join(path)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Refusal> {
        let url = query.iter().fold(self.url(path), |url, (name, value)| url.with_query(name, value));
        self.json(&Call::get(url)).await
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Refusal> {
        self.json(&Call::post(self.url(path)).json(body)).await
    }

    pub(super) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Refusal> {
        self.json(&Call::patch(self.url(path)).json(body)).await
    }

    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Refusal> {
        self.json(&Call::delete(self.url(path)).json(body)).await
    }

    /// Creates what a repeated call would create twice. Where a try may have been done although no answer came, `find`
    /// looks for the thing before the next try. (A request that is still under way then can make a second one; nothing
    /// in MLflow could prevent that.)
    pub(super) async fn create<T, F>(
        &self,
        path: &str,
        body: &Value,
        find: impl Fn() -> F + Send + Sync,
    ) -> Result<T, RegistryError>
    where
        T: DeserializeOwned,
        F: Future<Output = Result<Option<T>, RegistryError>> + Send,
    {
        let call = Call::post(self.url(path)).json(body).once();
        for _ in 1..self.tries {
            match self.json(&call).await {
                Err(refusal) if refusal.may_be_done => {
                    tracing::info!("{}; looking whether it was done", refusal.error);
                    if let Some(found) = find().await? {
                        return Ok(found);
                    }
                }
                answer => return Ok(answer?),
            }
        }
        Ok(self.json(&call).await?)
    }

    /// Writes a file; `place` is its path in the server's artifact store.
    pub(super) async fn put_file(&self, place: &str, bytes: Bytes) -> Result<(), Refusal> {
        let call = Call::put(self.file(place)).bytes(bytes);
        self.client.call(&call).await.map(|_| ()).map_err(|error| self.refusal(error))
    }

    /// Reads a file.
    pub(super) async fn get_file(&self, place: &str) -> Result<Bytes, Refusal> {
        let call = Call::get(self.file(place)).at_most(MAX_ARTIFACT);
        self.client.call(&call).await.map_err(|error| self.refusal(error))
    }

    /// What is in a folder.
    pub(super) async fn list_files<T: DeserializeOwned>(&self, place: &str) -> Result<T, Refusal> {
        let url = self.base.join("api/2.0/mlflow-artifacts/artifacts").with_query("path", place);
        self.json(&Call::get(url)).await
    }

    fn file(&self, place: &str) -> HttpUrl {
        self.base.join("api/2.0/mlflow-artifacts/artifacts").join(place)
    }

    async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Refusal> {
        let body = self.client.call(call).await.map_err(|error| self.refusal(error))?;
        serde_json::from_slice(&body).map_err(|error| Refusal {
            code: String::new(),
            may_be_done: false,
            error: RegistryError::NotMlflow { uri: self.uri(), cause: error.to_string() },
        })
    }

    fn refusal(&self, error: HttpError) -> Refusal {
        let may_be_done = error.may_be_done();
        let HttpFault::Status { code: status, body, .. } = error.fault() else {
            return Refusal { code: String::new(), may_be_done, error: error.into() };
        };
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(said) => {
                let message = first_line(&said.message);
                let error = RegistryError::Refused { code: said.error_code.clone(), message, cause: Box::new(error) };
                Refusal { code: said.error_code, may_be_done, error }
            }
            Err(_) if matches!(status, 404 | 405) => {
                let cause = error.to_string();
                let error = RegistryError::NotMlflow { uri: self.uri(), cause };
                Refusal { code: String::new(), may_be_done, error }
            }
            Err(_) => Refusal { code: String::new(), may_be_done, error: error.into() },
        }
    }
}

/// A server's explanation, without the statement and the stack of calls that may follow it.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(500).collect()
}
