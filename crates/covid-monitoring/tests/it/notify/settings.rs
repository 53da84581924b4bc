//! Settings that cannot be obeyed.

use covid_core::Explain as _;
use covid_http::Secret;
use covid_monitoring::{AlertSettings, Outcome, tell};
use covid_storage::MemoryStore;

use super::{at, impatient, notice};

fn mail(url: &str) -> AlertSettings {
    AlertSettings {
        smtp_url: Some(Secret::new(url)),
        smtp_from: Some("forecasts@example.org".into()),
        smtp_to: Some("ops@example.org, Jane <jane@example.org>".into()),
        ..impatient()
    }
}

fn refused(settings: &AlertSettings) -> String {
    let error = settings.checked().unwrap_err();
    let shown = format!("{error}\nhint: {}\n", error.hint().unwrap());
    assert!(!format!("{shown}{error:?}").contains("canary"), "{shown}");
    shown
}

#[test]
fn what_can_be_obeyed_is_taken() {
    AlertSettings::default().checked().unwrap();
    let secret = |text: &str| Some(Secret::new(text));
    for settings in [
        AlertSettings { webhook_url: secret("http://host/x"), webhook_secret: secret("any text"), ..impatient() },
        AlertSettings { slack_url: secret("https://hooks.slack.com/services/T/B/x"), ..impatient() },
        mail("smtp://host"),
        mail("smtp://host:25"),
        mail("smtps://me:pw@host:465"),
        mail("smtp://me:pw@host:587?tls=required"),
        mail("smtp://me:pw@localhost"),
        mail("smtp://me:pw@[::1]:25"),
    ] {
        settings.checked().unwrap();
    }
}

#[test]
fn what_cannot_be_obeyed_is_named_and_no_secret_is_shown() {
    let secret = |text: &str| Some(Secret::new(text));
    let faults = [
        AlertSettings { timeout_seconds: 0.0, ..impatient() },
        AlertSettings { timeout_seconds: f64::NAN, ..impatient() },
        AlertSettings { tries: 0, ..impatient() },
        AlertSettings { backoff_seconds: -1.0, ..impatient() },
        AlertSettings { webhook_url: secret("ftp://host/canary"), ..impatient() },
        AlertSettings { webhook_url: secret("http://h"), webhook_secret: secret("whsec_canary!"), ..impatient() },
        AlertSettings { slack_url: secret("hooks.slack.com/services/canary"), ..impatient() },
        AlertSettings { smtp_from: None, ..mail("smtp://host") },
        AlertSettings { smtp_from: Some("nobody\nat all".into()), ..mail("smtp://host") },
        AlertSettings { smtp_to: None, ..mail("smtp://host") },
        AlertSettings { smtp_to: Some("a@b, nobody".into()), ..mail("smtp://host") },
    ];
    insta::assert_snapshot!(faults.iter().map(refused).collect::<String>(), @r"
    alerts.timeout_seconds must be above 0 and at most 600, not 0
    hint: change alerts.timeout_seconds in the settings
    alerts.timeout_seconds must be above 0 and at most 600, not NaN
    hint: change alerts.timeout_seconds in the settings
    alerts.tries must be 1 to 20, not 0
    hint: change alerts.tries in the settings
    alerts.backoff_seconds must be 0 to 60, not -1
    hint: change alerts.backoff_seconds in the settings
    alerts.webhook_url must be an address such as `https://HOST/PATH`, not <redacted>
    hint: change alerts.webhook_url in the settings
    alerts.webhook_secret must be `whsec_` and Base64, or a text without that beginning, not <redacted>
    hint: change alerts.webhook_secret in the settings
    alerts.slack_url must be an address such as `https://HOST/PATH`, not <redacted>
    hint: change alerts.slack_url in the settings
    alerts.smtp_from must be a mail address where there is a server, not empty
    hint: change alerts.smtp_from in the settings
    alerts.smtp_from must be a mail address where there is a server, not `nobody\nat all`
    hint: change alerts.smtp_from in the settings
    alerts.smtp_to must be mail addresses, separated by commas, where there is a server, not empty
    hint: change alerts.smtp_to in the settings
    alerts.smtp_to must be mail addresses, separated by commas, where there is a server, not `a@b, nobody`
    hint: change alerts.smtp_to in the settings
    ");
}

#[test]
fn an_address_of_a_mail_server_is_whole_and_safe() {
    for (url, sentence) in [
        ("host:25", "alerts.smtp_url must be `smtps://"),
        ("http://canary@host", "alerts.smtp_url must be `smtps://"),
        ("smtp://", "alerts.smtp_url must be `smtps://"),
        ("smtp://canary@host", "alerts.smtp_url must be `smtps://"),
        ("smtp://me:canary@host?tls=never", "alerts.smtp_url must be `smtps://"),
        (
            "smtp://me:canary@host",
            "alerts.smtp_url must be `smtps:`, or end with `?tls=required`, where it has a password",
        ),
        ("smtp://me:canary@host?tls=opportunistic", "alerts.smtp_url must be `smtps:`, or end with"),
    ] {
        let shown = refused(&mail(url));
        assert!(shown.starts_with(sentence), "{url}: {shown}");
    }
}

#[tokio::test]
async fn settings_that_nobody_checked_are_told_and_no_error() {
    let told = tell(&MemoryStore::new(), &mail("canary"), "jhu", &[notice()], at(0)).await;
    assert!(
        matches!(&told[0].outcome, Outcome::Failed { reason, .. } if reason.starts_with("alerts.smtp_url")),
        "{told:?}"
    );
}
