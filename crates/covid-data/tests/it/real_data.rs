//! The real data beside the project, where `COVID_TEST_DATA` names their folder.

use std::path::PathBuf;

use covid_core::{Date, Explain, FaultKind};
use covid_data::{Findings, Repair, panel_from_parquet, panel_to_parquet, quality, repair};

use crate::load_folder;

/// The folder, or a line that says why nothing is tested.
fn test_data() -> Option<PathBuf> {
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
    assert_eq!(found.targets.each_ref().map(|target| target.decreases), [362, 291]);
    assert_eq!(found.targets.each_ref().map(|target| target.missing), [0, 0]);
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
    assert_eq!(quality(&repaired.view(), &Findings::default()).targets.map(|target| target.decreases), [0, 0]);
}

#[test]
fn damaged_copies_are_refused() {
    let Some(data) = test_data() else { return };
    for (folder, cause) in [
        ("excel_mangled", "`02-01-2020`, is not a date such as `1/22/20`"),
        ("git_conflict_markers", "row 1 is a git conflict marker (`<<<<<<<`)"),
        ("pandas_index_column", "column 1 of the header has no name"),
        ("semicolon", "the columns are separated by semicolons, not by commas"),
    ] {
        let error = load_folder(&data.join("damaged").join(folder)).unwrap_err();
        assert!(error.to_string().contains(cause), "{error}");
        assert_eq!(error.kind(), FaultKind::Data);
    }
}
