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
    assert_run!(run(&sandbox, &asked), @"
    exit: 0
    ----- stdout -----
    Tracking run                      Started               Status    Model           As of        RMSLE  rmsle.Fatalities  Differing parameters
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    <id>  2030-01-02T03:04:05Z  FINISHED  ensemble        2021-05-01  0.0189            0.0135  model.half_life=60 model.penalty=300
    <id>  2030-01-02T03:04:05Z  FINISHED  residual-ridge  2021-05-01  0.0192            0.0142  model.half_life=60 model.penalty=300
    <id>  2030-01-02T03:04:05Z  FINISHED  ets             2021-05-01  0.0256            0.0161  model.window=182
    <id>  2030-01-02T03:04:05Z  FINISHED  weekly-trend    2021-05-01  0.0234            0.0166  model.carried=0.6 model.newest=0.8 model.phi=0.85 model.world=5
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--sort=-rmsle", "--filter", "model.window>=7"]), @"
    exit: 0
    ----- stdout -----
    Tracking run                      Started               Status    Model                 As of        RMSLE  Differing parameters
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    <id>  2030-01-02T03:04:05Z  FINISHED  polynomial-2          2021-04-01  0.0393  model.degree=2 model.window=21
    <id>  2030-01-02T03:04:05Z  FINISHED  polynomial-3          2021-05-01  0.0311  model.degree=3 model.window=21
    <id>  2030-01-02T03:04:05Z  FINISHED  ets                   2021-04-01  0.0302  model.window=182
    <id>  2030-01-02T03:04:05Z  FINISHED  linear-drift          2021-04-01  0.0264  model.window=7
    <id>  2030-01-02T03:04:05Z  FINISHED  ets                   2021-05-01  0.0256  model.window=182
    <id>  2030-01-02T03:04:05Z  FINISHED  damped-growth-7-0.95  2021-04-01  0.0256  model.phi=0.95 model.window=7
    <id>  2030-01-02T03:04:05Z  FINISHED  damped-growth-7-0.95  2021-05-01  0.0247  model.phi=0.95 model.window=7
    <id>  2030-01-02T03:04:05Z  FINISHED  linear-drift          2021-05-01  0.0239  model.window=7
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--filter", "rmsle<0"]), @"
    exit: 0
    ----- stdout -----
    no tracking run satisfies every filter
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--sort", "rmsl"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --sort: no tracking run has `rmsl`
    hint: did you mean `rmsle` or `rmsle.Fatalities` or `rmsle.ConfirmedCases` or `rmsle_to_persistence.Fatalities` or `rmsle_to_persistence.ConfirmedCases`?
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--filter", "colour=red"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --filter: no tracking run has `colour`
    hint: known are as_of, covid.dataset, covid.profile, covid.source, covid.vintage, ended, horizon, mlflow.source.name, mlflow.source.type, model.carried, model.deaths, model.degree, model.half, model.half_life, model.lag, model.lagged_far, model.lagged_near, model.most, model.newest, model.penalty, model.phi, model.shrunk, model.window, model.world, name, origins, recipe, repair, rmsle, rmsle.ConfirmedCases, rmsle.Fatalities, rmsle_to_persistence.ConfirmedCases, rmsle_to_persistence.Fatalities, run, spec, started, status
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--filter", "rmsle<abc"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --filter: `rmsle` is a number, and cannot be ordered with `abc`, which is text
    hint: compare a number with a number, a date with a date (YYYY-MM-DD), and text with text
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--filter", "as_of<2021-13-40"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --filter: `as_of` is a point in time, and cannot be ordered with `2021-13-40`, which is text
    hint: compare a number with a number, a date with a date (YYYY-MM-DD), and text with text
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--filter", "rmsle"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --filter must be KEY=VALUE, with one of = != < <= > >=, not `rmsle`
    hint: change --filter on the command line or in the settings
    ");
    let runs = json(&sandbox, &["runs", "--filter", "recipe=damped-growth"]);
    let differing = |run: &Value| run["differing_params"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(runs.as_array().unwrap().iter().map(differing).collect::<Vec<_>>(), vec![vec!["as_of"; 1]; 2]);
}

#[test]
fn two_runs_stand_side_by_side() {
    let sandbox = trained();
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "persistence", "champion"]), @"
    exit: 0
    ----- stdout -----
    A  <id>  persistence trained as of 2021-05-01, started 2030-01-02T03:04:05Z, FINISHED
    B  <id>  ensemble trained as of 2021-05-01, started 2030-01-02T03:04:05Z, FINISHED

    Parameter or tag that differs  A            B
    ────────────────────────────────────────────────────
    model.half_life                             60
    model.penalty                               300
    recipe                         persistence  ensemble
    spec                           persistence  ensemble

    Metric                                    A       B    B - A
    ────────────────────────────────────────────────────────────
    rmsle                                0.0444  0.0189  -0.0255
    rmsle.ConfirmedCases                 0.0623  0.0242  -0.0381
    rmsle.Fatalities                     0.0265  0.0135  -0.0129
    rmsle_to_persistence.ConfirmedCases  1.0000  0.3884  -0.6116
    rmsle_to_persistence.Fatalities      1.0000  0.5113  -0.4887

    Days ahead  Cases A  Cases B    B - A  Deaths A  Deaths B    B - A
    ──────────────────────────────────────────────────────────────────
             1   0.0353   0.0248  -0.0106    0.0048    0.0043  -0.0005
             2   0.0413   0.0210  -0.0203    0.0117    0.0075  -0.0042
             3   0.0493   0.0206  -0.0287    0.0182    0.0109  -0.0074
             4   0.0581   0.0219  -0.0362    0.0251    0.0140  -0.0112
             5   0.0676   0.0232  -0.0444    0.0297    0.0154  -0.0143
             6   0.0783   0.0256  -0.0527    0.0355    0.0180  -0.0175
             7   0.0856   0.0278  -0.0579    0.0403    0.0178  -0.0225

    Count at origin, from  Cases A  Cases B    B - A  Deaths A  Deaths B    B - A
    ─────────────────────────────────────────────────────────────────────────────
                        0        -        -        -    0.0000    0.0065  +0.0065
                        1   0.2423   0.1229  -0.1195    0.0271    0.0201  -0.0069
                      100   0.0546   0.0198  -0.0348    0.0286    0.0127  -0.0158
                    10000   0.0490   0.0142  -0.0347    0.0228    0.0040  -0.0187
                  1000000   0.0414   0.0055  -0.0359         -         -        -
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "v1", "v2"]), @"
    exit: 0
    ----- stdout -----
    A  <id>  ensemble trained as of 2021-04-01, started 2030-01-02T03:04:05Z, FINISHED
    B  <id>  ensemble trained as of 2021-05-01, started 2030-01-02T03:04:05Z, FINISHED

    Parameter or tag that differs  A           B
    ─────────────────────────────────────────────────────
    as_of                          2021-04-01  2021-05-01
    scored on other days or data: a difference of scores is not the model's alone

    Metric                                    A       B    B - A
    ────────────────────────────────────────────────────────────
    rmsle                                0.0211  0.0189  -0.0022
    rmsle.ConfirmedCases                 0.0246  0.0242  -0.0004
    rmsle.Fatalities                     0.0176  0.0135  -0.0041
    rmsle_to_persistence.ConfirmedCases  0.3812  0.3884  +0.0072
    rmsle_to_persistence.Fatalities      0.4833  0.5113  +0.0280

    Days ahead  Cases A  Cases B    B - A  Deaths A  Deaths B    B - A
    ──────────────────────────────────────────────────────────────────
             1   0.0108   0.0248  +0.0139    0.0078    0.0043  -0.0035
             2   0.0225   0.0210  -0.0015    0.0179    0.0075  -0.0103
             3   0.0267   0.0206  -0.0060    0.0169    0.0109  -0.0060
             4   0.0256   0.0219  -0.0037    0.0171    0.0140  -0.0031
             5   0.0262   0.0232  -0.0030    0.0187    0.0154  -0.0033
             6   0.0251   0.0256  +0.0005    0.0196    0.0180  -0.0016
             7   0.0258   0.0278  +0.0019    0.0204    0.0178  -0.0026

    Count at origin, from  Cases A  Cases B    B - A  Deaths A  Deaths B    B - A
    ─────────────────────────────────────────────────────────────────────────────
                        0        -        -        -    0.0047    0.0065  +0.0018
                        1   0.0462   0.1229  +0.0767    0.0315    0.0201  -0.0114
                      100   0.0300   0.0198  -0.0102    0.0123    0.0127  +0.0005
                    10000   0.0143   0.0142  -0.0001    0.0060    0.0040  -0.0020
                  1000000   0.0080   0.0055  -0.0025         -         -        -
    ----- stderr -----
    ");
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
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "champoin", "v1"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no tracking run `champoin` of `covid-predictor-sample`
    hint: did you mean `champion`?
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "v1", "v9"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no tracking run `v9` of `covid-predictor-sample`
    hint: list them with `exp-track-mod-reg runs`; the beginning of an id, `champion` or `v2` do, too
    ");
    assert_run!(run(&sandbox, &["runs", "-q", "--compare", "v1"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: 2 values required for '--compare <A> <B>' but 1 was provided

    Usage: exp-track-mod-reg runs [OPTIONS]

    For more information, try '--help'.
    ");
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
        let [a, b] = [0, 1].map(|run| pair["values"][run].as_f64());
        assert_eq!(pair["difference"].as_f64(), b.zip(a).map(|(b, a)| b - a), "{pair}");
    }
    let missing = metrics.iter().filter(|pair| pair["difference"].is_null()).map(|pair| (&pair["key"], &pair["step"]));
    let (key, step) = ("rmsle_to_persistence_by_size.Fatalities".into(), 0.into());
    assert_eq!(missing.collect::<Vec<_>>(), [(&key, &step)], "where nobody died, no change was right: no share of 0");
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
    assert_run!(run(&sandbox, &["rollback", "-q", "--dry-run"]), @"
    exit: 0
    ----- stdout -----
    version 1 of covid-predictor-sample would be the champion, before: version 2
    version 1: model stage Archived -> Production, gets alias champion
    version 2: model stage Production -> Archived, loses alias champion
    nothing was changed
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["rollback"]), @"
    exit: 0
    ----- stdout -----
    version 1 of covid-predictor-sample is the champion again, before: version 2; the next training may promote a newer one
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    will change: version 1: model stage Archived -> Production, gets alias champion
    will change: version 2: model stage Production -> Archived, loses alias champion
    ");
    assert_run!(run(&sandbox, &["promote", "2", "-q", "--dry-run"]), @"
    exit: 0
    ----- stdout -----
    version 2 of covid-predictor-sample would be the champion, before: version 1
    the champion's recipe on newer data: mean RMSLE 0.0134 against 0.0134 as trained on 2021-04-01, on 8 origins since, may be worse by 25 %
    version 2: model stage Archived -> Production, gets alias champion
    version 1: model stage Production -> Archived, loses alias champion
    nothing was changed
    ----- stderr -----
    ");
    let planned = json(&sandbox, &["promote", "2", "--dry-run"]);
    assert_eq!((&planned["champion"], &planned["previous"], &planned["dry_run"]), (&2.into(), &1.into(), &true.into()));
    assert_run!(run(&sandbox, &["models", "-q", "--trail"]), @"
    exit: 0
    ----- stdout -----
    When                  What      Champion before  Champion after  Evidence
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2030-01-02T03:04:05Z  promote   none             1               the registry had no champion
    2030-01-02T03:04:05Z  promote   1                2               the champion's recipe on newer data: mean RMSLE 0.0182 against 0.0196 as trained on 2021-04-01, on 4 origins since, may be worse by 25 %
    2030-01-02T03:04:05Z  rollback  2                1               by hand, the gate not asked
    ----- stderr -----
    ");
    assert_eq!(json(&sandbox, &["models", "--trail"]).as_array().unwrap().len(), 3, "a dry run leaves no trace");
    assert_run!(run(&sandbox, &["models", "-q"]), @"
    exit: 0
    ----- stdout -----
    Version  Aliases   Model stage  Model     Trained as of  Registered             RMSLE
    ─────────────────────────────────────────────────────────────────────────────────────
    2                  Archived     ensemble  2021-05-01     2030-01-02T03:04:05Z  0.0189
    1        champion  Production   ensemble  2021-04-01     2030-01-02T03:04:05Z  0.0211
    version 2, promote (the champion's recipe on newer data: mean RMSLE 0.0182 against 0.0196 as trained on 2021-04-01, on 4 origins since, may be worse by 25 %) at 2030-01-02T03:04:05Z
    version 1, rollback (by hand, the gate not asked) at 2030-01-02T03:04:05Z

    What each version forecast best: its RMSLE as a share of that of persistence, on the origins of its own training
    Version  Target  Share  Best days ahead  Best counts at origin  Best of all versions at
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    2        cases    0.39  7 (0.32)         1000000+ (0.13)        days 1, 3-5; counts 1-99, 10000-999999, 1000000+
    2        deaths   0.51  7 (0.44)         10000-999999 (0.18)    days 1; counts 10000-999999
    1        cases    0.38  7 (0.29)         1000000+ (0.17)        days 2, 6-7; counts 100-9999
    1        deaths   0.48  7 (0.40)         10000-999999 (0.21)    days 2-7; counts 1-99, 100-9999
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["rollback", "-q", "--dry-run"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `covid-predictor-sample` has no previous champion to go back to
    hint: promote the version you want with `exp-track-mod-reg promote VERSION`
    ");
}
