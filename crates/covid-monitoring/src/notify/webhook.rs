//! Plain JSON to any receiver, signed as the Standard Webhooks specification says.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use covid_core::Timestamp;
use covid_http::{Call, HttpUrl, Secret};
use ring::hmac;
use serde::Serialize;

use super::{
    message::Message,
    settings::{AlertSettings, hidden},
    sink::{Delivery, post},
};
use crate::{Event, MonitoringError, Notice};

/// The version of the body that this program sends.
const FORMAT_VERSION: u64 = 1;

/// A receiver of plain JSON.
#[derive(Debug)]
pub(super) struct Webhook {
    url: HttpUrl,
    /// The address without user, password and the values of the query.
    address: String,
    key: Option<hmac::Key>,
}

/// What is sent: the fields that Standard Webhooks recommends (`type`, `timestamp`, `data`), and who says so.
#[derive(Serialize)]
struct Body<'a> {
    format_version: u64,
    id: &'a str,
    program: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    data: &'a Notice,
}

impl Webhook {
    pub(super) fn new(url: HttpUrl, secret: Option<&Secret>) -> Result<Self, MonitoringError> {
        let key = secret.map(key).transpose()?;
        // Who knows the path may post to it, with many receivers; so it is hidden, but it tells one from another.
        Ok(Self { address: url.to_string(), url: url.with_secret_path(), key })
    }

    pub(super) fn host(&self) -> &str {
        self.url.host()
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// It is tried again also where the receiver may have it, which knows the message by its id.
    pub(super) async fn send(&self, message: &Message<'_>, settings: &AlertSettings, tries: u32) -> Delivery {
        let body = match serde_json::to_vec(&Body::of(message)) {
            Ok(body) => body,
            Err(error) => return Delivery::Failed(error.to_string()),
        };
        let seconds = message.now.as_second().to_string();
        let mut call = Call::post(self.url.clone()).header("webhook-id", message.id);
        if let Some(key) = &self.key {
            call = call.header("webhook-signature", signature(key, message.id, &seconds, &body));
        }
        let call = call.header("webhook-timestamp", seconds).json_bytes(body.into());
        match post(&call, settings, tries).await {
            Ok(()) => Delivery::Sent,
            Err(error) => Delivery::Failed(error.to_string()),
        }
    }
}

impl<'a> Body<'a> {
    fn of(message: &Message<'a>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            id: message.id,
            program: env!("CARGO_PKG_NAME"),
            kind: match message.notice.event {
                Event::Raised => "alert.raised",
                Event::Recovered => "alert.recovered",
            },
            timestamp: message.created_at,
            data: message.notice,
        }
    }
}

/// The key that a secret stands for: what follows `whsec_` is Base64, anything else is taken as it is.
fn key(secret: &Secret) -> Result<hmac::Key, MonitoringError> {
    let text = secret.expose();
    let bytes = match text.strip_prefix("whsec_") {
        Some(base64) => STANDARD.decode(base64).unwrap_or_default(),
        None => text.as_bytes().to_vec(),
    };
    if bytes.is_empty() {
        return Err(hidden("alerts.webhook_secret", "`whsec_` and Base64, or a text without that beginning"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// `v1,` and Base64 of the HMAC over id, time and body, with points between them.
fn signature(key: &hmac::Key, id: &str, seconds: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    [id.as_bytes(), b".", seconds.as_bytes(), b".", body].iter().for_each(|part| context.update(part));
    format!("v1,{}", STANDARD.encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification_s_libraries() {
        // The example in the tests of github.com/standard-webhooks/standard-webhooks.
        let key = key(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signature = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_none_is_refused_and_not_shown() {
        for secret in ["whsec_canary!", "whsec_", ""] {
            let error = key(&Secret::new(secret)).unwrap_err().to_string();
            assert!(error.starts_with("alerts.webhook_secret must be `whsec_` and Base64"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
