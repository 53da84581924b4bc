//! A count that is none of an epidemic, and without anything like deaths, goes through this stage as cases do.

use covid_testing::{Sandbox, assert_run, visits};

use crate::run;

const SOURCE: [&str; 4] = ["--source", "visits.csv", "--cases-column", "visits"];

#[test]
fn the_forecasts_of_the_one_target_are_scored() {
    let sandbox = Sandbox::new();
    sandbox.write("visits.csv", visits());
    assert_run!(run(&sandbox, &SOURCE), @"
    exit: 0
    ----- stdout -----
    No committed forecast was due; a back-dated one is scored.
    RMSLE of 7 days, 7 days up to 2024-06-28: ▁▄▆█▇▇▆ 0.0050 (no change 0.0591)
    Location   RMSLE  No change  Bias (log)  Its data
    ──────────────────────────────────────────────────────
    Market    0.0054     0.0597     -0.0045  no fault seen
    Harbour   0.0053     0.0594     -0.0043  no fault seen
    Hill      0.0050     0.0591     -0.0040  no fault seen
    Station   0.0044     0.0580     -0.0031  no fault seen
    back-dated forecast (none was due) against what was published up to 2024-06-28: RMSLE 0.0050, no change 0.0591: 91 % better than no change (4 locations)
    (no model saw data after its day; the recipe itself may have been chosen with later data)
    scored: <run> (as of 2024-06-21)
    Target           RMSLE  No change  Bias (log)  WIS  In 50 %  In 80 %  In 95 %  Rows
    ───────────────────────────────────────────────────────────────────────────────────
    ConfirmedCases  0.0050     0.0591     -0.0040   17     79 %     96 %    100 %    28
    Days ahead   RMSLE  No change
    ─────────────────────────────
             1  0.0022     0.0149
             2  0.0048     0.0302
             3  0.0067     0.0446
             4  0.0091     0.0593
             5  0.0042     0.0668
             6  0.0011     0.0739
             7  0.0020     0.0886
    committed: run <run>, 28 rows
    manifest: ./store/visits/backdated/monitoring/commits/as_of=2024-06-28/<run>.json
    page:     ./store/visits/backdated/monitoring/reports/as_of=2024-06-28/report.html
    csv:      ./store/visits/backdated/monitoring/csv/as_of=2024-06-28/<run>.csv
    ----- stderr -----
    long table (visits.csv; revised data): 4 locations x 120 days up to 2024-06-28; repair: 0 counts in 0 series lowered
    no champion of covid-predictor-visits yet: training one first
    weekly-trend is registered as version 1 of covid-predictor-visits, its first champion
    ");
}
