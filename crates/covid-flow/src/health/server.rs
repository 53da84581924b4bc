//! A small HTTP server that says how a process fares.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{Board, HealthStatus};
use crate::FlowError;

/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A pause after a connection that could not be accepted: for want of file handles, say.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `/healthz` (200 or 503, JSON) and `/metrics` (Prometheus) until it is dropped.
#[derive(Debug)]
pub struct HealthServer {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl HealthServer {
    /// Starts to serve; port 0 is any free one.
    ///
    /// # Errors
    /// [`FlowError::NoEndpoint`].
    pub async fn start(address: SocketAddr, board: Arc<Board>) -> Result<Self, FlowError> {
        let no_endpoint = |cause| FlowError::NoEndpoint { address, cause };
        let listener = TcpListener::bind(address).await.map_err(no_endpoint)?;
        let address = listener.local_addr().map_err(no_endpoint)?;
        if !address.ip().is_loopback() {
            tracing::warn!("the health endpoint at {address} can be reached from other machines, without a password");
        }
        Ok(Self { address, serving: tokio::spawn(accept(listener, board)) })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HealthServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, board: Arc<Board>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, board.clone()))),
            Err(error) => {
                tracing::debug!("the health endpoint: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, board: Arc<Board>) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &board);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    // A client that goes away, or takes too long, is no concern of ours.
    let _ = tokio::time::timeout(PATIENCE, connection).await;
}

fn answer(method: &Method, path: &str, board: &Board) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (method, path) {
        (&Method::GET | &Method::HEAD, "/healthz") => health(board),
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", board.metrics())
        }
        (_, "/healthz" | "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "there are /healthz and /metrics\n".to_owned()),
    };
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    answer
}

fn health(board: &Board) -> (StatusCode, &'static str, String) {
    let health = board.health();
    let status = match health.status {
        HealthStatus::Healthy => StatusCode::OK,
        HealthStatus::Failing | HealthStatus::Stalled => StatusCode::SERVICE_UNAVAILABLE,
    };
    // Of strings, numbers and times, so it is a document.
    (status, "application/json", serde_json::to_string_pretty(&health).unwrap_or_default() + "\n")
}
