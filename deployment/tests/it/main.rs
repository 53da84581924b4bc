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
    Covariantia               3,228,643  3,149,335 .. 3,275,492  40,677  40,113 .. 41,017
    Quantilia                 2,564,186  2,549,108 .. 2,564,186  19,863  19,787 .. 19,872
    Challengeria              2,368,744  2,340,667 .. 2,399,134  29,005  28,797 .. 29,333
    Baselinia                 1,963,694  1,896,163 .. 1,994,562  16,652  16,338 .. 16,840
    Modelonia                 1,946,183  1,890,595 .. 1,982,564   4,885    4,812 .. 4,952
    Championia                1,168,615  1,122,518 .. 1,227,012  17,475  17,233 .. 17,732
    Parquetia                   990,620    961,977 .. 1,018,914   4,671    4,590 .. 4,745
    Likelihoodia                740,786      732,965 .. 751,837   4,649    4,606 .. 4,691
    Stochastia                  586,174      569,610 .. 589,466   3,823    3,779 .. 3,850
    North Lassonia, Lassonia    533,024      519,669 .. 553,310   3,751    3,694 .. 3,829
    Lower Lassonia, Lassonia    451,410      440,236 .. 465,920   4,824    4,780 .. 4,869
    Eigenstan                   377,495      360,527 .. 396,278   2,172    2,114 .. 2,209
    Ridgeland of Shrinkage      357,358      352,787 .. 367,850   2,293    2,255 .. 2,343
    Pipelinia                   314,313      303,778 .. 328,544     878        852 .. 907
    Logarithmia                 277,460      260,261 .. 311,242   2,942    2,906 .. 3,011
    Regressia                   261,135      255,151 .. 270,728   1,260    1,244 .. 1,269
    Backtestan                  215,389      212,326 .. 216,515   3,111    3,073 .. 3,134
    Residualia                  199,821      196,772 .. 202,003   3,299    3,247 .. 3,300
    Kernelstan                  143,201      141,860 .. 143,881   2,676    2,662 .. 2,689
    Epochia                      89,654        88,172 .. 91,155     671        664 .. 681
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
    2021-06-05  ConfirmedCases   506,591  505,820  504,887 .. 506,376  504,073 .. 506,937  501,961 .. 507,857
    2021-06-06  ConfirmedCases   511,646  509,492  507,811 .. 510,643  506,236 .. 511,818  501,961 .. 512,815
    2021-06-05  Fatalities         3,622    3,625      3,621 .. 3,629      3,617 .. 3,633      3,608 .. 3,638
    2021-06-06  Fatalities         3,638    3,642      3,634 .. 3,649      3,629 .. 3,655      3,608 .. 3,662
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
    Date        Target           Forecast     Median           50 % interval           80 % interval         95 % interval
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2021-06-05  ConfirmedCases    998,459    998,115      996,799 .. 999,763    995,720 .. 1,001,897  994,531 .. 1,006,057
    2021-06-06  ConfirmedCases  1,006,045  1,004,137  1,002,132 .. 1,006,523  1,000,400 .. 1,009,458  998,367 .. 1,014,815
    2021-06-05  Fatalities          9,374      9,388          9,381 .. 9,396          9,376 .. 9,407        9,370 .. 9,428
    2021-06-06  Fatalities          9,401      9,415          9,405 .. 9,426          9,396 .. 9,441        9,387 .. 9,468
    The forecast is the model's own; median and intervals correct its past errors.
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["show", "--location", "World", "--on", "2021-06-30", "-q"]), @"
    exit: 0
    ----- stdout -----
    World (sum of 48 locations): 18,493,240 cases and 170,971 deaths on 2021-06-04; forecast by covid-predictor-sample 1 (ensemble)
    Date        Target            Forecast      Median             50 % interval             80 % interval             95 % interval
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2021-06-30  ConfirmedCases  22,094,771  21,553,358  21,185,948 .. 21,970,899  20,853,281 .. 22,461,102  20,439,673 .. 23,304,255
    2021-06-30  Fatalities         190,806     187,810        186,370 .. 189,384        185,015 .. 191,162        183,246 .. 194,072
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
