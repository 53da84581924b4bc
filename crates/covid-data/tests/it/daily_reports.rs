//! JHU's daily reports: every header of the years, places under their final names, counties added up or kept.

use covid_core::{Date, Panel, Target};
use covid_data::{LoadOptions, Loaded, SourceKind, load};
use insta::assert_snapshot;

use crate::{explained, folder_of, load_folder};

/// The headers of 2020 to 2023, each with the same three places.
const REPORTS: [(&str, &str); 5] = [
    (
        "01-22-2020.csv",
        "\u{feff}Province/State,Country/Region,Last Update,Confirmed,Deaths,Recovered\n\
         Hubei,Mainland China,1/22/2020 17:00,444,17,28\r\n\
         ,South Korea,1/22/2020 17:00,1,,\n\
         Washington,US,1/22/2020 17:00,1,,\n",
    ),
    (
        "01-23-2020.csv",
        "Province/State,Country/Region,Last Update,Confirmed,Deaths,Recovered,Latitude,Longitude\n\
         Hubei,China,2020-03-01T10:13:19,500,20,30,30.9,112.2\n\
         ,Republic of Korea,2020-03-01T10:13:19,2,0,0,36,128\n\
         \"King County, WA\",US,2020-03-01T10:13:19,2,1,0,47.6,-122.3\n\
         \"Snohomish County, WA\",US,2020-03-01T10:13:19,3,0,0,48,-121.8\n",
    ),
    (
        "01-24-2020.csv",
        "\u{feff}FIPS,Admin2,Province_State,Country_Region,Last_Update,Lat,Long_,Confirmed,Deaths,Recovered,Active,\
         Combined_Key\n\
         53033,King,Washington,US,3/22/20 23:45,47.49,-121.83,4,2,0,0,\"King, Washington, US\"\n\
         53061,Snohomish,Washington,US,3/22/20 23:45,48.04,-121.71,5,,0,0,\"Snohomish, Washington, US\"\n\
         ,,Hubei,China,3/22/20 23:45,30.97,112.27,600,25,0,0,\"Hubei, China\"\n\
         ,,,\"Korea, South\",3/22/20 23:45,35.9,127.76,3,0,0,0,\"Korea, South\"\n",
    ),
    (
        "01-25-2020.csv",
        "FIPS,Admin2,Province_State,Country_Region,Last_Update,Lat,Long_,Confirmed,Deaths,Recovered,Active,\
         Combined_Key,Incidence_Rate,Case-Fatality_Ratio\n\
         53033,King,Washington,US,2020-05-30 02:32:48,47.49,-121.83,5,2,0,3,\"King, Washington, US\",1.5,0.1\n\
         ,Unassigned,Washington,US,2020-05-30 02:32:48,,,1,0,0,1,\"Unassigned, Washington, US\",,\n\
         ,,Hubei,China,2020-05-30 02:32:48,30.97,112.27,700,30,0,0,\"Hubei, China\",,\n\
         ,,,\"Korea, South\",2020-05-30 02:32:48,,,4,1,0,0,\"Korea, South\",,\n",
    ),
    (
        "01-28-2020.csv",
        "FIPS,Admin2,Province_State,Country_Region,Last_Update,Lat,Long_,Confirmed,Deaths,Recovered,Active,\
         Combined_Key,Incident_Rate,Case_Fatality_Ratio\n\
         53033,King,Washington,US,2022-07-13 04:20:58,47.49,-121.83,8,3,,,\"King, Washington, US\",1.5,0.1\n\
         ,,Hubei,China,2022-07-13 04:20:58,30.97,112.27,800,40,,,\"Hubei, China\",,\n",
    ),
];

fn loaded(by_county: bool) -> Loaded {
    let folder = folder_of(&REPORTS);
    let options = LoadOptions { by_county, ..LoadOptions::default() };
    load(folder.path().to_str().unwrap(), &options).unwrap()
}

/// Every series in a line.
fn shown(panel: &Panel) -> String {
    let series = |index: usize, target| {
        let counts = panel.counts(index, target).iter();
        counts.map(|&count| if count.is_nan() { "-".into() } else { count.to_string() }).collect::<Vec<_>>().join(" ")
    };
    let line = |index: usize| {
        format!(
            "{}: {} / {}\n",
            panel.locations()[index],
            series(index, Target::ConfirmedCases),
            series(index, Target::Fatalities)
        )
    };
    (0..panel.locations().len()).map(line).collect()
}

