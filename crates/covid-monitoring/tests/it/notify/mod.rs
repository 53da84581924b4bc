//! Telling of alerts, against receivers on this machine that take what they get, refuse it, or misbehave.

mod golden;
mod mail;
mod once;
mod secrets;
mod settings;
mod slack;
mod webhook;

use covid_core::{Date, Timestamp};
use covid_http::Secret;
use covid_monitoring::{Alert, AlertSettings, Blame, Event, Notice, Outcome, Severity, Told, tell};
use covid_storage::{MemoryStore, ObjectStore, list_all};
use covid_testing::HttpServer;
use serde_json::Value;

const PATH: &str = "/services/T000/B000";

/// A receiver by HTTP, and a store.
struct Scene {
    server: HttpServer,
    store: MemoryStore,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { server: HttpServer::start(), store: MemoryStore::new() };
        scene.server.put(PATH, "ok");
        scene
    }

    fn url(&self) -> Secret {
        Secret::new(self.server.url(PATH))
    }

    fn webhook(&self) -> AlertSettings {
        AlertSettings { webhook_url: Some(self.url()), ..impatient() }
    }

    fn slack(&self) -> AlertSettings {
        AlertSettings { slack_url: Some(self.url()), ..impatient() }
    }

    async fn tell(&self, settings: &AlertSettings, notices: &[Notice], hour: i64) -> Vec<Told> {
        tell(&self.store, settings, "jhu", notices, at(hour)).await
    }
}

/// Nobody is told.
fn impatient() -> AlertSettings {
    AlertSettings { timeout_seconds: 1.0, tries: 3, backoff_seconds: 0.001, ..AlertSettings::default() }
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + hour * 3600).unwrap()
}

fn notice() -> Notice {
    Notice {
        dataset: "jhu".into(),
        event: Event::Raised,
        alert: Alert {
            rule: "rmsle".into(),
            blame: Blame::Model,
            severity: Severity::Critical,
            since: Date::constant(2022, 8, 1),
            value: 0.25,
            limit: 0.125,
            sentence: "RMSLE over 7 days is 0.25, above the limit of 0.125, for 3 days".into(),
        },
        as_of: Date::constant(2022, 8, 3),
        run: "20220803T060000000Z-0123abcd".into(),
        report: Some("jhu/monitoring/reports/as_of=2022-08-03/report.html".into()),
    }
}

fn recovered() -> Notice {
    Notice { event: Event::Recovered, as_of: Date::constant(2022, 8, 9), ..notice() }
}

/// The records of a store, by their place.
async fn records(store: &dyn ObjectStore) -> Vec<Value> {
    let mut records = Vec::new();
    for object in list_all(store, "jhu/monitoring/notices/").await.unwrap() {
        records.push(serde_json::from_slice(&store.get(&object.key).await.unwrap().bytes).unwrap());
    }
    records
}

/// State and attempts of the only record.
async fn state(store: &dyn ObjectStore) -> (String, u64) {
    let records = records(store).await;
    assert_eq!(records.len(), 1, "{records:?}");
    (records[0]["state"].as_str().unwrap().to_owned(), records[0]["attempts"].as_u64().unwrap())
}

fn lines(told: &[Told]) -> String {
    told.iter().map(|told| format!("{told}\n")).collect()
}

/// The outcome of the only message.
fn outcome(mut told: Vec<Told>) -> Outcome {
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0).outcome
}

/// Why the only message failed; whether it is tried again.
fn failure(told: Vec<Told>) -> (String, bool) {
    match outcome(told) {
        Outcome::Failed { reason, is_tried_again } => (reason, is_tried_again),
        other => panic!("{other:?}"),
    }
}
