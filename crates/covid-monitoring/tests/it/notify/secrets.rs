//! No secret is in any record, log or outcome, whatever the receivers do.

use std::{
    io,
    sync::{Arc, Mutex},
};

use covid_http::Secret;
use covid_monitoring::{AlertSettings, tell};
use covid_storage::{MemoryStore, ObjectStore, list_all};
use covid_testing::{ALWAYS, HttpServer, SmtpServer, SmtpTrouble, Step, Trouble};
use tracing_subscriber::fmt::MakeWriter;

use super::{at, impatient, notice};

const CANARY: &str = "CanaryBird";

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Every setting that is a secret holds the canary, and every receiver shows it who will look.
fn settings(http: &HttpServer, smtp: &SmtpServer) -> AlertSettings {
    let url = |path: &str| Secret::new(http.url(path).replace("//", &format!("//{CANARY}:{CANARY}@")));
    AlertSettings {
        webhook_url: Some(url(&format!("/webhook/{CANARY}?token={CANARY}"))),
        webhook_secret: Some(Secret::new(CANARY)),
        slack_url: Some(url(&format!("/slack/{CANARY}"))),
        smtp_url: Some(Secret::new(smtp.url(&format!("user-{CANARY}:{CANARY}@")))),
        smtp_from: Some("forecasts@example.org".into()),
        smtp_to: Some("ops@example.org".into()),
        ..impatient()
    }
}

#[tokio::test]
async fn no_secret_is_in_a_record_a_log_or_an_outcome() {
    let log = Log::default();
    // All that is logged by anybody on this thread, which is where the test's runtime is.
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(log.clone()).finish());

    let by_http = [
        None,
        Some(Trouble::Status(500)),
        Some(Trouble::Answer(400, CANARY.to_lowercase())),
        Some(Trouble::Answer(403, CANARY.into())),
        Some(Trouble::RedirectTo(format!("http://{CANARY}@127.0.0.1:9/{CANARY}"))),
        Some(Trouble::Close),
        Some(Trouble::Stall(0)),
    ];
    let by_smtp = [
        None,
        Some((Step::Connect, format!("554 {CANARY}"))),
        Some((Step::Auth, format!("535 {CANARY} and Q2FuYXJ5QmlyZA==: wrong"))),
        Some((Step::From, format!("550 {CANARY}"))),
        Some((Step::To, format!("450 user-{CANARY}"))),
        Some((Step::End, format!("421 {CANARY}"))),
        Some((Step::Hello, format!("{CANARY} {CANARY}"))),
    ];
    for (trouble, (at_step, hour)) in by_http.into_iter().zip(by_smtp.into_iter().zip(0..)) {
        let (http, smtp, store) = (HttpServer::start(), SmtpServer::start(), MemoryStore::new());
        for path in ["webhook", "slack"].map(|sink| format!("/{sink}/{CANARY}")) {
            http.put(&path, "ok");
            trouble.iter().for_each(|trouble| http.trouble(&path, trouble.clone(), ALWAYS));
        }
        let is_good = trouble.is_none();
        at_step.into_iter().for_each(|(step, line)| smtp.trouble(step, SmtpTrouble::Answer(line), ALWAYS));
        let settings = settings(&http, &smtp);
        let told = tell(&store, &settings, "jhu", &[notice()], at(hour)).await;
        assert_eq!(told.len(), 3);
        assert!(http.requests().iter().any(|it| it.path.contains(CANARY)), "the secret is what reaches the receiver");
        assert_eq!(smtp.mails().iter().any(|mail| format!("{:?}", mail.login).contains(CANARY)), is_good || hour == 5);
        let mut shown = format!("{told:?} {settings:?} {}", super::lines(&told));
        for object in list_all(&store, "").await.unwrap() {
            shown += &object.key;
            shown += std::str::from_utf8(&store.get(&object.key).await.unwrap().bytes).unwrap();
        }
        assert_silent(&shown);
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("trying again"), "the log is heard");
    for line in logged.lines() {
        assert_silent(line);
    }
}

fn assert_silent(text: &str) {
    // In Base64, too, at each of the three offsets that it can have.
    for secret in [CANARY, "canarybird", "Q2FuYXJ5QmlyZ", "NhbmFyeUJpcm", "DYW5hcnlCaXJk"] {
        assert!(!text.contains(secret), "{text}");
    }
}
