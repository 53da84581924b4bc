//! Reading the daily reports of a month, as JHU wrote them in 2022: the real ones where `COVID_TEST_DATA` names their
//! folder, else 32 simulated ones of 4,000 rows each.

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
};

use covid_data::{LoadOptions, load};
use criterion::{Criterion, criterion_group, criterion_main};

fn daily_reports(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    match std::env::var_os("COVID_TEST_DATA") {
        Some(data) => copy_of_2022(&PathBuf::from(data).join("daily_reports"), folder.path()),
        None => simulated(folder.path()),
    }
    let source = folder.path().to_string_lossy().into_owned();
    for by_county in [false, true] {
        let options = LoadOptions { by_county, ..LoadOptions::default() };
        let name = if by_county { "32 daily reports by county" } else { "32 daily reports" };
        criterion.bench_function(name, |bench| {
            bench.iter(|| load(black_box(&source), &options).expect("daily reports"));
        });
    }
}

fn copy_of_2022(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().ends_with("-2022.csv") {
            fs::copy(entry.path(), to.join(name)).expect("a copy");
        }
    }
}

fn simulated(folder: &Path) {
    for day in 1..=32u32 {
        let mut text =
            "FIPS,Admin2,Province_State,Country_Region,Last_Update,Lat,Long_,Confirmed,Deaths,Recovered,Active,\
                        Combined_Key,Incident_Rate,Case_Fatality_Ratio\n"
                .to_owned();
        for place in 0..4000u32 {
            let (province, cases) = (place / 60, place * 37 + day * 11);
            let deaths = cases / 80;
            writeln!(
                text,
                "{place},County {place},Province {province},Datastan,2022-07-13 04:20:58,33.93911,67.709953,{cases},\
                 {deaths},,,\"County {place}, Province {province}, Datastan\",470.79324546607313,4.2166833995373"
            )
            .expect("a line");
        }
        let name = format!("{:02}-{:02}-2022.csv", 7 + (day - 1) / 31, 1 + (day - 1) % 31);
        fs::write(folder.join(name), text).expect("a report");
    }
}

criterion_group!(benches, daily_reports);
criterion_main!(benches);
