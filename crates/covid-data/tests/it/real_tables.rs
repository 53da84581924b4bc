//! The real daily reports and Kaggle's files beside the project, where `COVID_TEST_DATA` names their folder.

use std::path::{Path, PathBuf};

use covid_core::{Date, Location, Panel, Target};
use covid_data::{LoadOptions, Loaded, load, read_kaggle_test};

use crate::real_data::test_data;

fn reports(data: &Path, by_county: bool) -> Loaded {
    let options = LoadOptions { by_county, ..LoadOptions::default() };
    load(data.join("daily_reports").to_str().unwrap(), &options).unwrap()
}

fn count(panel: &Panel, name: &str, target: Target, date: Date) -> Option<f64> {
    let location = panel.locations().iter().position(|location| location.name() == name);
    panel.count_on(location.unwrap_or_else(|| panic!("no {name}")), target, date)
}

const CASES: Target = Target::ConfirmedCases;

#[test]
fn daily_reports_of_three_years_are_one_panel() {
    let Some(data) = test_data() else { return };
    let panel = reports(&data, false).panel;
    assert_eq!((panel.first_date(), panel.last_date()), (Date::constant(2020, 1, 22), Date::constant(2022, 8, 10)));
    assert_eq!(panel.days(), 932);
    // A day in the gap, and one in each version of the header.
    assert_eq!(count(&panel, "Italy", CASES, Date::constant(2021, 1, 1)), None);
    let of_korea =
        [(2020, 1, 22), (2020, 2, 29), (2020, 3, 1), (2020, 3, 13), (2020, 3, 21), (2020, 3, 22), (2020, 5, 29)];
    let series = of_korea
        .map(|(year, month, day)| count(&panel, "Korea, South", CASES, Date::constant(year, month, day)).unwrap());
    assert_eq!(series, [1.0, 3150.0, 3736.0, 7979.0, 8799.0, 8897.0, 11_441.0]);
    for (name, wanted) in
        [("Hubei, China", 66_337.0), ("Macau, China", 10.0), ("Taiwan*", 39.0), ("Diamond Princess", 705.0)]
    {
        assert_eq!(count(&panel, name, CASES, Date::constant(2020, 2, 29)), Some(wanted), "{name}");
    }
    assert_eq!(count(&panel, "Bahamas", CASES, Date::constant(2020, 3, 21)), Some(4.0));
    assert_eq!(count(&panel, "France", CASES, Date::constant(2020, 3, 13)), Some(3661.0));
    assert_eq!(count(&panel, "Hubei, China", Target::Fatalities, Date::constant(2020, 1, 22)), Some(17.0));
    assert_eq!(count(&panel, "Beijing, China", Target::Fatalities, Date::constant(2020, 1, 22)), Some(0.0));
}

#[test]
fn every_place_of_2020_is_called_as_in_2022_or_known_to_be_gone() {
    let Some(data) = test_data() else { return };
    let panel = reports(&data, false).panel;
    let gone = |location: &Location| {
        let index = panel.locations().iter().position(|other| other == location).unwrap();
        panel.count_on(index, CASES, Date::constant(2022, 8, 9)).is_none()
    };
    let names: Vec<&str> = panel.locations().iter().filter(|location| gone(location)).map(Location::name).collect();
    insta::assert_snapshot!(names.join("\n"), @r#"
    External territories, Australia
    From Diamond Princess, Australia
    Jervis Bay Territory, Australia
    Belgium
    Brazil
    Unknown, Brazil
    Chile
    Colombia
    Germany
    India
    Italy
    Japan
    Malaysia
    Mexico
    Netherlands
    Pakistan
    Peru
    Russia
    Spain
    Sweden
    Unknown, US
    Wuhan Evacuee, US
    Ukraine
    United Kingdom
    Western Sahara
    "#);
}

#[test]
fn counties_add_up_to_their_states() {
    let Some(data) = test_data() else { return };
    let (folded, counties) = (reports(&data, false).panel, reports(&data, true).panel);
    assert!(counties.locations().len() > 4000, "{}", counties.locations().len());
    let date = Date::constant(2022, 8, 9);
    for target in Target::ALL {
        let total =
            |panel: &Panel| (0..panel.locations().len()).filter_map(|i| panel.count_on(i, target, date)).sum::<f64>();
        assert_eq!(total(&folded), total(&counties));
    }
    assert_eq!(count(&counties, "King, Washington, US", CASES, Date::constant(2020, 2, 29)), Some(6.0));
}

#[test]
fn the_reference_has_617_places_with_a_province() {
    let Some(data) = test_data() else { return };
    let panel = reports(&data, false).panel;
    let whole = |index: &usize| {
        let first = panel.day(Date::constant(2022, 7, 12)).unwrap();
        let province = panel.locations()[*index].province_state().is_some();
        province
            && Target::ALL
                .iter()
                .all(|&target| panel.counts(*index, target)[first..first + 29].iter().all(|x| !x.is_nan()))
    };
    assert_eq!((0..panel.locations().len()).filter(whole).count(), 617);
}

fn kaggle(data: &Path) -> PathBuf {
    data.join("kaggle_week2")
}

#[test]
fn the_second_week_of_kaggle() {
    let Some(data) = test_data() else { return };
    let loaded = load(kaggle(&data).to_str().unwrap(), &LoadOptions::default()).unwrap();
    assert_eq!((loaded.dataset.as_str(), loaded.panel.locations().len()), ("kaggle_week2", 294));
    assert_eq!(loaded.panel.last_date(), Date::constant(2020, 3, 31));
    assert_eq!(loaded.findings, Default::default());
    let test = read_kaggle_test(&kaggle(&data).join("test.csv")).unwrap();
    assert_eq!(test.rows.len(), 294 * 43);
    let known = |location: &Location| loaded.panel.locations().contains(location);
    assert!(test.rows.iter().step_by(43).all(|row| known(&row.location)));
    assert!(test.rows.iter().enumerate().all(|(index, row)| row.forecast_id == index as u64 + 1));
}
