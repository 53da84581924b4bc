//! Fetching from a server on this machine that behaves, and from one that does not.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use covid_core::{Explain as _, FaultKind, Timestamp};
use covid_data::{
    DataError, FetchError, FetchReport, FetchSettings, LoadOptions, Loaded, Outcome, Outcome::*, fetch, open,
};
use covid_testing::{ALWAYS, HttpServer, Request, Trouble, real_data};
use insta::assert_snapshot;
use proptest::prelude::*;
use tempfile::TempDir;

const CONFIRMED: &str = "/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv";
const DEATHS: &str = "/csse_covid_19_time_series/time_series_covid19_deaths_global.csv";
const LOOKUP: &str = "/UID_ISO_FIPS_LookUp_Table.csv";
const PATHS: [&str; 3] = [CONFIRMED, DEATHS, LOOKUP];

/// A series of two places, with more days in later versions.
fn series(version: u8, factor: u32) -> String {
    let days = 2 + u32::from(version);
    let cells = |cell: &dyn Fn(u32) -> String| (1..=days).map(|day| format!(",{}", cell(day))).collect::<String>();
    let header = cells(&|day| format!("1/{day}/20"));
    let [small, large] = [1, 1000].map(|size| cells(&|day| (day * size * factor).to_string()));
    format!("Province/State,Country/Region,Lat,Long{header}\r\n,Datastan,1,2{small}\r\nNorth,Modelonia,3,4{large}\r\n")
}

/// JHU's three files in a version.
fn files(version: u8) -> [Vec<u8>; 3] {
    let lookup = format!(
        "UID,iso2,Admin2,Province_State,Country_Region,Lat,Long_,Combined_Key,Population\n\
         1,DS,,,Datastan,1,2,Datastan,100{version}\n"
    );
    [series(version, 2), series(version, 1), lookup].map(String::into_bytes)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2030-01-02T03:04:05Z")
}

/// A server with JHU's files, and an empty cache folder.
struct Scene {
    server: HttpServer,
    folder: TempDir,
    settings: FetchSettings,
}

impl Scene {
    fn new() -> Self {
        let (server, folder) = (HttpServer::start(), tempfile::tempdir().unwrap());
        let settings = FetchSettings {
            base_url: server.url(""),
            cache_dir: Some(folder.path().join("cache")),
            max_age_hours: 24.0,
            connect_timeout_seconds: 5.0,
            idle_timeout_seconds: 0.2,
            try_timeout_seconds: 5.0,
            tries: 2,
            backoff_seconds: 0.001,
        };
        let scene = Self { server, folder, settings };
        scene.publish(0);
        scene
    }

    fn with_tries(tries: u32) -> Self {
        let mut scene = Self::new();
        scene.settings.tries = tries;
        scene
    }

    /// A scene in which the first version was fetched already.
    async fn with_a_copy() -> Self {
        let scene = Self::with_tries(1);
        scene.fetch().await.unwrap();
        scene.server.requests();
        scene
    }

    fn publish(&self, version: u8) {
        PATHS.into_iter().zip(files(version)).for_each(|(path, file)| self.server.put(path, file));
    }

    async fn fetch(&self) -> Result<FetchReport, FetchError> {
        fetch(&self.settings, now(), &mut |_, _, _| {}).await
    }

    async fn open(&self, now: Timestamp) -> Result<Loaded, DataError> {
        open("jhu", &LoadOptions::default(), &self.settings, now).await
    }

    /// Kind, sentence and hint of the error, with what differs from run to run made the same.
    async fn refused(&self) -> String {
        let error = self.fetch().await.unwrap_err();
        let text = format!("{:?}: {error}\nhint: {}", error.kind(), error.hint().unwrap());
        text.replace(&self.server.url(""), "http://SERVER").replace(self.folder.path().to_str().unwrap(), "DIR")
    }

    fn cache(&self) -> PathBuf {
        self.settings.cache_dir.clone().unwrap()
    }

    /// The files in force; none before the first fetch.
    fn in_force(&self) -> Option<[Vec<u8>; 3]> {
        let current: serde_json::Value =
            serde_json::from_slice(&fs::read(self.cache().join("current.json")).ok()?).unwrap();
        let folder = self.cache().join("sets").join(current["name"].as_str().unwrap());
        Some(PATHS.map(|path| fs::read(folder.join(Path::new(path).file_name().unwrap())).unwrap()))
    }

