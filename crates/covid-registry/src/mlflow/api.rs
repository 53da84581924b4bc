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

/// A page of what a search finds.
pub(super) trait Page: DeserializeOwned + Send {
    type Item: Send;

    /// What is on it, and the token of the next page; an empty one on the last.
    fn into_parts(self) -> (Vec<Self::Item>, String);
}

/// Calls one server.
#[derive(Debug, Clone)]
pub(super) struct Api {
    client: Client,
    base: HttpUrl,
}

/// Why a call brought nothing, and MLflow's word for it where it has one.
pub(super) struct Refusal {
    code: String,
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
        Ok(Self { client, base })
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
    /// looks for the thing before the next try, after the wait that calls have between their tries. (A request that is
    /// still under way then can make a second one; nothing in MLflow could prevent that.)
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
        let mut tries = self.client.tries();
        loop {
            let error = match self.client.call(&call).await {
                Ok(answer) => return self.read(&answer),
                Err(error) => error,
            };
            let wait = tries.after(error.fault()).filter(|_| error.may_be_done());
            let Some(wait) = wait else { return Err(self.refusal(error).into()) };
            tracing::info!("{error}; looking whether it was done");
            tokio::time::sleep(wait).await;
            if let Some(found) = find().await? {
                return Ok(found);
            }
        }
    }

    /// Everything that a search finds, page by page.
    pub(super) async fn get_all<P: Page>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<P::Item>, RegistryError> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = token.as_deref().map(|token| ("page_token", token));
            let query: Vec<_> = query.iter().copied().chain(page).collect();
            let (items, next) = self.get::<P>(path, &query).await?.into_parts();
            found.extend(items);
            token = self.next_page(token.as_deref(), next)?;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// The token of the next page, if there is one: a search that led from a page to itself would never end.
    pub(super) fn next_page(&self, this: Option<&str>, next: String) -> Result<Option<String>, RegistryError> {
        if this == Some(next.as_str()) && !next.is_empty() {
            let cause = "it names a page of a search as the next of itself".to_owned();
            return Err(RegistryError::NotMlflow { uri: self.uri(), cause });
        }
        Ok(Some(next).filter(|next| !next.is_empty()))
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
        self.read(&body).map_err(|error| Refusal { code: String::new(), error })
    }

    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, RegistryError> {
        // What was to be a document may hold anything, and the reason why it is none quotes it.
        let cause = |error: serde_json::Error| self.client.redact(&self.base, &error.to_string());
        let strange = |error| RegistryError::NotMlflow { uri: self.uri(), cause: cause(error) };
        serde_json::from_slice(body).map_err(strange)
    }

    fn refusal(&self, error: HttpError) -> Refusal {
        let HttpFault::Status { code: status, said, .. } = error.fault() else {
            return Refusal { code: String::new(), error: error.into() };
        };
        match said.json::<ErrorBody>() {
            Some(said) => {
                let message = first_line(&said.message);
                let error = RegistryError::Refused { code: said.error_code.clone(), message, cause: Box::new(error) };
                Refusal { code: said.error_code, error }
            }
            None if matches!(status, 404 | 405) => {
                let cause = error.to_string();
                let error = RegistryError::NotMlflow { uri: self.uri(), cause };
                Refusal { code: String::new(), error }
            }
            None => Refusal { code: String::new(), error: error.into() },
        }
    }
}

/// A server's explanation, without the statement and the stack of calls that may follow it.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(500).collect()
}
