//! A count that is none of an epidemic, and without anything like deaths, goes through this stage as cases do.

use covid_testing::{Sandbox, assert_run, visits};

use crate::run;

const SOURCE: [&str; 4] = ["--source", "visits.csv", "--cases-column", "visits"];

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
    missing counts                   0         480
    counts that fall                 0           0
    series with a fall               0           0
    largest fall                     -           -
    jumps                            0           0
    largest jump                     -           -
    series without any               0           4
    below 0                          0           0
    not whole numbers                0           0
    places without news for 14 days: 0
    places that report weekly: 0
    report: ./store/visits/eda/as_of=2024-06-28/report.html
    beside it: repairs.csv (0 counts), quality.csv (4 series)
    ----- stderr -----
    long table (visits.csv; revised data): 4 locations x 120 days up to 2024-06-28; repair: 0 counts in 0 series lowered
    ");
}
