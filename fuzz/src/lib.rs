//! What the fuzz targets share: inputs as files, and what holds of whatever was read from them.
//!
//! A target takes bytes, gives them to a parser as a program would (a file in a folder, a text), and then asserts more than
//! that nothing panicked. libFuzzer itself bounds time and memory.

use std::{fs, path::Path};

use covid_core::{Explain, Location, MAX_COUNT, Panel, Target};
use covid_data::{
    Column, Findings, LoadOptions, Loaded, Repair, Table, compare, load, location_columns, quality, quality_to_csv,
    repair, repairs_to_csv, revisions_to_csv, write_jhu,
};
use tempfile::TempDir;

/// Rows that a list of details may have here.
const LISTED: usize = 20;

/// An input that stands for two files is split at a line `%%`; one without it stands for both.
pub fn halves(data: &[u8]) -> [&[u8]; 2] {
    const BETWEEN: &[u8] = b"\n%%\n";
    match data.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        // The line end belongs to the first of the files.
        Some(at) => [&data[..=at], &data[at + BETWEEN.len()..]],
        None => [data, data],
    }
}

/// A folder with these files, which goes when it is dropped. `fuzz/run` sees to it that it is in memory.
pub fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("a file in it");
    }
    folder
}

/// What a parser gave. An error must be one sentence with a hint.
pub fn explained<T, E: Explain>(result: Result<T, E>) -> Option<T> {
    result
        .map_err(|error| {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains('\n'), "an error that is not one line: {text:?}");
            assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "an error without a hint: {text}");
        })
        .ok()
}

/// Reads the source at a path, and checks what was read as far as its file does not matter.
pub fn read(path: &Path, options: &LoadOptions) -> Option<Loaded> {
    let loaded = explained(load(path.to_str().expect("a path of this file"), options))?;
    check_panel(&loaded.panel);
    check_findings(&loaded);
    let people = loaded.populations.iter().flatten().flatten();
    people.for_each(|people| assert!(people.is_finite() && *people > 0.0, "{people} people"));
    Some(loaded)
}

/// Counts are in range or missing, days follow each other, and whatever is done with a panel can be done with this one.
pub fn check_panel(panel: &Panel) {
    assert!(!panel.locations().is_empty() && panel.days() > 0);
    assert_eq!(panel.day(panel.last_date()), Some(panel.days() - 1));
    for place in 0..panel.locations().len() {
        for target in Target::ALL {
            let in_range = |count: &f64| count.is_nan() || count.abs() <= MAX_COUNT;
            assert!(panel.counts(place, target).iter().all(in_range), "{:?}", panel.counts(place, target));
        }
    }
    check_repair(panel);
    comes_back_from_a_long_table(panel);
}

/// Repair leaves the latest published count as it is and no series falling, and has then nothing more to do.
fn check_repair(panel: &Panel) {
    let view = panel.view();
    let (repaired, _) = repair(&view, Repair::Monotone);
    for place in 0..panel.locations().len() {
        for target in Target::ALL {
            let published = |panel: &Panel| {
                panel.counts(place, target).iter().copied().filter(|count| !count.is_nan()).collect::<Vec<f64>>()
            };
            let (before, after) = (published(panel), published(&repaired));
            assert_eq!(before.last(), after.last());
            assert!(after.is_sorted(), "{before:?} repaired to {after:?}");
        }
    }
    assert_eq!(repair(&repaired.view(), Repair::Monotone).0.digest(), repaired.digest());
    repairs_to_csv(&view, Repair::Monotone, LISTED);
    compare(&view, &repaired.view());
    revisions_to_csv(&view, &repaired.view(), LISTED);
}

/// The quality report can be made.
fn check_findings(loaded: &Loaded) {
    let view = loaded.panel.view();
    let report = quality(&view, &loaded.findings);
    serde_json::to_string(&report).expect("a report in JSON");
    quality_to_csv(&view, &report, LISTED);
}

/// A panel, written as a long table and read again, has the same counts.
fn comes_back_from_a_long_table(panel: &Panel) {
    let cells = || (0..panel.locations().len()).flat_map(|place| (0..panel.days()).map(move |day| (place, day)));
    let mut columns = location_columns(cells().map(|(place, _)| &panel.locations()[place]));
    columns.push(("date".into(), Column::Date(cells().map(|(_, day)| panel.date(day)).collect())));
    for target in Target::ALL {
        let counts = cells().map(|(place, day)| written(panel.counts(place, target)[day])).collect();
        columns.push((target.name().into(), Column::Text(counts)));
    }
    let table = Table::new(columns).and_then(|table| table.to_csv()).expect("a table of a panel");
    let folder = folder(&[("table.csv", &table)]);
    let path = folder.path().join("table.csv");
    let again = load(path.to_str().expect("a path of this file"), &LoadOptions::default());
    let again = again.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&table)));
    assert_eq!(by_name(panel).digest(), by_name(&again.panel).digest(), "{}", String::from_utf8_lossy(&table));
}

/// A count as a cell. A point before three digits could stand between thousands; before four it cannot.
fn written(count: f64) -> Option<String> {
    let text = count.to_string();
    let ambiguous = text.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 3);
    (!count.is_nan()).then(|| if ambiguous { text + "0" } else { text })
}

/// The panel with its locations in the order of their names.
fn by_name(panel: &Panel) -> Panel {
    let mut order: Vec<usize> = (0..panel.locations().len()).collect();
    order.sort_by_key(|&place| panel.locations()[place].name());
    panel.subset(&order).expect("the same places in another order")
}

/// A panel that can be written in JHU's layout is the same when it is read again.
pub fn comes_back_in_jhus_layout(panel: &Panel) {
    let folder = folder(&[]);
    if explained(write_jhu(panel, folder.path())).is_none() {
        return;
    }
    let again = load(folder.path().to_str().expect("a path of this file"), &LoadOptions::default());
    let again = again.unwrap_or_else(|error| panic!("{error}, after writing {panel:?}"));
    assert_eq!(again.panel.digest(), panel.digest(), "{panel:?} came back as {:?}", again.panel);
    assert_eq!(again.findings.remarks, Findings::default().remarks);
}

/// A table of text in CSV, with a header.
pub fn csv<const WIDTH: usize>(header: [&str; WIDTH], rows: impl IntoIterator<Item = [String; WIDTH]>) -> Vec<u8> {
    let mut cells: [Vec<Option<String>>; WIDTH] = [(); WIDTH].map(|()| Vec::new());
    for row in rows {
        cells.iter_mut().zip(row).for_each(|(column, cell)| column.push(Some(cell)));
    }
    let columns = header.into_iter().zip(cells.map(Column::Text));
    Table::new(columns).and_then(|table| table.to_csv()).expect("a table of text")
}

/// The parts of a location as they stand in a file.
pub fn parts(location: &Location) -> [String; 3] {
    [location.admin2(), location.province_state(), location.country_region()]
        .map(|part| part.unwrap_or_default().into())
}

/// Takes back that libFuzzer ends the process at any panic: the reader of Parquet catches those of polars, and explains them.
/// One that nobody catches still ends it.
pub fn let_panics_be_caught() {
    std::panic::set_hook(Box::new(|panic| {
        let ours = panic.location().is_some_and(|location| !location.file().contains("/registry/src/"));
        if ours {
            eprintln!("{panic}");
        }
    }));
}
