//! JHU's lookup table of places and their populations. One that is damaged costs the populations and nothing else.

#![no_main]

use covid_data::LoadOptions;
use covid_fuzz::{folder, read};
use libfuzzer_sys::fuzz_target;

const SERIES: &[u8] = b"Province/State,Country/Region,Lat,Long,1/22/20\n,Datastan,,,1\nNorth,Modelonia,,,2\n\
                        ,\"Korea of Data, South\",,,3\n";

fuzz_target!(|data: &[u8]| {
    let folder = folder(&[
        ("time_series_covid19_confirmed_global.csv", SERIES),
        ("time_series_covid19_deaths_global.csv", SERIES),
        ("UID_ISO_FIPS_LookUp_Table.csv", data),
    ]);
    let loaded = read(folder.path(), &LoadOptions::default()).expect("the series are well");
    assert_eq!(loaded.panel.locations().len(), 3);
});
