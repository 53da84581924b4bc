//! Looking at runs and versions, comparing them, and what a change of champion says before it is made.

use covid_testing::{Sandbox, assert_run};
use serde_json::Value;

use crate::run;

fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    for as_of in ["2021-04-01", "2021-05-01"] {
        assert!(run(&sandbox, &["-q", "--as-of", as_of]).success());
    }
    sandbox
}

fn json(sandbox: &Sandbox, args: &[&str]) -> Value {
    let output = run(sandbox, &[args, &["-q", "--format", "json"]].concat());
    assert!(output.success(), "{output}");
    serde_json::from_str(&output.stdout).unwrap()
}

#[test]
fn runs_are_sorted_filtered_and_limited() {
    let sandbox = trained();
    let asked = ["runs", "-q", "--sort", "rmsle.Fatalities", "--filter", "as_of=2021-05-01", "--limit", "4"];
    assert_run!(run(&sandbox, &asked), @"");
    assert_run!(run(&sandbox, &["runs", "-q", "--sort=-rmsle", "--filter", "model.window>=7"]), @"");
    assert_run!(run(&sandbox, &["runs", "-q", "--filter", "rmsle<0"]), @"");
    assert_run!(run(&sandbox, &["runs", "-q", "--sort", "rmsl"]), @"");
    assert_run!(run(&sandbox, &["runs", "-q", "--filter", "colour=red"]), @"");
    assert_run!(run(&sandbox, &["runs", "-q", "--filter", "rmsle"]), @"");
    let runs = json(&sandbox, &["runs", "--filter", "recipe=damped-growth"]);
    let differing = |run: &Value| run["differing_params"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(runs.as_array().unwrap().iter().map(differing).collect::<Vec<_>>(), vec![vec!["as_of"; 1]; 2]);
}

#[test]
fn two_runs_stand_side_by_side() {
    let sandbox = trained();
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "persistence", "champion"]), @"");
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "v1", "v2"]), @"");
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id() {
    let sandbox = trained();
    let runs = json(&sandbox, &["runs"]);
    let ids: Vec<&str> = runs.as_array().unwrap().iter().map(|run| run["info"]["run_id"].as_str().unwrap()).collect();
    let compared = json(&sandbox, &["runs", "--compare", &ids[0][..20], ids[1]]);
    let found = |of: usize| compared["runs"][of]["info"]["run_id"].as_str().unwrap();
    assert_eq!((found(0), found(1)), (ids[0], ids[1]));
    // Of 24 ids two begin alike, with one of 16 digits.
    let first = (0..16).map(|digit| format!("{digit:x}"));
    let shared = first.max_by_key(|digit| ids.iter().filter(|id| id.starts_with(digit.as_str())).count()).unwrap();
    let output = run(&sandbox, &["runs", "-q", "--compare", &shared, "champion"]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.starts_with(&format!("error: `{shared}` could be any of ")), "{output}");
    assert!(ids.iter().any(|id| output.stderr.contains(&format!("hint: did you mean `{id}`"))), "{output}");
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "champoin", "v1"]), @"");
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "v1", "v9"]), @"");
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "v1"]), @"");
}

#[test]
fn differences_are_those_of_the_metrics() {
    let sandbox = trained();
    let compared = json(&sandbox, &["runs", "--compare", "persistence", "ensemble"]);
    let metrics = compared["metrics"].as_array().unwrap();
    let of = |key: &str| metrics.iter().filter(|pair| pair["key"] == key).collect::<Vec<_>>();
    let days = of("rmsle_by_horizon.Fatalities");
    assert_eq!(days.iter().map(|pair| pair["step"].as_i64().unwrap()).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
    for pair in metrics {
        let [a, b] = [0, 1].map(|run| pair["values"][run].as_f64().unwrap());
        assert_eq!(pair["difference"].as_f64(), Some(b - a), "{pair}");
    }
    // A share is of persistence, which is A here.
    for (share, day) in of("rmsle_to_persistence_by_horizon.Fatalities").into_iter().zip(days) {
        let [a, b] = [0, 1].map(|run| day["values"][run].as_f64().unwrap());
        assert_eq!((share["values"][0].as_f64(), share["values"][1].as_f64()), (Some(1.0), Some(b / a)));
    }
    assert_eq!(compared["same_data"], true);
    assert_eq!(json(&sandbox, &["runs", "--compare", "v1", "v2"])["same_data"], false);
}

#[test]
fn what_will_change_is_said_before_it_does() {
    let sandbox = trained();
    assert_run!(run(&sandbox, &["rollback", "-q", "--dry-run"]), @"");
    assert_run!(run(&sandbox, &["rollback"]), @"");
    assert_run!(run(&sandbox, &["promote", "2", "-q", "--dry-run"]), @"");
    let planned = json(&sandbox, &["promote", "2", "--dry-run"]);
    assert_eq!((&planned["champion"], &planned["previous"], &planned["dry_run"]), (&2.into(), &1.into(), &true.into()));
    assert_run!(run(&sandbox, &["models", "-q", "--trail"]), @"");
    assert_eq!(json(&sandbox, &["models", "--trail"]).as_array().unwrap().len(), 3, "a dry run leaves no trace");
    assert_run!(run(&sandbox, &["models", "-q"]), @"");
    assert_run!(run(&sandbox, &["rollback", "-q", "--dry-run"]), @"");
}
