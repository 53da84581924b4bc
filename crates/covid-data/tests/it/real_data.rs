//! The real data beside the project, where `COVID_TEST_DATA` names their folder.

use std::{collections::HashSet, path::PathBuf};

use covid_core::{Date, Explain, FaultKind, Panel, Target};
use covid_data::{
    Findings, LoadOptions, Repair, SourceKind, load, panel_from_parquet, panel_to_parquet, quality, repair,
};

use crate::load_folder;

/// The folder, or a line that says why nothing is tested.
pub(crate) fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("COVID_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: COVID_TEST_DATA is not set");
    }
    folder
}

#[test]
fn the_final_series() {
    let Some(data) = test_data() else { return };
    let panel = load_folder(&data.join("jhu")).unwrap().panel;
    assert_eq!((panel.locations().len(), panel.days()), (289, 1143));
    assert_eq!(panel.first_date(), Date::constant(2020, 1, 22));
    assert_eq!(panel.digest(), load_folder(&data.join("jhu")).unwrap().panel.digest());
    let found = quality(&panel.view(), &Findings::default());
    assert_eq!(found.targets.each_ref().map(|target| target.as_ref().unwrap().decreases), [362, 291]);
    assert_eq!(found.targets.each_ref().map(|target| target.as_ref().unwrap().missing), [0, 0]);
}

#[test]
fn the_vintages() {
    let Some(data) = test_data() else { return };
    for (date, locations, days) in [("2020-04-30", 266, 100), ("2021-07-27", 279, 553)] {
        let panel = load_folder(&data.join("vintages").join(date)).unwrap().panel;
        assert_eq!((panel.locations().len(), panel.days()), (locations, days));
        assert_eq!(panel.last_date().to_string(), date);
    }
}

#[test]
fn the_final_series_repaired_and_stored() {
    let Some(data) = test_data() else { return };
    let panel = load_folder(&data.join("jhu")).unwrap().panel;
    assert_eq!(panel_from_parquet(&panel_to_parquet(&panel).unwrap()).unwrap().digest(), panel.digest());
    let (repaired, report) = repair(&panel.view(), Repair::Monotone);
    assert!(report.lowered_counts >= 362 + 291);
    assert_eq!(quality(&repaired.view(), &Findings::default()).targets.map(|target| target.unwrap().decreases), [0, 0]);
}

#[test]
fn us_counties() {
    let Some(data) = test_data() else { return };
    let loaded = load_folder(&data.join("us_counties")).unwrap();
    let panel = &loaded.panel;
    assert_eq!((panel.locations().len(), panel.days()), (3340, 1143));
    assert_eq!(
        (panel.first_date().to_string(), panel.last_date().to_string()),
        ("2020-01-22".into(), "2023-03-09".into())
    );
    let states: HashSet<_> =
        panel.locations().iter().map(|location| (location.province_state(), location.country_region())).collect();
    assert_eq!(states.len(), 58);
    assert!(loaded.findings.remarks.is_empty(), "{:?}", loaded.findings.remarks);
    let people: f64 = loaded.populations.unwrap().into_iter().flatten().sum();
    assert!((3.2e8..3.4e8).contains(&people), "{people}");
}

/// Whole countries of the final series have people, and rates per head are those that were published.
#[test]
fn populations_of_the_final_series() {
    let Some(data) = test_data() else { return };
    let loaded = load_folder(&data.join("jhu")).unwrap();
    let populations = loaded.populations.unwrap();
    let people = |name: &str| {
        let found = loaded.panel.locations().iter().position(|location| location.name() == name).unwrap();
        (found, populations[found])
    };
    assert_eq!(people("Korea, South").1, Some(51_269_183.0));
    assert_eq!(people("Hubei, China").1, Some(59_170_000.0));
    assert_eq!(people("Summer Olympics 2020").1, None);
    let (us, americans) = people("US");
    let cases = loaded.panel.counts(us, Target::ConfirmedCases)[loaded.panel.days() - 1];
    assert!((0.31..0.32).contains(&(cases / americans.unwrap())), "{}", cases / americans.unwrap());
    assert_eq!(populations.iter().flatten().count(), 272);
    assert_eq!(loaded.findings.without_coordinates.unwrap(), ["Repatriated Travellers, Canada", "Unknown, China"]);
}

