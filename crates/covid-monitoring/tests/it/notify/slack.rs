//! Slack's incoming webhooks.

use covid_monitoring::{Notice, Outcome};
use covid_testing::{ALWAYS, Trouble};
use serde_json::Value;

use super::{PATH, Scene, failure, lines, notice, outcome, recovered, state};

async fn bodies(scene: &Scene, notices: &[Notice]) -> Vec<Value> {
    let told = scene.tell(&scene.slack(), notices, 0).await;
    assert!(told.iter().all(|told| told.outcome == Outcome::Sent), "{told:?}");
    scene.server.requests().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

#[tokio::test]
async fn a_channel_gets_title_sentence_and_facts() {
    let scene = Scene::new();
    insta::assert_json_snapshot!(bodies(&scene, &[notice(), recovered()]).await, @r#"
    [
      {
        "text": "[critical] rmsle raised for jhu: RMSLE over 7 days is 0.25, above the limit of 0.125, for 3 days.",
        "blocks": [
          {
            "type": "section",
            "text": {
              "type": "mrkdwn",
              "text": "*[critical] rmsle raised for jhu*\nRMSLE over 7 days is 0.25, above the limit of 0.125, for 3 days."
            }
          },
          {
            "type": "context",
            "elements": [
              {
                "type": "mrkdwn",
                "text": "At fault: model · Since: 2022-08-01 · As of: 2022-08-03 · Monitoring run: 20220803T060000000Z-0123abcd · Report: jhu/monitoring/reports/as_of=2022-08-03/report.html"
              }
            ]
          }
        ]
      },
      {
        "text": "[critical] rmsle recovered for jhu: It stands no more. It was: RMSLE over 7 days is 0.25, above the limit of 0.125, for 3 days.",
        "blocks": [
          {
            "type": "section",
            "text": {
              "type": "mrkdwn",
              "text": "*[critical] rmsle recovered for jhu*\nIt stands no more. It was: RMSLE over 7 days is 0.25, above the limit of 0.125, for 3 days."
            }
          },
          {
            "type": "context",
            "elements": [
              {
                "type": "mrkdwn",
                "text": "At fault: model · Since: 2022-08-01 · As of: 2022-08-09 · Monitoring run: 20220803T060000000Z-0123abcd · Report: jhu/monitoring/reports/as_of=2022-08-03/report.html"
              }
            ]
          }
        ]
      }
    ]
    "#);
}

#[tokio::test]
async fn nothing_in_a_notice_is_a_command_of_slack_s() {
    let scene = Scene::new();
    let mut notice = notice();
    notice.alert.sentence = "the worst place is <!channel> & <https://x|Y>".into();
    let body = bodies(&scene, &[notice]).await.remove(0);
    assert_eq!(
        body["text"],
        "[critical] rmsle raised for jhu: the worst place is &lt;!channel&gt; &amp; &lt;https://x|Y&gt;."
    );
    assert!(!body.to_string().contains('<'), "{body}");
}

#[tokio::test]
async fn a_long_notice_is_cut_within_slack_s_limits() {
    let scene = Scene::new();
    let mut notice = notice();
    notice.alert.rule = "&".repeat(5000);
    notice.alert.sentence = "é<".repeat(5000);
    notice.report = Some("&".repeat(5000));
    let body = bodies(&scene, &[notice]).await.remove(0);
    let texts = [&body["blocks"][0]["text"]["text"], &body["blocks"][1]["elements"][0]["text"]];
    for text in texts.map(|text| text.as_str().unwrap()) {
        assert!((2900..=3000).contains(&text.chars().count()), "{}", text.chars().count());
        let cut = text.trim_end_matches('…').rsplit('&').next().unwrap();
        assert!(text.ends_with('…') && cut.contains(';'), "no half of an entity: {cut}");
    }
    assert!(body["text"].as_str().unwrap().chars().count() < 4000);
}

#[tokio::test]
async fn a_refusal_is_tried_again_and_told_in_slack_s_word() {
    let scene = Scene::new();
    scene.server.trouble(PATH, Trouble::Status(500), 2);
    assert_eq!(outcome(scene.tell(&scene.slack(), &[notice()], 0).await), Outcome::Sent);
    assert_eq!(scene.server.requests().len(), 3);

    let scene = Scene::new();
    scene.server.trouble(PATH, Trouble::Answer(410, "channel_is_archived".into()), 1);
    let (reason, is_tried_again) = failure(scene.tell(&scene.slack(), &[notice()], 0).await);
    assert!(reason.ends_with("the server answered 410 Gone: channel_is_archived") && is_tried_again, "{reason}");
    assert_eq!(outcome(scene.tell(&scene.slack(), &[], 1).await), Outcome::Sent);
}

#[tokio::test]
async fn what_slack_may_have_is_never_sent_again() {
    for trouble in [Trouble::Stall(0), Trouble::Close, Trouble::Garbage] {
        let scene = Scene::new();
        scene.server.trouble(PATH, trouble.clone(), ALWAYS);
        let told = scene.tell(&scene.slack(), &[notice()], 0).await;
        assert!(lines(&told).contains(": perhaps told, cannot call"), "{told:?}");
        scene.server.behave();
        assert!(scene.tell(&scene.slack(), &[notice()], 1).await.is_empty());
        assert_eq!(scene.server.requests().len(), 1, "{trouble:?}");
        assert_eq!(state(&scene.store).await, ("unsure".into(), 1));
    }
    // The head of this answer says yes.
    let scene = Scene::new();
    scene.server.trouble(PATH, Trouble::Cut(1), ALWAYS);
    assert_eq!(outcome(scene.tell(&scene.slack(), &[notice()], 0).await), Outcome::Sent);
    assert_eq!(scene.server.requests().len(), 1);
}
