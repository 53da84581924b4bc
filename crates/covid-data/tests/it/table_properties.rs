//! No input makes a reader of tables panic, and a panel comes back from a table whatever the order of its rows.

use std::fs;

use covid_core::{Date, Explain, Location, Panel, Target};
use covid_data::{Column, LoadOptions, Table, load, location_columns, read_kaggle_test};
use proptest::prelude::*;

const REPORT: &str = "FIPS,Admin2,Province_State,Country_Region,Lat,Long_,Confirmed,Deaths,Combined_Key\n\
                      1,King,Washington,US,47.4,-121.8,4,2,\"King, Washington, US\"\n\
                      ,,Hubei,China,30.9,112.2,600,25,\"Hubei, China\"\n";

const TABLE: &str = "location,date,ConfirmedCases,Fatalities\n\
                     Datastan,2020-01-22,1,0\nDatastan,1/23/20,2,0\n\"Modelonia, North\",2020-01-22,5,NA\n";

const TEST: &str =
    "ForecastId,Province_State,Country_Region,Date\n1,,Afghanistan,2020-03-19\n2,Hubei,China,2020-03-20\n";

/// A file with some of its bytes replaced, some cut out of its middle, and cut off somewhere.
fn damaged(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = file.len();
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b",;\"\n\r<=>-/0123456789".to_vec())];
    let changes = prop::collection::vec((0..length, byte), 0..6);
    (changes, 0..length, 0usize..20, 0..=length).prop_map(move |(changes, from, cut, end)| {
        let mut bytes = file.clone();
        for (position, byte) in changes {
            bytes[position] = byte;
        }
        bytes.truncate(end.max(length / 2));
        let from = from.min(bytes.len());
        bytes.drain(from..(from + cut).min(bytes.len()));
        bytes
    })
}

/// Whether all is well, or the error is one line with a hint.
fn explains<T, E: Explain>(result: Result<T, E>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => !error.to_string().contains('\n') && error.hint().is_some_and(|hint| !hint.is_empty()),
    }
}

/// Whether a file of this name is read or refused with reasons.
fn is_explained(name: &str, bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let by_county = LoadOptions { by_county: true, ..LoadOptions::default() };
    explains(load(path.to_str().unwrap(), &by_county)) && explains(read_kaggle_test(&path))
}

/// Panels whose locations are in the order of their names; every location and day has a row, with or without counts.
fn panels() -> impl Strategy<Value = Panel> {
    let count = prop_oneof![4 => (0u32..1_000_000).prop_map(f64::from), 1 => Just(f64::NAN), 1 => 0.0..1e9f64];
    (1usize..6, 1usize..12).prop_flat_map(move |(locations, days)| {
        prop::collection::vec(count.clone(), locations * days * 2).prop_map(move |values| {
            let location = |i: usize| match i % 3 {
                0 => Location::country(&format!("Country {i}")),
                1 => Location::province("North, \"old\"", &format!("Country {i}")),
                _ => Location::from_parts("A county", "South", &format!("Country {i}")),
            };
            Panel::new((0..locations).map(location).collect(), Date::constant(2020, 2, 27), days, values).unwrap()
        })
    })
}

/// The panel as a table, a row a location and day, in the order of `keys`.
fn table(panel: &Panel, keys: &[u32]) -> Table {
    let mut rows: Vec<(usize, usize)> =
        (0..panel.locations().len()).flat_map(|location| (0..panel.days()).map(move |day| (location, day))).collect();
    rows.sort_by_key(|&(location, day)| keys[(location * panel.days() + day) % keys.len()]);
    let locations: Vec<&Location> = rows.iter().map(|&(location, _)| &panel.locations()[location]).collect();
    let mut columns = location_columns(locations.into_iter());
    columns.push(("date".into(), Column::Date(rows.iter().map(|&(_, day)| panel.date(day)).collect())));
    for target in Target::ALL {
        let counts = rows.iter().map(|&(location, day)| panel.counts(location, target)[day]).collect();
        columns.push((target.name().into(), Column::Float(counts)));
    }
    Table::new(columns).unwrap()
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(is_explained("01-22-2020.csv", &bytes));
        prop_assert!(is_explained("table.csv", &bytes));
        prop_assert!(is_explained("table.parquet", &[b"PAR1", bytes.as_slice(), b"PAR1"].concat()));
    }

    #[test]
    fn arbitrary_text(text in "(location,date,Confirmed\n|[0-9,;/\"\r\n<=>a-zé-]){0,80}") {
        prop_assert!(is_explained("01-22-2020.csv", text.as_bytes()));
        prop_assert!(is_explained("table.csv", text.as_bytes()));
    }

    #[test]
    fn damaged_reports(bytes in damaged(REPORT.as_bytes().to_vec())) {
        prop_assert!(is_explained("01-22-2020.csv", &bytes));
    }

    #[test]
    fn damaged_tables(bytes in damaged(TABLE.as_bytes().to_vec()), test in damaged(TEST.as_bytes().to_vec())) {
        prop_assert!(is_explained("table.csv", &bytes));
        prop_assert!(is_explained("test.csv", &test));
    }

    #[test]
    fn damaged_parquet_tables(
        bytes in panels().prop_map(|panel| table(&panel, &[0]).to_parquet().unwrap()).prop_flat_map(damaged)
    ) {
        prop_assert!(is_explained("table.parquet", &bytes));
    }

    #[test]
    fn a_panel_comes_back_from_its_table(panel in panels(), keys in prop::collection::vec(any::<u32>(), 1..80)) {
        let folder = tempfile::tempdir().unwrap();
        let table = table(&panel, &keys);
        for (name, bytes) in [("t.csv", table.to_csv().unwrap()), ("t.parquet", table.to_parquet().unwrap())] {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let loaded = load(path.to_str().unwrap(), &LoadOptions::default()).unwrap();
            prop_assert_eq!(loaded.panel.digest(), panel.digest(), "{}", name);
            prop_assert_eq!(loaded.findings.duplicate_rows, 0);
        }
    }
}
