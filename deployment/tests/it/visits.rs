//! A count that is none of an epidemic, and without anything like deaths, goes through this stage as cases do.

use covid_testing::{Sandbox, assert_run, visits};

use crate::run;

const SOURCE: [&str; 4] = ["--source", "visits.csv", "--cases-column", "visits"];

#[test]
fn there_are_rows_of_the_one_target() {
    let sandbox = Sandbox::new();
    sandbox.write("visits.csv", visits());
    assert_run!(run(&sandbox, &SOURCE), @"
    exit: 0
    ----- stdout -----
    Forecast for 2024-07-05, 7 days after 2024-06-28, by covid-predictor-visits 1 (weekly-trend)
    Location   Cases     95 % interval  Deaths  95 % interval
    ─────────────────────────────────────────────────────────
    Market    20,185  19,665 .. 20,956       -              -
    Harbour    9,064    8,835 .. 9,399       -              -
    Hill       5,715    5,572 .. 5,924       -              -
    Station    2,389    2,329 .. 2,479       -              -
    committed: run <run>, 28 rows
    manifest: ./store/visits/predictions/commits/as_of=2024-06-28/<run>.json
    csv:      ./store/visits/predictions/csv/as_of=2024-06-28/<run>.csv
    ----- stderr -----
    long table (visits.csv; revised data): 4 locations x 120 days up to 2024-06-28; repair: 0 counts in 0 series lowered
    no champion of covid-predictor-visits yet: training one first
    weekly-trend is registered as version 1 of covid-predictor-visits, its first champion
    ");
    assert_run!(run(&sandbox, &[&["show", "--location", "Market", "-q"][..], &SOURCE].concat()), @"
    exit: 0
    ----- stdout -----
    Market: 18,584 cases on 2024-06-28; forecast by covid-predictor-visits 1 (weekly-trend)
    Date        Target          Forecast  Median     50 % interval     80 % interval     95 % interval
    ──────────────────────────────────────────────────────────────────────────────────────────────────
    2024-06-29  ConfirmedCases    18,811  18,817  18,801 .. 18,839  18,788 .. 18,852  18,775 .. 18,859
    2024-06-30  ConfirmedCases    19,039  19,054  19,013 .. 19,114  18,981 .. 19,132  18,950 .. 19,150
    2024-07-01  ConfirmedCases    19,268  19,292  19,219 .. 19,378  19,164 .. 19,414  19,110 .. 19,472
    2024-07-02  ConfirmedCases    19,496  19,533  19,423 .. 19,666  19,340 .. 19,702  19,260 .. 19,816
    2024-07-03  ConfirmedCases    19,726  19,780  19,625 .. 19,848  19,512 .. 19,989  19,403 .. 20,177
    2024-07-04  ConfirmedCases    19,956  19,968  19,825 .. 20,100  19,678 .. 20,304  19,537 .. 20,557
    2024-07-05  ConfirmedCases    20,185  20,232  20,020 .. 20,371  19,837 .. 20,631  19,665 .. 20,956
    New in the week to  Target          Forecast  Median   50 % interval   80 % interval   95 % interval
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    2024-07-05          ConfirmedCases     1,601   1,648  1,436 .. 1,787  1,253 .. 2,047  1,081 .. 2,372
    2024-07-12          ConfirmedCases     1,615   1,685  1,380 .. 1,891  1,141 .. 2,287    927 .. 2,813
    2024-07-19          ConfirmedCases     1,620   1,735  1,329 .. 1,986  1,055 .. 2,486    820 .. 3,199
    2024-07-26          ConfirmedCases     1,621   1,755  1,285 .. 2,068    985 .. 2,667    737 .. 3,565
    ----- stderr -----
    ");
}
