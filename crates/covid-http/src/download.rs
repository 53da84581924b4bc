//! Downloads: a body of any size, to a place that may hold the beginning of it.

use std::io;

use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{self, HeaderValue},
};
use tokio::time;

use crate::{
    Client, HttpError, HttpFault, HttpUrl, Said,
    headers::{content_range, retry_after, validators},
    retry::Tries,
};

/// What is to be downloaded.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    /// The address.
    pub url: &'a HttpUrl,
    /// The version that the caller has, if any: then the server is asked for another one alone.
    pub known: Option<&'a Validators>,
    /// The largest body that is taken, in bytes.
    pub max_bytes: u64,
}

/// By what a server knows a version of a body again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag, in its quotation marks.
    pub etag: Option<String>,
    /// When the server says that it was changed.
    pub last_modified: Option<String>,
}

impl Validators {
    /// The tag of exactly these bytes. A weak one (`W/"..."`) may be of others that mean the same.
    fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| etag.starts_with('"'))
    }
}

/// The beginning of a body, from an earlier try or an earlier call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its bytes, at least 1.
    pub bytes: u64,
    /// The version that it is the beginning of.
    pub validators: Validators,
}

/// A place for a body. It keeps what it was given when a try fails, so that the next one can go on from there.
pub trait Sink: Send {
    /// The beginning that is there already.
    fn held(&self) -> Option<Held>;

    /// A body begins anew, in this version. What was held is worth nothing.
    ///
    /// # Errors
    /// If the place cannot be written.
    fn restart(&mut self, validators: &Validators) -> io::Result<()>;

    /// The next bytes.
    ///
    /// # Errors
    /// If they cannot be written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// How a download ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Downloaded {
    /// The server has the version that the caller knows; nothing was received.
    Unchanged,
    /// The sink has the whole body.
    Whole {
        /// Its version.
        validators: Validators,
        /// Bytes that an earlier call had left in the sink and that are part of it; 0 if all came now.
        resumed_from: u64,
    },
}

/// Told how many bytes of a body are there, and how many there will be, if the server says so.
type Progress<'a> = dyn FnMut(u64, Option<u64>) + Send + 'a;

impl Client {
    /// Downloads a body to a sink.
    ///
    /// A try that fails in a way that may pass is repeated, as the settings say; where the server gave the body a strong
    /// tag, only what is missing is asked for. A body that is shorter than the server announced is cut off, never whole.
    ///
    /// # Errors
    /// If the last try failed, or one that makes no further try worth while. The sink has what came until then.
    pub async fn download(
        &self,
        request: Download<'_>,
        sink: &mut dyn Sink,
        progress: &mut Progress<'_>,
    ) -> Result<Downloaded, HttpError> {
        let before = sink.held();
        let mut tries = Tries::new(self.settings());
        let mut may_resume = true;
        loop {
            let fault = match self.attempt(request, may_resume, sink, progress).await {
                Ok(done) => return Ok(kept(done, before.as_ref())),
                Err(fault) => fault,
            };
            if matches!(fault, HttpFault::WrongPart) && may_resume {
                // The server is not to blame, but what is held: the whole is asked for at once, and once.
                may_resume = false;
                continue;
            }
            let Some(wait) = tries.after(&fault) else {
                return Err(HttpError::new("download", request.url.to_string(), tries.made(), fault));
            };
            tracing::info!("`{}`: {fault}; trying again", request.url);
            time::sleep(wait).await;
        }
    }

    /// One try, which ends in time.
    async fn attempt(
        &self,
        request: Download<'_>,
        may_resume: bool,
        sink: &mut dyn Sink,
        progress: &mut Progress<'_>,
    ) -> Result<Downloaded, HttpFault> {
        let limit = self.settings().try_timeout;
        match time::timeout(limit, self.receive(request, may_resume, sink, progress)).await {
            Ok(ended) => ended,
            Err(_) => Err(HttpFault::Timeout { what: "the whole did not come", limit }),
        }
    }

