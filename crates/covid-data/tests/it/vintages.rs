//! A folder of dated vintages.

use std::{fs, path::Path};

use covid_core::{Date, Target};
use covid_data::{DataError, LoadOptions, Loaded, SourceKind, load};
use insta::assert_snapshot;
use tempfile::TempDir;

use crate::{GOOD, explained, load_folder};

/// Three vintages; in each, the second count of the first location is the number of the vintage.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, date) in ["2020-01-24", "2020-01-31", "2020-02-10"].into_iter().enumerate() {
        let vintage = folder.path().join(date);
        fs::create_dir(&vintage).unwrap();
        for name in ["confirmed", "deaths"] {
            let text = GOOD.replace("1,2\n", &format!("1,{}\n", number + 1));
            fs::write(vintage.join(format!("time_series_covid19_{name}_global.csv")), text).unwrap();
        }
    }
    folder
}

fn read_as_of(folder: &Path, as_of: Option<Date>) -> Result<Loaded, DataError> {
    load(folder.to_str().unwrap(), &LoadOptions { as_of, ..LoadOptions::default() })
}

/// Which vintage was read.
fn vintage(folder: &Path, as_of: Option<Date>) -> f64 {
    read_as_of(folder, as_of).unwrap().panel.counts(0, Target::ConfirmedCases)[1]
}

#[test]
fn the_newest_one_not_after_the_as_of_date_is_read() {
    let folder = folder();
    for (day, number) in [("2020-01-24", 1.0), ("2020-01-30", 1.0), ("2020-01-31", 2.0), ("2021-01-01", 3.0)] {
        assert_eq!(vintage(folder.path(), Some(day.parse().unwrap())), number, "{day}");
    }
    assert_eq!(vintage(folder.path(), None), 3.0);
}

#[test]
fn which_one_was_read_is_said() {
    let folder = folder();
    let loaded = load_folder(folder.path()).unwrap();
    assert_eq!((loaded.kind, loaded.dataset.as_str()), (SourceKind::Vintages, "jhu"));
    let description = loaded.description.replace(folder.path().to_str().unwrap(), "DIR");
    assert_snapshot!(description, @"DIR, vintage of 2020-02-10");
}

#[test]
fn other_subfolders_and_files_are_no_vintages() {
    let folder = folder();
    for name in ["notes", "2020-03", "2020-03-32"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("2020-03-01"), "a file").unwrap();
    assert_eq!(vintage(folder.path(), None), 3.0);
}

#[test]
fn without_one_early_enough_the_range_is_named() {
    let folder = folder();
    let error = read_as_of(folder.path(), Some(Date::constant(2020, 1, 23))).map(drop).unwrap_err();
    assert_snapshot!(explained(&error, folder.path()), @r#"
    Usage: no vintage in `DIR` is from 2020-01-23 or before: they run from 2020-01-24 to 2020-02-10
    hint: give an as-of date from 2020-01-24 on
    "#);
}

#[test]
fn a_vintage_that_is_no_source_is_named_when_it_is_chosen() {
    let folder = folder();
    fs::create_dir(folder.path().join("2020-03-01")).unwrap();
    assert_eq!(vintage(folder.path(), Some(Date::constant(2020, 2, 29))), 3.0);
    let error = read_as_of(folder.path(), None).map(drop).unwrap_err();
    assert!(error.to_string().contains("2020-03-01` is not a source of any known kind"), "{error}");
}
