//! `eda fetch` and `--source jhu`, against a server on this machine.

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use covid_testing::{ALWAYS, HttpServer, Output, Sandbox, Trouble, assert_run, real_data};

const CONFIRMED: &str = "/data/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv";
const DEATHS: &str = "/data/csse_covid_19_time_series/time_series_covid19_deaths_global.csv";
const LOOKUP: &str = "/data/UID_ISO_FIPS_LookUp_Table.csv";
const CACHE: &str = ".cache/covid/jhu";

/// Two places of which the counts are known.
const SERIES: &str = "Province/State,Country/Region,Lat,Long,1/22/20,1/23/20\n\
                      ,Datastan,1,2,1,2\n\
                      North Modelonia,Modelonia,3,4,3,4\n";
const POPULATIONS: &str =
    "UID,Admin2,Province_State,Country_Region,Combined_Key,Population\n1,,,Datastan,Datastan,1000\n";

struct Scene {
    server: HttpServer,
    sandbox: Sandbox,
}

impl Scene {
    fn new() -> Self {
        let server = HttpServer::start();
        let sandbox = Sandbox::new()
            .env("COVID_FETCH_BASE_URL", &server.url("/data").replace("http://", "http://me:secret@"))
            .env("COVID_FETCH_IDLE_TIMEOUT_SECONDS", "0.3")
            .env("COVID_FETCH_BACKOFF_SECONDS", "0.001")
            .env("COVID_FETCH_TRIES", "2");
        server.put(CONFIRMED, SERIES);
        server.put(DEATHS, SERIES);
        server.put(LOOKUP, POPULATIONS);
        Self { server, sandbox }
    }

    fn eda(&self, args: &[&str]) -> Output {
        self.sandbox.run(env!("CARGO_BIN_EXE_eda"), args)
    }

    fn refused(&self, path: &str, trouble: Trouble) -> Output {
        self.server.behave();
        self.server.trouble(path, trouble, ALWAYS);
        self.eda(&["fetch"])
    }

    /// Bytes of the first file that are there, while it is being downloaded.
    fn begun(&self) -> u64 {
        let name = CONFIRMED.rsplit('/').next().unwrap();
        let partial = self.sandbox.path().join(CACHE).join(format!("{name}.partial"));
        fs::metadata(partial).map_or(0, |found| found.len())
    }
}

fn only_stderr(mut output: Output) -> Output {
    output.stdout.clear();
    output
}

/// A file's digest is shown in short, and differs from run to run no more than the file does; sets are named by one.
fn shortened(mut output: Output) -> Output {
    let mut text = String::new();
    for word in output.stdout.split_inclusive(|c: char| !c.is_ascii_hexdigit()) {
        let (digest, rest) = word.split_at(word.trim_end_matches(|c: char| !c.is_ascii_hexdigit()).len());
        let is_set = digest.len() == 16;
        text += if is_set { "<set>" } else { digest };
        text += rest;
    }
    output.stdout = text;
    output
}

