//! Downloads from a server that behaves, and from one that does not.

use std::{
    io,
    time::{Duration, Instant},
};

use covid_core::{Explain as _, FaultKind};
use covid_http::{Client, Download, Downloaded, Held, HttpError, HttpFault, HttpSettings, HttpUrl, Sink, Validators};
use covid_testing::{ALWAYS, HttpServer, Request, Trouble};
use insta::assert_snapshot;
use proptest::prelude::*;

const PATH: &str = "/data.csv";
const LIMIT: u64 = 1 << 20;

/// A place in memory.
#[derive(Debug, Default)]
struct Memory {
    bytes: Vec<u8>,
    validators: Option<Validators>,
    restarts: usize,
    is_full: bool,
}

impl Sink for Memory {
    fn held(&self) -> Option<Held> {
        let validators = self.validators.clone()?;
        (!self.bytes.is_empty()).then_some(Held { bytes: self.bytes.len() as u64, validators })
    }

    fn restart(&mut self, validators: &Validators) -> io::Result<()> {
        self.restarts += 1;
        self.bytes.clear();
        self.validators = Some(validators.clone());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_full {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// A server that serves a body, and a client that is quick to try again.
struct Scene {
    server: HttpServer,
    client: Client,
    body: Vec<u8>,
}

fn impatient() -> HttpSettings {
    HttpSettings {
        idle_timeout: Duration::from_millis(150),
        try_timeout: Duration::from_secs(5),
        tries: 3,
        backoff: Duration::from_millis(1),
        longest_wait: Duration::from_secs(2),
        ..HttpSettings::default()
    }
}

impl Scene {
    fn new() -> Self {
        Self::with(impatient())
    }

    fn with(settings: HttpSettings) -> Self {
        let scene =
            Self { server: HttpServer::start(), client: Client::new(settings).unwrap(), body: body(0, 100_000) };
        scene.server.put(PATH, scene.body.clone());
        scene
    }

    fn trouble(&self, trouble: Trouble, times: usize) -> &Self {
        self.server.trouble(PATH, trouble, times);
        self
    }

    async fn download(&self, sink: &mut Memory) -> Result<Downloaded, HttpError> {
        self.download_unless(None, sink).await
    }

    async fn download_unless(&self, known: Option<&Validators>, sink: &mut Memory) -> Result<Downloaded, HttpError> {
        let url: HttpUrl = self.server.url(PATH).parse()?;
        let mut last = 0;
        let mut progress = |received, total: Option<u64>| {
            assert!(total.is_none_or(|total| received <= total));
            last = received;
        };
        let done = self.client.download(Download { url: &url, known, max_bytes: LIMIT }, sink, &mut progress).await;
        assert!(done.as_ref().map_or(true, |done| *done == Downloaded::Unchanged || last == sink.bytes.len() as u64));
        done
    }

    /// Downloads to an empty sink, which has the body afterwards.
    async fn downloaded(&self) -> Vec<Request> {
        let mut sink = Memory::default();
        let done = self.download(&mut sink).await.unwrap();
        assert!(matches!(done, Downloaded::Whole { resumed_from: 0, .. }), "{done:?}");
        assert!(sink.bytes == self.body, "{} bytes", sink.bytes.len());
        self.server.requests()
    }

    /// Fails to download: kind, sentence and hint, with the server's address made the same everywhere.
    async fn refused(&self) -> String {
        let error = self.download(&mut Memory::default()).await.unwrap_err();
        let text = format!("{:?}: {error}\nhint: {}", error.kind(), error.hint().unwrap());
        text.replace(&self.server.url(""), "http://SERVER")
    }
}

/// Bytes that differ from place to place and from version to version.
fn body(version: u64, length: u64) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(version) >> 7) as u8).collect()
}

fn statuses(requests: &[Request]) -> Vec<u16> {
    requests.iter().map(|request| request.status).collect()
}

