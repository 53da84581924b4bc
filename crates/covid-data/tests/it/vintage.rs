//! The vintage: a panel as a Parquet file that later versions must still read.

use std::path::Path;

use covid_core::{Date, Location, Panel};
use covid_data::{Column, Simulation, Table, panel_from_parquet, panel_to_parquet};
use insta::assert_snapshot;

use crate::explained;

const GOLDEN: &[u8] = include_bytes!("../golden/vintage-1.parquet");

/// What the golden file of format version 1 was made from.
fn golden_panel() -> Panel {
    let mut panel = Simulation::new(3, 5, 1).unwrap().panel();
    panel.counts_mut(1, covid_core::Target::Fatalities)[2] = f64::NAN;
    panel
}

#[test]
fn the_golden_file_still_loads() {
    assert_eq!(panel_from_parquet(GOLDEN).unwrap().digest(), golden_panel().digest());
    assert_eq!(golden_panel().digest(), "82e879ee867d556f691604f8f59198a4b1a40661f13e79ad32ddab58c5d91f3b");
}

/// Writes the golden file anew; for whoever makes a new version of the format.
#[test]
#[ignore = "writes a file into the source tree"]
fn write_the_golden_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/vintage-1.parquet");
    std::fs::write(path, panel_to_parquet(&golden_panel()).unwrap()).unwrap();
}

#[test]
fn a_panel_reads_back_the_same() {
    let locations = vec![
        Location::from_parts("Sample County", "North Datastan", "Datastan"),
        Location::named("known by name alone"),
        Location::country("Datastan").with_name("Another name"),
    ];
    let values = vec![f64::NAN, 1.5, -2.0, 0.1, f64::NAN, f64::NAN, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let panel = Panel::new(locations, Date::constant(1969, 12, 31), 2, values).unwrap();
    let bytes = panel_to_parquet(&panel).unwrap();
    let read = panel_from_parquet(&bytes).unwrap();
    assert_eq!(read.digest(), panel.digest());
    assert_eq!(read.locations(), panel.locations());
    assert_eq!(panel_to_parquet(&read).unwrap(), bytes);
}

#[test]
fn a_panel_of_several_row_groups_reads_back_the_same() {
    let panel = Simulation::new(700, 400, 3).unwrap().panel();
    assert_eq!(panel_from_parquet(&panel_to_parquet(&panel).unwrap()).unwrap().digest(), panel.digest());
}

#[test]
fn anyone_can_read_it_as_a_table() {
    let table = Table::from_parquet(GOLDEN).unwrap();
    let csv = String::from_utf8(table.to_csv().unwrap()).unwrap();
    assert_snapshot!(csv.lines().take(3).collect::<Vec<_>>().join("\n"), @r#"
    location,Admin2,Province_State,Country_Region,date,ConfirmedCases,Fatalities
    Datastan,,,Datastan,2020-01-22,0,0
    Datastan,,,Datastan,2020-01-23,0,0
    "#);
    assert_eq!(table.rows(), 15);
}

#[test]
fn what_is_no_vintage_is_refused() {
    let nowhere = Path::new("/no/such/folder");
    let said = |bytes: &[u8]| explained(&panel_from_parquet(bytes).unwrap_err(), nowhere);
    let other = Table::new([("x", Column::Float(vec![1.0]))]).unwrap().to_parquet().unwrap();
    assert_snapshot!(said(&other), @r#"
    Data: this is not a stored vintage: it has no note of its format
    hint: name a Parquet file below `vintages/` in the store
    "#);
    assert_snapshot!(said(&GOLDEN[..GOLDEN.len() / 2]), @r#"
    Data: the bytes cannot be read as a Parquet file: its end is missing
    hint: the file is damaged or was not written by this program: restore it, or make it anew
    "#);
    assert_snapshot!(said(b"location,date\n"), @r#"
    Data: the bytes cannot be read as a Parquet file: it does not begin as a Parquet file does
    hint: the file is damaged or was not written by this program: restore it, or make it anew
    "#);
}
