//! People, from JHU's lookup table.

use std::fs;

use covid_data::Loaded;

use crate::{GOOD, jhu_folder, load_folder};

const TABLE: &str = "UID,iso2,iso3,code3,FIPS,Admin2,Province_State,Country_Region,Lat,Long_,Combined_Key,Population\n\
                     4,,,,,,,Datastan,,,Datastan,1000\n\
                     5,,,,,,,Modelonia,,,Modelonia,5000\n\
                     6,,,,,,North Modelonia,Modelonia,,,\"North Modelonia, Modelonia\",200\n";

const NAME: &str = "UID_ISO_FIPS_LookUp_Table.csv";

/// Loads good series with a lookup table beside them.
fn with_table(table: impl AsRef<[u8]>) -> Loaded {
    let folder = jhu_folder(GOOD, GOOD);
    fs::write(folder.path().join(NAME), table).unwrap();
    load_folder(folder.path()).unwrap()
}

#[test]
fn places_are_matched_on_all_their_parts() {
    let loaded = with_table(TABLE);
    assert_eq!(loaded.populations, Some(vec![Some(1000.0), Some(200.0)]));
    assert_eq!(loaded.findings.remarks, []);
    let without_north = TABLE.replace("North Modelonia,Modelonia,", "North,Modelonia,");
    assert_eq!(with_table(without_north).populations, Some(vec![Some(1000.0), None]));
}

#[test]
fn the_table_may_lie_one_folder_up_as_in_the_repository_of_jhu() {
    let folder = tempfile::tempdir().unwrap();
    let series = folder.path().join("csse_covid_19_time_series");
    fs::create_dir(&series).unwrap();
    for name in ["confirmed", "deaths"] {
        fs::write(series.join(format!("time_series_covid19_{name}_global.csv")), GOOD).unwrap();
    }
    assert_eq!(load_folder(&series).unwrap().populations, None);
    fs::write(folder.path().join(NAME), TABLE.replace(',', ";")).unwrap();
    assert_eq!(load_folder(&series).unwrap().populations, Some(vec![Some(1000.0), Some(200.0)]));
}

#[test]
fn a_damaged_table_stops_nothing_and_is_told_of() {
    let said = |table: &[u8]| {
        let loaded = with_table(table);
        let text = loaded.findings.remarks[0].text.clone();
        assert!(loaded.findings.remarks[0].file.ends_with(NAME));
        (loaded.populations, text)
    };
    for (table, cause) in [
        (b"<html>".as_slice(), "the file is a web page (HTML), not a CSV file"),
        (b"\xff\xfe\x00", "the file begins as UTF-16 text does, but is none"),
        (b"Country_Region,Population\nDatastan,1000\n", "the header has no column `Admin2`"),
        (b"<<<<<<< HEAD\n", "row 1 is a git conflict marker (`<<<<<<<`)"),
        (b"", "the file is empty"),
    ] {
        assert_eq!(said(table), (None, format!("{cause}; populations are not known without it")));
    }
    let cut = &TABLE.as_bytes()[..TABLE.len() - 60];
    assert_eq!(said(cut), (Some(vec![Some(1000.0), None]), "1 of 3 rows cannot be read and were passed over".into()));
}