#[tokio::test]
async fn a_body_is_downloaded_and_then_only_another_version_of_it() {
    let scene = Scene::new();
    let mut sink = Memory::default();
    let Downloaded::Whole { validators, resumed_from: 0 } = scene.download(&mut sink).await.unwrap() else { panic!() };
    assert!(sink.bytes == scene.body && validators.etag.is_some());

    let mut untouched = Memory::default();
    assert_eq!(scene.download_unless(Some(&validators), &mut untouched).await.unwrap(), Downloaded::Unchanged);
    assert_eq!(untouched.restarts, 0);

    scene.server.put(PATH, body(1, 10));
    let done = scene.download_unless(Some(&validators), &mut sink).await.unwrap();
    assert!(matches!(done, Downloaded::Whole { validators: new, resumed_from: 0 } if new != validators));
    assert_eq!(sink.bytes, body(1, 10));
    assert_eq!(statuses(&scene.server.requests()), [200, 304, 200]);
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for (trouble, seen) in [
        (Trouble::Status(500), 500),
        (Trouble::Status(503), 503),
        (Trouble::Later(429, "0".into()), 429),
        (Trouble::Garbage, 0),
        (Trouble::Close, 0),
    ] {
        let scene = Scene::new();
        let requests = scene.trouble(trouble.clone(), 2).downloaded().await;
        assert_eq!(statuses(&requests), [seen, seen, 200], "{trouble:?}");
    }
}