#[test]
fn it_downloads_and_then_only_what_changed() {
    let scene = Scene::new();
    assert_run!(shortened(scene.eda(&["fetch"])), @"
    exit: 0
    ----- stdout -----
    File                                      How         Bytes  SHA-256
    ─────────────────────────────────────────────────────────────────────────
    time_series_covid19_confirmed_global.csv  downloaded    107  aab7becb4327
    time_series_covid19_deaths_global.csv     downloaded    107  aab7becb4327
    UID_ISO_FIPS_LookUp_Table.csv             downloaded     92  63eb2e3814c3
    from: http://<redacted>@<server>/data
    folder: <sandbox>/.cache/covid/jhu/sets/<set>
    ----- stderr -----
    ");
    scene.server.put(LOOKUP, format!("{POPULATIONS}2,,,Modelonia,Modelonia,2000\n"));
    assert_run!(shortened(scene.eda(&["fetch"])), @"
    exit: 0
    ----- stdout -----
    File                                      How         Bytes  SHA-256
    ─────────────────────────────────────────────────────────────────────────
    time_series_covid19_confirmed_global.csv  unchanged     107  aab7becb4327
    time_series_covid19_deaths_global.csv     unchanged     107  aab7becb4327
    UID_ISO_FIPS_LookUp_Table.csv             downloaded    121  889318d78205
    from: http://<redacted>@<server>/data
    folder: <sandbox>/.cache/covid/jhu/sets/<set>
    ----- stderr -----
    ");
    let printed: serde_json::Value = serde_json::from_str(&scene.eda(&["fetch", "--format", "json"]).stdout).unwrap();
    let outcomes: Vec<&str> = (0..3).map(|file| printed["files"][file]["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["unchanged"; 3]);
    assert_eq!(printed["fetched_at"], "2030-01-02T03:04:05Z");
    assert_eq!(printed["files"][0]["bytes"], SERIES.len());
    assert_eq!(printed["files"][0]["sha256"].as_str().unwrap().len(), 64);
    let printed = printed.to_string();
    assert!(printed.contains("<redacted>@127.0.0.1") && !printed.contains("secret"), "{printed}");
    for file in scene.sandbox.files() {
        assert!(!scene.sandbox.read(&file).contains("secret"), "{file}");
    }
    assert!(scene.server.requests().iter().all(|it| it.headers["authorization"] == "Basic bWU6c2VjcmV0"));
}

#[test]
fn a_server_that_misbehaves_is_an_error_with_exit_code_4() {
    let scene = Scene::new();
    assert_run!(scene.refused(CONFIRMED, Trouble::Status(404)), @r"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    error: cannot download `http://<redacted>@<server>/data/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv`: the server answered 404 Not Found
    hint: check fetch.base_url in the settings
    ");
    assert_run!(scene.refused(CONFIRMED, Trouble::Status(503)), @r"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    `http://<redacted>@<server>/data/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv`: the server answered 503 Service Unavailable; trying again
    error: cannot download `http://<redacted>@<server>/data/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv` in 2 tries: the server answered 503 Service Unavailable
    hint: try again later
    ");
    assert_run!(scene.refused(DEATHS, Trouble::Html), @r"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    error: `http://<redacted>@<server>/data/csse_covid_19_time_series/time_series_covid19_deaths_global.csv` is not what was expected: the file is a web page (HTML), not a CSV file
    hint: open the address in a browser: a proxy or a login page may answer in the server's place; check fetch.base_url
    ");
    assert_run!(scene.refused(DEATHS, Trouble::RedirectTo(DEATHS.into())), @r"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    error: cannot download `http://<redacted>@<server>/data/csse_covid_19_time_series/time_series_covid19_deaths_global.csv`: its redirection was not followed (more than 5 of them)
    hint: check fetch.base_url in the settings
    ");
    assert_run!(scene.refused(LOOKUP, Trouble::Stall(10)), @r"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    `http://<redacted>@<server>/data/UID_ISO_FIPS_LookUp_Table.csv`: no further byte came within 0.3 s; trying again
    error: cannot download `http://<redacted>@<server>/data/UID_ISO_FIPS_LookUp_Table.csv` in 2 tries: no further byte came within 0.3 s
    hint: try again: what came is kept, and the rest is asked for; fetch.* in the settings has the time-outs
    ");
    scene.server.without_ranges(LOOKUP);
    assert_run!(scene.refused(LOOKUP, Trouble::Cut(10)), @"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    `http://<redacted>@<server>/data/UID_ISO_FIPS_LookUp_Table.csv`: the answer was cut off after 10 of 92 bytes; trying again
    error: cannot download `http://<redacted>@<server>/data/UID_ISO_FIPS_LookUp_Table.csv` in 2 tries: the answer was cut off after 10 of 92 bytes
    hint: try again: what came is kept, and the rest is asked for; fetch.* in the settings has the time-outs
    ");
    assert_run!(scene.refused(LOOKUP, Trouble::WrongLength(1)), @"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    `http://<redacted>@<server>/data/UID_ISO_FIPS_LookUp_Table.csv`: the answer was cut off after 92 of 93 bytes; trying again
    error: cannot download `http://<redacted>@<server>/data/UID_ISO_FIPS_LookUp_Table.csv` in 2 tries: the answer was cut off after 92 of 93 bytes
    hint: try again: what came is kept, and the rest is asked for; fetch.* in the settings has the time-outs
    ");
    assert!(!scene.sandbox.path().join(CACHE).join("current.json").exists());
    drop(scene.server);
    let sandbox = scene.sandbox.env("COVID_FETCH_BASE_URL", "http://127.0.0.1:1/data");
    assert_run!(sandbox.run(env!("CARGO_BIN_EXE_eda"), &["fetch"]), @r"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    `http://<server>/data/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv`: the server cannot be reached (Connection refused (os error 111)); trying again
    error: cannot download `http://<server>/data/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv` in 2 tries: the server cannot be reached (Connection refused (os error 111))
    hint: check the address and the network (behind a proxy: HTTPS_PROXY)
    ");
}

#[test]
fn settings_that_cannot_be_obeyed_are_refused_before_anything_is_asked() {
    let scene = Scene::new();
    let refused = |name: &str, value: &str| {
        let mut command = scene.sandbox.command(env!("CARGO_BIN_EXE_eda"), &["fetch"]);
        let output = command.env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    insta::assert_snapshot!(refused("COVID_FETCH_TRIES", "0"), @r"
    error: fetch.tries must be 1 to 20, not `0`
    hint: change fetch.tries in the settings
    ");
    insta::assert_snapshot!(refused("COVID_FETCH_BASE_URL", "ftp://me:secret@host"), @r"
    error: cannot use `ftp://<redacted>@host`: it is no address of the web (its scheme is `ftp`, not `http` or `https`)
    hint: change fetch.base_url in the settings (COVID_FETCH_BASE_URL)
    ");
    assert!(scene.server.requests().is_empty() && scene.sandbox.files().is_empty());
}

#[test]
fn the_source_jhu_works_everywhere_and_without_the_network_once_it_was_fetched() {
    let scene = Scene::new();
    assert_run!(scene.eda(&["--source", "jhu"]), @"
    exit: 0
    ----- stdout -----
    Location                    Cases  New in 7 days  Deaths  New in 7 days  Weekly cases
    ─────────────────────────────────────────────────────────────────────────────────────
    World                           6              -       6              -
    North Modelonia, Modelonia      4              -       4              -
    Datastan                        2              -       2              -
    Quality             ConfirmedCases  Fatalities
    ──────────────────────────────────────────────
    missing counts                   0           0
    counts that fall                 0           0
    series with a fall               0           0
    largest fall                     -           -
    jumps                            0           0
    largest jump                     -           -
    series without any               0           0
    below 0                          0           0
    not whole numbers                0           0
    places without news for 14 days: 0
    places that report weekly: 0
    report: ./store/jhu/eda/as_of=2020-01-23/report.html
    beside it: repairs.csv (0 counts), quality.csv (0 series)
    ----- stderr -----
    fetching JHU's data from http://<redacted>@<server>/data
    JHU time series (http://<redacted>@<server>/data, fetched 2030-01-02T03:04:05Z; revised data): 2 locations x 2 days up to 2020-01-23; repair: 0 counts in 0 series lowered
    ");
    scene.server.requests();
    assert_run!(only_stderr(scene.eda(&["--source", "jhu", "--format", "json", "-q"])), @r"
    exit: 0
    ----- stdout -----
    ----- stderr -----
    ");
    assert!(scene.server.requests().is_empty(), "the copy is fresh");

    scene.server.trouble(CONFIRMED, Trouble::Status(503), ALWAYS);
    let sandbox = scene.sandbox.env("COVID_FETCH_MAX_AGE_HOURS", "0").env("COVID_NOW", "2030-01-02T03:04:06Z");
    assert_run!(only_stderr(sandbox.run(env!("CARGO_BIN_EXE_eda"), &["--source", "jhu"])), @r"
    exit: 0
    ----- stdout -----
    ----- stderr -----
    fetching JHU's data from http://<redacted>@<server>/data
    `http://<redacted>@<server>/data/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv`: the server answered 503 Service Unavailable; trying again
    JHU time series (http://<redacted>@<server>/data, fetched 2030-01-02T03:04:05Z; revised data): 2 locations x 2 days up to 2020-01-23; repair: 0 counts in 0 series lowered
    warning: `<sandbox>/.cache/covid/jhu`: the copy fetched at 2030-01-02T03:04:05Z is used, for it could not be renewed: cannot download `http://<redacted>@<server>/data/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv` in 2 tries: the server answered 503 Service Unavailable
    ");
}

#[test]
fn killed_in_the_middle_it_leaves_no_half_file_and_goes_on_the_next_time() {
    let scene = Scene::new();
    assert!(scene.eda(&["fetch"]).success());
    let before = scene.sandbox.read(&format!("{CACHE}/current.json"));
    let longer: String = SERIES
        .lines()
        .map(|line| format!("{line},{}\n", if line.starts_with('P') { "1/24/20" } else { "9" }))
        .collect();
    scene.server.put(CONFIRMED, longer.clone());
    scene.server.put(DEATHS, longer);
    scene.server.trouble(CONFIRMED, Trouble::Drip(10, Duration::from_millis(200)), 1);

    let mut command = scene.sandbox.command(env!("CARGO_BIN_EXE_eda"), &["fetch"]);
    let mut killed = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while scene.begun() == 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing was downloaded");
        thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();

    assert_eq!(scene.sandbox.read(&format!("{CACHE}/current.json")), before);
    let offline = scene.eda(&["--source", "jhu", "-q"]);
    assert!(offline.success() && offline.stdout.contains("2020-01-23"), "{offline}");
    let resumed = scene.eda(&["fetch"]);
    assert!(resumed.stdout.contains("resumed") && resumed.stdout.contains("unchanged"), "{resumed}");
    let renewed = scene.eda(&["--source", "jhu", "-q"]);
    assert!(renewed.success() && renewed.stdout.contains("2020-01-24"), "{renewed}");
}

#[test]
fn a_proxy_is_asked_for_other_machines_but_not_for_this_one() {
    let scene = Scene::new();
    // In the language of proxies a path is a whole address.
    for path in [CONFIRMED, DEATHS, LOOKUP] {
        let content = if path == LOOKUP { POPULATIONS } else { SERIES };
        scene.server.put(&format!("http://jhu.example{path}"), content);
    }
    let proxy = scene.server.url("");
    let eda = env!("CARGO_BIN_EXE_eda");
    let there = scene.sandbox.env("HTTP_PROXY", &proxy).env("COVID_FETCH_BASE_URL", "http://jhu.example/data");
    assert!(there.run(eda, &["fetch"]).success());
    let requests = scene.server.requests();
    assert!(
        requests.len() == 3 && requests.iter().all(|it| it.path.starts_with("http://jhu.example/")),
        "{requests:?}"
    );
    let here = there.env("HTTP_PROXY", "http://127.0.0.1:1").env("COVID_FETCH_BASE_URL", &scene.server.url("/data"));
    assert!(here.run(eda, &["fetch"]).success());
}

#[test]
fn two_programs_fetch_at_the_same_time() {
    let scene = Scene::new();
    for path in [CONFIRMED, DEATHS, LOOKUP] {
        scene.server.trouble(path, Trouble::Drip(20, Duration::from_millis(20)), ALWAYS);
    }
    let mut children: Vec<_> = (0..3)
        .map(|_| {
            let mut command = scene.sandbox.command(env!("CARGO_BIN_EXE_eda"), &["--source", "jhu"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(scene.server.requests().len(), 3, "the first fetched for all");
}

#[test]
fn the_real_files_come_through() {
    let Some(data) = real_data() else { return };
    let scene = Scene::new();
    for path in [CONFIRMED, DEATHS, LOOKUP] {
        scene.server.put(path, fs::read(data.join("jhu").join(path.rsplit('/').next().unwrap())).unwrap());
    }
    scene.server.trouble(CONFIRMED, Trouble::Cut(900_000), 1);
    let output = scene.eda(&["--source", "jhu"]);
    assert!(output.success() && output.stderr.contains("289 locations x 1143 days"), "{output}");
}
