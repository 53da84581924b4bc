//! Calls of a service that behaves, and of one that does not.

use std::time::Duration;

use covid_core::{Explain as _, FaultKind};
use covid_http::{Call, Client, Credentials, HttpFault, HttpSettings, HttpUrl, Secret};
use covid_testing::{ALWAYS, HttpServer, Trouble};

const PATH: &str = "/api/things";

struct Scene {
    server: HttpServer,
    client: Client,
}

impl Scene {
    fn new() -> Self {
        let settings = HttpSettings {
            idle_timeout: Duration::from_millis(150),
            try_timeout: Duration::from_secs(5),
            tries: 3,
            backoff: Duration::from_millis(1),
            ..HttpSettings::default()
        };
        let scene = Self { server: HttpServer::start(), client: Client::new(settings).unwrap() };
        scene.server.put(PATH, r#"{"id":"7"}"#);
        scene
    }

    fn url(&self) -> HttpUrl {
        self.server.url(PATH).parse().unwrap()
    }

    fn statuses(&self) -> Vec<u16> {
        self.server.requests().iter().map(|request| request.status).collect()
    }
}

#[tokio::test]
async fn documents_and_bytes_are_sent_by_every_method() {
    let scene = Scene::new();
    let document = serde_json::json!({ "name": "é" });
    let calls = [
        Call::get(scene.url().with_query("page token", "a&b")),
        Call::post(scene.url()).json(&document),
        Call::patch(scene.url()).json(&document),
        Call::delete(scene.url()).json(&document),
        Call::put(scene.url()).bytes(vec![0, 255].into()),
        Call::put(scene.url()).bytes(vec![].into()),
    ];
    for call in calls {
        assert_eq!(scene.client.call(&call).await.unwrap(), r#"{"id":"7"}"#);
    }
    let seen = scene.server.requests();
    let methods: Vec<_> = seen.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(methods, ["GET", "POST", "PATCH", "DELETE", "PUT", "PUT"]);
    assert_eq!(seen[0].path, "/api/things?page+token=a%26b");
    assert_eq!(
        (seen[1].headers["content-type"].as_str(), seen[1].body.as_slice()),
        ("application/json", r#"{"name":"é"}"#.as_bytes())
    );
    assert_eq!(
        (seen[4].headers["content-type"].as_str(), seen[4].body.as_slice()),
        ("application/octet-stream", &[0, 255][..])
    );
    assert!(seen[5].body.is_empty());
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for trouble in [
        Trouble::Status(500),
        Trouble::Status(503),
        Trouble::Later(429, "0".into()),
        Trouble::Close,
        Trouble::Cut(3),
        Trouble::Stall(3),
        Trouble::Garbage,
    ] {
        let scene = Scene::new();
        scene.server.trouble(PATH, trouble.clone(), 2);
        let answer = scene.client.call(&Call::post(scene.url()).json(&serde_json::json!({}))).await;
        assert_eq!(answer.unwrap(), r#"{"id":"7"}"#, "{trouble:?}");
        assert_eq!(scene.server.requests().len(), 3, "{trouble:?}");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    let call = |scene: &Scene| Call::post(scene.url()).once();
    for trouble in [
        Trouble::Status(500),
        Trouble::Status(502),
        Trouble::Status(503),
        Trouble::Close,
        Trouble::Cut(3),
        Trouble::Stall(0),
    ] {
        let scene = Scene::new();
        scene.server.trouble(PATH, trouble.clone(), 1);
        let error = scene.client.call(&call(&scene)).await.unwrap_err();
        assert!(error.may_be_done(), "{trouble:?}: {error}");
        assert_eq!(scene.server.requests().len(), 1, "{trouble:?}");
    }
    // The server says that it did not begin.
    for trouble in [Trouble::Status(408), Trouble::Later(429, "0".into())] {
        let scene = Scene::new();
        scene.server.trouble(PATH, trouble, 1);
        scene.client.call(&call(&scene)).await.unwrap();
        assert_eq!(scene.server.requests().len(), 2);
    }
    let scene = Scene::new();
    scene.server.trouble(PATH, Trouble::Status(400), 1);
    assert!(!scene.client.call(&call(&scene)).await.unwrap_err().may_be_done(), "a refusal is an answer");
    let nobody: HttpUrl = "http://127.0.0.1:9/".parse().unwrap();
    assert!(!scene.client.call(&Call::post(nobody).once()).await.unwrap_err().may_be_done(), "nobody was reached");
}

#[tokio::test]
async fn what_was_refused_is_done_again_but_not_what_was_perhaps_done() {
    let call = |scene: &Scene| Call::post(scene.url()).once_unless_refused();
    for trouble in [Trouble::Status(500), Trouble::Status(503), Trouble::Later(429, "0".into())] {
        let scene = Scene::new();
        scene.server.trouble(PATH, trouble, 2);
        scene.client.call(&call(&scene)).await.unwrap();
        assert_eq!(scene.server.requests().len(), 3);
    }
    for trouble in [Trouble::Close, Trouble::Cut(3), Trouble::Stall(0), Trouble::Garbage] {
        let scene = Scene::new();
        scene.server.trouble(PATH, trouble.clone(), 1);
        assert!(scene.client.call(&call(&scene)).await.unwrap_err().may_be_done(), "{trouble:?}");
        assert_eq!(scene.server.requests().len(), 1, "{trouble:?}");
    }
}

#[tokio::test]
async fn headers_and_bytes_arrive_as_they_are_and_are_not_shown() {
    let scene = Scene::new();
    let call = Call::post(scene.url().with_secret_path())
        .json_bytes(r#"{ "b": 1, "a": "secret" }"#.into())
        .header("webhook-id", "secret-1")
        .header("webhook-signature", "v1,secret=");
    scene.client.call(&call).await.unwrap();
    let seen = scene.server.requests().remove(0);
    assert_eq!(seen.body, r#"{ "b": 1, "a": "secret" }"#.as_bytes());
    let headers = ["content-type", "webhook-id", "webhook-signature"].map(|name| seen.headers[name].as_str());
    assert_eq!(headers, ["application/json", "secret-1", "v1,secret="]);
    scene.server.trouble(PATH, Trouble::Status(400), 1);
    let shown = format!("{} {call:?}", scene.client.call(&call).await.unwrap_err());
    assert!(!shown.contains("secret") && !shown.contains("things"), "{shown}");
}

#[tokio::test]
async fn a_client_may_follow_no_redirection() {
    let scene = Scene::new();
    scene.server.trouble(PATH, Trouble::RedirectTo("/elsewhere".into()), 1);
    let client = Client::new(HttpSettings { redirects: 0, ..HttpSettings::default() }).unwrap();
    let error = client.call(&Call::post(scene.url())).await.unwrap_err().to_string();
    assert!(error.ends_with("its redirection was not followed (none is)"), "{error}");
    assert_eq!(scene.server.requests().len(), 1);
}

#[tokio::test]
async fn a_refusal_brings_its_reasons() {
    let scene = Scene::new();
    scene.server.trouble(PATH, Trouble::Answer(400, r#"{"error_code":"NO"}"#.into()), 1);
    let error = scene.client.call(&Call::get(scene.url())).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Remote);
    match error.fault() {
        HttpFault::Status { code: 400, said, .. } => {
            assert_eq!(said.json(), Some(serde_json::json!({ "error_code": "NO" })));
            assert_eq!(said.text(), r#"{"error_code":"NO"}"#);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.statuses(), [400], "a refusal is not tried again");
    scene.server.trouble(PATH, Trouble::Status(503), ALWAYS);
    let error = scene.client.call(&Call::get(scene.url())).await.unwrap_err().to_string();
    assert!(error.ends_with("in 3 tries: the server answered 503 Service Unavailable"), "{error}");
}

#[tokio::test]
async fn an_answer_may_be_too_large() {
    let scene = Scene::new();
    for trouble in [None, Some(Trouble::Drip(4, Duration::ZERO))] {
        trouble.into_iter().for_each(|trouble| scene.server.trouble(PATH, trouble, 1));
        let error = scene.client.call(&Call::get(scene.url()).at_most(5)).await.unwrap_err();
        assert!(matches!(error.fault(), HttpFault::TooLarge { limit: 5 }), "{error}");
    }
}

#[tokio::test]
async fn who_asks_is_told_to_the_server_alone() {
    let scene = Scene::new();
    let basic = Credentials::Basic { username: "me".into(), password: Secret::new("secret-1") };
    let bearer = Credentials::Bearer(Secret::new("secret-2"));
    for (credentials, header) in [(basic, "Basic bWU6c2VjcmV0LTE="), (bearer, "Bearer secret-2")] {
        let client = scene.client.clone().with_credentials(credentials);
        client.call(&Call::get(scene.url())).await.unwrap();
        assert_eq!(scene.server.requests()[0].headers["authorization"], header);
        assert!(!format!("{client:?}").contains("secret"), "{client:?}");
        scene.server.trouble(PATH, Trouble::Status(401), 1);
        let error = client.call(&Call::get(scene.url())).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        scene.server.requests();

        // An address with a user of its own speaks for itself, and once.
        let own: HttpUrl = scene.server.url(PATH).replace("//", "//you:secret-3@").parse().unwrap();
        client.call(&Call::get(own)).await.unwrap();
        assert_eq!(scene.server.requests()[0].headers["authorization"], "Basic eW91OnNlY3JldC0z");
    }
}

#[tokio::test]
async fn what_a_server_repeats_of_who_asks_is_not_handed_on() {
    let scene = Scene::new();
    let basic = Credentials::Basic { username: "me".into(), password: Secret::new("sec:hush\"1") };
    let clients = [basic, Credentials::Bearer(Secret::new("sec:hush\"1"))]
        .map(|credentials| scene.client.clone().with_credentials(credentials));
    let own: HttpUrl = scene.server.url(PATH).replace("//", "//you:sec%3Ahush%221@").parse().unwrap();
    let hidden: HttpUrl = scene.server.url(&format!("{PATH}?token=sec:hush%221")).parse().unwrap();
    let calls = [
        (&clients[0], Call::get(scene.url())),
        (&clients[1], Call::get(scene.url())),
        (&scene.client, Call::get(own)),
        (&scene.client, Call::get(hidden.clone().with_query("page", "one"))),
        (&scene.client, Call::get(scene.url()).header("x-key", "sec:hush\"1")),
    ];
    for (client, call) in calls {
        client.call(&call).await.unwrap();
        let seen = scene.server.requests().remove(0);
        let sent = seen.headers.get("authorization").map_or("", |header| header.split_once(' ').unwrap().1).to_owned();
        let echo = format!("page one: {sent}, sec:hush\"1, sec:");
        for body in [serde_json::json!({ "message": [echo] }).to_string(), echo.clone()] {
            scene.server.trouble(PATH, Trouble::Answer(400, body), 1);
            let error = client.call(&call).await.unwrap_err();
            let HttpFault::Status { said, .. } = error.fault() else { panic!("{error}") };
            let read =
                said.json::<serde_json::Value>().map_or_else(|| said.text(), |read| read["message"][0].to_string());
            let shown = format!("{error} {error:?} {read}");
            assert!(
                !shown.contains("hush") && (sent.is_empty() || !shown.contains(sent.trim_end_matches('='))),
                "{shown}"
            );
            assert!(read.contains("page one: ") && read.contains(", <redacted>, sec:"), "the rest is told: {read}");
        }
        scene.server.requests();
    }
    assert_eq!(clients[1].redact(&hidden, "got \"sec:hush\\\"1\""), "got \"<redacted>\"", "as a quotation has it");
}

#[tokio::test]
async fn another_host_does_not_learn_who_asks() {
    let (scene, other) = (Scene::new(), HttpServer::start());
    other.put("/", "elsewhere");
    let elsewhere = other.url("/").replace("127.0.0.1", "localhost");
    scene.server.trouble(PATH, Trouble::RedirectTo(elsewhere), 1);
    let client = scene.client.clone().with_credentials(Credentials::Bearer(Secret::new("secret")));
    assert_eq!(client.call(&Call::get(scene.url())).await.unwrap(), "elsewhere");
    assert!(!other.requests()[0].headers.contains_key("authorization"));
}
