//! At most once for each cause, event and sink, whoever runs at once.

use std::{fs, sync::Arc};

use covid_http::Secret;
use covid_monitoring::{AlertSettings, Event, Notice, Outcome, Severity, tell};
use covid_storage::{FolderStore, MemoryStore, ObjectStore, PutMode, list_all};
use covid_testing::{ALWAYS, SmtpServer, Trouble};

use super::{PATH, Scene, at, failure, impatient, lines, notice, outcome, records, recovered, state};

fn everywhere(scene: &Scene, smtp: &SmtpServer) -> AlertSettings {
    AlertSettings {
        slack_url: Some(scene.url()),
        smtp_url: Some(Secret::new(smtp.url(""))),
        smtp_from: Some("forecasts@example.org".into()),
        smtp_to: Some("ops@example.org".into()),
        timeout_seconds: 10.0,
        ..scene.webhook()
    }
}

#[tokio::test]
async fn nothing_is_sent_or_written_where_nobody_is_to_be_told() {
    let scene = Scene::new();
    assert!(scene.tell(&impatient(), &[notice()], 0).await.is_empty());
    let mut quiet = notice();
    quiet.alert.severity = Severity::Notice;
    assert!(scene.tell(&scene.webhook(), &[quiet], 0).await.is_empty(), "it is for the report");
    assert!(scene.tell(&scene.webhook(), &[], 0).await.is_empty());
    assert!(scene.server.requests().is_empty() && list_all(&scene.store, "").await.unwrap().is_empty());
}

#[tokio::test]
async fn each_sink_is_told_once_of_each_cause_and_event() {
    let (scene, smtp) = (Scene::new(), SmtpServer::start());
    let settings = everywhere(&scene, &smtp);
    let told = scene.tell(&settings, &[notice(), recovered()], 0).await;
    let told: Vec<(Event, &Outcome)> = told.iter().map(|told| (told.event, &told.outcome)).collect();
    assert_eq!(told, [(Event::Raised, &Outcome::Sent), (Event::Recovered, &Outcome::Sent)].repeat(3));
    assert_eq!((scene.server.requests().len(), smtp.mails().len()), (4, 2));
    // The same again, as another run says it.
    let again = Notice { run: "another".into(), report: None, ..notice() };
    assert!(scene.tell(&settings, &[again, notice(), recovered()], 1).await.is_empty());
    assert_eq!((scene.server.requests().len(), smtp.mails().len()), (0, 0));
    // Other causes.
    let (mut later, mut other) = (notice(), notice());
    later.alert.since = later.as_of;
    other.alert.rule = "wis".into();
    assert_eq!(scene.tell(&settings, &[later, other], 2).await.len(), 6);
    // Another dataset.
    assert_eq!(tell(&scene.store, &settings, "sample", &[notice()], at(3)).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_tell_at_once_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(MemoryStore::new()), Arc::new(FolderStore::new(folder.path()))];
    for store in stores {
        let (scene, smtp) = (Scene::new(), SmtpServer::start());
        // All fail at first; each call that claims one again is alone with it.
        let settings = AlertSettings { tries: 1, ..everywhere(&scene, &smtp) };
        for (hour, is_down) in [(0, true), (1, false), (2, false)] {
            if is_down {
                scene.server.trouble(PATH, Trouble::Status(503), ALWAYS);
            } else {
                scene.server.behave();
            }
            let run = || {
                let (store, settings) = (Arc::clone(&store), settings.clone());
                tokio::spawn(async move { tell(&*store, &settings, "jhu", &[notice(), recovered()], at(hour)).await })
            };
            let runs: Vec<_> = (0..8).map(|_| run()).collect();
            let mut told = Vec::new();
            for run in runs {
                told.extend(run.await.unwrap());
            }
            let by_http = scene.server.requests().iter().filter(|request| request.status == 200).count();
            match hour {
                // A call may find the failure of one that came before it, and try again.
                0 => assert_eq!((by_http, smtp.mails().len()), (0, 2)),
                1 => assert_eq!((told.len(), by_http, smtp.mails().len()), (4, 4, 0), "{}", lines(&told)),
                _ => assert_eq!((told.len(), by_http, smtp.mails().len()), (0, 0, 0), "{}", lines(&told)),
            }
        }
    }
}

#[tokio::test]
async fn what_failed_is_tried_in_ten_runs_and_no_more() {
    let scene = Scene::new();
    scene.server.trouble(PATH, Trouble::Status(404), ALWAYS);
    for attempt in 1..=10 {
        let (reason, is_tried_again) = failure(scene.tell(&scene.webhook(), &[notice()], attempt).await);
        assert!(reason.ends_with("404 Not Found"), "{reason}");
        assert_eq!(is_tried_again, attempt < 10);
    }
    assert_eq!(state(&scene.store).await, ("failed".into(), 10));
    scene.server.behave();
    assert!(scene.tell(&scene.webhook(), &[notice()], 11).await.is_empty());
    assert_eq!(scene.server.requests().len(), 10);
}

