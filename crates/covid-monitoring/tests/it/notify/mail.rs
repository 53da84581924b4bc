//! Mail, by SMTP.

use std::time::{Duration, Instant};

use covid_http::Secret;
use covid_monitoring::{AlertSettings, Outcome, Told};
use covid_storage::MemoryStore;
use covid_testing::{ALWAYS, Mail, SmtpServer, SmtpTrouble, Step};

use super::{at, failure, impatient, lines, notice, outcome, recovered, state};

struct Post {
    server: SmtpServer,
    store: MemoryStore,
}

impl Post {
    fn new() -> Self {
        Self { server: SmtpServer::start(), store: MemoryStore::new() }
    }

    fn settings(&self) -> AlertSettings {
        AlertSettings {
            smtp_url: Some(Secret::new(self.server.url("me:p%40ss-word@"))),
            smtp_from: Some("Forecasts <forecasts@example.org>".into()),
            smtp_to: Some("ops@example.org".into()),
            ..impatient()
        }
    }

    async fn tell(&self, hour: i64) -> Vec<Told> {
        covid_monitoring::tell(&self.store, &self.settings(), "jhu", &[notice()], at(hour)).await
    }

    fn taken(&self) -> Vec<Mail> {
        self.server.mails().into_iter().filter(|mail| mail.is_taken).collect()
    }
}

fn answer(line: &str) -> SmtpTrouble {
    SmtpTrouble::Answer(line.into())
}

