//! JHU's daily reports: two days of them, with counties added up and kept.

#![no_main]

use covid_core::Target;
use covid_data::LoadOptions;
use covid_fuzz::{folder, halves, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [first, second] = halves(data);
    let folder = folder(&[("01-22-2020.csv", first), ("01-24-2020.csv", second)]);
    let [added_up, by_county] =
        [false, true].map(|by_county| read(folder.path(), &LoadOptions { by_county, ..LoadOptions::default() }));
    assert_eq!(added_up.is_some(), by_county.is_some());
    if let (Some(added_up), Some(by_county)) = (added_up, by_county) {
        assert_eq!((added_up.panel.days(), by_county.panel.days()), (3, 3));
        assert!(added_up.panel.locations().len() <= by_county.panel.locations().len());
        // The day between has no report.
        assert!(added_up.panel.counts(0, Target::ConfirmedCases)[1].is_nan());
    }
});
