//! Counts: a cell of a long table, which JHU's series must read in the same way.

#![no_main]

use covid_core::Target;
use covid_data::{LoadOptions, Loaded};
use covid_fuzz::{folder, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, cell)) = data.split_first() else { return };
    let Ok(text) = str::from_utf8(cell) else { return };
    let separator = [',', ';', '\t', '|'][usize::from(choice) % 4];
    let cell = format!("\"{}\"", text.replace('"', "\"\""));
    let long =
        table(&[&["location", "date", "ConfirmedCases", "note"], &["Datastan", "2020-01-22", &cell, "."]], separator);
    let wide = table(
        &[
            &["Province/State", "Country/Region", "Lat", "Long", "1/22/20"],
            &["", "Datastan", "", "", &cell],
            &["", "Modelonia", "", "", "5"],
        ],
        separator,
    );
    let long = folder(&[("table.csv", long.as_bytes())]);
    let wide = folder(&[
        ("time_series_covid19_confirmed_global.csv", wide.as_bytes()),
        ("time_series_covid19_deaths_global.csv", wide.as_bytes()),
    ]);
    let long = read(&long.path().join("table.csv"), &LoadOptions::default()).map(count);
    let wide = read(wide.path(), &LoadOptions::default()).map(count);
    // Compared by their bits, for a missing count is no number.
    assert_eq!(long.map(f64::to_bits), wide.map(f64::to_bits), "{long:?} and {wide:?}");
    if let (Some(count), Ok(number)) = (long, text.trim().parse::<f64>()) {
        assert!(count == number || number.is_nan(), "{number} read as {count}");
    }
});

fn table(rows: &[&[&str]], separator: char) -> String {
    rows.iter().map(|row| row.join(&separator.to_string()) + "\n").collect()
}

fn count(loaded: Loaded) -> f64 {
    loaded.panel.counts(0, Target::ConfirmedCases)[0]
}
