//! The third stage as a user runs it.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod fetched;
mod settings;
mod visits;

use covid_testing::{Output, Sandbox, assert_run};

fn run(sandbox: &Sandbox, args: &[&str]) -> Output {
    sandbox.run(env!("CARGO_BIN_EXE_deployment"), args)
}

#[test]
fn the_first_run_trains_predicts_and_commits_and_the_second_is_already_done() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &[]), @r#"
    exit: 0
    ----- stdout -----
    Forecast for 2021-06-11, 7 days after 2021-06-04, by covid-predictor-sample 1 (damped-growth-7-0.95)
    Location                      Cases           95 % interval  Deaths     95 % interval
    ─────────────────────────────────────────────────────────────────────────────────────
    Covariantia               3,217,755  3,117,411 .. 3,407,943  40,391  39,476 .. 42,089
    Quantilia                 2,553,520  2,541,437 .. 2,704,448  19,839  19,753 .. 20,672
    Challengeria              2,365,489  2,299,427 .. 2,505,302  28,963  28,306 .. 30,180
    Baselinia                 1,949,393  1,888,602 .. 2,064,613  16,566  16,191 .. 17,263
    Modelonia                 1,923,747  1,863,756 .. 2,037,451   4,833    4,723 .. 5,036
    Championia                1,142,841  1,107,203 .. 1,210,390  17,279  16,887 .. 18,005
    Parquetia                   983,025    952,370 .. 1,041,127   4,610    4,505 .. 4,803
    Likelihoodia                737,376      722,450 .. 780,959   4,638    4,561 .. 4,833
    Stochastia                  571,672      561,777 .. 605,461   3,793    3,757 .. 3,953
    North Lassonia, Lassonia    531,179      514,615 .. 562,575   3,722    3,637 .. 3,878
    Lower Lassonia, Lassonia    444,223      430,370 .. 470,479   4,799    4,734 .. 5,001
    Eigenstan                   374,743      363,057 .. 396,892   2,140    2,091 .. 2,230
    Ridgeland of Shrinkage      359,229      348,026 .. 380,461   2,290    2,238 .. 2,386
    Pipelinia                   314,439      304,633 .. 333,024     872        853 .. 909
    Logarithmia                 270,900      262,452 .. 286,911   2,949    2,899 .. 3,073
    Regressia                   256,602      250,829 .. 271,769   1,248    1,241 .. 1,301
    Backtestan                  213,122      210,980 .. 225,719   3,087    3,056 .. 3,216
    Residualia                  197,204      195,119 .. 208,859   3,255    3,236 .. 3,392
    Kernelstan                  142,117      140,841 .. 150,517   2,667    2,657 .. 2,779
    Rustacea                     89,171        86,390 .. 94,442     386        377 .. 402
    ... and 28 more locations, and every day up to then, in the files
    committed: run <run>, 672 rows
    manifest: ./store/sample/predictions/commits/as_of=2021-06-04/<run>.json
    csv:      ./store/sample/predictions/csv/as_of=2021-06-04/<run>.csv
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    no champion of covid-predictor-sample yet: training one first
    damped-growth-7-0.95 is registered as version 1 of covid-predictor-sample, its first champion
    "#);
    let second = run(&sandbox, &[]);
    assert!(second.success() && second.stdout.contains("already done: run "), "{second}");
    assert!(!second.stderr.contains("training"), "{second}");
    assert_run!(run(&sandbox, &["runs", "-q"]), @r#"
    exit: 0
    ----- stdout -----
    Run                           As of       Horizon  Model                     Rows  Current
    ──────────────────────────────────────────────────────────────────────────────────────────
    <run>  2021-06-04        7  covid-predictor-sample 1   672  yes
    ----- stderr -----
    "#);
    let shapes: Vec<String> = sandbox.files().iter().map(|file| shape(file)).collect();
    insta::assert_snapshot!(shapes.join("\n"), @r#"
    store/.covid-lock
    store/artifacts/.covid-lock
    store/artifacts/covid-predictor-sample/<id>/model/MLmodel
    store/artifacts/covid-predictor-sample/<id>/model/model.json
    store/artifacts/covid-predictor-sample/<id>/model/MLmodel
    store/artifacts/covid-predictor-sample/<id>/model/model.json
    store/artifacts/covid-predictor-sample/<id>/model/MLmodel
    store/artifacts/covid-predictor-sample/<id>/model/model.json
    store/sample/predictions/commits/as_of=2021-06-04/<run>.json
    store/sample/predictions/csv/as_of=2021-06-04/<run>.csv
    store/sample/predictions/data/as_of=2021-06-04/run=<run>/part-0-1.parquet
    store/sample/predictions/plans/<run>.json
    store/sample/vintages/<sha256>.parquet
    store/tracking.db
    "#);
}

/// A path with what differs between two runs replaced.
fn shape(file: &str) -> String {
    file.split('/').map(shape_of_part).collect::<Vec<_>>().join("/")
}

fn shape_of_part(part: &str) -> String {
    let hex = |text: &str, digits: usize| text.len() == digits && text.chars().all(|c| c.is_ascii_hexdigit());
    let (name, ending) =
        part.split_once('.').map_or((part, String::new()), |(name, ending)| (name, format!(".{ending}")));
    let (key, name) = name.split_once('=').map_or(("", name), |(key, name)| (key, name));
    let shape = match name {
        name if hex(name, 64) => "<sha256>",
        name if hex(name, 32) => "<id>",
        name if name.starts_with("20300102T") => "<run>",
        name => name,
    };
    if key.is_empty() { format!("{shape}{ending}") } else { format!("{key}={shape}{ending}") }
}

#[test]
fn exports_of_the_same_forecasts_made_in_two_places_are_the_same_bytes() {
    let exported = ["1", "5"].map(|shards| {
        let sandbox = Sandbox::new().env("COVID_PREDICTION_SHARDS", shards);
        assert!(run(&sandbox, &["-q"]).success());
        assert!(run(&sandbox, &["export", "--data-only", "--out", "rows.csv", "-q"]).success());
        assert!(run(&sandbox, &["export", "--data-only", "--out", "rows.parquet", "-q"]).success());
        (sandbox.read("rows.csv"), std::fs::read(sandbox.path().join("rows.parquet")).unwrap())
    });
    assert!(exported[0] == exported[1]);
    let columns = "location,Admin2,Province_State,Country_Region,target,date,horizon,point,q025,q10,q25,q50,q75,q90,q975,\
                   model_name,model_version";
    assert_eq!(exported[0].0.lines().next(), Some(columns));
    assert_eq!(exported[0].0.lines().count(), 48 * 2 * 7 + 1);
}

#[test]
fn an_export_has_as_of_and_run_unless_told_otherwise() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["export", "-q", "--out", "rows.csv"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: there is no committed prediction run of `sample`
    hint: make one with `deployment`
    "#);
    assert!(run(&sandbox, &["-q"]).success());
    assert_run!(run(&sandbox, &["export", "-q", "--out", "rows.csv"]), @r#"
    exit: 0
    ----- stdout -----
    672 rows of run <run> (as of 2021-06-04) are in rows.csv
    ----- stderr -----
    "#);
    assert!(sandbox.read("rows.csv").starts_with("as_of,run,location,Admin2,Province_State,Country_Region,target,"));
    assert_run!(run(&sandbox, &["export", "-q", "--out", "rows.csv", "--as-of", "2021-01-01"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: there is no committed prediction run of `sample` as of 2021-01-01
    hint: make one with `deployment`
    "#);
}

#[test]
fn show_tells_of_a_place_a_country_and_the_world_and_commits_nothing() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["show", "--location", "North Lassonia", "--horizon", "2"]), @r#"
    exit: 0
    ----- stdout -----
    North Lassonia, Lassonia: 501,961 cases and 3,608 deaths on 2021-06-04; forecast by covid-predictor-sample 1 (damped-growth-7-0.95)
    Date        Target          Forecast   Median       50 % interval       80 % interval       95 % interval
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    2021-06-05  ConfirmedCases   506,690  506,110  504,872 .. 506,731  502,866 .. 507,420  501,961 .. 511,086
    2021-06-06  ConfirmedCases   511,224  510,005  507,809 .. 511,266  503,834 .. 512,739  501,961 .. 518,105
    2021-06-05  Fatalities         3,627    3,624      3,618 .. 3,627      3,608 .. 3,633      3,608 .. 3,651
    2021-06-06  Fatalities         3,644    3,640      3,629 .. 3,644      3,609 .. 3,652      3,608 .. 3,685
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    no champion of covid-predictor-sample yet: training one first
    damped-growth-7-0.95 is registered as version 1 of covid-predictor-sample, its first champion
    "#);
    assert_run!(run(&sandbox, &["show", "--location", "lassonia", "--horizon", "2", "-q"]), @r#"
    exit: 0
    ----- stdout -----
    Lassonia (sum of 4 locations): 991,583 cases and 9,357 deaths on 2021-06-04; forecast by covid-predictor-sample 1 (damped-growth-7-0.95)
    Date        Target           Forecast
    ─────────────────────────────────────
    2021-06-05  ConfirmedCases    999,022
    2021-06-06  ConfirmedCases  1,006,144
    2021-06-05  Fatalities          9,387
    2021-06-06  Fatalities          9,416
    Sums have no intervals: places err together, and by how much is not known yet.
    ----- stderr -----
    "#);
    assert_run!(run(&sandbox, &["show", "--location", "World", "--on", "2021-06-30", "-q"]), @r#"
    exit: 0
    ----- stdout -----
    World (sum of 48 locations): 18,493,240 cases and 170,971 deaths on 2021-06-04; forecast by covid-predictor-sample 1 (damped-growth-7-0.95)
    Date        Target            Forecast
    ──────────────────────────────────────
    2021-06-30  ConfirmedCases  20,677,927
    2021-06-30  Fatalities         181,626
    Sums have no intervals: places err together, and by how much is not known yet.
    ----- stderr -----
    "#);
    assert!(!sandbox.files().iter().any(|file| file.contains("predictions")), "{:?}", sandbox.files());
}

#[test]
fn show_refuses_what_it_cannot_tell() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q"]).success());
    assert_run!(run(&sandbox, &["show", "--location", "Quantilla", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no location `Quantilla` in the data
    hint: did you mean `Quantilia`?
    "#);
    assert_run!(run(&sandbox, &["show", "--location", "Atlantis", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no location `Atlantis` in the data
    hint: places are named as in the source: `Datastan`, `Modelonia`, `Quantilia`, or `World`
    "#);
    assert_run!(run(&sandbox, &["show", "--location", "World", "--on", "today", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: 2030-01-02 is more than 60 days after the as-of date 2021-06-04
    hint: ask for a date up to 60 days after 2021-06-04, or use a source with newer data
    "#);
    assert_run!(run(&sandbox, &["show", "--location", "World", "--on", "2021-06-04", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: 2021-06-04 is not after the as-of date 2021-06-04, so there is nothing to forecast
    hint: ask for a date after 2021-06-04, or give an earlier --as-of
    "#);
    assert_run!(run(&sandbox, &["show", "--location", "World", "--on", "soon", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --on must be a date like 2020-04-01, not `soon`
    hint: change --on on the command line or in the settings
    "#);
}

#[test]
fn an_earlier_as_of_date_refits_and_says_so() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q"]).success());
    let output = run(&sandbox, &["-q", "--as-of", "2021-01-01"]);
    assert!(output.stdout.contains("covid-predictor-sample 1+refit"), "{output}");
    let models = run(&sandbox, &["runs", "-q"]);
    assert!(models.stdout.contains("2021-01-01") && models.stdout.contains("1+refit"), "{models}");
}

#[test]
fn a_sweep_with_nothing_to_remove() {
    assert_run!(run(&Sandbox::new(), &["sweep", "-q"]), @r#"
    exit: 0
    ----- stdout -----
    0 parts removed, 0 parts of unfinished runs younger than 24 hours left alone
    ----- stderr -----
    "#);
}
