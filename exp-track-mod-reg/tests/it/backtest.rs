//! The backtest and its file.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use covid_core::{Date, Target};
use covid_data::{LoadOptions, load};
use covid_testing::{Sandbox, assert_run};

use crate::run;

#[test]
fn scores_can_be_recomputed_from_the_file() {
    let sandbox = Sandbox::new();
    let args =
        "backtest -q --from 2021-03-01 --every 28d --horizon 7 --models persistence,damped-growth-7-0.9 --out b.csv";
    assert_run!(run(&sandbox, &args.split(' ').collect::<Vec<_>>()), @"
    exit: 0
    ----- stdout -----
    RMSLE 7 days ahead of 48 locations, mean over 4 origins from 2021-03-01 to 2021-05-24
    Model                 RMSLE  of cases  of deaths  WIS of cases  of deaths  Exploded origins
    ───────────────────────────────────────────────────────────────────────────────────────────
    persistence          0.0433    0.0560     0.0306             -          -                 0
    damped-growth-7-0.9  0.0250    0.0308     0.0192             -          -                 0
    WIS: of weekly new counts, as a share of that of hub-baseline; all scores: --format json
    every forecast is in b.csv
    ----- stderr -----
    ");
    let file = sandbox.read("b.csv");
    let columns = "origin,location,Admin2,Province_State,Country_Region,target,measure,date,horizon,model,point,\
                   q025,q10,q25,q50,q75,q90,q975";
    assert_eq!(file.lines().next(), Some(columns));
    // Origins x locations x targets x (days and weeks) x models, and the header.
    assert_eq!(file.lines().count(), 4 * 48 * 2 * (7 + 1) * 2 + 1);
    assert_eq!(sandbox.files(), ["b.csv"], "a backtest touches neither store nor registry");

    // What a reader makes of the file and the counts is what was printed.
    let counts: HashMap<(String, String), [f64; 2]> = sample();
    for (model, cases, deaths) in [("persistence", 0.0560, 0.0306), ("damped-growth-7-0.9", 0.0308, 0.0192)] {
        for (target, (name, printed)) in [("ConfirmedCases", cases), ("Fatalities", deaths)].into_iter().enumerate() {
            assert!((recomputed(&file, &counts, model, target, name) - printed).abs() < 0.00006, "{model} {name}");
        }
    }
}

/// The sample's published counts by location and date.
fn sample() -> HashMap<(String, String), [f64; 2]> {
    let panel = load("sample", &LoadOptions::default()).unwrap().panel;
    let cells = (0..panel.locations().len()).flat_map(|place| (0..panel.days()).map(move |day| (place, day)));
    let count = |place, day, target| panel.counts(place, target)[day];
    let entry = |(place, day): (usize, usize)| {
        let key = (panel.locations()[place].name().to_owned(), panel.date(day).to_string());
        (key, Target::ALL.map(|target| count(place, day, target)))
    };
    cells.map(entry).collect()
}

/// The RMSLE of a model's cumulative points, mean over origins.
fn recomputed(file: &str, counts: &HashMap<(String, String), [f64; 2]>, model: &str, target: usize, name: &str) -> f64 {
    let mut rows = csv::Reader::from_reader(file.as_bytes());
    let mut errors: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in rows.records().map(Result::unwrap) {
        if &row[9] != model || &row[5] != name || &row[6] != "cumulative" {
            continue;
        }
        let actual = counts[&(row[1].to_owned(), row[7].to_owned())][target];
        let error = row[10].parse::<f64>().unwrap().ln_1p() - actual.ln_1p();
        errors.entry(row[0].to_owned()).or_default().extend((!error.is_nan()).then_some(error * error));
    }
    let of_origins = errors.values().map(|errors| (errors.iter().sum::<f64>() / errors.len() as f64).sqrt());
    of_origins.sum::<f64>() / errors.len() as f64
}

#[test]
fn names_of_models_may_stand_apart_and_come_twice() {
    let sandbox = Sandbox::new();
    sandbox.write("flat.csv", flat());
    let args = ["backtest", "-q", "--source", "flat.csv", "--models", "hub-baseline, persistence,hub-baseline"];
    assert_run!(run(&sandbox, &args), @"
    exit: 0
    ----- stdout -----
    RMSLE 7 days ahead of 1 locations, mean over 2 origins from 2021-01-28 to 2021-02-25
    Model          RMSLE  of cases  of deaths  WIS of cases  of deaths  Exploded origins
    ────────────────────────────────────────────────────────────────────────────────────
    hub-baseline  0.0000    0.0000     0.0000             -          -                 0
    persistence   0.0555    0.1109     0.0000             -          -                 0
    WIS: of weekly new counts, as a share of that of hub-baseline; all scores: --format json
    ----- stderr -----
    ");
}

/// A place that counts a case a day, and no death.
fn flat() -> String {
    let mut table = "location,date,ConfirmedCases,Fatalities\n".to_owned();
    let mut date = Date::constant(2021, 1, 1);
    for day in 0..90 {
        let _ = writeln!(table, "A,{date},{day},0");
        date = date.tomorrow().unwrap();
    }
    table
}

#[test]
fn an_origin_whose_horizon_is_not_observed_is_left_out_and_none_at_all_is_an_error() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "2021-06-01"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: 500 days of data up to 2021-06-04 are too few: an origin on 2021-06-01 with 7 days after it needs 504
    hint: give a later --as-of, or a source with a longer history
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "2020-01-25"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: 4 days of data up to 2021-06-04 are too few: an origin on 2020-01-25 needs 28
    hint: give a later --as-of, or a source with a longer history
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "today"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --from must be a date like 2020-04-01, not `today`
    hint: change --from on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--horizon", "61"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: horizon must be from 1 to 60 days, not 61
    hint: change horizon on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--every", "0d"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: every must be at least 1 day, not 0
    hint: change every on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--models", "oracle"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no model `oracle`
    hint: known are persistence, hub-baseline, polynomial, damped-growth, linear-drift, shrunk-growth, weekly-trend, lagged-deaths, ets, blend, ensemble, residual-ridge, and ones with numbers of their own like polynomial-2 or ets-90
    ");
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "2021-05-01", "--out", "b.xlsx"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --out must be a .csv or .parquet file, not `b.xlsx`
    hint: change --out on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["backtest", "-q", "--from", "2021-05-01", "--out", "no/folder/b.csv"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `no/folder/b.csv` cannot be written: No such file or directory (os error 2)
    hint: choose a place that you may write to
    "#);
}
