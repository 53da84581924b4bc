//! Counts of something else than an epidemic.

use std::fmt::Write as _;

/// Months of 2024, and their days.
const MONTHS: [(u32, u32); 4] = [(3, 31), (4, 30), (5, 31), (6, 28)];

/// A long table, `location,date,visits`, of another cumulative count than cases: visits to four invented clinics on 120
/// days. There is nothing like deaths.
pub fn visits() -> String {
    let mut table = "location,date,visits\n".to_owned();
    for (name, size) in [("Harbour", 40), ("Hill", 25), ("Market", 90), ("Station", 10)] {
        let dates = MONTHS.into_iter().flat_map(|(month, days)| (1..=days).map(move |day| (month, day)));
        let mut total = 0;
        for (index, (month, day)) in (0..).zip(dates) {
            // More come from day to day, and half of them on two days of the week.
            let visitors = size + index * size / 60 + (index * 7 + size) % 5;
            total += if index % 7 < 5 { visitors } else { visitors / 2 };
            // Writing to a string does not fail.
            let _ = writeln!(table, "{name},2024-{month:02}-{day:02},{total}");
        }
    }
    table
}
