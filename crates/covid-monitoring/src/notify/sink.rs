//! The sinks: one message at a time, tried as often as the settings say.

use std::fmt;

use covid_core::sha256_hex;
use covid_http::{Call, Client, HttpError, HttpFault};
use serde::{Deserialize, Serialize};

use super::{mail::Mail, message::Message, settings::AlertSettings, slack::Slack, webhook::Webhook};

/// What kind of sink it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SinkKind {
    Webhook,
    Slack,
    Mail,
}

/// One receiver of messages.
#[derive(Debug)]
pub(super) enum Sink {
    Webhook(Webhook),
    Slack(Slack),
    Mail(Mail),
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The receiver said yes.
    Sent,
    /// The receiver may have it, but did not say so; it would not know it again.
    Unsure(String),
    /// The receiver does not have it.
    Failed(String),
}

impl Sink {
    pub(super) fn kind(&self) -> SinkKind {
        match self {
            Self::Webhook(_) => SinkKind::Webhook,
            Self::Slack(_) => SinkKind::Slack,
            Self::Mail(_) => SinkKind::Mail,
        }
    }

    /// Whom people know it by: a host or a mail address.
    pub(super) fn receiver(&self) -> &str {
        match self {
            Self::Webhook(webhook) => webhook.host(),
            Self::Slack(slack) => slack.host(),
            Self::Mail(mail) => mail.receiver(),
        }
    }

    /// SHA-256 of what tells it from others of its kind. A password, which could be guessed from it, is no part of it.
    pub(super) fn address(&self) -> String {
        sha256_hex(match self {
            Self::Webhook(webhook) => webhook.address().as_bytes(),
            Self::Slack(slack) => slack.address().as_bytes(),
            Self::Mail(mail) => mail.receiver().as_bytes(),
        })
    }

    pub(super) async fn send(&self, message: &Message<'_>, settings: &AlertSettings, tries: u32) -> Delivery {
        match self {
            Self::Webhook(webhook) => webhook.send(message, settings, tries).await,
            Self::Slack(slack) => slack.send(message, settings, tries).await,
            Self::Mail(mail) => mail.send(message, settings, tries).await,
        }
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receiver = self.receiver();
        match self {
            Self::Webhook(_) => write!(f, "webhook at {receiver}"),
            Self::Slack(_) => write!(f, "Slack at {receiver}"),
            Self::Mail(_) => write!(f, "mail to {receiver}"),
        }
    }
}

/// Makes the call; if the receiver did not say yes, why.
pub(super) async fn post(call: &Call, settings: &AlertSettings, tries: u32) -> Result<(), HttpError> {
    let client = Client::new(settings.http(tries))?;
    match client.call(call).await {
        Ok(_) => Ok(()),
        // The head of the answer said yes, and nobody needs the rest.
        Err(error) if matches!(error.fault(), HttpFault::CutOff { .. } | HttpFault::TooLarge { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
