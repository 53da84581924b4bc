//! The first stage as a user runs it.
#![allow(clippy::unwrap_used)]

mod browser;
mod fetch;
mod lists;
mod s3;
mod visits;

use covid_testing::{Output, Sandbox, assert_run, real_data};

fn run(sandbox: &Sandbox, args: &[&str]) -> Output {
    sandbox.run(env!("CARGO_BIN_EXE_eda"), args)
}

const REPORT: &str = "store/sample/eda/as_of=2021-06-04/report.html";

#[test]
fn it_shows_the_sample_and_writes_a_report_again_and_again() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &[]), @"
    exit: 0
    ----- stdout -----
    Location           Cases  New in 7 days   Deaths  New in 7 days  Weekly cases
    ───────────────────────────────────────────────────────────────────────────────────────────
    World         18,493,240        978,142  170,971          4,994  ▁▁▂▃▃▃▃▃▃▃▃▄▄▄▃▃▄▄▅▅▆▇███▇
    Covariantia    3,035,707        208,424   39,056          1,571  ▁▁▂▂▃▄▄▄▃▃▂▂▂▂▂▂▂▂▂▃▄▆██▇▆
    Quantilia      2,541,437         14,680   19,753            104  ▁▁▂▃▂▂▃▃▃▄▆▆██▆▅▅▄▄▃▂▂▃▁▁▁
    Challengeria   2,299,427         78,184   28,274            819  ▁▂▅▅▄▃▂▂▁▁▁▁▁▁▂▂▃▄▆▇█▆▅▅▄▃
    Baselinia      1,819,021        147,456   15,822            864  ▃▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▃▄▆██▇▅▇
    Modelonia      1,814,177        125,389    4,721            133  ▃▂▁▁▁▁▁▂▂▄▆█▇▅▄▃▂▂▃▃▄▄▆▇██
    Quality                              ConfirmedCases                    Fatalities
    ─────────────────────────────────────────────────────────────────────────────────
    missing counts                                    0                             0
    counts that fall                                 18                            19
    series with a fall                               13                            16
    largest fall          3,984 (Regressia, 2021-04-24)  107 (Championia, 2020-11-28)
    jumps                                             5                             0
    largest jump        13,287 (Championia, 2020-12-16)                             -
    series without any                                0                             6
    below 0                                           0                             0
    not whole numbers                                 0                             0
    places without news for 14 days: 0
    places that report weekly: 5 - Upper Lassonia, Lassonia; Bootstrapia; Pipelinia; Rustacea; Imputation Rock
    report: ./store/sample/eda/as_of=2021-06-04/report.html
    beside it: repairs.csv (171 counts), quality.csv (41 series)
    ----- stderr -----
    simulated sample (simulated, 48 locations x 500 days, seed 1): 48 locations x 500 days up to 2021-06-04; repair: 171 counts in 29 series lowered
    ");
    let first = sandbox.read(REPORT);
    assert!(run(&sandbox, &[]).success());
    assert_eq!(sandbox.read(REPORT), first, "the same data give the same report");
    let listed: Vec<String> = sandbox.files().into_iter().filter(|file| !file.contains(".covid-lock")).collect();
    let beside = |name: &str| REPORT.replace("report.html", name);
    assert_eq!(listed, [beside("quality.csv"), beside("repairs.csv"), REPORT.to_owned()]);
}

#[test]
fn the_report_is_self_contained() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q"]).success());
    let page = sandbox.read(REPORT);
    assert!(page.matches("<svg").count() >= 6);
    for foreign in ["http://", "https://", "<script src", "<link"] {
        let found = page.replace("http://www.w3.org/", "").contains(foreign);
        assert!(!found, "the page refers to {foreign}");
    }
}

#[test]
fn the_page_of_the_whole_world_is_small_enough_to_send() {
    let Some(data) = real_data() else { return };
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q", "--source", &data.join("jhu").display().to_string()]).success());
    let page = sandbox.read("store/jhu/eda/as_of=2023-03-09/report.html");
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("The world and every location: 289."));
}

#[test]
fn nothing_after_the_as_of_date_is_in_the_report() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q", "--as-of", "2020-12-31"]).success());
    let page = sandbox.read("store/sample/eda/as_of=2020-12-31/report.html");
    assert!(page.contains("up to 2020-12-31") && !page.contains("2021-0"));
}