#[test]
fn a_folder_of_vintages() {
    let Some(data) = test_data() else { return };
    let source = data.join("vintages").display().to_string();
    for (as_of, days) in [(None, 553), (Some("2020-05-10"), 100), (Some("2021-07-27"), 553)] {
        let as_of = as_of.map(|date| date.parse().unwrap());
        let loaded = load(&source, &LoadOptions { as_of, ..LoadOptions::default() }).unwrap();
        assert_eq!((loaded.kind, loaded.panel.days()), (SourceKind::Vintages, days));
    }
}

/// One count of a panel.
fn count(panel: &Panel, name: &str, target: Target, date: &str) -> Option<f64> {
    let place = panel.locations().iter().position(|location| location.name() == name)?;
    panel.count_on(place, target, date.parse().unwrap())
}

/// Shares of the counts of `damaged` that `other`, of about the same day, has as well, over the places and dates of both.
fn agreement(damaged: &Panel, other: &Panel) -> f64 {
    let (mut same, mut all) = (0usize, 0usize);
    for (place, location) in damaged.locations().iter().enumerate() {
        let Some(twin) = other.locations().iter().position(|twin| twin.name() == location.name()) else { continue };
        for day in 0..damaged.days() {
            for target in Target::ALL {
                let counts = [(damaged, place), (other, twin)]
                    .map(|(panel, place)| panel.count_on(place, target, damaged.date(day)));
                all += 1;
                same += usize::from(counts[0] == counts[1]);
            }
        }
    }
    same as f64 / all as f64
}

/// Exchanged months and days would leave few counts that agree with a copy that nobody broke.
#[test]
fn damaged_copies_are_read_rightly() {
    let Some(data) = test_data() else { return };
    let read = |folder: &str| load_folder(&data.join(folder)).unwrap();
    for (folder, whole, shape, last, agreed, remark) in [
        ("excel_mangled", "jhu", (286, 1143), "2023-03-09", 0.99, "453 dates are not written month/day/year"),
        ("pandas_index_column", "jhu", (284, 813), "2022-04-13", 0.95, "column 1 numbers the rows"),
        ("semicolon", "vintages/2020-04-30", (264, 97), "2020-04-27", 0.95, "separated by semicolons"),
    ] {
        let loaded = read(&format!("damaged/{folder}"));
        let panel = &loaded.panel;
        assert_eq!((panel.locations().len(), panel.days()), shape, "{folder}");
        assert_eq!(
            (panel.first_date().to_string().as_str(), panel.last_date().to_string().as_str()),
            ("2020-01-22", last)
        );
        let share = agreement(panel, &read(whole).panel);
        assert!(share > agreed, "{folder}: {share}");
        let said: Vec<_> = loaded.findings.remarks.iter().filter(|said| said.text.contains(remark)).collect();
        assert_eq!(said.len(), 2, "{folder}: {:?}", loaded.findings.remarks);
    }
    let excel = read("damaged/excel_mangled").panel;
    assert_eq!(count(&excel, "Italy", Target::ConfirmedCases, "2020-03-09"), Some(9172.0));
    assert_eq!(count(&excel, "Italy", Target::Fatalities, "2020-03-10"), Some(631.0));
}

#[test]
fn conflict_markers_are_refused() {
    let Some(data) = test_data() else { return };
    let error = load_folder(&data.join("damaged/git_conflict_markers")).map(drop).unwrap_err();
    assert!(error.to_string().contains("confirmed_global.csv`: row 1 is a git conflict marker (`<<<<<<<`)"), "{error}");
    assert_eq!(error.kind(), FaultKind::Data);
}
