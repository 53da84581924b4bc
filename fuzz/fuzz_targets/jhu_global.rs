//! JHU's global time series: the files of cases and deaths.

#![no_main]

use covid_data::LoadOptions;
use covid_fuzz::{comes_back_in_jhus_layout, folder, halves, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [cases, deaths] = halves(data);
    let folder = folder(&[
        ("time_series_covid19_confirmed_global.csv", cases),
        ("time_series_covid19_deaths_global.csv", deaths),
    ]);
    if let Some(loaded) = read(folder.path(), &LoadOptions::default()) {
        comes_back_in_jhus_layout(&loaded.panel);
    }
});
