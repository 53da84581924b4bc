//! Slack's incoming webhooks.

use covid_http::{Call, HttpError, HttpFault, HttpUrl, Secret};
use serde_json::{Value, json};

use super::{
    message::Message,
    settings::AlertSettings,
    sink::{Delivery, post},
};

/// The most characters of a text in a block.
const MAX_TEXT: usize = 3000;

/// The most characters of a title: enough for a screen's width, far from any limit.
const MAX_TITLE: usize = 200;

/// A channel of Slack's.
#[derive(Debug)]
pub(super) struct Slack {
    url: HttpUrl,
    secret: Secret,
}

impl Slack {
    /// The address twice: as one, and as the secret that it is.
    pub(super) fn new(url: HttpUrl, secret: Secret) -> Self {
        Self { url, secret }
    }

    pub(super) fn host(&self) -> &str {
        self.url.host()
    }

    pub(super) fn address(&self) -> &str {
        self.secret.expose()
    }

    /// Slack does not know a message again, so it is not tried again where Slack may have it.
    pub(super) async fn send(&self, message: &Message<'_>, settings: &AlertSettings, tries: u32) -> Delivery {
        let call = Call::post(self.url.clone()).json(&body(message)).once_unless_refused();
        match post(&call, settings, tries).await {
            Ok(()) => Delivery::Sent,
            Err(error) => match error.fault() {
                HttpFault::Status { .. } => Delivery::Failed(self.refusal(&error)),
                _ if error.may_be_done() => Delivery::Unsure(error.to_string()),
                _ => Delivery::Failed(error.to_string()),
            },
        }
    }

    /// The error with Slack's own word for it, such as `channel_is_archived`.
    fn refusal(&self, error: &HttpError) -> String {
        let HttpFault::Status { said, .. } = error.fault() else { return error.to_string() };
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let word = said.text();
        match word.len() <= 40 && word.bytes().all(is_word) && !self.is_secret(&word) {
            true => format!("{error}: {word}"),
            false => error.to_string(),
        }
    }

    fn is_secret(&self, word: &str) -> bool {
        self.secret.expose().to_lowercase().contains(word)
    }
}

fn body(message: &Message<'_>) -> Value {
    let (title, sentence) =
        (escaped(&message.title(), MAX_TITLE), escaped(&message.sentence(), MAX_TEXT - MAX_TITLE - 10));
    let facts: Vec<String> = message.facts().iter().map(|(name, fact)| format!("{name}: {fact}")).collect();
    json!({
        "text": format!("{title}: {sentence}"),
        "blocks": [
            { "type": "section", "text": { "type": "mrkdwn", "text": format!("*{title}*\n{sentence}") } },
            { "type": "context", "elements": [{ "type": "mrkdwn", "text": escaped(&facts.join(" · "), MAX_TEXT) }] },
        ],
    })
}

/// A text of at most so many characters after its `&`, `<` and `>` were replaced as Slack asks for.
fn escaped(text: &str, limit: usize) -> String {
    let (mut escaped, mut length) = (String::new(), 0);
    for character in text.chars() {
        let mut buffer = [0; 4];
        let piece = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            other => &*other.encode_utf8(&mut buffer),
        };
        length += piece.chars().count();
        if length > limit - 1 {
            escaped.push('…');
            break;
        }
        escaped.push_str(piece);
    }
    escaped
}
