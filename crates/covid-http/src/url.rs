//! Addresses, whose secrets are not shown.

use std::{fmt, str::FromStr};

use covid_core::{REDACTED, redact};
use reqwest::Url;

use crate::{HttpError, HttpFault};

/// An address of the web, `http` or `https`.
///
/// It is shown ([`fmt::Display`], [`fmt::Debug`]) without user, password, fragment, and the values of the query: no list
/// of the names that hold a token is ever complete. [`HttpUrl::with_secret_path`] hides the path, too.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl {
    url: Url,
    /// Pairs of the query that are a part of the address as it was given.
    given_pairs: usize,
    has_secret_path: bool,
}

impl HttpUrl {
    /// The address of what lies below this one. The parts of `path` stand between slashes; the query stays.
    pub fn join(&self, path: &str) -> Self {
        let mut joined = self.clone();
        // An address with a host, as this is, has a path that can be added to.
        if let Ok(mut segments) = joined.url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        joined
    }

    /// The same address with a pair added to its query.
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The same address, whose path is a secret: who knows it may write there. It is shown as its host alone.
    pub fn with_secret_path(self) -> Self {
        Self { has_secret_path: true, ..self }
    }

    /// Its host.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether it names a user.
    pub(crate) fn has_user(&self) -> bool {
        !self.url.username().is_empty() || self.url.password().is_some()
    }

    /// Whether it leads to this machine itself.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// What a message must not repeat: values of the query that was given, in which a token may be, and a secret path. (The
    /// user and password are sent as a header.)
    pub(crate) fn secrets(&self) -> Vec<String> {
        let given = self.url.query_pairs().take(self.given_pairs);
        // A value without a name may be a token itself.
        let values = given.map(|(name, value)| if value.is_empty() { name } else { value }.into_owned());
        let path = self.has_secret_path.then(|| self.url.path().trim_matches('/').to_owned());
        values.chain(path).collect()
    }

    pub(crate) fn as_url(&self) -> &Url {
        &self.url
    }
}

impl FromStr for HttpUrl {
    type Err = HttpError;

    fn from_str(text: &str) -> Result<Self, HttpError> {
        let bad = |reason: String| {
            HttpError::new("use", redact(text).escape_debug().to_string(), 0, HttpFault::BadUrl { reason })
        };
        let url = Url::parse(text).map_err(|error| bad(error.to_string()))?;
        match url.scheme() {
            "http" | "https" => Ok(Self { given_pairs: url.query_pairs().count(), url, has_secret_path: false }),
            scheme => Err(bad(format!("its scheme is `{scheme}`, not `http` or `https`"))),
        }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.url;
        write!(f, "{}://", url.scheme())?;
        if !url.username().is_empty() || url.password().is_some() {
            write!(f, "{REDACTED}@")?;
        }
        f.write_str(self.host())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        if self.has_secret_path {
            return write!(f, "/{REDACTED}");
        }
        f.write_str(url.path())?;
        for (index, pair) in url.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            match pair.split_once('=') {
                Some((name, _)) => write!(f, "{separator}{name}={REDACTED}")?,
                // A value without a name may be a token itself.
                None => write!(f, "{separator}{REDACTED}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<HttpUrl>().unwrap().to_string()
    }

    #[test]
    fn no_secret_is_shown() {
        assert_eq!(shown("https://me:secret@host.example:8443/a/b"), "https://<redacted>@host.example:8443/a/b");
        assert_eq!(shown("http://token@[::1]:80/"), "http://<redacted>@[::1]/");
        assert_eq!(
            shown("http://h/x?token=abc&abc&X-Amz-Signature=1#secret"),
            "http://h/x?token=<redacted>&<redacted>&X-Amz-Signature=<redacted>"
        );
        let url: HttpUrl = "https://me:secret@host/x?token=secret".parse().unwrap();
        assert_eq!(format!("{url:?}"), "HttpUrl(https://<redacted>@host/x?token=<redacted>)");
        let url = url.with_secret_path().join("y").with_query("z", "1");
        assert_eq!(
            format!("{url} {url:?}"),
            "https://<redacted>@host/<redacted> HttpUrl(https://<redacted>@host/<redacted>)"
        );
    }

    #[test]
    fn no_secret_of_a_bad_address_is_shown() {
        for (text, shown) in [
            ("ftp://me:secret@host/x?token=secret", "`ftp://<redacted>@host/x?<redacted>`"),
            ("me:secret@host", "`<redacted>@host`"),
            ("http://me:sec?ret@host", "`http://<redacted>@host`"),
            ("http://me:secret@:99999999/", "`http://<redacted>@:99999999/`"),
        ] {
            let error = text.parse::<HttpUrl>().unwrap_err().to_string();
            assert!(error.contains(shown) && !error.contains("secret") && !error.contains("sec?"), "{error}");
        }
    }

    #[test]
    fn a_bad_address_is_shown_in_one_line() {
        let error = "me@\nhost".parse::<HttpUrl>().unwrap_err().to_string();
        assert!(error.contains("`<redacted>@\\nhost`"), "{error}");
    }

    #[test]
    fn a_path_is_joined_before_the_query() {
        let base: HttpUrl = "https://host/a/?token=abc".parse().unwrap();
        assert_eq!(base.join("b/c d.csv").as_url().as_str(), "https://host/a/b/c%20d.csv?token=abc");
        let base: HttpUrl = "https://host".parse().unwrap();
        assert_eq!(base.join("b").as_url().as_str(), "https://host/b");
    }

    #[test]
    fn this_machine_is_known() {
        for (text, is_loopback) in [
            ("http://localhost:5000/x", true),
            ("http://127.0.0.1/", true),
            ("http://[::1]:9/", true),
            ("http://localhost.example/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(text.parse::<HttpUrl>().unwrap().is_loopback(), is_loopback, "{text}");
        }
    }
}