#[test]
fn a_simulation_is_written_in_jhu_layout_and_read_back() {
    let sandbox = Sandbox::new();
    let args = "simulate --locations 5 --days 40 --seed 3 --out simulated -q";
    assert_run!(run(&sandbox, &args.split(' ').collect::<Vec<_>>()), @r#"
    exit: 0
    ----- stdout -----
    simulated, 5 locations x 40 days, seed 3
    simulated/time_series_covid19_confirmed_global.csv
    simulated/time_series_covid19_deaths_global.csv
    ----- stderr -----
    "#);
    assert_run!(run(&sandbox, &["-q", "--source", "simulated"]), @"
    exit: 0
    ----- stdout -----
    Location    Cases  New in 7 days  Deaths  New in 7 days  Weekly cases
    ─────────────────────────────────────────────────────────────────────
    World          11              7       0              0   ▁▁▂▄█
    Quantilia      10              6       0              0   ▁▁▂▅█
    Parquetia       1              1       0              0   ▁▁▁▁█
    Datastan        0              0       0              0   ▁▁▁▁▁
    Modelonia       0              0       0              0   ▁▁▁▁▁
    Backtestan      0              0       0              0   ▁▁▁▁▁
    Quality             ConfirmedCases  Fatalities
    ──────────────────────────────────────────────
    missing counts                   0           0
    counts that fall                 0           0
    series with a fall               0           0
    largest fall                     -           -
    jumps                            0           0
    largest jump                     -           -
    series without any               3           5
    below 0                          0           0
    not whole numbers                0           0
    places without news for 14 days: 3 - Datastan; Modelonia; Backtestan
    places that report weekly: 0
    places without coordinates: 5 - Datastan; Modelonia; Quantilia; Backtestan; Parquetia
    report: ./store/jhu/eda/as_of=2020-03-01/report.html
    beside it: repairs.csv (0 counts), quality.csv (6 series)
    ----- stderr -----
    ");
    assert_run!(run(&sandbox, &["simulate", "--locations", "0", "--out", "x", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: a simulation has 1 to 200000 locations, not 0
    hint: ask for 1 to 200000 locations
    "#);
}

/// Two days of two places, and how many people live there.
fn write_series_with_people(sandbox: &Sandbox, folder: &str) {
    let series = "Province/State,Country/Region,Lat,Long,1/22/20,1/23/20\n,Datastan,,,10,30\n,Modelonia,,,1,50\n";
    for name in ["confirmed", "deaths"] {
        sandbox.write(&format!("{folder}/time_series_covid19_{name}_global.csv"), series);
    }
    let people = "UID,Admin2,Province_State,Country_Region,Population\n1,,,Datastan,1000\n2,,,Modelonia,100000\n";
    sandbox.write(&format!("{folder}/UID_ISO_FIPS_LookUp_Table.csv"), people);
}

#[test]
fn cases_are_held_against_people_where_a_lookup_table_lies_beside_the_series() {
    let sandbox = Sandbox::new();
    write_series_with_people(&sandbox, "data");
    assert!(run(&sandbox, &["-q", "--source", "data"]).success());
    let page = sandbox.read("store/jhu/eda/as_of=2020-01-23/report.html");
    let rates = &page[page.find("100,000").expect("a ranking by people")..];
    let places = ["Datastan", "Modelonia"].map(|name| rates.find(name).unwrap());
    assert!(places[0] < places[1], "30 of 1,000 are more than 50 of 100,000");
    assert!(rates.contains("3,000"), "30 of 1,000 people are 3,000 of 100,000");
}

#[test]
fn a_day_between_two_vintages_is_the_older_one() {
    let sandbox = Sandbox::new();
    for vintage in ["2020-01-23", "2020-02-23"] {
        write_series_with_people(&sandbox, &format!("data/{vintage}"));
    }
    let between = run(&sandbox, &["--source", "data", "--as-of", "2020-02-01"]);
    assert!(between.success());
    assert_eq!(
        between.stderr,
        "warning: the newest vintage of 2020-02-01 or before ends on 2020-01-23, which is the as-of date now\n\
         dated vintages (data, vintage of 2020-01-23): 2 locations x 2 days up to 2020-01-23; \
         repair: 0 counts in 0 series lowered\n"
    );
    assert_run!(run(&sandbox, &["--source", "data", "--as-of", "2020-01-22"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: no vintage in `data` is from 2020-01-22 or before: they run from 2020-01-23 to 2020-02-23
    hint: give an as-of date from 2020-01-23 on
    "#);
}

#[test]
fn damage_that_was_read_rightly_is_said() {
    let sandbox = Sandbox::new();
    write_series_with_people(&sandbox, "data");
    let path = "data/time_series_covid19_deaths_global.csv";
    sandbox.write(path, sandbox.read(path).replace(',', ";").replace("1/23/20", "23-01-2020"));
    let looked = run(&sandbox, &["--source", "data"]);
    assert!(looked.success());
    for remark in ["the columns are separated by semicolons, not by commas", "`23-01-2020` in column 6 of the header"] {
        let said = format!("warning: `{path}`: ");
        assert!(
            looked.stderr.lines().any(|line| line.starts_with(&said) && line.contains(remark)),
            "{}",
            looked.stderr
        );
    }
}
