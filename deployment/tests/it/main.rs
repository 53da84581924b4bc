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
    Covariantia               3,226,427  3,153,418 .. 3,274,628  40,675  40,099 .. 40,966
    Quantilia                 2,563,527  2,549,328 .. 2,563,527  19,861  19,788 .. 19,870
    Challengeria              2,371,667  2,346,683 .. 2,408,123  29,022  28,833 .. 29,354
    Baselinia                 1,962,628  1,897,258 .. 1,987,469  16,653  16,337 .. 16,816
    Modelonia                 1,945,778  1,894,939 .. 1,983,779   4,885    4,810 .. 4,940
    Championia                1,169,235  1,125,623 .. 1,223,828  17,488  17,242 .. 17,722
    Parquetia                 1,007,034    922,834 .. 1,072,106   4,689    4,490 .. 4,823
    Likelihoodia                740,660      733,108 .. 749,863   4,648    4,606 .. 4,686
    Stochastia                  585,041      568,742 .. 585,112   3,822    3,780 .. 3,842
    North Lassonia, Lassonia    541,823      501,961 .. 577,335   3,755    3,608 .. 3,906
    Lower Lassonia, Lassonia    451,654      440,748 .. 463,891   4,826    4,779 .. 4,863
    Eigenstan                   377,260      360,646 .. 392,568   2,173    2,113 .. 2,198
    Ridgeland of Shrinkage      356,707      352,602 .. 364,931   2,292    2,252 .. 2,331
    Pipelinia                   314,585      304,990 .. 328,530     878        854 .. 903
    Logarithmia                 278,727      260,585 .. 300,873   2,949    2,908 .. 2,991
    Regressia                   259,388      253,593 .. 262,650   1,258    1,243 .. 1,264
    Backtestan                  215,083      212,272 .. 215,726   3,107    3,071 .. 3,122
    Residualia                  198,925      196,153 .. 198,925   3,280    3,247 .. 3,280
    Kernelstan                  143,225      141,861 .. 143,622   2,675    2,662 .. 2,686
    Epochia                      89,713        88,202 .. 90,810     671        663 .. 680
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
    2021-06-05  ConfirmedCases   506,206  502,816  501,961 .. 508,519  501,961 .. 519,326  501,961 .. 568,307
    2021-06-06  ConfirmedCases   512,717  507,916  503,435 .. 513,932  501,961 .. 521,582  501,961 .. 568,307
    2021-06-05  Fatalities         3,612    3,615      3,608 .. 3,634      3,608 .. 3,658      3,608 .. 3,726
    2021-06-06  Fatalities         3,629    3,629      3,615 .. 3,653      3,608 .. 3,683      3,608 .. 3,726
    New in the week to  Target          Forecast  Median     50 % interval     80 % interval  95 % interval
    ───────────────────────────────────────────────────────────────────────────────────────────────────────
    2021-06-11          ConfirmedCases    34,697  38,077  29,708 .. 49,123  22,155 .. 59,875    0 .. 75,373
    2021-06-18          ConfirmedCases    28,602  31,520  22,995 .. 41,237  16,112 .. 52,725    0 .. 67,613
    2021-06-25          ConfirmedCases    24,135  26,486  18,685 .. 38,798  11,736 .. 52,147    0 .. 71,643
    2021-07-02          ConfirmedCases    20,663  22,636  14,638 .. 34,571   9,298 .. 55,425    0 .. 76,667
    2021-06-11          Fatalities           155     161        130 .. 194        100 .. 231       0 .. 300
    2021-06-18          Fatalities           155     156        131 .. 187        100 .. 229       0 .. 294
    2021-06-25          Fatalities           137     133        108 .. 168         86 .. 215       0 .. 291
    2021-07-02          Fatalities           122     118         89 .. 163         62 .. 227       0 .. 354
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
    2021-06-05  ConfirmedCases    998,159    998,643    996,867 .. 1,001,016  995,503 .. 1,004,298  994,117 .. 1,011,255
    2021-06-06  ConfirmedCases  1,007,170  1,004,951  1,001,337 .. 1,009,902  998,632 .. 1,016,933  995,968 .. 1,032,333
    2021-06-05  Fatalities          9,364      9,386          9,376 .. 9,402        9,369 .. 9,427        9,363 .. 9,491
    2021-06-06  Fatalities          9,393      9,413          9,397 .. 9,434        9,385 .. 9,465        9,374 .. 9,533
    The forecast is the model's own; median and intervals correct its past errors.
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["show", "--location", "World", "--on", "2021-06-30", "-q"]), @"
    exit: 0
    ----- stdout -----
    World (sum of 48 locations): 18,493,240 cases and 170,971 deaths on 2021-06-04; forecast by covid-predictor-sample 1 (ensemble)
    Date        Target            Forecast      Median             50 % interval             80 % interval             95 % interval
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2021-06-30  ConfirmedCases  22,134,580  21,649,676  21,275,879 .. 22,073,687  20,936,788 .. 22,570,545  20,514,206 .. 23,423,106
    2021-06-30  Fatalities         190,983     187,971        186,536 .. 189,539        185,182 .. 191,307        183,414 .. 194,197
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