#[tokio::test]
async fn what_failed_is_tried_for_a_week_and_no_longer() {
    for (hours, is_told) in [(7 * 24, true), (7 * 24 + 1, false)] {
        let scene = Scene::new();
        scene.server.trouble(PATH, Trouble::Status(404), 1);
        scene.tell(&scene.webhook(), &[notice()], 0).await;
        assert_eq!(!scene.tell(&scene.webhook(), &[], hours).await.is_empty(), is_told);
    }
}

#[tokio::test]
async fn a_program_that_ended_before_it_knew_counts_as_having_sent() {
    let scene = Scene::new();
    scene.tell(&scene.webhook(), &[notice()], 0).await;
    let key = list_all(&scene.store, "").await.unwrap().remove(0).key;
    let record = String::from_utf8(scene.store.get(&key).await.unwrap().bytes.to_vec()).unwrap();
    let claimed = record.replace("\"sent\"", "\"claimed\"");
    assert_ne!(claimed, record);
    scene.store.put(&key, claimed.into(), PutMode::Overwrite).await.unwrap();
    scene.server.requests();
    assert!(scene.tell(&scene.webhook(), &[notice()], 1).await.is_empty());
    assert!(scene.server.requests().is_empty());
}

#[tokio::test]
async fn a_claim_is_there_before_anything_is_sent() {
    let scene = Scene::new();
    scene.server.trouble(PATH, Trouble::Stall(0), ALWAYS);
    let settings = AlertSettings { timeout_seconds: 60.0, ..scene.webhook() };
    let notices = [notice()];
    let telling = scene.tell(&settings, &notices, 0);
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(300), telling).await;
    assert!(waiting.is_err(), "it is still being sent");
    assert_eq!(state(&scene.store).await, ("claimed".into(), 1));
    assert_eq!(scene.server.requests().len(), 1);
    scene.server.behave();
    assert!(scene.tell(&scene.webhook(), &notices, 1).await.is_empty());
}

#[tokio::test]
async fn a_failure_is_not_told_to_who_took_the_receiver_s_place() {
    let (scene, other) = (Scene::new(), Scene::new());
    scene.server.trouble(PATH, Trouble::Status(404), ALWAYS);
    scene.tell(&scene.slack(), &[notice()], 0).await;
    assert!(scene.tell(&other.slack(), &[], 1).await.is_empty(), "it was not for this one");
    assert_eq!(outcome(scene.tell(&other.slack(), &[notice()], 2).await), Outcome::Sent, "this is");
    assert_eq!(records(&scene.store).await.len(), 2);

    // Another path of the same host is another receiver; another token is not.
    scene.server.put("/other", "ok");
    let webhook = |path: &str| AlertSettings { webhook_url: Some(Secret::new(scene.server.url(path))), ..impatient() };
    assert_eq!(scene.tell(&webhook("/other?token=1"), &[notice()], 3).await.len(), 1);
    assert_eq!(scene.tell(&webhook("/other?token=2"), &[notice()], 3).await.len(), 0);
    scene.server.behave();
    assert_eq!(scene.tell(&webhook(PATH), &[notice()], 3).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_that_cannot_be_claimed() {
    let (scene, folder) = (Scene::new(), tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("jhu")).unwrap();
    fs::write(folder.path().join("jhu/monitoring"), "a file where a folder belongs").unwrap();
    let store = FolderStore::new(folder.path());
    let told = tell(&store, &scene.webhook(), "jhu", &[notice()], at(0)).await;
    let (reason, is_tried_again) = failure(told);
    assert!(reason.contains("jhu/monitoring") && !is_tried_again, "{reason}");
    assert!(scene.server.requests().is_empty());
}

#[tokio::test]
async fn a_record_that_is_none_is_passed_over() {
    let scene = Scene::new();
    scene.server.trouble(PATH, Trouble::Status(404), 1);
    scene.tell(&scene.webhook(), &[notice()], 0).await;
    for (name, text) in [("a", "no JSON"), ("b", "{}"), ("c", r#"{"format_version":2}"#)] {
        let key = format!("jhu/monitoring/notices/{name}.json");
        scene.store.put(&key, text.into(), PutMode::CreateOnly).await.unwrap();
    }
    assert_eq!(outcome(scene.tell(&scene.webhook(), &[], 1).await), Outcome::Sent);
}
