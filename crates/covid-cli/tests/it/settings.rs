//! Layered settings.

use covid_cli::{CommonArgs, SettingsError, settings};
use covid_core::{Date, Explain as _, FaultKind};
use covid_testing::Sandbox;
use serde::Deserialize;
use toml::Value;

#[derive(Debug, Deserialize)]
struct Wanted {
    source: String,
    dataset: Option<String>,
    as_of: Option<Date>,
    store: String,
    tracking: Option<String>,
    prediction: Prediction,
    gate: Gate,
}

#[derive(Debug, Deserialize)]
struct Prediction {
    horizon: usize,
}

#[derive(Debug, Deserialize)]
struct Gate {
    level: f64,
}

fn load(args: &CommonArgs, env: &[(&str, &str)]) -> Result<Wanted, SettingsError> {
    settings(args, &[], env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn refused(args: &CommonArgs, env: &[(&str, &str)]) -> (String, String) {
    let error = load(args, env).unwrap_err();
    assert_eq!(error.kind(), FaultKind::Usage);
    (error.to_string(), error.hint().unwrap())
}

/// The error for a file of this content, with its path shown as `FILE`.
fn refused_file(text: &str) -> (String, String) {
    let sandbox = Sandbox::new();
    let path = sandbox.write("my.toml", text);
    let (sentence, hint) = refused(&CommonArgs { config: Some(path.clone()), ..CommonArgs::default() }, &[]);
    (sentence.replace(path.to_str().unwrap(), "FILE"), hint)
}

#[test]
fn every_layer_lies_over_the_one_before() {
    let sandbox = Sandbox::new();
    let file = "source = 'file'\ndataset = 'file'\nas_of = 2020-02-02\nstore = 'file:file'\n[gate]\nlevel = 1\n";
    let args = CommonArgs {
        config: Some(sandbox.write("my.toml", file)),
        store: Some("file:flag".into()),
        ..CommonArgs::default()
    };
    let env = [("COVID_DATASET", "variable"), ("COVID_STORE", "file:variable"), ("COVID_PREDICTION_HORIZON", "14")];
    let wanted = load(&args, &env).unwrap();
    assert_eq!(wanted.source, "file");
    assert_eq!(wanted.dataset.as_deref(), Some("variable"));
    assert_eq!(wanted.as_of, Some(Date::constant(2020, 2, 2)));
    assert_eq!(wanted.store, "file:flag");
    assert_eq!(wanted.tracking, None);
    assert_eq!((wanted.prediction.horizon, wanted.gate.level), (14, 1.0));
}

#[test]
fn the_stage_s_own_flags_are_the_strongest() {
    let env = [("COVID_PREDICTION_HORIZON".to_owned(), "14".to_owned())];
    let overrides = [("prediction.horizon", Value::Integer(21))];
    let wanted: Wanted = settings(&CommonArgs::default(), &overrides, env.into_iter()).unwrap();
    assert_eq!(wanted.prediction.horizon, 21);
}

#[test]
fn an_unknown_name_is_an_error_with_the_closest_one() {
    let (sentence, hint) = refused(&CommonArgs::default(), &[("COVID_STOER", "x")]);
    assert_eq!(sentence, "the environment variable COVID_STOER stands for no setting");
    assert_eq!(hint, "did you mean COVID_STORE?");

    let (sentence, hint) = refused_file("[predictions]\nhorizon = 7\n");
    assert_eq!(sentence, "the settings file `FILE` sets `predictions.horizon`, which is not a setting");
    assert_eq!(hint, "did you mean `prediction.horizon`?");

    let (sentence, hint) = refused_file("[weather]\n");
    assert_eq!(sentence, "the settings file `FILE` sets `weather`, which is not a setting");
    assert_eq!(hint, "config/default.toml lists every setting");
}

#[test]
fn a_wrong_type_is_an_error_that_names_key_origin_value_and_type() {
    let (sentence, _) = refused(&CommonArgs::default(), &[("COVID_PREDICTION_HORIZON", "a week")]);
    assert_eq!(
        sentence,
        "the environment variable COVID_PREDICTION_HORIZON sets `prediction.horizon` to `a week`, but a whole number \
         is expected"
    );
    let (sentence, _) = refused_file("prediction = 3\n");
    assert_eq!(sentence, "the settings file `FILE` sets `prediction` to `3`, but a section is expected");
    let (sentence, _) = refused_file("[gate.level]\nx = 1\n");
    assert_eq!(sentence, "the settings file `FILE` sets `gate.level.x`, which is not a setting");
}

#[test]
fn a_value_that_the_program_does_not_take_is_traced_to_its_origin() {
    let args = CommonArgs { as_of: Some("soon".into()), ..CommonArgs::default() };
    let (sentence, _) = refused(&args, &[("COVID_GATE_LEVEL", "0.1")]);
    assert!(sentence.starts_with("the flag --as-of sets `as_of` to `soon`, which it cannot be: "), "{sentence}");
    let (sentence, _) = refused(&CommonArgs::default(), &[("COVID_PREDICTION_HORIZON", "-1")]);
    assert!(sentence.contains("sets `prediction.horizon` to `-1`, which it cannot be: "), "{sentence}");
}

#[test]
fn a_file_that_is_missing_or_not_toml_is_an_error() {
    let args = CommonArgs { config: Some("no/such.toml".into()), ..CommonArgs::default() };
    assert!(refused(&args, &[]).0.starts_with("cannot read the settings file `no/such.toml`: "));
    let (sentence, _) = refused_file("source = 'x'\nstore = \n");
    assert!(sentence.starts_with("line 2 of the settings file `FILE` is not valid TOML: "), "{sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
}

#[test]
fn mlflow_s_variable_sets_tracking_below_ours() {
    let mlflow = ("MLFLOW_TRACKING_URI", "https://mlflow.example");
    let args = CommonArgs::default();
    assert_eq!(load(&args, &[mlflow]).unwrap().tracking.as_deref(), Some("https://mlflow.example"));
    let ours = load(&args, &[mlflow, ("COVID_TRACKING", "embedded:x.db")]).unwrap();
    assert_eq!(ours.tracking.as_deref(), Some("embedded:x.db"));
}

#[test]
fn mlflow_s_local_trackers_are_refused_unless_something_stronger_is_set() {
    for uri in ["sqlite:///mlflow.db", "file:./mlruns", "./mlruns"] {
        let (sentence, hint) = refused(&CommonArgs::default(), &[("MLFLOW_TRACKING_URI", uri)]);
        assert!(sentence.contains("MLFLOW_TRACKING_URI"), "{sentence}");
        assert!(hint.contains("--tracking embedded:PATH"), "{hint}");
    }
    let args = CommonArgs { tracking: Some("embedded:x.db".into()), ..CommonArgs::default() };
    let wanted = load(&args, &[("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")]).unwrap();
    assert_eq!(wanted.tracking.as_deref(), Some("embedded:x.db"));
}

#[derive(Debug, Deserialize)]
struct Telling {
    alerts: Alerts,
}

#[derive(Debug, Deserialize)]
struct Alerts {
    slack_url: Option<String>,
    smtp_to: Option<String>,
    tries: u32,
}

#[test]
fn who_is_told_of_alerts_is_set_by_variables_too_and_no_address_is_shown() {
    let alerts = |env: &[(&str, &str)]| {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings::<Telling>(&CommonArgs::default(), &[], env).unwrap().alerts
    };
    let unset = alerts(&[]);
    assert_eq!((unset.slack_url, unset.smtp_to), (None, None), "all sinks are off");
    let env = [("COVID_ALERTS_SLACK_URL", "https://hooks.example/x"), ("COVID_ALERTS_TRIES", "2")];
    let set = alerts(&env);
    assert_eq!((set.slack_url.as_deref(), set.tries), (Some("https://hooks.example/x"), 2));

    for key in ["webhook_url", "webhook_secret", "slack_url", "smtp_url"] {
        // A list where a text belongs, as a slip of the hand makes it.
        let (sentence, hint) = refused_file(&format!("[alerts]\n{key} = ['https://h/canary']\n"));
        assert!(sentence.contains(&format!("`alerts.{key}` to `<redacted>`")), "{sentence}");
        assert!(!format!("{sentence}{hint}").contains("canary"), "{sentence} {hint}");
    }
}

#[test]
fn what_a_file_of_a_secret_ends_with_is_no_part_of_it() {
    let alerts = |url: &str| {
        let env = [("COVID_ALERTS_SLACK_URL".to_owned(), url.to_owned())].into_iter();
        settings::<Telling>(&CommonArgs::default(), &[], env).unwrap().alerts.slack_url
    };
    assert_eq!(alerts(" https://hooks.example/x\r\n").as_deref(), Some("https://hooks.example/x"));
    assert_eq!(alerts("\n"), None);
}

#[test]
fn variables_of_tests_the_clock_and_others_are_left_alone() {
    let env = [("COVID_TEST_DATA", "x"), ("COVID_NOW", "x"), ("PATH", "x")];
    assert_eq!(load(&CommonArgs::default(), &env).unwrap().source, "sample");
}

#[test]
fn a_text_may_be_set_back_to_empty() {
    let sandbox = Sandbox::new();
    let config = Some(sandbox.write("my.toml", "dataset = 'file'\n"));
    let args = CommonArgs { config, ..CommonArgs::default() };
    assert_eq!(load(&args, &[("COVID_DATASET", "")]).unwrap().dataset, None);
}

#[test]
fn an_empty_variable_sets_nothing_that_must_have_a_value() {
    let env = [("COVID_SOURCE", ""), ("COVID_PREDICTION_HORIZON", ""), ("COVID_GATE_LEVEL", "")];
    let wanted = load(&CommonArgs::default(), &env).unwrap();
    assert_eq!((wanted.source.as_str(), wanted.prediction.horizon, wanted.gate.level), ("sample", 7, 0.05));
}

#[derive(Debug, Deserialize)]
struct Orchestrated {
    prefect: Prefect,
}

#[derive(Debug, Deserialize)]
struct Prefect {
    api_url: Option<String>,
    api_key: Option<String>,
}

#[test]
fn prefect_s_own_variables_set_server_and_key_and_the_key_is_not_shown() {
    let prefect = |env: &[(&str, &str)]| {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings::<Orchestrated>(&CommonArgs::default(), &[], env).unwrap().prefect
    };
    let set = prefect(&[("PREFECT_API_URL", "http://prefect.example/api"), ("PREFECT_API_KEY", "pnu_canary")]);
    assert_eq!(
        (set.api_url.as_deref(), set.api_key.as_deref()),
        (Some("http://prefect.example/api"), Some("pnu_canary"))
    );
    assert_eq!(prefect(&[("PREFECT_API_URL", "")]).api_url, None);
    for key in ["api_key", "auth_string"] {
        let (sentence, hint) = refused_file(&format!("[prefect]\n{key} = ['canary']\n"));
        assert!(
            sentence.contains("<redacted>") && !format!("{sentence}{hint}").contains("canary"),
            "{sentence} {hint}"
        );
    }
}

#[derive(Debug, Deserialize)]
struct Fetching {
    fetch: CacheDir,
}

#[derive(Debug, Deserialize)]
struct CacheDir {
    cache_dir: Option<String>,
}

#[test]
fn downloads_go_to_the_user_s_cache_folder_unless_somebody_says_otherwise() {
    let sandbox = Sandbox::new();
    let cache_dir = |file: &str, env: &[(&str, &str)]| {
        let args = CommonArgs { config: Some(sandbox.write("my.toml", file)), ..CommonArgs::default() };
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings::<Fetching>(&args, &[], env).unwrap().fetch.cache_dir
    };
    let (home, xdg) = (("HOME", "/home/me"), ("XDG_CACHE_HOME", "/xdg"));
    assert_eq!(cache_dir("", &[]), None);
    assert_eq!(cache_dir("", &[home]).as_deref(), Some("/home/me/.cache/covid/jhu"));
    assert_eq!(cache_dir("", &[home, xdg]).as_deref(), Some("/xdg/covid/jhu"));
    assert_eq!(
        cache_dir("", &[home, ("XDG_CACHE_HOME", "not/absolute")]).as_deref(),
        Some("/home/me/.cache/covid/jhu")
    );
    let file = "[fetch]\ncache_dir = '/file'\n";
    assert_eq!(cache_dir(file, &[home, xdg]).as_deref(), Some("/file"));
    assert_eq!(cache_dir(file, &[home, ("COVID_FETCH_CACHE_DIR", "/mine")]).as_deref(), Some("/mine"));
    assert_eq!(cache_dir(file, &[home, ("COVID_FETCH_CACHE_DIR", "")]).as_deref(), Some("/home/me/.cache/covid/jhu"));
}
