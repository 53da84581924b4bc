//! Dates: each line is one, in a column of a long table, and in the header of JHU's series.

#![no_main]

use covid_data::LoadOptions;
use covid_fuzz::{csv, folder, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    let lines: Vec<&str> = text.split('\n').collect();
    column(&lines);
    header(&lines);
});

fn column(lines: &[&str]) {
    let rows = lines.iter().enumerate().map(|(row, line)| ["Datastan".into(), line.to_string(), row.to_string()]);
    let folder = folder(&[("table.csv", &csv(["location", "date", "ConfirmedCases"], rows))]);
    if let Some(loaded) = read(&folder.path().join("table.csv"), &LoadOptions::default()) {
        // Each line is a day, and a day that comes again has another count, which is refused.
        let given = loaded.panel.counts(0, covid_core::Target::ConfirmedCases).iter().filter(|count| !count.is_nan());
        assert_eq!(given.count(), lines.len());
        if let Ok(date) = lines[0].parse::<covid_core::Date>() {
            assert!(loaded.panel.day(date).is_some(), "{date} is not in the panel");
        }
    }
}

fn header(lines: &[&str]) {
    let quoted = lines.iter().map(|line| format!("\"{}\"", line.replace('"', "\"\"")));
    let counts = (0..lines.len()).map(|day| day.to_string());
    let file = format!(
        "Province/State,Country/Region,{}\n,Datastan,{}\n",
        quoted.collect::<Vec<_>>().join(","),
        counts.collect::<Vec<_>>().join(",")
    );
    let folder = folder(&[
        ("time_series_covid19_confirmed_global.csv", file.as_bytes()),
        ("time_series_covid19_deaths_global.csv", file.as_bytes()),
    ]);
    read(folder.path(), &LoadOptions::default());
}
