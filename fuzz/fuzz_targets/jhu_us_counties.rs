//! JHU's time series of US counties: the files of cases and deaths, of which the second has populations.

#![no_main]

use covid_data::LoadOptions;
use covid_fuzz::{folder, halves, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [cases, deaths] = halves(data);
    let folder =
        folder(&[("time_series_covid19_confirmed_US.csv", cases), ("time_series_covid19_deaths_US.csv", deaths)]);
    read(folder.path(), &LoadOptions::default());
});