#[test]
fn every_header_is_read_and_counties_are_added_up() {
    let loaded = loaded(false);
    assert_eq!((loaded.kind, loaded.dataset.as_str()), (SourceKind::JhuDailyReports, "jhu"));
    assert_eq!((loaded.panel.first_date(), loaded.panel.days()), (Date::constant(2020, 1, 22), 7));
    assert_snapshot!(shown(&loaded.panel), @r#"
    Hubei, China: 444 500 600 700 - - 800 / 17 20 25 30 - - 40
    Korea, South: 1 2 3 4 - - - / 0 0 0 1 - - -
    Washington, US: 1 5 9 6 - - 8 / 0 1 2 2 - - 3
    "#);
}

#[test]
fn a_word_for_no_province_names_none() {
    let written =
        REPORTS.map(|(name, text)| (name, text.replace("\n,South", "\nNA,South").replace("\n,,,", "\n,NA,NA,")));
    let folder = folder_of(&written.each_ref().map(|(name, text)| (*name, text.as_str())));
    let again = load_folder(folder.path()).unwrap();
    assert_eq!(again.panel.digest(), loaded(false).panel.digest());
    let said = again.findings.remarks.iter().filter(|remark| remark.text.contains("a word where a county or province"));
    assert_eq!(said.count(), 3);
}

#[test]
fn reports_may_be_years_apart() {
    let folder = folder_of(&[("03-21-2020.csv", REPORTS[0].1), ("03-08-2023.csv", REPORTS[4].1)]);
    let panel = load_folder(folder.path()).unwrap().panel;
    assert_eq!(panel.days(), 1083);
    let between = panel.counts(0, Target::ConfirmedCases).iter().filter(|count| count.is_nan()).count();
    assert_eq!(between, 1081);
}

#[test]
fn counties_are_kept_on_request() {
    assert_snapshot!(shown(&loaded(true).panel), @r#"
    Hubei, China: 444 500 600 700 - - 800 / 17 20 25 30 - - 40
    Korea, South: 1 2 3 4 - - - / 0 0 0 1 - - -
    Washington, US: 1 - - - - - - / 0 - - - - - -
    King, Washington, US: - 2 4 5 - - 8 / - 1 2 2 - - 3
    Snohomish, Washington, US: - 3 5 - - - - / - 0 0 - - - -
    Unassigned, Washington, US: - - - 1 - - - / - - - 0 - - -
    "#);
}

#[test]
fn what_was_blank_is_said_once_a_file() {
    let findings = loaded(true).findings;
    let remarks: Vec<&str> = findings.remarks.iter().map(|remark| remark.text.as_str()).collect();
    assert_eq!(remarks, ["2 counts are blank and read as 0", "1 count is blank and read as 0"]);
    // One place was never listed with coordinates; the first report has no columns for them.
    assert_eq!(findings.without_coordinates.unwrap(), ["Washington, US", "Unassigned, Washington, US"]);
}

const HEADER: &str = "Province/State,Country/Region,Confirmed,Deaths\n";

#[test]
fn rows_for_one_place_are_added_up() {
    let report = format!("{HEADER},\"Bahamas, The\",4,1\n,The Bahamas,3,0\nNorth,Datastan,1,1\nNorth,Datastan,1,1\n");
    let folder = folder_of(&[("03-21-2020.csv", &report)]);
    let loaded = load_folder(folder.path()).unwrap();
    assert_snapshot!(shown(&loaded.panel), @r#"
    Bahamas: 7 / 1
    North, Datastan: 2 / 2
    "#);
    assert_eq!(loaded.findings.remarks[0].text, "1 row is for a place that has one already, and added to it");
}

#[test]
fn other_files_are_passed_over_and_tables_among_them_named() {
    let report = format!("{HEADER},Datastan,4,1\n");
    let folder = folder_of(&[
        ("03-21-2020.csv", &report),
        ("README.md", "not a report"),
        (".gitignore", "*"),
        ("summary.csv", "not,a,report\n"),
    ]);
    let findings = load_folder(folder.path()).unwrap().findings;
    let remarks: Vec<String> = findings.remarks.iter().map(ToString::to_string).collect();
    assert_eq!(remarks.len(), 1);
    assert!(
        remarks[0].ends_with("summary.csv`: passed over, since its name is no date such as `01-22-2020.csv`"),
        "{remarks:?}"
    );
}

#[test]
fn a_report_alone_is_a_source_and_separators_are_found() {
    let report = format!("{HEADER},Datastan,4,1\n").replace(',', ";");
    let folder = folder_of(&[("03-21-2020.csv", &report)]);
    let loaded = load(folder.path().join("03-21-2020.csv").to_str().unwrap(), &LoadOptions::default()).unwrap();
    assert_eq!((loaded.kind, loaded.panel.days()), (SourceKind::JhuDailyReports, 1));
    assert_eq!(loaded.findings.remarks[0].text, "the columns are separated by semicolons, not by commas");
}

#[test]
fn a_negative_correction_of_a_county_is_part_of_a_sum() {
    let report = "Admin2,Province_State,Country_Region,Confirmed,Deaths\n\
                  A,North,Datastan,10,2\nUnassigned,North,Datastan,-3,0\nB,South,Datastan,-1,0\n";
    let folder = folder_of(&[("03-21-2020.csv", report)]);
    let loaded = load_folder(folder.path()).unwrap();
    assert_eq!(loaded.panel.counts(0, Target::ConfirmedCases), [7.0]);
    assert_snapshot!(explained(&loaded.findings.refuse_negative().unwrap_err(), folder.path()), @r#"
    Data: `DIR/03-21-2020.csv`: row 4, column `Confirmed` holds `-1`, a negative count
    hint: cumulative counts are 0 or more: correct the cell, or leave it empty
    "#);
}
