//! Calls of a service: a request with a body that fits in memory, and an answer that does.

use std::fmt;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Response, header};
use serde_json::Value;
use tokio::time;

use crate::{Client, HttpError, HttpFault, HttpUrl, Said, headers::retry_after, said::Secrets};

/// The largest answer that is taken unless a call says otherwise, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// What is kept of the body of an answer that says no, in bytes.
const MAX_REFUSAL: u64 = 64 << 10;

/// A request to a service.
#[derive(Clone)]
pub struct Call {
    method: Method,
    url: HttpUrl,
    headers: Vec<(&'static str, String)>,
    body: Option<(&'static str, Bytes)>,
    repeats: Repeats,
    max_bytes: u64,
}

/// After which failures a call is made again.
#[derive(Debug, Clone, Copy)]
enum Repeats {
    /// After every one that may pass.
    Always,
    /// After one that says no, or where the server was not reached.
    Refused,
    /// Where the server did surely not begin.
    Undone,
}

impl Repeats {
    fn allow(self, fault: &HttpFault) -> bool {
        match self {
            Self::Always => true,
            Self::Refused => matches!(fault, HttpFault::Status { .. }) || fault.is_surely_undone(),
            Self::Undone => fault.is_surely_undone(),
        }
    }
}

impl Call {
    /// Reads.
    pub fn get(url: HttpUrl) -> Self {
        Self::new(Method::GET, url)
    }

    /// Asks for something to be done.
    pub fn post(url: HttpUrl) -> Self {
        Self::new(Method::POST, url)
    }

    /// Writes a whole.
    pub fn put(url: HttpUrl) -> Self {
        Self::new(Method::PUT, url)
    }

    /// Changes a part.
    pub fn patch(url: HttpUrl) -> Self {
        Self::new(Method::PATCH, url)
    }

    /// Removes.
    pub fn delete(url: HttpUrl) -> Self {
        Self::new(Method::DELETE, url)
    }

    fn new(method: Method, url: HttpUrl) -> Self {
        let (headers, repeats) = (Vec::new(), Repeats::Always);
        Self { method, url, headers, body: None, repeats, max_bytes: MAX_BYTES }
    }

    /// Sends a document.
    pub fn json(self, document: &Value) -> Self {
        self.json_bytes(document.to_string().into())
    }

    /// Sends a document to the byte as it was written, since somebody signed it, say.
    pub fn json_bytes(self, document: Bytes) -> Self {
        Self { body: Some(("application/json", document)), ..self }
    }

    /// Sends bytes.
    pub fn bytes(self, bytes: Bytes) -> Self {
        Self { body: Some(("application/octet-stream", bytes)), ..self }
    }

    /// Sends a header. Its value is not shown.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn header_values(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(_, value)| value.as_str())
    }

    /// Says that doing it twice is not the same as once: it is tried again only where it was surely not done, and
    /// [`HttpError::may_be_done`] tells the caller of the rest.
    pub fn once(self) -> Self {
        Self { repeats: Repeats::Undone, ..self }
    }

    /// The same for a service that did nothing if it says no, whatever the status: it is tried again after an answer that
    /// may pass, but not where none came.
    pub fn once_unless_refused(self) -> Self {
        Self { repeats: Repeats::Refused, ..self }
    }

    /// Takes an answer of at most so many bytes.
    pub fn at_most(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} {})", self.method, self.url)
    }
}

impl Client {
    /// Makes a call, and gives the body of the answer if it says yes (2xx).
    ///
    /// A try that fails in a way that may pass is repeated, as the settings say.
    ///
    /// # Errors
    /// If the last try failed, or one that makes no further try worth while; a service that says no has its reasons in
    /// [`HttpFault::Status`].
    pub async fn call(&self, call: &Call) -> Result<Bytes, HttpError> {
        let mut tries = self.tries();
        loop {
            let fault = match self.try_call(call).await {
                Ok(body) => return Ok(body),
                Err(fault) => fault,
            };
            let wait = tries.after(&fault).filter(|_| call.repeats.allow(&fault));
            let Some(wait) = wait else {
                return Err(HttpError::new("call", call.url.to_string(), tries.made(), fault));
            };
            tracing::info!("`{}`: {fault}; trying again", call.url);
            time::sleep(wait).await;
        }
    }

    async fn try_call(&self, call: &Call) -> Result<Bytes, HttpFault> {
        let limit = self.settings().try_timeout;
        match time::timeout(limit, self.exchange(call)).await {
            Ok(ended) => ended,
            Err(_) => Err(HttpFault::Timeout { what: "the whole answer did not come", limit }),
        }
    }

    async fn exchange(&self, call: &Call) -> Result<Bytes, HttpFault> {
        let builder = self.request(call.method.clone(), &call.url);
        let builder = call.headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value));
        let fault = |error| HttpFault::of(error, self.settings());
        let request = with_body(builder, call.body.as_ref()).build().map_err(fault)?;
        let secrets = Secrets::of(&request, &call.url, Some(call));
        let response = self.for_address(&call.url).execute(request).await.map_err(fault)?;
        if response.status().is_success() {
            return self.whole_answer(response, call.max_bytes).await;
        }
        let (code, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        // What a refusal says is a courtesy: one that is cut off or too long is still a refusal.
        let body = self.whole_answer(response, MAX_REFUSAL).await.unwrap_or_default();
        Err(HttpFault::Status { code, retry_after, said: Said::new(body, secrets) })
    }

    async fn whole_answer(&self, mut response: Response, limit: u64) -> Result<Bytes, HttpFault> {
        let expected = response.content_length();
        if expected.is_some_and(|expected| expected > limit) {
            return Err(HttpFault::TooLarge { limit });
        }
        let mut body = Vec::new();
        let cut = |error: reqwest::Error, received: usize| match error.is_timeout() {
            true => HttpFault::of(error, self.settings()),
            false => HttpFault::CutOff { received: received as u64, expected },
        };
        while let Some(chunk) = response.chunk().await.map_err(|error| cut(error, body.len()))? {
            body.extend_from_slice(&chunk);
            if body.len() as u64 > limit {
                return Err(HttpFault::TooLarge { limit });
            }
        }
        Ok(body.into())
    }
}

fn with_body(builder: RequestBuilder, body: Option<&(&'static str, Bytes)>) -> RequestBuilder {
    match body {
        Some((kind, bytes)) => builder.header(header::CONTENT_TYPE, *kind).body(bytes.clone()),
        None => builder,
    }
}