#[tokio::test]
async fn what_lasts_is_an_error_after_the_last_try() {
    let scene = Scene::new();
    assert_snapshot!(scene.trouble(Trouble::Status(503), ALWAYS).refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv` in 3 tries: the server answered 503 Service Unavailable
    hint: try again later
    ");
    assert_eq!(statuses(&scene.server.requests()), [503; 3]);
    let scene = Scene::new();
    assert_snapshot!(scene.trouble(Trouble::Garbage, ALWAYS).refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv` in 3 tries: the server's answer cannot be understood (invalid HTTP version parsed)
    hint: check that an HTTP server listens at that address, and try again
    ");
    let scene = Scene::new();
    assert_snapshot!(scene.trouble(Trouble::Cut(7), ALWAYS).refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv` in 3 tries: the answer was cut off after 21 of 100000 bytes
    hint: check the network, and try again
    ");
    let scene = Scene::new();
    scene.server.without_ranges(PATH);
    assert_snapshot!(scene.trouble(Trouble::Cut(7), ALWAYS).refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv` in 3 tries: the answer was cut off after 7 of 100000 bytes
    hint: check the network, and try again
    ");
    let scene = Scene::new();
    assert_snapshot!(scene.trouble(Trouble::Stall(0), ALWAYS).refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv` in 3 tries: no further byte came within 0.15 s
    hint: check the network, try again later, or set a longer time-out
    ");
}

#[tokio::test]
async fn what_does_not_pass_is_an_error_at_once() {
    for (trouble, requests) in [
        (Trouble::Status(404), 1),
        (Trouble::Status(403), 1),
        (Trouble::Later(429, "3600".into()), 1),
        (Trouble::RedirectTo("http://nowhere.invalid:99999/".into()), 1),
        (Trouble::RedirectTo(PATH.into()), 6),
    ] {
        let scene = Scene::new();
        let refused = scene.trouble(trouble, ALWAYS).refused().await;
        assert_eq!(scene.server.requests().len(), requests, "{refused}");
    }
    let scene = Scene::new();
    assert_snapshot!(scene.trouble(Trouble::Status(404), ALWAYS).refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv`: the server answered 404 Not Found
    hint: check the address
    ");
    let scene = Scene::new();
    assert_snapshot!(scene.trouble(Trouble::Later(429, "3600".into()), ALWAYS).refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv`: the server answered 429 Too Many Requests and asks to wait 3600 s
    hint: try again later
    ");
    let scene = Scene::new();
    assert_snapshot!(scene.trouble(Trouble::RedirectTo(PATH.into()), ALWAYS).refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv`: its redirection was not followed (more than 5 of them)
    hint: give the address that it leads to in the end
    ");
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    let scene = Scene::new();
    let url: HttpUrl = "http://me:secret@127.0.0.1:1/x?token=secret".parse().unwrap();
    let download = Download { url: &url, known: None, max_bytes: LIMIT };
    let error = scene.client.download(download, &mut Memory::default(), &mut |_, _| {}).await.unwrap_err();
    assert_snapshot!(format!("{error}\nhint: {}", error.hint().unwrap()), @r"
    cannot download `http://<redacted>@127.0.0.1:1/x?token=<redacted>` in 3 tries: the server cannot be reached (Connection refused (os error 111))
    hint: check the address and the network (behind a proxy: HTTPS_PROXY)
    ");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[tokio::test]
async fn a_server_without_tls_where_it_is_asked_for() {
    let scene = Scene::new();
    let url: HttpUrl = scene.server.url(PATH).replace("http:", "https:").parse().unwrap();
    let download = Download { url: &url, known: None, max_bytes: LIMIT };
    let error = scene.client.download(download, &mut Memory::default(), &mut |_, _| {}).await.unwrap_err();
    assert!(matches!(error.fault(), HttpFault::Unreachable { .. }), "{error}");
    assert_eq!(error.kind(), FaultKind::Remote);
}

#[tokio::test]
async fn a_server_s_wish_to_wait_is_kept() {
    let scene = Scene::new();
    let start = Instant::now();
    let requests = scene.trouble(Trouble::Later(503, "1".into()), 1).downloaded().await;
    assert_eq!(statuses(&requests), [503, 200]);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn after_a_cut_only_the_rest_is_asked_for() {
    let scene = Scene::new();
    let requests = scene.trouble(Trouble::Cut(40_000), 2).downloaded().await;
    assert_eq!(statuses(&requests), [200, 206, 206]);
    let ranges = requests.iter().map(|request| request.headers.get("range").map(String::as_str)).collect::<Vec<_>>();
    assert_eq!(ranges, [None, Some("bytes=40000-"), Some("bytes=80000-")]);
    assert!(requests[1].headers.contains_key("if-range"));

    for cut in [Trouble::Stall(40_000), Trouble::WrongLength(10)] {
        let scene = Scene::new();
        let requests = scene.trouble(cut.clone(), 1).downloaded().await;
        assert!(matches!(statuses(&requests)[..], [200, 206 | 416]), "{cut:?}");
    }
}

#[tokio::test]
async fn without_parts_or_a_tag_the_whole_is_asked_for() {
    let scene = Scene::new();
    scene.server.without_ranges(PATH);
    assert_eq!(statuses(&scene.trouble(Trouble::Cut(40_000), 2).downloaded().await), [200, 200, 200]);

    let scene = Scene::new();
    scene.server.without_etag(PATH);
    let requests = scene.trouble(Trouble::Cut(40_000), 1).downloaded().await;
    assert!(requests.iter().all(|request| request.status == 200 && !request.headers.contains_key("range")));

    let scene = Scene::new();
    let requests = scene.trouble(Trouble::Cut(40_000), 1).trouble(Trouble::WrongPart(3), 1).downloaded().await;
    assert_eq!(statuses(&requests), [200, 206, 200]);
}

#[tokio::test]
async fn a_later_call_goes_on_where_the_earlier_one_stopped() {
    let scene = Scene::with(HttpSettings { tries: 1, ..impatient() });
    let mut sink = Memory::default();
    scene.trouble(Trouble::Cut(60_000), 1).download(&mut sink).await.unwrap_err();
    assert_eq!(sink.bytes.len(), 60_000);
    let done = scene.download(&mut sink).await.unwrap();
    assert!(matches!(done, Downloaded::Whole { resumed_from: 60_000, .. }), "{done:?}");
    assert!(sink.bytes == scene.body);

    // Now all is there, and the server says so.
    let done = scene.download(&mut sink).await.unwrap();
    assert!(matches!(done, Downloaded::Whole { resumed_from: 100_000, .. }), "{done:?}");
    assert_eq!((statuses(&scene.server.requests()), sink.restarts), (vec![200, 206, 416], 1));
}

#[tokio::test]
async fn a_beginning_of_another_version_is_worth_nothing() {
    let scene = Scene::with(HttpSettings { tries: 1, ..impatient() });
    let mut sink = Memory::default();
    scene.trouble(Trouble::Cut(60_000), 1).download(&mut sink).await.unwrap_err();
    scene.server.put(PATH, body(1, 70_000));
    let done = scene.download(&mut sink).await.unwrap();
    assert!(matches!(done, Downloaded::Whole { resumed_from: 0, .. }), "{done:?}");
    assert!(sink.bytes == body(1, 70_000));

    // More is held than there is, under the right tag: the sink was tampered with.
    sink.bytes.extend(b"more");
    scene.download(&mut sink).await.unwrap();
    assert!(sink.bytes == body(1, 70_000));
    assert_eq!(statuses(&scene.server.requests()), [200, 200, 416, 200]);
}

#[tokio::test]
async fn a_drip_is_waited_for_so_long_and_no_longer() {
    let drip = || Trouble::Drip(20_000, Duration::from_millis(50));
    let scene = Scene::new();
    assert_eq!(statuses(&scene.trouble(drip(), ALWAYS).downloaded().await), [200]);

    let scene = Scene::with(HttpSettings { try_timeout: Duration::from_millis(120), tries: 2, ..impatient() });
    let start = Instant::now();
    let drip = Trouble::Drip(1, Duration::from_millis(10));
    assert_snapshot!(scene.trouble(drip, ALWAYS).refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv` in 2 tries: the whole did not come within 0.12 s
    hint: check the network, try again later, or set a longer time-out
    ");
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(statuses(&scene.server.requests()), [200, 206], "the second try went on where the first one stopped");
}

#[tokio::test]
async fn more_than_the_caller_takes_is_refused() {
    let scene = Scene::new();
    scene.server.put(PATH, body(0, LIMIT + 1));
    assert_snapshot!(scene.refused().await, @r"
    Remote: cannot download `http://SERVER/data.csv`: the answer is larger than 1048576 bytes
    hint: check that the address is the right one
    ");
    assert_eq!(scene.server.requests().len(), 1);
}

#[tokio::test]
async fn a_full_disk_is_no_fault_of_the_server() {
    let scene = Scene::new();
    let error = scene.download(&mut Memory { is_full: true, ..Memory::default() }).await.unwrap_err();
    assert!(matches!(error.fault(), HttpFault::Sink(_)), "{error}");
    assert_eq!((error.kind(), scene.server.requests().len()), (FaultKind::Usage, 1));
}

#[derive(Debug, Clone)]
enum Step {
    Trouble(Trouble),
    Publish(u64, u64),
    Download,
}

fn step() -> impl Strategy<Value = Step> {
    let trouble = prop_oneof![
        (0_usize..6000).prop_map(Trouble::Cut),
        (-3000_i64..3000).prop_map(Trouble::WrongLength),
        (0_u64..3000).prop_map(Trouble::WrongPart),
        prop_oneof![Just(404), Just(500), Just(304), Just(206), Just(416)].prop_map(Trouble::Status),
        Just(Trouble::Garbage),
        Just(Trouble::Close),
    ];
    prop_oneof![
        3 => trouble.prop_map(Step::Trouble),
        1 => (0_u64..3, 1_u64..6000).prop_map(|(version, length)| Step::Publish(version, length)),
        3 => Just(Step::Download),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever the server does, a download that ends well has exactly what the server published, unless the server
    /// announced fewer bytes than there are, which nobody can tell from a shorter body.
    #[test]
    fn what_is_called_whole_is_whole(steps in prop::collection::vec(step(), 1..12), has_ranges: bool, has_etag: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut scene = Scene::with(HttpSettings { tries: 2, ..impatient() });
            if !has_ranges { scene.server.without_ranges(PATH); }
            if !has_etag { scene.server.without_etag(PATH); }
            let mut sink = Memory::default();
            for step in steps {
                match step {
                    Step::Trouble(Trouble::WrongLength(less)) if less < 0 => {}
                    Step::Trouble(trouble) => scene.server.trouble(PATH, trouble, 1),
                    Step::Publish(version, length) => {
                        scene.body = body(version, length);
                        scene.server.put(PATH, scene.body.clone());
                    }
                    Step::Download => {
                        if scene.download(&mut sink).await.is_ok() {
                            assert!(sink.bytes == scene.body);
                        }
                    }
                }
            }
        });
    }
}