    async fn receive(
        &self,
        request: Download<'_>,
        may_resume: bool,
        sink: &mut dyn Sink,
        progress: &mut Progress<'_>,
    ) -> Result<Downloaded, HttpFault> {
        let held = sink.held().filter(|held| may_resume && held.validators.strong_etag().is_some());
        let builder = resuming(conditional(self.get(request.url), request.known), held.as_ref());
        // The bytes are to be the file's own: a part of a compressed body is of no use.
        let builder = builder.header(header::ACCEPT_ENCODING, "identity");
        let response = builder.send().await.map_err(|error| HttpFault::of(error, self.settings()))?;
        match (response.status(), held) {
            (StatusCode::OK, _) => self.whole(request, response, sink, progress).await,
            (StatusCode::NOT_MODIFIED, _) if request.known.is_some() => Ok(Downloaded::Unchanged),
            (StatusCode::PARTIAL_CONTENT, Some(held)) => self.rest(request, response, held, sink, progress).await,
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(held)) => nothing_missing(&response, held, progress),
            (status, _) => {
                let (code, retry_after) = (status.as_u16(), retry_after(response.headers()));
                Err(HttpFault::Status { code, retry_after, said: Said::default() })
            }
        }
    }

    /// A body from its first byte.
    async fn whole(
        &self,
        request: Download<'_>,
        response: Response,
        sink: &mut dyn Sink,
        progress: &mut Progress<'_>,
    ) -> Result<Downloaded, HttpFault> {
        let validators = validators(&response);
        sink.restart(&validators).map_err(HttpFault::Sink)?;
        let body = Body { received: 0, expected: response.content_length(), limit: request.max_bytes };
        self.pour(response, body, sink, progress).await?;
        Ok(Downloaded::Whole { validators, resumed_from: 0 })
    }

    /// The part of a body that is missing.
    async fn rest(
        &self,
        request: Download<'_>,
        response: Response,
        held: Held,
        sink: &mut dyn Sink,
        progress: &mut Progress<'_>,
    ) -> Result<Downloaded, HttpFault> {
        let range = content_range(response.headers()).filter(|range| range.first == Some(held.bytes));
        let etag = validators(&response).etag;
        let (Some(range), true) = (range, etag.is_none() || etag == held.validators.etag) else {
            return Err(HttpFault::WrongPart);
        };
        let announced = response.content_length().map(|rest| held.bytes.saturating_add(rest));
        let body = Body { received: held.bytes, expected: range.total.or(announced), limit: request.max_bytes };
        self.pour(response, body, sink, progress).await?;
        Ok(Downloaded::Whole { validators: held.validators, resumed_from: held.bytes })
    }

    async fn pour(
        &self,
        mut response: Response,
        mut body: Body,
        sink: &mut dyn Sink,
        progress: &mut Progress<'_>,
    ) -> Result<(), HttpFault> {
        body.check_limit()?;
        progress(body.received, body.expected);
        while let Some(chunk) = response.chunk().await.map_err(|error| self.cut(error, body))? {
            body.received = body.received.saturating_add(chunk.len() as u64);
            body.check_limit()?;
            sink.write(&chunk).map_err(HttpFault::Sink)?;
            progress(body.received, body.expected);
        }
        if body.expected.is_some_and(|expected| expected != body.received) { Err(body.cut_off()) } else { Ok(()) }
    }

    /// A body that stopped: the server was silent for too long, or has gone.
    fn cut(&self, error: reqwest::Error, body: Body) -> HttpFault {
        if error.is_timeout() { HttpFault::of(error, self.settings()) } else { body.cut_off() }
    }
}

/// How much of a body is there.
#[derive(Debug, Clone, Copy)]
struct Body {
    received: u64,
    expected: Option<u64>,
    limit: u64,
}

impl Body {
    fn check_limit(self) -> Result<(), HttpFault> {
        let size = self.received.max(self.expected.unwrap_or(0));
        if size > self.limit { Err(HttpFault::TooLarge { limit: self.limit }) } else { Ok(()) }
    }

    fn cut_off(self) -> HttpFault {
        HttpFault::CutOff { received: self.received, expected: self.expected }
    }
}

/// Asks for another version than the known one.
fn conditional(builder: RequestBuilder, known: Option<&Validators>) -> RequestBuilder {
    let Some(known) = known else { return builder };
    let value = |text: &str| HeaderValue::from_str(text).ok();
    match (known.etag.as_deref().and_then(value), known.last_modified.as_deref().and_then(value)) {
        (Some(etag), _) => builder.header(header::IF_NONE_MATCH, etag),
        (None, Some(date)) => builder.header(header::IF_MODIFIED_SINCE, date),
        (None, None) => builder,
    }
}

/// Asks for what is missing, if it is missing from the version that the server has.
fn resuming(builder: RequestBuilder, held: Option<&Held>) -> RequestBuilder {
    let etag = |held: &Held| held.validators.strong_etag().and_then(|etag| HeaderValue::from_str(etag).ok());
    match held.and_then(|held| Some((held.bytes, etag(held)?))) {
        Some((bytes, etag)) => builder.header(header::RANGE, format!("bytes={bytes}-")).header(header::IF_RANGE, etag),
        None => builder,
    }
}

/// The server has no byte after those held. If it has as many, all were there already: the call that got them ended
/// before it could say so.
fn nothing_missing(response: &Response, held: Held, progress: &mut Progress<'_>) -> Result<Downloaded, HttpFault> {
    let total = content_range(response.headers()).and_then(|range| range.total);
    if total == Some(held.bytes) {
        progress(held.bytes, total);
        Ok(Downloaded::Whole { validators: held.validators, resumed_from: held.bytes })
    } else {
        Err(HttpFault::WrongPart)
    }
}

/// What an earlier call had left counts as resumed; what an earlier try of this call had got does not.
fn kept(done: Downloaded, before: Option<&Held>) -> Downloaded {
    match done {
        Downloaded::Whole { validators, resumed_from } if resumed_from > 0 => {
            let before = before.filter(|held| held.validators == validators).map_or(0, |held| held.bytes);
            Downloaded::Whole { validators, resumed_from: before }
        }
        done => done,
    }
}
