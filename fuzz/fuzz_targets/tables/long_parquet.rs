//! Long tables in Parquet.

#![no_main]

use covid_data::LoadOptions;
use covid_fuzz::{folder, let_panics_be_caught, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: let_panics_be_caught(), |data: &[u8]| {
    let folder = folder(&[("table.parquet", data)]);
    read(&folder.path().join("table.parquet"), &LoadOptions::default());
});
