//! Kaggle's `test.csv`, which is the same when it is written and read again.

#![no_main]

use covid_data::read_kaggle_test;
use covid_fuzz::{csv, explained, folder, parts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let first = folder(&[("test.csv", data)]);
    let Some(test) = explained(read_kaggle_test(&first.path().join("test.csv"))) else { return };
    assert!(!test.rows.is_empty());
    let header = ["ForecastId", "location", "Admin2", "Province_State", "Country_Region", "Date"];
    let written = csv(
        header,
        test.rows.iter().map(|row| {
            let [admin2, province, country] = parts(&row.location);
            [row.forecast_id.to_string(), row.location.name().into(), admin2, province, country, row.date.to_string()]
        }),
    );
    let second = folder(&[("test.csv", &written)]);
    assert_eq!(read_kaggle_test(&second.path().join("test.csv")).expect("what was written"), test);
});
