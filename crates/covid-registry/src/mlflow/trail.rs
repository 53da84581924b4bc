//! The audit trail of promotions. MLflow keeps none, so each change of champion is a tag of the version that became it,
//! `covid.promotion.000001` and on, where MLflow's own clients can read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::wire::{Pair, WireVersion};
use crate::{PromotionEvent, PromotionKind, champions};

pub(super) const TRAIL: &str = "covid.promotion.";

/// The evidence of a change that was not written down.
const OUTSIDE: &str =
    "the alias was moved by another client of MLflow, or by one that was cut off: no evidence was left";

#[derive(Serialize, Deserialize)]
struct Entry {
    kind: String,
    previous: Option<u64>,
    evidence: String,
    at_ms: i64,
}

/// The changes of champion of one registered model, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// Those that are written down.
    pub(crate) written: Vec<PromotionEvent>,
    /// The last one, where who moved the alias did not write it down: that is done before the next one.
    pub(super) outside: Option<PromotionEvent>,
    last_number: u64,
}

impl Trail {
    /// Reads the tags of all versions.
    pub(super) fn read(name: &str, versions: &[WireVersion], champion: Option<u64>) -> Self {
        let entries = versions.iter().flat_map(|version| version.tags.iter().filter_map(|tag| entry(version, tag)));
        let mut entries: Vec<(u64, PromotionEvent)> = entries.collect();
        entries.sort_by_key(|(number, event)| (*number, event.at_ms, event.version));
        let last_number = entries.last().map_or(0, |(number, _)| *number);
        let written: Vec<_> = entries.into_iter().map(|(_, event)| event).collect();
        let stack = champions(&written);
        let last = stack.last().copied();
        let outside = champion.filter(|champion| last != Some(*champion)).map(|version| PromotionEvent {
            name: name.to_owned(),
            kind: match stack[..] {
                // A rollback that was cut off looks so; taken as a promotion, the next one would undo it.
                [.., before, _] if before == version => PromotionKind::Rollback,
                _ => PromotionKind::Promote,
            },
            version,
            previous: last,
            evidence: OUTSIDE.to_owned(),
            at_ms: changed_at(versions, version),
        });
        Self { written, outside, last_number }
    }

    /// Whether a version was champion.
    pub(super) fn names(&self, version: u64) -> bool {
        self.written.iter().any(|event| event.version == version)
    }

    /// All of it.
    pub(super) fn events(&self) -> Vec<PromotionEvent> {
        self.written.iter().chain(&self.outside).cloned().collect()
    }

    /// The tags that write these events down after what is written: version, key and value.
    pub(super) fn tags(&self, events: &[PromotionEvent]) -> Vec<(u64, String, String)> {
        let tag = |(number, event): (u64, &PromotionEvent)| {
            let PromotionEvent { kind, previous, evidence, at_ms, .. } = event.clone();
            let entry = Entry { kind: kind.as_str().to_owned(), previous, evidence, at_ms };
            // Texts and numbers are always written.
            let value = serde_json::to_string(&entry).unwrap_or_default();
            (event.version, format!("{TRAIL}{number:06}"), value)
        };
        (self.last_number + 1..).zip(events).map(tag).collect()
    }
}

fn entry(version: &WireVersion, tag: &Pair) -> Option<(u64, PromotionEvent)> {
    let number = tag.key.strip_prefix(TRAIL)?.parse().ok()?;
    let entry: Entry = serde_json::from_str(&tag.value).ok()?;
    let event = PromotionEvent {
        name: version.name.clone(),
        kind: PromotionKind::parse(&entry.kind)?,
        version: version.number(),
        previous: entry.previous,
        evidence: entry.evidence,
        at_ms: entry.at_ms,
    };
    Some((number, event))
}

/// When the server last changed a version. The moving of an alias has no time of its own.
fn changed_at(versions: &[WireVersion], version: u64) -> i64 {
    versions.iter().find(|found| found.number() == version).map_or(0, |found| found.last_updated_timestamp)
}

/// Tags without those of the trail, which [`Trail`] reads.
pub(super) fn without_trail(tags: Vec<Pair>) -> BTreeMap<String, String> {
    tags.into_iter().filter(|tag| !tag.key.starts_with(TRAIL)).map(|tag| (tag.key, tag.value)).collect()
}