    fn sets(&self) -> usize {
        fs::read_dir(self.cache().join("sets")).unwrap().count()
    }

    fn partials(&self) -> usize {
        let entries = fs::read_dir(self.cache()).unwrap().map(|entry| entry.unwrap().file_name());
        entries.filter(|name| name.to_string_lossy().ends_with(".partial")).count()
    }
}

fn outcomes(report: &FetchReport) -> Vec<Outcome> {
    report.files.iter().map(|file| file.outcome).collect()
}

fn statuses(requests: &[Request]) -> Vec<u16> {
    requests.iter().map(|request| request.status).collect()
}

#[tokio::test]
async fn files_are_fetched_once_and_then_asked_for() {
    let scene = Scene::new();
    let first = scene.fetch().await.unwrap();
    assert_eq!(outcomes(&first), [Downloaded; 3]);
    assert_eq!(scene.in_force().unwrap(), files(0));
    assert_eq!(first.files.iter().map(|file| file.bytes).collect::<Vec<_>>(), files(0).map(|file| file.len() as u64));
    for (file, bytes) in first.files.iter().zip(files(0)) {
        assert_eq!(file.sha256, covid_core::sha256_hex(&bytes));
    }

    let second = scene.fetch().await.unwrap();
    assert_eq!(outcomes(&second), [Unchanged; 3]);
    assert_eq!((&second.folder, second.fetched_at), (&first.folder, first.fetched_at));
    assert_eq!(statuses(&scene.server.requests()), [200, 200, 200, 304, 304, 304]);
    assert_eq!((scene.sets(), scene.partials()), (1, 0));
}

#[tokio::test]
async fn progress_is_told_up_to_the_last_byte() {
    let scene = Scene::new();
    let mut told: Vec<(String, u64, Option<u64>)> = Vec::new();
    fetch(&scene.settings, now(), &mut |file, done, total| told.push((file.to_owned(), done, total))).await.unwrap();
    for (path, file) in PATHS.into_iter().zip(files(0)) {
        let last = told.iter().rfind(|(name, ..)| path.ends_with(name.as_str())).unwrap();
        assert_eq!((last.1, last.2), (file.len() as u64, Some(file.len() as u64)));
    }
}

#[tokio::test]
async fn a_new_version_replaces_the_old_one_and_what_did_not_change_is_shared() {
    let scene = Scene::with_a_copy().await;
    let [confirmed, deaths, _] = files(1);
    scene.server.put(CONFIRMED, confirmed);
    scene.server.put(DEATHS, deaths);
    let report = scene.fetch().await.unwrap();
    assert_eq!(outcomes(&report), [Downloaded, Downloaded, Unchanged]);
    let [confirmed, deaths, _] = files(1);
    assert_eq!(scene.in_force().unwrap(), [confirmed, deaths, files(0)[2].clone()]);
    assert_eq!(scene.sets(), 2, "the set before is kept for who reads it");
    scene.publish(2);
    scene.fetch().await.unwrap();
    assert_eq!((scene.in_force().unwrap(), scene.sets()), (files(2), 2));
}

#[tokio::test]
async fn whatever_a_server_does_the_old_files_stay() {
    let scene = Scene::with_a_copy().await;
    scene.publish(1);
    let troubles = [
        Trouble::Status(404),
        Trouble::Status(500),
        Trouble::Later(429, "0".into()),
        Trouble::RedirectTo("/somewhere".into()),
        Trouble::Html,
        Trouble::Garbage,
        Trouble::Close,
        Trouble::Cut(30),
        Trouble::Stall(30),
        Trouble::WrongLength(10),
        Trouble::WrongLength(-1),
        Trouble::WrongLength(-10),
    ];
    for path in PATHS {
        for trouble in &troubles {
            scene.server.without_ranges(path);
            scene.server.trouble(path, trouble.clone(), ALWAYS);
            let error = scene.fetch().await.unwrap_err();
            assert_eq!(error.kind(), FaultKind::Remote, "{trouble:?}: {error}");
            assert!(error.to_string().contains(path), "{error}");
            assert_eq!(scene.in_force().unwrap(), files(0), "{trouble:?}");
            scene.server.behave();
        }
    }
    scene.fetch().await.unwrap();
    assert_eq!((scene.in_force().unwrap(), scene.partials()), (files(1), 0));
}

