//! The lists beside the report, which have a row for each value: what repair changed, what is odd, what was revised.

use std::fmt::Write as _;

use covid_testing::{Output, Sandbox, assert_run};
use insta::assert_snapshot;

use crate::run;

/// JHU's two files, of these dates and rows.
fn write_series(sandbox: &Sandbox, folder: &str, header: &str, cases: &str, deaths: &str) {
    for (name, rows) in [("confirmed", cases), ("deaths", deaths)] {
        let table = format!("Province/State,Country/Region,Lat,Long,{header}\n{rows}");
        sandbox.write(&format!("{folder}/time_series_covid19_{name}_global.csv"), table);
    }
}

const DAYS: &str = "3/1/20,3/2/20,3/3/20,3/4/20,3/5/20";
const CASES: &str = "Upper,Datastan,1,1,10,30,25,,20\n,Modelonia,2,2,1,2,3,4,5\n";
const DEATHS: &str = "Upper,Datastan,1,1,0,3,3,3,3\n,Modelonia,2,2,2,1,1,2,1\n";

/// A list of the stage's folder, of a run that is expected to do well.
fn list(sandbox: &Sandbox, output: &Output, name: &str) -> String {
    assert!(output.success(), "{output}");
    let page = output.stdout.lines().find_map(|line| line.strip_prefix("report: ")).unwrap();
    sandbox.read(&page.trim_start_matches("./").replace("report.html", name))
}

#[test]
fn each_count_that_repair_lowers_has_a_row() {
    let sandbox = Sandbox::new();
    write_series(&sandbox, "data", DAYS, CASES, DEATHS);
    let look = |args: &[&str]| run(&sandbox, &[&["--source", "data"], args].concat());
    let output = look(&[]);
    assert!(output.stdout.contains("repairs.csv (4 counts)"), "{output}");
    assert!(output.stderr.contains("repair: 4 counts in 2 series lowered"), "{output}");
    assert_snapshot!(list(&sandbox, &output, "repairs.csv"), @"");
    // The falls of the last days are not known yet, and a count that was missing is no fall.
    assert_snapshot!(list(&sandbox, &look(&["-q", "--as-of", "2020-03-04"]), "repairs.csv"), @"");
    assert_snapshot!(list(&sandbox, &look(&["-q", "--repair", "none"]), "repairs.csv"), @"");
}

/// A long table of 40 days: places with something of their own each, and one of which there is nothing to tell. The last
/// row comes twice.
fn one_of_everything() -> String {
    let mut table = "location,date,ConfirmedCases,Fatalities\n".to_owned();
    let days = (0..40).map(|day| {
        (day, if day < 31 { format!("2020-03-{:02}", day + 1) } else { format!("2020-04-{:02}", day - 30) })
    });
    for (day, date) in days {
        let jump = if day < 35 { 0 } else { 700 };
        let fall = if day < 20 { 0 } else { 7 };
        let gap = if day % 10 == 5 { String::new() } else { (day * 3).to_string() };
        for (place, cases) in [
            ("Ordinary", (day * 10).to_string()),
            ("Jumping", (day * 10 + jump).to_string()),
            ("Falling", (day * 4 - fall).to_string()),
            ("Blank", gap),
            ("Halved", format!("{day}.5")),
            ("Negative", (day - 1).to_string()),
            ("Weekly", (day / 7 * 7).to_string()),
            ("Stopped", day.min(20).to_string()),
        ] {
            let deaths = if place == "Stopped" { 2 } else { day / 2 };
            // Writing to a string does not fail.
            let _ = writeln!(table, "{place},{date},{cases},{deaths}");
        }
    }
    table + "Stopped,2020-04-09,20,2\n"
}

#[test]
fn each_series_with_something_odd_has_a_row() {
    let sandbox = Sandbox::new();
    sandbox.write("counts.csv", one_of_everything());
    let output = run(&sandbox, &["--source", "counts.csv"]);
    assert_snapshot!(list(&sandbox, &output, "quality.csv"), @"");
    assert_run!(output, @"");
}

#[test]
fn each_count_that_was_revised_has_a_row() {
    let sandbox = Sandbox::new();
    write_series(&sandbox, "old", DAYS, CASES, DEATHS);
    // A day later: a count raised, one lowered, one filled and one withdrawn; a place has come, and none has gone.
    write_series(
        &sandbox,
        "new",
        "3/2/20,3/3/20,3/4/20,3/5/20,3/6/20",
        "Upper,Datastan,1,1,30,25,22,18,19\n,Modelonia,2,2,2,,4,7,9\n,Quantilia,3,3,0,0,0,0,1\n",
        "Upper,Datastan,1,1,3,3,3,3,3\n,Modelonia,2,2,1,1,2,1,1\n,Quantilia,3,3,0,0,0,0,0\n",
    );
    let output = run(&sandbox, &["-q", "--source", "new", "--compare", "old"]);
    assert_snapshot!(list(&sandbox, &output, "revisions.csv"), @"");
    let there = list(&sandbox, &output, "revisions.csv");
    // The older of the two is the old one, whichever way they are given.
    let back = run(&sandbox, &["-q", "--source", "old", "--compare", "new", "--dataset", "back"]);
    assert_eq!(list(&sandbox, &back, "revisions.csv"), there);
    let (_, revisions) = output.stdout.split_once("revisions from ").unwrap();
    assert_snapshot!(revisions, @"");
}
