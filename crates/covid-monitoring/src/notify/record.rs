//! Records of what was told: whoever writes one first, sends.

use covid_core::{Digest, Timestamp};
use covid_storage::{ETag, ObjectStore, PutMode, StorageError, list_all};
use serde::{Deserialize, Serialize};

use super::sink::{Delivery, Sink, SinkKind};
use crate::Notice;

/// The version of the records that this program writes.
const FORMAT_VERSION: u64 = 1;

/// A notice is tried in so many monitoring runs.
const MAX_ATTEMPTS: u32 = 10;

/// A notice is not tried any more when it is older: a week, in seconds.
const MAX_AGE: i64 = 7 * 24 * 3600;

/// How far a notice has come to a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// Somebody is sending it, or was when the program ended: it counts as sent.
    Claimed,
    Sent,
    /// It counts as sent, too.
    Unsure,
    Failed,
}

/// What is known of one notice and one sink.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    format_version: u64,
    /// The message's id, for the sinks, too.
    pub(super) id: String,
    sink: SinkKind,
    receiver: String,
    state: State,
    /// Monitoring runs that tried to send it.
    attempts: u32,
    /// When it was claimed first.
    pub(super) created_at: Timestamp,
    updated_at: Timestamp,
    /// Why it is not known to be there.
    reason: Option<String>,
    pub(super) notice: Notice,
}

/// A record that is ours until its outcome is written.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) record: Record,
    etag: ETag,
}

/// The records of a dataset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) store: &'a dyn ObjectStore,
    pub(super) dataset: &'a str,
    pub(super) now: Timestamp,
}

impl Records<'_> {
    /// Those that failed and may be tried again, by the date of their alerts: a recovery comes after what it ends.
    pub(super) async fn undelivered(&self) -> Result<Vec<Claim>, StorageError> {
        let mut undelivered = Vec::new();
        for object in list_all(self.store, &self.prefix()).await? {
            let found = self.store.get(&object.key).await?;
            match Record::read(&found.bytes) {
                Ok(record) if record.may_be_tried(self.now) => undelivered.push(Claim { record, etag: found.etag }),
                Ok(_) => {}
                Err(cause) => tracing::warn!("`{}` in the store is passed over: {cause}", object.key),
            }
        }
        undelivered.sort_by_key(|claim| (claim.record.notice.as_of, claim.record.created_at));
        Ok(undelivered)
    }

    /// Claims a notice for a sink; none if it was claimed before.
    pub(super) async fn claim(&self, sink: &Sink, notice: &Notice) -> Result<Option<Claim>, StorageError> {
        let record = Record {
            format_version: FORMAT_VERSION,
            id: id(self.dataset, sink, notice),
            sink: sink.kind(),
            receiver: sink.receiver().to_owned(),
            state: State::Claimed,
            attempts: 1,
            created_at: self.now,
            updated_at: self.now,
            reason: None,
            notice: notice.clone(),
        };
        self.put(record, PutMode::CreateOnly).await
    }

    /// Claims one that failed; none if somebody else did.
    pub(super) async fn claim_again(&self, failed: Claim) -> Result<Option<Claim>, StorageError> {
        let Claim { record, etag } = failed;
        let attempts = record.attempts + 1;
        let record = Record { state: State::Claimed, attempts, updated_at: self.now, reason: None, ..record };
        self.put(record, PutMode::IfMatch(etag)).await
    }

    /// Writes what came of it. Whether it is tried again: never, if that cannot be written.
    pub(super) async fn settle(&self, claim: Claim, delivery: &Delivery) -> bool {
        let (state, reason) = match delivery {
            Delivery::Sent => (State::Sent, None),
            Delivery::Unsure(reason) => (State::Unsure, Some(reason.clone())),
            Delivery::Failed(reason) => (State::Failed, Some(reason.clone())),
        };
        let record = Record { state, reason, updated_at: self.now, ..claim.record };
        let may_be_tried = record.may_be_tried(self.now);
        match self.put(record, PutMode::IfMatch(claim.etag)).await {
            Ok(written) => written.is_some() && may_be_tried,
            Err(error) => {
                tracing::warn!("what came of a notice is not recorded: {error}");
                false
            }
        }
    }

    async fn put(&self, record: Record, mode: PutMode) -> Result<Option<Claim>, StorageError> {
        let key = format!("{}{}.json", self.prefix(), record.id);
        match self.store.put(&key, record.bytes().into(), mode).await {
            Ok(etag) => Ok(Some(Claim { record, etag })),
            Err(StorageError::AlreadyExists { .. } | StorageError::Changed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn prefix(&self) -> String {
        format!("{}/monitoring/notices/", self.dataset)
    }
}

impl Record {
    /// A record, or why it is none that this program knows.
    fn read(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u64,
        }
        let Version { format_version } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if format_version > FORMAT_VERSION {
            return Err(format!("format version {format_version} is newer than {FORMAT_VERSION}, the last one known"));
        }
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Whether it is for this sink, as it is set now.
    pub(super) fn is_for(&self, sink: &Sink, dataset: &str) -> bool {
        self.id == id(dataset, sink, &self.notice)
    }

    fn may_be_tried(&self, now: Timestamp) -> bool {
        let is_young = now.as_second() - self.created_at.as_second() <= MAX_AGE;
        self.state == State::Failed && self.attempts < MAX_ATTEMPTS && is_young
    }
}

/// SHA-256 of cause, event and sink.
fn id(dataset: &str, sink: &Sink, notice: &Notice) -> String {
    let kind = match sink.kind() {
        SinkKind::Webhook => "webhook",
        SinkKind::Slack => "slack",
        SinkKind::Mail => "mail",
    };
    let (since, event) = (notice.alert.since.to_string(), notice.event.to_string());
    let parts = [dataset, &notice.alert.rule, &since, &event, kind, &sink.address()];
    parts.iter().fold(Digest::new(), |digest, part| digest.part(part.as_bytes())).hex()
}
