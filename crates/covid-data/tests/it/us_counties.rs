//! JHU's series of US counties.

use std::fs;

use covid_core::Target;
use covid_data::{LoadOptions, Loaded, SourceKind, load};
use tempfile::TempDir;

use crate::{GOOD, explained, load_folder};

const HEADER: &str = "UID,iso2,iso3,code3,FIPS,Admin2,Province_State,Country_Region,Lat,Long_,Combined_Key";

/// Counties of one name in two states, a territory without counties, cases of no county.
fn rows(counts: [&str; 5], people: [&str; 5]) -> String {
    let places = [
        "84001001,US,USA,840,1001.0,Sample,Alphabama,US,32.5,-86.6,\"Sample, Alphabama, US\"",
        "84002001,US,USA,840,2001.0,Sample,Betaska,US,60.0,-150.0,\"Sample, Betaska, US\"",
        "16,AS,ASM,16,60.0,,American Gamoa,US,-14.2,-170.1,\"American Gamoa, US\"",
        "84090001,US,USA,840,90001.0,Unassigned,Alphabama,US,0.0,0.0,\"Unassigned, Alphabama, US\"",
        "84080001,US,USA,840,80001.0,Out of AB,Alphabama,US,,,\"Out of AB, Alphabama, US\"",
    ];
    let rows =
        places.iter().zip(people).zip(counts).map(|((place, people), counts)| format!("{place}{people},{counts}\n"));
    rows.collect()
}

fn us_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let confirmed = rows(["1,2", "3,4", "5,6", "7,8", "9,10"], [""; 5]);
    let deaths = rows(["0,1", "0,2", "0,3", "0,4", "0,5"], [",1000", ",2000", ",300", ",0", ",0"]);
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("time_series_covid19_confirmed_US.csv", format!("{HEADER},1/22/20,1/23/20\n{confirmed}"));
    write("time_series_covid19_deaths_US.csv", format!("{HEADER},Population,1/22/20,1/23/20\n{deaths}"));
    folder
}

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.panel.locations().iter().map(|location| location.name()).collect()
}

#[test]
fn counties_are_kept_apart_and_none_is_lost() {
    let folder = us_folder();
    let loaded = load_folder(folder.path()).unwrap();
    assert_eq!(
        names(&loaded),
        [
            "Sample, Alphabama, US",
            "Sample, Betaska, US",
            "American Gamoa, US",
            "Unassigned, Alphabama, US",
            "Out of AB, Alphabama, US"
        ]
    );
    assert_eq!((loaded.kind, loaded.dataset.as_str()), (SourceKind::JhuUsTimeSeries, "jhu"));
    assert_eq!(loaded.panel.counts(1, Target::ConfirmedCases), [3.0, 4.0]);
    assert_eq!(loaded.panel.counts(4, Target::Fatalities), [0.0, 5.0]);
    assert_eq!(loaded.panel.locations()[0].admin2(), Some("Sample"));
    assert_eq!(loaded.panel.locations()[2].admin2(), None);
}

#[test]
fn people_are_those_of_the_deaths_file() {
    let folder = us_folder();
    let populations = load_folder(folder.path()).unwrap().populations;
    assert_eq!(populations, Some(vec![Some(1000.0), Some(2000.0), Some(300.0), None, None]));
}

#[test]
fn places_without_coordinates_are_named() {
    let loaded = load_folder(us_folder().path()).unwrap();
    assert_eq!(loaded.findings.without_coordinates, Some(vec!["Out of AB, Alphabama, US".to_owned()]));
}

#[test]
fn of_both_kinds_in_one_folder_the_global_one_is_read_unless_counties_are_asked_for() {
    let folder = us_folder();
    for name in ["confirmed", "deaths"] {
        fs::write(folder.path().join(format!("time_series_covid19_{name}_global.csv")), GOOD).unwrap();
    }
    let read = |by_county| load(folder.path().to_str().unwrap(), &LoadOptions { by_county, ..LoadOptions::default() });
    let (global, counties) = (read(false).unwrap(), read(true).unwrap());
    assert_eq!((global.kind, names(&global).len()), (SourceKind::JhuTimeSeries, 2));
    assert_eq!((counties.kind, names(&counties).len()), (SourceKind::JhuUsTimeSeries, 5));
}

#[test]
fn what_is_missing_is_named() {
    let folder = us_folder();
    let path = folder.path().join("time_series_covid19_confirmed_US.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("Admin2", "County")).unwrap();
    insta::assert_snapshot!(explained(&load_folder(folder.path()).unwrap_err(), folder.path()), @r#"
    Data: `DIR/time_series_covid19_confirmed_US.csv`: the header has no column `Admin2`
    hint: the header must read `...,Admin2,Province_State,Country_Region,Lat,Long_,...,1/22/20,...`
    "#);
    fs::remove_file(&path).unwrap();
    insta::assert_snapshot!(explained(&load_folder(folder.path()).unwrap_err(), folder.path()), @r#"
    Data: `DIR` holds no file `time_series_covid19_confirmed_US.csv`
    hint: put `time_series_covid19_confirmed_US.csv` of the same day beside the other file
    "#);
}