#[tokio::test]
async fn a_mail_says_what_is_wrong() {
    let post = Post::new();
    insta::assert_snapshot!(lines(&post.tell(0).await), @"`rmsle` raised, mail to ops@example.org: told");
    let mail = post.taken().remove(0);
    assert_eq!(mail.login, Some(("me".into(), "p@ss-word".into())));
    assert_eq!((mail.from.as_str(), mail.to.join(" ").as_str()), ("forecasts@example.org", "ops@example.org"));
    insta::assert_snapshot!(mail.text, @"
    From: Forecasts <forecasts@example.org>
    To: ops@example.org
    Subject: [critical] rmsle raised for jhu
    Date: Sun, 17 Mar 2030 17:46:40 +0000
    Message-ID: <4fd4cd3d4279f48ddf7c774b3389659b5d951fd60501b8ba33f46a60eb7cee8a@covid-monitoring>
    Auto-Submitted: auto-generated
    Content-Type: text/plain; charset=utf-8
    Content-Transfer-Encoding: 7bit

    RMSLE over 7 days is 0.25, above the limit of 0.125, for 3 days.

    At fault: model
    Since: 2022-08-01
    As of: 2022-08-03
    Monitoring run: 20220803T060000000Z-0123abcd
    Report: jhu/monitoring/reports/as_of=2022-08-03/report.html
    ");
    assert!(post.tell(1).await.is_empty() && post.server.mails().is_empty(), "once");
}

#[tokio::test]
async fn each_address_gets_one_of_its_own() {
    let post = Post::new();
    let to = "ops@example.org, \"Doe, Jane\" <jane@example.org>, bob@example.org";
    let settings = AlertSettings { smtp_to: Some(to.into()), ..post.settings() };
    post.server.trouble(Step::To, answer("550 5.1.1 no such user"), 1);
    let notices = [notice(), recovered()];
    let told = covid_monitoring::tell(&post.store, &settings, "jhu", &notices[..1], at(0)).await;
    insta::assert_snapshot!(lines(&told).replace(post.server.url("").trim_start_matches("smtp://"), "HOST"), @"
    `rmsle` raised, mail to ops@example.org: not told, cannot send mail by `HOST`: the server answered 550 5.1.1; the next run tries again
    `rmsle` raised, mail to jane@example.org: told
    `rmsle` raised, mail to bob@example.org: told
    ");
    assert_eq!(
        post.taken().iter().map(|mail| mail.to.join(" ")).collect::<Vec<_>>(),
        ["jane@example.org", "bob@example.org"]
    );
    // What failed comes before what is new.
    let told = covid_monitoring::tell(&post.store, &settings, "jhu", &notices, at(1)).await;
    assert_eq!(told.len(), 4);
    let subject = |mail: &Mail| mail.text.lines().find(|line| line.starts_with("Subject")).unwrap().to_owned();
    let to_ops: Vec<String> = post.taken().iter().filter(|mail| mail.to == ["ops@example.org"]).map(subject).collect();
    assert_eq!(to_ops, ["Subject: [critical] rmsle raised for jhu", "Subject: [critical] rmsle recovered for jhu"]);
}

#[tokio::test]
async fn a_server_may_know_login_alone_or_nobody() {
    let post = Post::new();
    post.server.with_auth("LOGIN");
    assert_eq!(outcome(post.tell(0).await), Outcome::Sent);
    assert_eq!(post.taken()[0].login, Some(("me".into(), "p@ss-word".into())));

    let post = Post::new();
    let settings = AlertSettings { smtp_url: Some(Secret::new(post.server.url(""))), ..post.settings() };
    covid_monitoring::tell(&post.store, &settings, "jhu", &[notice()], at(0)).await;
    assert_eq!(post.taken()[0].login, None);
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for (step, trouble) in [
        (Step::Connect, answer("421 Busy")),
        (Step::Connect, SmtpTrouble::Hang),
        (Step::Connect, SmtpTrouble::Close),
        (Step::Hello, SmtpTrouble::Close),
        (Step::Auth, answer("454 Later")),
        (Step::From, answer("451 Later")),
        (Step::To, answer("450 Greylisted")),
        (Step::Data, answer("451 Later")),
        (Step::End, answer("451 Later")),
    ] {
        let post = Post::new();
        post.server.trouble(step, trouble.clone(), 2);
        assert_eq!(outcome(post.tell(0).await), Outcome::Sent, "{step:?} {trouble:?}");
        assert_eq!(post.taken().len(), 1, "{step:?} {trouble:?}");
        assert_eq!(state(&post.store).await, ("sent".into(), 1));
    }
}

#[tokio::test]
async fn a_refusal_is_tried_again_by_the_next_run_alone() {
    for (step, line, sentence) in [
        (Step::Auth, "535 5.7.8 p@ss-word is wrong", "the server answered 535 5.7.8"),
        (Step::Connect, "554 Go away", "the server answered 554"),
        (Step::From, "553 5.7.1 not yours", "the server answered 553 5.7.1"),
        (Step::To, "550 p%40ss-word", "the server answered 550"),
        (Step::End, "552 Too large", "the server answered 552"),
    ] {
        let post = Post::new();
        post.server.trouble(step, answer(line), 1);
        let (reason, is_tried_again) = failure(post.tell(0).await);
        assert!(reason.ends_with(sentence) && is_tried_again, "{reason}");
        assert!(reason.starts_with("cannot send mail by `127.0.0.1:") && !reason.contains("tries"), "{reason}");
        assert!(post.taken().is_empty());
        assert_eq!(outcome(post.tell(1).await), Outcome::Sent);
        assert_eq!(state(&post.store).await, ("sent".into(), 2));
    }
}

#[tokio::test]
async fn what_the_server_may_have_is_never_sent_again() {
    for trouble in [SmtpTrouble::Hang, SmtpTrouble::Close] {
        let post = Post::new();
        post.server.trouble(Step::End, trouble.clone(), ALWAYS);
        let told = post.tell(0).await;
        assert!(matches!(told[0].outcome, Outcome::Unsure { .. }), "{told:?}");
        post.server.behave();
        assert!(post.tell(1).await.is_empty());
        assert_eq!(post.server.mails().len(), 1, "{trouble:?}");
        assert_eq!(state(&post.store).await, ("unsure".into(), 1));
    }
}

#[tokio::test]
async fn a_server_that_hangs_or_is_not_there_keeps_nobody_for_long() {
    let post = Post::new();
    post.server.trouble(Step::Connect, SmtpTrouble::Hang, ALWAYS);
    let started = Instant::now();
    let (reason, is_tried_again) = failure(post.tell(0).await);
    assert!(reason.ends_with("in 3 tries: the server did not answer within 1 s before it took any mail"), "{reason}");
    assert!(is_tried_again && started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());

    let settings = AlertSettings { smtp_url: Some(Secret::new("smtp://127.0.0.1:9")), ..post.settings() };
    let (reason, _) = failure(covid_monitoring::tell(&MemoryStore::new(), &settings, "jhu", &[notice()], at(0)).await);
    assert!(
        reason.starts_with("cannot send mail by `127.0.0.1:9` in 3 tries: ") && reason.contains("refused"),
        "{reason}"
    );
}

#[tokio::test]
async fn no_password_goes_where_tls_is_asked_for_in_vain() {
    let post = Post::new();
    let url = format!("{}?tls=required", post.server.url("me:p%40ss-word@"));
    let settings = AlertSettings { smtp_url: Some(Secret::new(url)), ..post.settings() };
    let (reason, _) = failure(covid_monitoring::tell(&post.store, &settings, "jhu", &[notice()], at(0)).await);
    assert!(reason.ends_with("STARTTLS is not supported on this server"), "{reason}");
    assert!(post.server.mails().is_empty());
    // This server speaks no TLS at all.
    let url = post.server.url("me:p%40ss-word@").replace("smtp:", "smtps:");
    let settings = AlertSettings { smtp_url: Some(Secret::new(url)), ..post.settings() };
    let told = covid_monitoring::tell(&MemoryStore::new(), &settings, "jhu", &[notice()], at(0)).await;
    assert!(failure(told).1 && post.server.mails().is_empty());
}
