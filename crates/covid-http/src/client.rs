//! The client: one for many requests.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Method,
    redirect::{Action, Attempt, Policy},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::{Credentials, HttpError, HttpFault, HttpSettings, HttpUrl, retry::Tries, said::Secrets};

const USER_AGENT: &str = concat!("covid-http/", env!("CARGO_PKG_VERSION"));

/// Makes requests, as patiently as its settings say. Cheap to clone; connections are shared by the clones.
#[derive(Debug, Clone)]
pub struct Client {
    settings: HttpSettings,
    outside: reqwest::Client,
    /// Without a proxy, for a proxy's loopback is another machine.
    loopback: reqwest::Client,
    credentials: Option<Credentials>,
}

impl Client {
    /// A client for these settings. It obeys the variables that name a proxy (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`) as
    /// every HTTP client does, but for addresses of this machine.
    ///
    /// # Errors
    /// If the machine's cryptography cannot be set up, which no machine is known to bring about.
    pub fn new(settings: HttpSettings) -> Result<Self, HttpError> {
        let failed = |cause: String| HttpError::new("use", "https:".into(), 0, HttpFault::NoClient { cause });
        let tls = tls().map_err(|error| failed(error.to_string()))?;
        let outside = builder(&settings, tls.clone()).build().map_err(|error| failed(error.to_string()))?;
        let loopback = builder(&settings, tls).no_proxy().build().map_err(|error| failed(error.to_string()))?;
        Ok(Self { settings, outside, loopback, credentials: None })
    }

    /// The same client, which says with every request who asks, unless the address says so itself.
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self { credentials: Some(credentials), ..self }
    }

    /// The tries of something that a caller repeats itself, by these settings.
    pub fn tries(&self) -> Tries<'_> {
        Tries::new(&self.settings)
    }

    /// Its settings.
    pub fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    /// A text that a server at an address may have had a part in, without the secrets that it is sent.
    pub fn redact(&self, url: &HttpUrl, text: &str) -> String {
        match self.request(Method::GET, url).build() {
            Ok(request) => Secrets::of(&request, url, None).redact(text),
            // Without a request no server has said anything.
            Err(_) => text.to_owned(),
        }
    }

    /// A request for what is at an address.
    pub(crate) fn get(&self, url: &HttpUrl) -> reqwest::RequestBuilder {
        self.request(Method::GET, url)
    }

    /// A request to an address.
    pub(crate) fn request(&self, method: Method, url: &HttpUrl) -> reqwest::RequestBuilder {
        let builder = self.for_address(url).request(method, url.as_url().clone());
        match &self.credentials {
            // An address with a user speaks for itself.
            Some(credentials) if !url.has_user() => credentials.on(builder),
            _ => builder,
        }
    }

    pub(crate) fn for_address(&self, url: &HttpUrl) -> &reqwest::Client {
        if url.is_loopback() { &self.loopback } else { &self.outside }
    }
}

fn builder(settings: &HttpSettings, tls: ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .referer(false)
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.idle_timeout)
        // Python's servers close an idle connection after 5 s: one that is used at that moment would be cut.
        .pool_idle_timeout(Duration::from_secs(3))
        .redirect(redirects(settings.redirects))
}

/// TLS with the certificates that the machine trusts. A machine that has none can still reach addresses without TLS; with
/// TLS it is told that the certificate is not trusted.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions()
    };
    Ok(match builder()?.with_platform_verifier() {
        Ok(trusting) => trusting.with_no_client_auth(),
        Err(_) => builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    })
}

/// Why a redirection is not followed.
#[derive(Debug, thiserror::Error)]
enum NotFollowed {
    #[error("none is")]
    Any,
    #[error("more than {0} of them")]
    TooMany(usize),
    #[error("it leads from https to http")]
    Unsafe,
}

fn redirects(limit: usize) -> Policy {
    Policy::custom(move |attempt| follow(attempt, limit))
}

fn follow(attempt: Attempt<'_>, limit: usize) -> Action {
    let is_https = |url: &reqwest::Url| url.scheme() == "https";
    if limit == 0 {
        attempt.error(NotFollowed::Any)
    } else if attempt.previous().len() > limit {
        attempt.error(NotFollowed::TooMany(limit))
    } else if attempt.previous().iter().any(is_https) && !is_https(attempt.url()) {
        attempt.error(NotFollowed::Unsafe)
    } else {
        attempt.follow()
    }
}
