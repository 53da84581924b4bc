//! A submission to a Kaggle competition.

use std::{collections::HashMap, fmt::Write as _, fs, path::Path};

use covid_testing::{Output, Sandbox, assert_run, real_data};

use crate::run;

const TEST: &str = "\
ForecastId,Province_State,Country_Region,Date
7,North,Modelonia,2020-03-02
3,,\"Korea of Data, South\",2020-03-01
4,,\"Korea of Data, South\",2020-02-29
5,,\"Korea of Data, South\",2020-02-28
";

/// Two places and 40 days up to 2020-02-29: one grows, one has nothing.
fn train() -> String {
    let mut file = String::from("Id,Province_State,Country_Region,Date,ConfirmedCases,Fatalities\n");
    for (place, rate) in [(",\"Korea of Data, South\"", 5), ("North,Modelonia", 0)] {
        for day in 1..=40 {
            let date = if day <= 11 { format!("2020-01-{}", day + 20) } else { format!("2020-02-{:02}", day - 11) };
            let _ = writeln!(file, "{day},{place},{date},{}.0,{}.0", rate * day, rate * day / 10);
        }
    }
    file
}

fn submit(sandbox: &Sandbox, test: &str) -> Output {
    sandbox.write("train.csv", train());
    sandbox.write("test.csv", test);
    run(sandbox, &["kaggle", "--train", "train.csv", "--test", "test.csv", "--out", "submission.csv"])
}

#[test]
fn known_days_are_repeated_and_later_ones_forecast_in_the_order_asked() {
    let sandbox = Sandbox::new();
    assert_run!(submit(&sandbox, TEST), @"
    exit: 0
    ----- stdout -----
    submission.csv: 2 rows forecast by ensemble for up to 2 days after 2020-02-29, 2 rows as published; 2 locations
    ----- stderr -----
    ");
    insta::assert_snapshot!(sandbox.read("submission.csv"), @"
    ForecastId,ConfirmedCases,Fatalities
    7,0.015543421975270505,0.008981305941196237
    3,205.24758389700966,20.52916875380788
    4,200,20
    5,195,19
    ");
    let files = ["submission.csv", "test.csv", "train.csv"];
    assert_eq!(sandbox.files(), files, "neither store nor registry is touched");
}

#[test]
fn rows_that_cannot_be_answered_are_refused() {
    let sandbox = Sandbox::new();
    assert_run!(submit(&sandbox, &TEST.replace("Modelonia", "Atlantis")), @"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: `test.csv`: ForecastId 7 cannot be answered: `North, Atlantis` is not in the training file
    hint: give the training and test files of the same competition week
    ");
    assert_run!(submit(&sandbox, &TEST.replace("2020-03-02", "2020-06-01")), @"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: `test.csv`: ForecastId 7 cannot be answered: 2020-06-01 is more than 60 days after the training file, which ends on 2020-02-29
    hint: give the training and test files of the same competition week
    ");
    assert_run!(submit(&sandbox, &TEST.replace("2020-02-28", "2019-12-31")), @"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: `test.csv`: ForecastId 5 cannot be answered: 2019-12-31 is before the training file, which begins on 2020-01-21
    hint: give the training and test files of the same competition week
    ");
    assert!(!sandbox.path().join("submission.csv").exists());
}

/// The private leaderboard of the real competition was won with 0.61679.
#[test]
fn the_second_week_is_forecast_better_than_its_winner_did() {
    let Some(data) = real_data() else { return };
    let folder = data.join("kaggle_week2");
    let file = |name: &str| folder.join(name).display().to_string();
    let sandbox = Sandbox::new();
    let (train, test) = (file("train.csv"), file("test.csv"));
    let output = run(&sandbox, &["kaggle", "-q", "--train", &train, "--test", &test, "--out", "submission.csv"]);
    assert!(output.success(), "{output}");
    let score = private_score(&sandbox.read("submission.csv"), &folder.join("actuals.csv"));
    assert!((score / 0.5751 - 1.0).abs() < 0.01, "{score}");
}

/// The mean of both targets' RMSLE over the rows that are flagged as the private window.
fn private_score(submission: &str, actuals: &Path) -> f64 {
    let counts = |fields: &[&str]| -> [f64; 2] { [fields[0].parse().unwrap(), fields[1].parse().unwrap()] };
    let submitted: HashMap<&str, [f64; 2]> = submission
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|fields| (fields[0], counts(&fields[1..])))
        .collect();
    let actuals = fs::read_to_string(actuals).unwrap();
    let mut errors = Vec::new();
    for line in actuals.lines().skip(1).filter(|line| line.ends_with(",1")) {
        let fields: Vec<&str> = line.split(',').collect();
        // A name may hold a comma, so counts are counted from the end.
        let actual = counts(&fields[fields.len() - 3..]);
        errors.push([0, 1].map(|target| submitted[fields[0]][target].ln_1p() - actual[target].ln_1p()));
    }
    assert_eq!(errors.len(), 294 * 29);
    let rmsle = |target: usize| (errors.iter().map(|e| e[target].powi(2)).sum::<f64>() / errors.len() as f64).sqrt();
    (rmsle(0) + rmsle(1)) / 2.0
}
