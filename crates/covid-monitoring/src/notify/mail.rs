//! Mail, by SMTP. Each address is a sink of its own, so that one that is refused keeps no mail from the others.

use std::{
    error::Error as _,
    time::{Duration, UNIX_EPOCH},
};

use covid_core::one_line;
use covid_http::Secret;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    message::{
        Mailbox, Mailboxes,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::Error,
};
use tokio::time;
use url::{Host, Url};

use super::{
    message::Message,
    settings::{AlertSettings, LONGEST_WAIT, hidden},
    sink::Delivery,
};
use crate::MonitoringError;

const URL: &str = "alerts.smtp_url";

/// Who gets mail.
#[derive(Debug)]
pub(super) struct Mail {
    url: Secret,
    /// Host and port, as they were given.
    server: String,
    from: Mailbox,
    to: Mailbox,
    /// The address alone.
    receiver: String,
}

/// What came of one try.
enum Tried {
    Sent,
    Unsure(String),
    Failed { reason: String, may_pass: bool },
}

impl Mail {
    /// One sink for each address.
    pub(super) fn all(
        url: &Secret,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<impl Iterator<Item = Self>, MonitoringError> {
        let server = server(url)?;
        let bad = |name: &str, range, value: Option<&str>| {
            let value = value.map_or("empty".to_owned(), |value| format!("`{}`", value.escape_debug()));
            MonitoringError::OutOfRange { name: name.to_owned(), range, value }
        };
        let sender = from.and_then(|from| from.parse::<Mailbox>().ok());
        let from = sender.ok_or_else(|| bad("alerts.smtp_from", "a mail address where there is a server", from))?;
        let receivers = to.and_then(|to| to.parse::<Mailboxes>().ok()).filter(|to| to.iter().next().is_some());
        let to = receivers
            .ok_or_else(|| bad("alerts.smtp_to", "mail addresses, separated by commas, where there is a server", to))?;
        let url = url.clone();
        Ok(to.into_iter().map(move |to| Self {
            url: url.clone(),
            server: server.clone(),
            from: from.clone(),
            receiver: to.email.to_string(),
            to,
        }))
    }

    pub(super) fn receiver(&self) -> &str {
        &self.receiver
    }

    /// Not every reader of mail knows a message again, so it is not tried again where the server may have it.
    pub(super) async fn send(&self, message: &Message<'_>, settings: &AlertSettings, tries: u32) -> Delivery {
        let mail = match self.compose(message) {
            Ok(mail) => mail,
            Err(reason) => return Delivery::Failed(reason),
        };
        let mut wait = settings.backoff();
        let mut made = 1;
        loop {
            match self.try_once(&mail, settings.timeout()).await {
                Tried::Sent => return Delivery::Sent,
                Tried::Unsure(reason) => return Delivery::Unsure(self.sentence(&reason, made)),
                Tried::Failed { reason, may_pass } if !may_pass || made >= tries => {
                    return Delivery::Failed(self.sentence(&reason, made));
                }
                Tried::Failed { reason, .. } => tracing::info!("{}; trying again", self.sentence(&reason, made)),
            }
            time::sleep(wait).await;
            (wait, made) = (wait.saturating_mul(2).min(LONGEST_WAIT), made + 1);
        }
    }

    fn sentence(&self, reason: &str, tries: u32) -> String {
        let tries = if tries > 1 { format!(" in {tries} tries") } else { String::new() };
        format!("cannot send mail by `{}`{tries}: {reason}", self.server)
    }

    fn compose(&self, message: &Message<'_>) -> Result<lettre::Message, String> {
        let facts: String = message.facts().iter().map(|(name, fact)| format!("{name}: {fact}\n")).collect();
        let mail = lettre::Message::builder()
            .from(self.from.clone())
            .to(self.to.clone())
            .subject(message.title())
            .date(UNIX_EPOCH + Duration::from_secs(message.now.as_second().max(0).unsigned_abs()))
            .message_id(Some(format!("<{}@{}>", message.id, env!("CARGO_PKG_NAME"))))
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
            .header(ContentType::TEXT_PLAIN);
        mail.body(format!("{}\n\n{facts}", message.sentence()))
            .map_err(|error| format!("no mail can be made ({error})"))
    }

    async fn try_once(&self, mail: &lettre::Message, limit: Duration) -> Tried {
        let transport: AsyncSmtpTransport<Tokio1Executor> =
            match AsyncSmtpTransport::<Tokio1Executor>::from_url(self.url.expose()) {
                Ok(builder) => builder.timeout(Some(limit)).build(),
                Err(error) => return Tried::Failed { reason: cause(&error), may_pass: false },
            };
        // First without a mail: what goes wrong up to here, has surely not sent one.
        match time::timeout(limit, transport.test_connection()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Tried::Failed { reason: cause(&error), may_pass: may_pass(&error) },
            Err(_) => {
                return Tried::Failed { reason: format!("{} before it took any mail", silent(limit)), may_pass: true };
            }
        }
        match time::timeout(limit, transport.send(mail.clone())).await {
            Ok(Ok(_)) => Tried::Sent,
            Ok(Err(error)) => judged(&error),
            Err(_) => Tried::Unsure(silent(limit)),
        }
    }
}

/// The failure of a mail on its way.
fn judged(error: &Error) -> Tried {
    match error.status().is_some() || error.is_client() || error.is_tls() {
        true => Tried::Failed { reason: cause(error), may_pass: may_pass(error) },
        false => Tried::Unsure(cause(error)),
    }
}

/// Whether the next try may well succeed.
fn may_pass(error: &Error) -> bool {
    !(error.is_permanent() || error.is_client() || error.is_tls())
}

/// Why it failed. Nothing that the server says is shown but its numbers: a text may have the password in it.
fn cause(error: &Error) -> String {
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    match error.status() {
        Some(code) => format!("the server answered {code}{}", enhanced_code(&said)),
        None if error.is_response() => "the server's answer cannot be understood, or was cut off".to_owned(),
        None => one_line(if said.is_empty() { "no cause is known" } else { &said }).into_owned(),
    }
}

/// The enhanced status code (RFC 3463) at the beginning of an answer: ` 5.1.1` where there is no such mailbox.
fn enhanced_code(said: &str) -> String {
    let code = said.split_whitespace().next().unwrap_or_default();
    let parts: Vec<&str> = code.split('.').collect();
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() == 3 && parts.iter().all(is_number) { format!(" {code}") } else { String::new() }
}

fn silent(limit: Duration) -> String {
    format!("the server did not answer within {} s", limit.as_secs_f64())
}

/// The server of an address that can be used: host and port.
fn server(secret: &Secret) -> Result<String, MonitoringError> {
    let form = "`smtps://USER:PASSWORD@HOST`, `smtp://USER:PASSWORD@HOST:587?tls=required` or `smtp://HOST`";
    let url = Url::parse(secret.expose()).map_err(|_| hidden(URL, form))?;
    // Without the certificates of the public authorities there is no TLS, which is no fault of the address.
    let is_usable =
        AsyncSmtpTransport::<Tokio1Executor>::from_url(secret.expose()).err().is_none_or(|error| error.is_tls());
    let has_user = !url.username().is_empty();
    if !is_usable || has_user != url.password().is_some() {
        return Err(hidden(URL, form));
    }
    let is_safe =
        url.scheme() == "smtps" || url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    if has_user && !is_safe && !is_loopback(&url) {
        return Err(hidden(URL, "`smtps:`, or end with `?tls=required`, where it has a password"));
    }
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{}{port}", url.host_str().unwrap_or_default()))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // A scheme that is not the web's has its addresses taken for names.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}
