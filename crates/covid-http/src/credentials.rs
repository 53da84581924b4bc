//! Secrets, and who asks.

use std::fmt;

use reqwest::RequestBuilder;
use serde::Deserialize;

/// A text that is never shown: its `Debug` is a placeholder, and it has no `Display`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether it can stand in a header: without a line's end or another sign of control.
    pub fn fits_a_header(&self) -> bool {
        !self.0.chars().any(char::is_control)
    }

    /// The text itself, for the one who sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// What tells a server who asks. It goes with every request, but not to another host after a redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// `Authorization: Basic`.
    Basic {
        /// The user.
        username: String,
        /// The user's password.
        password: Secret,
    },
    /// `Authorization: Bearer`.
    Bearer(Secret),
}

impl Credentials {
    pub(crate) fn on(&self, builder: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Basic { username, password } => builder.basic_auth(username, Some(password.expose())),
            Self::Bearer(token) => builder.bearer_auth(token.expose()),
        }
    }
}
