//! Who is told of an alert: webhook, Slack, mail; each at most once for each cause, event and sink.

mod mail;
mod message;
mod record;
mod settings;
mod sink;
mod slack;
mod webhook;

use std::fmt;

use covid_core::Timestamp;
use covid_storage::{ObjectStore, StorageError};
use serde::Serialize;

pub use self::settings::AlertSettings;
use self::{
    message::Message,
    record::{Claim, Records},
    sink::{Delivery, Sink},
};
use crate::{Event, Notice};

/// What came of telling one sink of one notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The sink, with its host or mail address: `Slack at hooks.slack.com`.
    pub sink: String,
    /// The rule.
    pub rule: String,
    /// What happened to its alert.
    pub event: Event,
    /// What came of it.
    pub outcome: Outcome,
}

/// How the telling ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// The receiver said that it has it.
    Sent,
    /// The receiver may have it, but did not say so. It counts as sent.
    Unsure {
        /// What happened, in one sentence without secrets.
        reason: String,
    },
    /// The receiver does not have it.
    Failed {
        /// Why, in one sentence without secrets.
        reason: String,
        /// Whether the next call tries again.
        is_tried_again: bool,
    },
}

/// Tells every sink of the settings of every notice that it was not told of before, and again of those that failed in
/// earlier calls: at most 10 calls and 7 days. Notices of [`Severity::Notice`](crate::Severity::Notice) are for the report alone.
///
/// A record in the store, `<dataset>/monitoring/notices/<id>.json`, is created before anything is sent, and only who
/// created it sends, however many call this at once; so a notice may be given again and again. If the program ends between
/// the record and its outcome, the notice counts as sent: at most once, and then perhaps never. A sink that fails is
/// tried again as the settings say, but only once a message after a failure in this call, so that a dead one does not keep
/// the run. `now` is to be the present: receivers refuse signatures that are minutes old.
///
/// What came of it is in the order of the sinks; what others sent, or was sent before, is left out. Nothing that a sink or
/// the store does is an error.
pub async fn tell(
    store: &dyn ObjectStore,
    settings: &AlertSettings,
    dataset: &str,
    notices: &[Notice],
    now: Timestamp,
) -> Vec<Told> {
    let loud: Vec<&Notice> = notices.iter().filter(|notice| notice.alert.is_loud()).collect();
    let sinks = match settings.sinks() {
        Ok(sinks) => sinks,
        Err(error) => return loud.iter().map(|notice| Told::new("nobody", notice, Outcome::never(&error))).collect(),
    };
    if sinks.is_empty() {
        return Vec::new();
    }
    let records = Records { store, dataset, now };
    let mut undelivered = records.undelivered().await.unwrap_or_else(|error| {
        tracing::warn!("notices of earlier runs are not sent again: {error}");
        Vec::new()
    });
    let mut told = Vec::new();
    for sink in &sinks {
        let own = |claim: &mut Claim| claim.record.is_for(sink, dataset);
        let failed = undelivered.extract_if(.., own).collect();
        told.extend(Teller { records, settings, sink, tries: settings.tries }.tell(failed, &loud).await);
    }
    told
}

/// Tells one sink.
struct Teller<'a> {
    records: Records<'a>,
    settings: &'a AlertSettings,
    sink: &'a Sink,
    /// Tries of the next message.
    tries: u32,
}

impl Teller<'_> {
    async fn tell(mut self, failed: Vec<Claim>, notices: &[&Notice]) -> Vec<Told> {
        let mut told = Vec::new();
        for failed in failed {
            let notice = failed.record.notice.clone();
            let claimed = self.records.claim_again(failed).await;
            told.extend(self.deliver(&notice, claimed).await);
        }
        for notice in notices {
            let claimed = self.records.claim(self.sink, notice).await;
            told.extend(self.deliver(notice, claimed).await);
        }
        told
    }

    /// Sends what was claimed, and writes down what came of it.
    async fn deliver(&mut self, notice: &Notice, claimed: Result<Option<Claim>, StorageError>) -> Option<Told> {
        let claim = match claimed {
            Ok(claim) => claim?,
            Err(error) => return Some(Told::new(self.sink, notice, Outcome::never(&error))),
        };
        let (id, created_at) = (claim.record.id.clone(), claim.record.created_at);
        let message = Message { id: &id, created_at, now: self.records.now, notice };
        let delivery = self.sink.send(&message, self.settings, self.tries).await;
        let is_tried_again = self.records.settle(claim, &delivery).await;
        if delivery != Delivery::Sent {
            self.tries = 1;
        }
        let outcome = match delivery {
            Delivery::Sent => Outcome::Sent,
            Delivery::Unsure(reason) => Outcome::Unsure { reason },
            Delivery::Failed(reason) => Outcome::Failed { reason, is_tried_again },
        };
        Some(Told::new(self.sink, notice, outcome))
    }
}

impl Told {
    fn new(sink: impl fmt::Display, notice: &Notice, outcome: Outcome) -> Self {
        Self { sink: sink.to_string(), rule: notice.alert.rule.clone(), event: notice.event, outcome }
    }
}

impl Outcome {
    /// Nothing was sent, and nothing is on record.
    fn never(error: &impl fmt::Display) -> Self {
        Self::Failed { reason: error.to_string(), is_tried_again: false }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sink, rule, event, outcome } = self;
        write!(f, "`{rule}` {event}, {sink}: ")?;
        match outcome {
            Outcome::Sent => f.write_str("told"),
            Outcome::Unsure { reason } => write!(f, "perhaps told, {reason}"),
            Outcome::Failed { reason, is_tried_again: true } => {
                write!(f, "not told, {reason}; the next run tries again")
            }
            Outcome::Failed { reason, is_tried_again: false } => write!(f, "not told, {reason}"),
        }
    }
}