#[tokio::test]
async fn errors_say_what_is_wrong_and_what_to_do() {
    let refused = async |path: &str, trouble: Trouble| {
        let scene = Scene::new();
        scene.server.trouble(path, trouble, ALWAYS);
        scene.refused().await
    };
    assert_snapshot!(refused(CONFIRMED, Trouble::Status(404)).await, @r"
    Remote: cannot download `http://SERVER/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv`: the server answered 404 Not Found
    hint: check fetch.base_url in the settings
    ");
    assert_snapshot!(refused(DEATHS, Trouble::Status(500)).await, @r"
    Remote: cannot download `http://SERVER/csse_covid_19_time_series/time_series_covid19_deaths_global.csv` in 2 tries: the server answered 500 Internal Server Error
    hint: try again later
    ");
    assert_snapshot!(refused(DEATHS, Trouble::Html).await, @r"
    Remote: `http://SERVER/csse_covid_19_time_series/time_series_covid19_deaths_global.csv` is not what was expected: the file is a web page (HTML), not a CSV file
    hint: open the address in a browser: a proxy or a login page may answer in the server's place; check fetch.base_url
    ");
    assert_snapshot!(refused(LOOKUP, Trouble::Cut(9)).await, @r"
    Remote: cannot download `http://SERVER/UID_ISO_FIPS_LookUp_Table.csv` in 2 tries: the answer was cut off after 18 of 114 bytes
    hint: try again: what came is kept, and the rest is asked for; fetch.* in the settings has the time-outs
    ");
    assert_snapshot!(refused(CONFIRMED, Trouble::WrongLength(-1)).await, @r"
    Remote: `http://SERVER/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv` is not what was expected: the last line has no end, so the file was cut off
    hint: the server may be changing it at this moment: try again in some minutes
    ");
    assert_snapshot!(refused(CONFIRMED, Trouble::Stall(9)).await, @r"
    Remote: cannot download `http://SERVER/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv` in 2 tries: no further byte came within 0.2 s
    hint: try again: what came is kept, and the rest is asked for; fetch.* in the settings has the time-outs
    ");

    let other = async |path: &str, content: &str| {
        let scene = Scene::new();
        scene.server.put(path, content);
        scene.refused().await
    };
    assert_snapshot!(other(LOOKUP, "a,b\n1,2\n").await, @r"
    Remote: `http://SERVER/UID_ISO_FIPS_LookUp_Table.csv` is not what was expected: the header has no column `UID`
    hint: open the address in a browser: a proxy or a login page may answer in the server's place; check fetch.base_url
    ");
    assert_snapshot!(other(CONFIRMED, "Province/State,Country/Region,1/1/20,1/2/20\n,Datastan,1,many\n").await, @r"
    Remote: `http://SERVER/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv` is not what was expected: row 2, column `1/2/20` holds `many`, which is not a number
    hint: the server may be changing it at this moment: try again in some minutes
    ");
    assert_snapshot!(other(DEATHS, &series(1, 1)).await, @r"
    Remote: the files below `http://SERVER/` do not belong together: `time_series_covid19_deaths_global.csv` has a column for 2020-01-03, which `time_series_covid19_confirmed_global.csv` does not have
    hint: they may be changing at this moment: try again in some minutes
    ");
    assert_snapshot!(other(DEATHS, &series(0, 1).replace("North,", "South,")).await, @r"
    Remote: the files below `http://SERVER/` do not belong together: `time_series_covid19_deaths_global.csv`: row 3 is for location `South, Modelonia`, which `time_series_covid19_confirmed_global.csv` does not have
    hint: they may be changing at this moment: try again in some minutes
    ");
}

#[tokio::test]
async fn an_unusable_cache_folder_is_a_matter_of_the_settings() {
    let mut scene = Scene::new();
    fs::write(scene.folder.path().join("file"), "").unwrap();
    scene.settings.cache_dir = Some(scene.folder.path().join("file/cache"));
    assert_snapshot!(scene.refused().await, @r"
    Usage: `DIR/file/cache/sets` in the cache folder cannot be made: Not a directory (os error 20)
    hint: check its permissions, or set fetch.cache_dir to another folder (COVID_FETCH_CACHE_DIR)
    ");
    scene.settings.cache_dir = None;
    assert_snapshot!(scene.refused().await, @r"
    Usage: there is no cache folder to keep downloads in: neither XDG_CACHE_HOME nor HOME is set
    hint: set fetch.cache_dir in the settings (COVID_FETCH_CACHE_DIR)
    ");
    scene.settings.base_url = "ftp://me:secret@host/x".into();
    assert_snapshot!(scene.refused().await, @r"
    Usage: cannot use `ftp://<redacted>@host/x`: it is no address of the web (its scheme is `ftp`, not `http` or `https`)
    hint: change fetch.base_url in the settings (COVID_FETCH_BASE_URL)
    ");
    assert!(scene.server.requests().is_empty());
}

#[tokio::test]
async fn what_was_cut_off_is_resumed_by_the_next_fetch() {
    let scene = Scene::with_tries(1);
    scene.server.trouble(DEATHS, Trouble::Cut(30), 1);
    scene.fetch().await.unwrap_err();
    assert_eq!(scene.partials(), 2, "the first file is there as a whole, the second in part");
    let report = scene.fetch().await.unwrap();
    assert_eq!(outcomes(&report), [Resumed, Resumed, Downloaded]);
    let requests = scene.server.requests();
    assert_eq!(statuses(&requests), [200, 200, 416, 206, 200]);
    assert_eq!(requests[3].headers["range"], "bytes=30-");
    assert_eq!((scene.in_force().unwrap(), scene.partials()), (files(0), 0));
}

#[tokio::test]
async fn a_beginning_of_another_version_or_place_is_not_used() {
    let scene = Scene::with_tries(1);
    scene.server.trouble(CONFIRMED, Trouble::Cut(30), 1);
    scene.fetch().await.unwrap_err();
    scene.publish(1);
    assert_eq!(outcomes(&scene.fetch().await.unwrap()), [Downloaded; 3]);
    assert_eq!(scene.in_force().unwrap(), files(1));

    let mut scene = Scene::with_tries(1);
    scene.server.trouble(CONFIRMED, Trouble::Cut(30), 1);
    scene.fetch().await.unwrap_err();
    let elsewhere = HttpServer::start();
    PATHS.into_iter().zip(files(0)).for_each(|(path, file)| elsewhere.put(path, file));
    scene.settings.base_url = elsewhere.url("");
    assert_eq!(outcomes(&scene.fetch().await.unwrap()), [Downloaded; 3]);
    assert!(elsewhere.requests().iter().all(|request| !request.headers.contains_key("range")));
}

#[tokio::test]
async fn a_damaged_copy_is_fetched_anew() {
    let scene = Scene::with_a_copy().await;
    let folder = scene.fetch().await.unwrap().folder;
    let damaged = folder.join(Path::new(DEATHS).file_name().unwrap());
    fs::write(&damaged, series(0, 7)).unwrap();
    let report = scene.fetch().await.unwrap();
    assert_eq!(outcomes(&report), [Unchanged, Downloaded, Unchanged]);
    assert_eq!(scene.in_force().unwrap(), files(0));
    fs::remove_file(&damaged).unwrap();
    assert_eq!(scene.open(now()).await.unwrap().panel.days(), 2);

    for nonsense in ["", "{}", "{\"format\": 2}", "[1"] {
        fs::write(scene.cache().join("current.json"), nonsense).unwrap();
        assert_eq!(outcomes(&scene.fetch().await.unwrap()), [Downloaded; 3], "{nonsense}");
    }
}

#[tokio::test]
async fn what_current_says_is_not_followed_out_of_the_cache() {
    let scene = Scene::with_a_copy().await;
    let path = scene.cache().join("current.json");
    let mut current: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let name = current["name"].as_str().unwrap().to_owned();
    current["name"] = format!("../sets/{name}").into();
    fs::write(&path, current.to_string()).unwrap();
    assert_eq!(outcomes(&scene.fetch().await.unwrap()), [Downloaded; 3]);
}

#[tokio::test]
async fn the_source_jhu_is_downloaded_once_and_revalidated_when_it_is_old() {
    let scene = Scene::new();
    let loaded = scene.open(now()).await.unwrap();
    assert_eq!((loaded.dataset.as_str(), loaded.panel.days()), ("jhu", 2));
    assert_eq!(loaded.description, format!("{}/, fetched 2030-01-02T03:04:05Z", scene.server.url("")));
    assert_eq!(loaded.fetched_at, Some(now()));
    assert_eq!(statuses(&scene.server.requests()), [200; 3]);

    let later = at("2030-01-03T03:04:05Z");
    assert_eq!(scene.open(later).await.unwrap().fetched_at, Some(now()));
    assert!(scene.server.requests().is_empty(), "a day is not too old");

    let later = at("2030-01-03T03:04:06Z");
    assert_eq!(scene.open(later).await.unwrap().fetched_at, Some(now()), "the same data are as old as they were");
    assert_eq!(statuses(&scene.server.requests()), [304; 3]);
    scene.open(at("2030-01-04T03:04:06Z")).await.unwrap();
    assert!(scene.server.requests().is_empty(), "that they were asked for counts");

    scene.publish(1);
    let later = at("2030-02-01T00:00:00Z");
    let loaded = scene.open(later).await.unwrap();
    assert_eq!((loaded.panel.days(), loaded.fetched_at), (3, Some(later)));
    scene.server.requests();
    scene.open(at("2030-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(statuses(&scene.server.requests()), [304; 3], "a time in the future says nothing of freshness");
}

#[tokio::test]
async fn without_the_network_the_copy_is_used_with_a_remark() {
    let mut scene = Scene::with_a_copy().await;
    PATHS.into_iter().for_each(|path| scene.server.trouble(path, Trouble::Status(503), ALWAYS));
    let loaded = scene.open(at("2031-01-01T00:00:00Z")).await.unwrap();
    assert_eq!((loaded.panel.days(), loaded.fetched_at), (2, Some(now())));
    let remark = loaded.findings.remarks.last().unwrap().to_string();
    let remark =
        remark.replace(&scene.server.url(""), "http://SERVER").replace(scene.cache().to_str().unwrap(), "CACHE");
    assert_snapshot!(remark, @r"
    `CACHE`: the copy fetched at 2030-01-02T03:04:05Z is used, for it could not be renewed: cannot download `http://SERVER/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv`: the server answered 503 Service Unavailable
    ");

    // Nothing was fetched from another place, so there is no copy to use.
    scene.settings.base_url = "http://127.0.0.1:1".into();
    let error = scene.open(at("2031-01-01T00:00:00Z")).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Remote);
    assert_snapshot!(error, @r"
    cannot download `http://127.0.0.1:1/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv`: the server cannot be reached (Connection refused (os error 111))
    ");
}

#[tokio::test]
async fn other_sources_are_opened_as_they_are_loaded() {
    let scene = Scene::new();
    let loaded = open("sample", &LoadOptions::default(), &scene.settings, now()).await.unwrap();
    assert_eq!((loaded.dataset.as_str(), loaded.fetched_at), ("sample", None));
    assert!(!scene.cache().exists() && scene.server.requests().is_empty());
}

#[tokio::test]
async fn two_fetches_at_a_time_do_not_disturb_each_other() {
    let scene = Scene::new();
    for path in PATHS {
        scene.server.trouble(path, Trouble::Drip(20, Duration::from_millis(2)), ALWAYS);
    }
    for version in 0..4 {
        scene.publish(version);
        let (first, second) = tokio::join!(scene.fetch(), scene.fetch());
        let both = [outcomes(&first.unwrap()), outcomes(&second.unwrap())];
        assert!(both.contains(&vec![Downloaded; 3]) && both.contains(&vec![Unchanged; 3]), "{both:?}");
        assert_eq!(scene.in_force().unwrap(), files(version));
    }
}

#[tokio::test]
async fn a_fetch_that_is_dropped_leaves_the_old_files_and_is_resumed() {
    let scene = Scene::with_a_copy().await;
    scene.publish(1);
    scene.server.trouble(CONFIRMED, Trouble::Stall(40), 1);
    // Dropped when the first bytes are there, however slow the machine is: a fixed time may end before the request.
    let begun = AtomicBool::new(false);
    let mut progress = |_: &str, received: u64, _: Option<u64>| begun.store(received > 0, Relaxed);
    let bytes = async {
        while !begun.load(Relaxed) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        ended = fetch(&scene.settings, now(), &mut progress) => drop(ended.unwrap_err()),
        () = bytes => {}
    }
    assert_eq!(scene.in_force().unwrap(), files(0));
    assert_eq!(outcomes(&scene.fetch().await.unwrap()), [Resumed, Downloaded, Downloaded]);
    assert_eq!(scene.in_force().unwrap(), files(1));
}

#[tokio::test]
async fn what_killed_fetches_left_is_removed() {
    let scene = Scene::with_a_copy().await;
    fs::create_dir(scene.cache().join("sets/.new-x")).unwrap();
    fs::create_dir(scene.cache().join("sets/0123456789abcdef")).unwrap();
    scene.publish(1);
    scene.fetch().await.unwrap();
    assert_eq!((scene.in_force().unwrap(), scene.sets()), (files(1), 2));
}

#[tokio::test]
async fn the_real_files_are_served_and_loaded() {
    let Some(data) = real_data() else { return };
    let scene = Scene::new();
    for path in PATHS {
        scene.server.put(path, fs::read(data.join("jhu").join(Path::new(path).file_name().unwrap())).unwrap());
    }
    scene.server.trouble(CONFIRMED, Trouble::Cut(1_000_000), 1);
    let loaded = scene.open(now()).await.unwrap();
    assert_eq!((loaded.panel.locations().len(), loaded.panel.days()), (289, 1143));
    let same = crate::load_folder(&data.join("jhu")).unwrap();
    assert_eq!(loaded.panel.digest(), same.panel.digest());
    assert_eq!(statuses(&scene.server.requests()), [200, 206, 200, 200]);
}

#[derive(Debug, Clone)]
enum Step {
    Publish(u8),
    /// As a server does that changes its files one after the other.
    PublishOne(usize, u8),
    Trouble(usize, Trouble),
    Fetch,
}

fn step() -> impl Strategy<Value = Step> {
    let trouble = prop_oneof![
        (0_usize..200).prop_map(Trouble::Cut),
        (-150_i64..50).prop_map(Trouble::WrongLength),
        (0_u64..50).prop_map(Trouble::WrongPart),
        prop_oneof![Just(404), Just(500), Just(206)].prop_map(Trouble::Status),
        Just(Trouble::Html),
        Just(Trouble::Garbage),
    ];
    prop_oneof![
        1 => (0_u8..4).prop_map(Step::Publish),
        1 => (0_usize..3, 0_u8..4).prop_map(|(file, version)| Step::PublishOne(file, version)),
        3 => (0_usize..3, trouble).prop_map(|(file, trouble)| Step::Trouble(file, trouble)),
        3 => Just(Step::Fetch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever happens, the files in force are whole files that were published, both series of the same days; after a
    /// fetch that ends well they are what is published now.
    #[test]
    fn the_files_in_force_are_whole_and_belong_together(steps in prop::collection::vec(step(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let scene = Scene::with_tries(1);
            let mut published = files(0);
            for step in steps {
                match step {
                    Step::Publish(version) => {
                        published = files(version);
                        scene.publish(version);
                    }
                    Step::PublishOne(file, version) => {
                        published[file] = files(version)[file].clone();
                        scene.server.put(PATHS[file], published[file].clone());
                    }
                    Step::Trouble(file, trouble) => scene.server.trouble(PATHS[file], trouble, 1),
                    Step::Fetch => {
                        if scene.fetch().await.is_ok() {
                            assert_eq!(scene.in_force().unwrap(), published);
                        }
                    }
                }
                if let Some([confirmed, deaths, lookup]) = scene.in_force() {
                    assert!((0..4).any(|version| confirmed == files(version)[0] && deaths == files(version)[1]));
                    assert!((0..4).any(|version| lookup == files(version)[2]));
                }
            }
        });
    }
}
