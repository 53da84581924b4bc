//! A count that is none of an epidemic, and without anything like deaths, goes through this stage as cases do.

use covid_testing::{Sandbox, assert_run, visits};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::run;

pub(crate) const SOURCE: [&str; 4] = ["--source", "visits.csv", "--cases-column", "visits"];

#[test]
fn what_was_never_published_is_left_out() {
    let sandbox = Sandbox::new();
    sandbox.write("visits.csv", visits());
    assert_run!(run(&sandbox, &SOURCE), @"
    exit: 0
    ----- stdout -----
    Location   Cases  New in 7 days  Deaths  New in 7 days  Weekly cases
    ──────────────────────────────────────────────────────────────────────────
    World     34,400          2,934       -              -   ▁▁▂▂▃▃▄▄▄▅▅▆▆▇▇██
    Market    18,584          1,591       -              -   ▁▁▂▂▃▃▄▄▄▅▅▆▆▇▇██
    Harbour    8,347            712       -              -   ▁▁▂▂▃▃▄▄▄▅▅▆▆▇▇██
    Hill       5,265            447       -              -   ▁▁▂▂▃▃▄▄▅▅▅▆▆▇▇██
    Station    2,204            184       -              -   ▁▁▂▂▃▃▃▄▄▅▆▆▆▇▇██
    Quality             ConfirmedCases  Fatalities
    ──────────────────────────────────────────────
    missing counts                   0           -
    counts that fall                 0           -
    series with a fall               0           -
    largest fall                     -           -
    jumps                            0           -
    largest jump                     -           -
    series without any               0           -
    below 0                          0           -
    not whole numbers                0           -
    places without news for 14 days: 0
    places that report weekly: 0
    report: ./store/visits/eda/as_of=2024-06-28/report.html
    beside it: repairs.csv (0 counts), quality.csv (0 series)
    ----- stderr -----
    long table (visits.csv; revised data): 4 locations x 120 days up to 2024-06-28; repair: 0 counts in 0 series lowered
    ");
}

#[test]
fn the_page_and_the_document_say_nothing_of_it_either() {
    let sandbox = Sandbox::new();
    sandbox.write("visits.csv", visits());
    let output = run(&sandbox, &[&SOURCE[..], &["-q", "--format", "json"]].concat());
    let figures: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(figures["targets"], json!(["ConfirmedCases"]));
    assert_eq!(figures["quality"]["targets"][0]["missing"], 0);
    assert_eq!(figures["quality"]["targets"][1], Value::Null);

    let page = sandbox.read("store/visits/eda/as_of=2024-06-28/report.html");
    assert!(page.contains("<td>missing counts</td><td class=\"number\">0</td><td class=\"number\">-</td>"));
    for unwanted in [">480<", "nothing to draw", "Deaths: ", "<h2>Case fatality</h2>", "for deaths"] {
        assert!(!page.contains(unwanted), "{unwanted}");
    }
    let list = sandbox.read("store/visits/eda/as_of=2024-06-28/quality.csv");
    assert_eq!(list.lines().count(), 1, "{list}");
}

#[test]
fn two_vintages_of_it_differ_in_nothing_but_it() {
    let sandbox = Sandbox::new();
    sandbox.write("old.csv", visits());
    sandbox.write("visits.csv", visits().replace("Hill,2024-06-28,5265", "Hill,2024-06-28,5300"));
    let output = run(&sandbox, &[&SOURCE[..], &["-q", "--compare", "old.csv"]].concat());
    let (_, revisions) = output.stdout.split_once("revisions from ").unwrap();
    assert_snapshot!(revisions, @"
    old.csv: 4 locations, 2024-03-01 to 2024-06-28
                to visits.csv: 4 locations, 2024-03-01 to 2024-06-28
    dates of both: 2024-03-01 to 2024-06-28 (120 days)
    Revisions                         ConfirmedCases  Fatalities
    ────────────────────────────────────────────────────────────
    counts compared                              480           -
    counts revised                         1 (0.2 %)           -
    raised                                         1           -
    lowered                                        0           -
    missing before                                 0           -
    missing now                                    0           -
    half of them by at most               35 (0.7 %)           -
    nine tenths by at most                35 (0.7 %)           -
    largest                   +35 (Hill, 2024-06-28)           -
    all places on 2024-06-28        34,400 -> 34,435           -
    Age of the day  ConfirmedCases  Fatalities
    ──────────────────────────────────────────
    latest day          1 (25.0 %)           -
    1 to 7 days          0 (0.0 %)           -
    8 to 14 days         0 (0.0 %)           -
    15 to 28 days        0 (0.0 %)           -
    29 to 84 days        0 (0.0 %)           -
    85 to 119 days       0 (0.0 %)           -
    report: ./store/visits/eda/as_of=2024-06-28/report.html
    beside it: repairs.csv (0 counts), revisions.csv (1 counts), quality.csv (0 series)
    ");
}
