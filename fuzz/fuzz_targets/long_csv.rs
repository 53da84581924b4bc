//! Long tables in CSV, with the usual columns and with named ones.

#![no_main]

use covid_data::LoadOptions;
use covid_fuzz::{folder, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = folder(&[("table.csv", data)]);
    let path = folder.path().join("table.csv");
    read(&path, &LoadOptions::default());
    let named = LoadOptions {
        cases_column: Some("cases".into()),
        deaths_column: Some("dead".into()),
        ..LoadOptions::default()
    };
    read(&path, &named);
});
