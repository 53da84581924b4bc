//! The JHU layout, read and written.

use std::fs;

use covid_core::{Date, Location, Panel, Target};
use covid_data::{Simulation, SourceKind, write_jhu};

use crate::{GOOD, jhu_folder, load_folder};

#[test]
fn what_is_written_reads_back_the_same() {
    let panel = Simulation::new(30, 90, 5).unwrap().panel();
    let folder = tempfile::tempdir().unwrap();
    let written = write_jhu(&panel, &folder.path().join("new/folder")).unwrap();
    assert_eq!(written.len(), 2);
    let loaded = load_folder(&folder.path().join("new/folder")).unwrap();
    assert_eq!(loaded.panel.digest(), panel.digest());
    assert_eq!((loaded.kind, loaded.dataset.as_str()), (SourceKind::JhuTimeSeries, "jhu"));
}

#[test]
fn gaps_fractions_and_quoted_names_read_back_the_same() {
    let names = [("", "Korea of Data, South"), ("The \"Old\" Province", "Modelonia")];
    let locations = names.map(|(province, country)| Location::province(province, country)).to_vec();
    let values = vec![f64::NAN, 1.5, 1e12, 0.0, 0.0, f64::NAN, 3.0, f64::NAN, 7.0, f64::NAN, f64::NAN, f64::NAN];
    let panel = Panel::new(locations, Date::constant(2099, 12, 29), 3, values).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_jhu(&panel, folder.path()).unwrap();
    assert_eq!(load_folder(folder.path()).unwrap().panel.digest(), panel.digest());
}

#[test]
fn what_could_be_taken_for_something_else_is_written_so_that_it_is_not() {
    // A fraction of three decimals, for thousands; a name, for the mark of a merge conflict.
    let places = vec![Location::province("======= A", "Modelonia"), Location::country("Datastan")];
    let panel = Panel::new(places, Date::constant(2020, 1, 22), 1, vec![1.349, -2.125, 1.5, 7.125]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for panel in [panel.subset(&[1]).unwrap(), panel] {
        write_jhu(&panel, folder.path()).unwrap();
        assert_eq!(load_folder(folder.path()).unwrap().panel.digest(), panel.digest());
    }
}

#[test]
fn writing_again_replaces_and_leaves_nothing_else() {
    let folder = jhu_folder("old", "old");
    let panel = Simulation::new(2, 3, 1).unwrap().panel();
    write_jhu(&panel, folder.path()).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(load_folder(folder.path()).unwrap().panel.digest(), panel.digest());
}

#[test]
fn line_ends_byte_order_mark_and_empty_lines_change_nothing() {
    let plain = load_folder(jhu_folder(GOOD, GOOD).path()).unwrap().panel.digest();
    let windows = format!("\u{feff}{}\r\n", GOOD.replace('\n', "\r\n"));
    assert_eq!(load_folder(jhu_folder(&windows, GOOD).path()).unwrap().panel.digest(), plain);
    let without_last_line_end = GOOD.trim_end();
    assert_eq!(load_folder(jhu_folder(without_last_line_end, &windows).path()).unwrap().panel.digest(), plain);
}

#[test]
fn deaths_are_matched_by_name() {
    let deaths = "Province/State,Country/Region,Lat,Long,1/22/20,1/23/20\n\
                  North Modelonia,Modelonia,,,30,40\n\
                  ,Datastan,,,10,20\n";
    let panel = load_folder(jhu_folder(GOOD, deaths).path()).unwrap().panel;
    assert_eq!(panel.locations()[0].name(), "Datastan");
    assert_eq!(panel.counts(0, Target::ConfirmedCases), [1.0, 2.0]);
    assert_eq!(panel.counts(0, Target::Fatalities), [10.0, 20.0]);
    assert_eq!(panel.counts(1, Target::Fatalities), [30.0, 40.0]);
}

#[test]
fn an_empty_cell_and_a_day_without_a_column_are_missing() {
    let file = "Province/State,Country/Region,Lat,Long,2/28/20,3/1/20\n,Datastan,,,,7\n";
    let panel = load_folder(jhu_folder(file, file).path()).unwrap().panel;
    assert_eq!((panel.days(), panel.first_date()), (3, Date::constant(2020, 2, 28)));
    assert_eq!(format!("{:?}", panel.counts(0, Target::Fatalities)), "[NaN, NaN, 7.0]");
}

#[test]
fn who_names_one_of_the_two_files_means_both() {
    let folder = jhu_folder(GOOD, GOOD);
    let both = load_folder(folder.path()).unwrap();
    for name in ["confirmed", "deaths"] {
        let one = load_folder(&folder.path().join(format!("time_series_covid19_{name}_global.csv"))).unwrap();
        assert_eq!((one.kind, one.panel.digest()), (both.kind, both.panel.digest()));
    }
}
