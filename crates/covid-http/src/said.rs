//! What a server says, without the secrets that the request to it held: a server may echo them.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use covid_core::REDACTED;
use reqwest::{Request, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Call, HttpUrl};

/// The body of an answer that says no. Nothing of it can be had or shown with a secret of the request in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Said(Arc<Answer>);

#[derive(Default, PartialEq, Eq)]
struct Answer {
    body: Bytes,
    secrets: Secrets,
}

impl Said {
    pub(crate) fn new(body: Bytes, secrets: Secrets) -> Self {
        Self(Arc::new(Answer { body, secrets }))
    }

    /// What it says as a document, if it is such a one.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        let mut document = serde_json::from_slice(&self.0.body).ok()?;
        self.0.secrets.leave_out_of(&mut document);
        serde_json::from_value(document).ok()
    }

    /// What it says as text.
    pub fn text(&self) -> String {
        self.0.secrets.redact(&String::from_utf8_lossy(&self.0.body))
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Said({} bytes)", self.0.body.len())
    }
}

/// What of a request no message may show.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Those of a request that is ready to be sent to an address: who asks, as it is written there and as it was given, and
    /// what the address and the call hide.
    pub(crate) fn of(request: &Request, url: &HttpUrl, call: Option<&Call>) -> Self {
        let mut secrets = url.secrets();
        secrets.extend(call.into_iter().flat_map(Call::header_values).map(str::to_owned));
        let who = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some((scheme, who)) = who.and_then(|value| value.split_once(' ')) {
            let decoded = STANDARD.decode(who).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            if let Some((_, password)) =
                decoded.as_deref().filter(|_| scheme == "Basic").and_then(|it| it.split_once(':'))
            {
                secrets.push(password.to_owned());
            }
            // Some write Base64 without the signs at its end.
            secrets.push(who.trim_end_matches('=').to_owned());
        }
        secrets.retain(|secret| !secret.is_empty());
        // As a quotation has them, such as the reason why a document cannot be read.
        let escaped: Vec<String> = secrets.iter().map(|secret| secret.escape_debug().to_string()).collect();
        secrets.extend(escaped);
        // One may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    /// A text without them.
    pub(crate) fn redact(&self, text: &str) -> String {
        let (mut safe, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(next) = rest.chars().next() {
            match self.0.iter().find_map(|secret| rest.strip_prefix(secret.as_str())) {
                Some(after) => {
                    safe.push_str(REDACTED);
                    rest = after;
                }
                None => {
                    safe.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        safe
    }

    /// Takes them out of every text of a document.
    fn leave_out_of(&self, document: &mut Value) {
        match document {
            Value::String(text) => *text = self.redact(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.leave_out_of(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.leave_out_of(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(of: &[&str]) -> Secrets {
        Secrets(of.iter().map(|secret| (*secret).to_owned()).collect())
    }

    #[test]
    fn every_secret_goes_once() {
        let secrets = secrets(&["bWU6cmVk", "red"]);
        for (text, safe) in [
            ("Basic bWU6cmVk, me:red", "Basic <redacted>, me:<redacted>"),
            ("redred", "<redacted><redacted>"),
            ("ré d", "ré d"),
            ("", ""),
        ] {
            assert_eq!(secrets.redact(text), safe);
        }
    }

    #[test]
    fn texts_are_redacted_as_they_are_read_and_not_as_they_are_written() {
        let said = |body: &'static str| Said::new(body.into(), secrets(&["a\"b", "key"]));
        let escaped = said(r#"{"key": ["a\"b!", {"key": "xkey"}, 7, null]}"#);
        let read: Value = escaped.json().unwrap();
        assert_eq!(read, serde_json::json!({ "key": ["<redacted>!", { "key": "x<redacted>" }, 7, null] }));
        assert_eq!(said("no document: key").json::<Value>(), None);
        assert_eq!(said("no document: key").text(), "no document: <redacted>");
        assert_eq!(format!("{:?}", said("key")), "Said(3 bytes)");
    }
}
