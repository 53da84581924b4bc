//! Plain JSON, signed.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use covid_core::sha256_hex;
use covid_http::Secret;
use covid_monitoring::{AlertSettings, Outcome};
use covid_testing::{ALWAYS, Request, Trouble};
use serde_json::Value;

use super::{Scene, at, failure, lines, notice, outcome, recovered, state};

/// HMAC-SHA256 as RFC 2104 writes it down, apart from the library that the sender uses.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let hash = |bytes: &[u8]| -> Vec<u8> {
        let hex = sha256_hex(bytes);
        (0..32).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
    };
    assert!(key.len() <= 64);
    let padded = |pad: u8| (0..64).map(|i| key.get(i).unwrap_or(&0) ^ pad).collect::<Vec<u8>>();
    hash(&[padded(0x5c), hash(&[padded(0x36), message.to_vec()].concat())].concat())
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

fn is_signed_by(request: &Request, key: &[u8]) -> bool {
    let header = |name: &str| request.headers[name].as_bytes();
    let signed = [header("webhook-id"), b".", header("webhook-timestamp"), b".", &request.body].concat();
    request.headers["webhook-signature"] == format!("v1,{}", base64(&hmac(key, &signed)))
}

#[tokio::test]
async fn a_receiver_gets_the_notice_and_who_sends_it() {
    let scene = Scene::new();
    let told = scene.tell(&scene.webhook(), &[notice()], 0).await;
    insta::assert_snapshot!(lines(&told), @"`rmsle` raised, webhook at 127.0.0.1: told");
    let request = scene.server.requests().remove(0);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", super::PATH));
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(!request.headers.contains_key("webhook-signature"), "there is nothing to sign it with");
    let mut body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["id"].take(), request.headers["webhook-id"], "the address of the test is part of the id");
    insta::assert_json_snapshot!(body, @r#"
    {
      "format_version": 1,
      "id": null,
      "program": "covid-monitoring",
      "type": "alert.raised",
      "timestamp": "2030-03-17T17:46:40Z",
      "data": {
        "dataset": "jhu",
        "event": "raised",
        "alert": {
          "rule": "rmsle",
          "blame": "model",
          "severity": "critical",
          "since": "2022-08-01",
          "value": 0.25,
          "limit": 0.125,
          "sentence": "RMSLE over 7 days is 0.25, above the limit of 0.125, for 3 days"
        },
        "as_of": "2022-08-03",
        "run": "20220803T060000000Z-0123abcd",
        "report": "jhu/monitoring/reports/as_of=2022-08-03/report.html"
      }
    }
    "#);
}

#[tokio::test]
async fn what_is_sent_can_be_verified() {
    let secrets: [(&str, &[u8]); 2] =
        [("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", b"0123456789abcdef01234567"), ("any text", b"any text")];
    for (secret, key) in secrets {
        let scene = Scene::new();
        let settings = AlertSettings { webhook_secret: Some(Secret::new(secret)), ..scene.webhook() };
        scene.tell(&settings, &[notice(), recovered()], 0).await;
        let requests = scene.server.requests();
        assert_eq!(requests.len(), 2);
        for request in requests {
            assert_eq!(request.headers["webhook-timestamp"], at(0).as_second().to_string());
            assert!(is_signed_by(&request, key));
            assert!(!is_signed_by(&request, b"another key"));
            python_verifies(secret, &request);
        }
    }
}

/// The receiver of docs/alerts.md, where there is a Python.
fn python_verifies(secret: &str, request: &Request) {
    const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verify_webhook.py");
    let verify = |body: &[u8], now: &str| {
        let headers =
            ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| request.headers[name].clone());
        let mut python = Command::new("python3");
        python.arg(SCRIPT).args(headers).env("WEBHOOK_SECRET", secret).env("WEBHOOK_NOW", now);
        let mut child = python.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().ok()?;
        child.stdin.take().unwrap().write_all(body).unwrap();
        Some(child.wait().unwrap().success())
    };
    let now = at(0).as_second().to_string();
    let Some(is_verified) = verify(&request.body, &now) else {
        return skipped();
    };
    assert!(is_verified);
    let other = String::from_utf8(request.body.clone()).unwrap().replace("critical", "warning");
    assert_eq!(verify(other.as_bytes(), &now), Some(false), "another body");
    assert_eq!(verify(&request.body, &at(1).as_second().to_string()), Some(false), "an hour later");
}

#[allow(clippy::print_stdout)] // The configuration allows it in tests, but forgets their helpers.
fn skipped() {
    println!("skipped: there is no python3 for docs/verify_webhook.py");
}

#[test]
fn the_document_shows_the_receiver_that_is_tested() {
    let (document, script) =
        (include_str!("../../../../../docs/alerts.md"), include_str!("../../../../../docs/verify_webhook.py"));
    let function = &script[script.find("def verify").unwrap()..script.find("\n\n\nif __name__").unwrap()];
    assert!(document.contains(function));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_with_the_same_id() {
    for trouble in [Trouble::Status(500), Trouble::Status(503), Trouble::Close, Trouble::Stall(0)] {
        let scene = Scene::new();
        scene.server.trouble(super::PATH, trouble.clone(), 2);
        assert_eq!(outcome(scene.tell(&scene.webhook(), &[notice()], 0).await), Outcome::Sent, "{trouble:?}");
        let ids: Vec<String> = scene.server.requests().iter().map(|it| it.headers["webhook-id"].clone()).collect();
        assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{trouble:?}: {ids:?}");
        assert_eq!(state(&scene.store).await, ("sent".into(), 1));
    }
}

#[tokio::test]
async fn what_does_not_pass_is_tried_again_by_the_next_run_alone() {
    for (trouble, sentence) in [
        (Trouble::Status(404), "the server answered 404 Not Found"),
        (Trouble::RedirectTo("/login".into()), "its redirection was not followed (none is)"),
    ] {
        let scene = Scene::new();
        scene.server.trouble(super::PATH, trouble, 1);
        let (reason, is_tried_again) = failure(scene.tell(&scene.webhook(), &[notice()], 0).await);
        assert!(reason.ends_with(sentence) && is_tried_again, "{reason}");
        assert_eq!(scene.server.requests().len(), 1);
        assert_eq!(outcome(scene.tell(&scene.webhook(), &[], 1).await), Outcome::Sent);
        assert_eq!(state(&scene.store).await, ("sent".into(), 2));
    }
}

#[tokio::test]
async fn a_dead_receiver_is_tried_once_a_message_after_the_first() {
    let scene = Scene::new();
    scene.server.trouble(super::PATH, Trouble::Status(503), ALWAYS);
    let told = scene.tell(&scene.webhook(), &[notice(), recovered()], 0).await;
    assert_eq!((told.len(), scene.server.requests().len()), (2, 3 + 1));
    scene.server.behave();
    let told = lines(&scene.tell(&scene.webhook(), &[], 1).await);
    assert_eq!(
        told.lines().map(|line| line.split(',').next().unwrap()).collect::<Vec<_>>(),
        ["`rmsle` raised", "`rmsle` recovered"]
    );
}
