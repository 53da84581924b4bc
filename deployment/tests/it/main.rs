//! The third stage as a user runs it.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod fetched;
#[cfg(unix)]
mod isolated;
mod s3;
mod serve;
mod settings;
mod under_prefect;
mod visits;

use covid_testing::{Output, Sandbox, assert_run};

fn run(sandbox: &Sandbox, args: &[&str]) -> Output {
    sandbox.run(env!("CARGO_BIN_EXE_deployment"), args)
}

#[test]
fn the_first_run_trains_predicts_and_commits_and_the_second_is_already_done() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &[]), @"
    exit: 0
    ----- stdout -----
    Forecast for 2021-06-11, 7 days after 2021-06-04, by covid-predictor-sample 1 (ensemble)
    Location                      Cases           95 % interval  Deaths     95 % interval
    ─────────────────────────────────────────────────────────────────────────────────────
    Covariantia               3,228,643  3,146,597 .. 3,274,799  40,677  40,110 .. 41,028
    Quantilia                 2,564,916  2,548,605 .. 2,565,356  19,863  19,785 .. 19,878
    Challengeria              2,368,744  2,338,439 .. 2,401,301  29,005  28,784 .. 29,332
    Baselinia                 1,963,694  1,893,599 .. 1,993,717  16,652  16,339 .. 16,845
    Modelonia                 1,946,183  1,889,513 .. 1,980,334   4,885    4,818 .. 4,943
    Championia                1,168,615  1,121,548 .. 1,224,262  17,475  17,240 .. 17,732
    Parquetia                   990,620    960,778 .. 1,019,975   4,671    4,596 .. 4,736
    Likelihoodia                740,786      732,961 .. 751,630   4,649    4,607 .. 4,692
    Stochastia                  586,174      569,730 .. 588,416   3,823    3,780 .. 3,849
    North Lassonia, Lassonia    533,024      519,807 .. 554,642   3,751    3,700 .. 3,821
    Lower Lassonia, Lassonia    451,410      440,631 .. 465,095   4,824    4,783 .. 4,864
    Eigenstan                   377,495      360,720 .. 395,933   2,172    2,118 .. 2,203
    Ridgeland of Shrinkage      357,358      352,115 .. 369,609   2,293    2,258 .. 2,340
    Pipelinia                   314,313      304,059 .. 329,220     878        854 .. 904
    Logarithmia                 277,460      260,287 .. 305,359   2,942    2,907 .. 3,001
    Regressia                   261,135      255,111 .. 269,490   1,260    1,245 .. 1,268
    Backtestan                  215,389      212,366 .. 216,213   3,111    3,072 .. 3,137
    Residualia                  199,821      196,800 .. 201,672   3,298    3,248 .. 3,298
    Kernelstan                  143,201      141,866 .. 143,862   2,676    2,662 .. 2,688
    Epochia                      89,654        88,178 .. 91,089     671        664 .. 681
    ... and 28 more locations, and every day up to then, in the files
    committed: run <run>, 672 rows
    manifest: ./store/sample/predictions/commits/as_of=2021-06-04/<run>.json
    csv:      ./store/sample/predictions/csv/as_of=2021-06-04/<run>.csv
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    no champion of covid-predictor-sample yet: training one first
    ensemble is registered as version 1 of covid-predictor-sample, its first champion
    ");
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
    let mut shapes: Vec<String> = sandbox.files().iter().map(|file| shape(file)).collect();
    shapes.sort();
    shapes.dedup();
    insta::assert_snapshot!(shapes.join("\n"), @"
    store/.covid-lock
    store/artifacts/.covid-lock
    store/artifacts/covid-predictor-sample/<id>/backtest.csv
    store/artifacts/covid-predictor-sample/<id>/baseline.json
    store/artifacts/covid-predictor-sample/<id>/model/MLmodel
    store/artifacts/covid-predictor-sample/<id>/model/model.json
    store/artifacts/covid-predictor-sample/<id>/report.html
    store/flow.db
    store/sample/predictions/commits/as_of=2021-06-04/<run>.json
    store/sample/predictions/csv/as_of=2021-06-04/<run>.csv
    store/sample/predictions/data/as_of=2021-06-04/run=<run>/part-0-1.parquet
    store/sample/predictions/plans/<run>.json
    store/sample/vintages/<sha256>.parquet
    store/tracking.db
    ");
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
    assert_run!(run(&sandbox, &["show", "--location", "North Lassonia", "--horizon", "2"]), @"
    exit: 0
    ----- stdout -----
    North Lassonia, Lassonia: 501,961 cases and 3,608 deaths on 2021-06-04; forecast by covid-predictor-sample 1 (ensemble)
    Date        Target          Forecast   Median       50 % interval       80 % interval       95 % interval
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    2021-06-05  ConfirmedCases   506,591  505,781  504,837 .. 506,347  503,858 .. 506,897  501,961 .. 507,906
    2021-06-06  ConfirmedCases   511,646  509,460  507,714 .. 510,632  505,475 .. 511,793  501,961 .. 512,774
    2021-06-05  Fatalities         3,622    3,625      3,621 .. 3,629      3,617 .. 3,633      3,608 .. 3,637
    2021-06-06  Fatalities         3,638    3,642      3,635 .. 3,649      3,629 .. 3,655      3,608 .. 3,662
    The forecast is the model's own; median and intervals correct its past errors.
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    no champion of covid-predictor-sample yet: training one first
    ensemble is registered as version 1 of covid-predictor-sample, its first champion
    ");
    assert_run!(run(&sandbox, &["show", "--location", "lassonia", "--horizon", "2", "-q"]), @"
    exit: 0
    ----- stdout -----
    Lassonia (sum of 4 locations): 991,583 cases and 9,357 deaths on 2021-06-04; forecast by covid-predictor-sample 1 (ensemble)
    Date        Target           Forecast     Median           50 % interval         80 % interval         95 % interval
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2021-06-05  ConfirmedCases    998,471    997,445      995,822 .. 999,689  994,750 .. 1,002,434  993,869 .. 1,006,614
    2021-06-06  ConfirmedCases  1,006,055  1,002,796  1,000,136 .. 1,006,284  998,286 .. 1,010,341  996,687 .. 1,016,214
    2021-06-05  Fatalities          9,374      9,380          9,369 .. 9,402        9,363 .. 9,438        9,360 .. 9,513
    2021-06-06  Fatalities          9,401      9,399          9,378 .. 9,441        9,368 .. 9,513        9,362 .. 9,669
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["show", "--location", "World", "--on", "2021-06-30", "-q"]), @"
    exit: 0
    ----- stdout -----
    World (sum of 48 locations): 18,493,240 cases and 170,971 deaths on 2021-06-04; forecast by covid-predictor-sample 1 (ensemble)
    Date        Target            Forecast      Median             50 % interval             80 % interval             95 % interval
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2021-06-30  ConfirmedCases  22,110,481  21,867,244  21,453,549 .. 22,338,751  21,124,766 .. 22,819,209  20,800,352 .. 23,427,503
    2021-06-30  Fatalities         190,834     188,228        186,306 .. 190,390        184,760 .. 192,567        183,216 .. 195,290
    The forecast is the model's own; median and intervals correct its past errors.
    ----- stderr -----
    ");
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
