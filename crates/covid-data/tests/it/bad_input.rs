//! Every kind of bad input: one sentence that names the thing and the cause, and a hint.

use std::{fs, path::Path};

use covid_core::{Date, Location, Panel};
use covid_data::{LoadOptions, Simulation, load, write_jhu};
use insta::assert_snapshot;

use crate::{GOOD, explained, jhu_folder, load_folder};

/// What is said of a folder whose confirmed cases are `confirmed` and whose deaths are well.
fn refused(confirmed: impl AsRef<[u8]>) -> String {
    let folder = jhu_folder(confirmed, GOOD);
    let learned_from = load_folder(folder.path()).and_then(|loaded| loaded.findings.refuse_negative());
    explained(&learned_from.unwrap_err(), folder.path())
}

/// The good file with one text replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from));
    GOOD.replacen(from, to, 1)
}

#[test]
fn a_sentence_is_one_line_whatever_a_cell_holds() {
    assert_snapshot!(refused(changed("Lat,", "\"Province\r\nState\",")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 3 of the header, `Province State`, is there twice
    hint: the header must read `Province/State,Country/Region,Lat,Long,1/22/20,...`
    "#);
    let place = changed(",Datastan,,,1,2\n", ",Data\u{1f}stan,,,1,2\n,Data\u{1f}stan,,,1,3\n");
    assert_snapshot!(refused(place), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: rows 2 and 3 are both for location `Data stan`, with different counts
    hint: keep one of the two rows, or tell the places apart by province
    "#);
}

#[test]
fn sources() {
    let nowhere = Path::new("/no/such/folder");
    assert_snapshot!(explained(&load("/no/such/folder/x", &LoadOptions::default()).unwrap_err(), nowhere), @r#"
    Data: there is no file or folder `DIR/x`
    hint: check the spelling, or give `sample` for simulated data
    "#);
    assert_snapshot!(explained(&load("jhu", &LoadOptions::default()).unwrap_err(), nowhere), @r#"
    Usage: the source `jhu` may have to be downloaded, which is not done here
    hint: give `sample`, a folder of JHU CSSE's time series or daily reports or of dated vintages, Kaggle's `train.csv`, or a table with one row a place and day in CSV or Parquet
    "#);
    let folder = tempfile::tempdir().unwrap();
    assert_snapshot!(explained(&load_folder(folder.path()).unwrap_err(), folder.path()), @r#"
    Data: `DIR` is not a source of any known kind
    hint: give `sample`, a folder of JHU CSSE's time series or daily reports or of dated vintages, Kaggle's `train.csv`, or a table with one row a place and day in CSV or Parquet
    "#);
}

#[test]
fn missing_file() {
    let folder = jhu_folder(GOOD, GOOD);
    fs::remove_file(folder.path().join("time_series_covid19_deaths_global.csv")).unwrap();
    assert_snapshot!(explained(&load_folder(folder.path()).unwrap_err(), folder.path()), @r#"
    Data: `DIR` holds no file `time_series_covid19_deaths_global.csv`
    hint: put `time_series_covid19_deaths_global.csv` of the same day beside the other file
    "#);
}

#[test]
fn empty_file() {
    assert_snapshot!(refused(""), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file is empty
    hint: download the file again
    "#);
    assert_snapshot!(refused("\u{feff}\r\n \r\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file is empty
    hint: download the file again
    "#);
}

#[test]
fn header_alone() {
    assert_snapshot!(refused("Province/State,Country/Region,Lat,Long,1/22/20,1/23/20\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: there is a header, but no location below it
    hint: the file may be cut off: download it again
    "#);
}

#[test]
fn truncated_row() {
    assert_snapshot!(refused(changed("3,4\n", "3")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3 has 5 fields where the header has 6
    hint: the file may be cut off (download it again), or a name with a comma is not in quotation marks
    "#);
    assert_snapshot!(refused(changed("3,4\n", "3,4,5\n").replace('\n', "\r\n\r\n")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 5 has 7 fields where the header has 6
    hint: the file may be cut off (download it again), or a name with a comma is not in quotation marks
    "#);
    assert_snapshot!(refused(changed(",Datastan", ",\"Datastan")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 2 has 2 fields where the header has 6
    hint: the file may be cut off (download it again), or a name with a comma is not in quotation marks
    "#);
}

#[test]
fn a_negative_count_is_there_to_be_looked_at() {
    let folder = jhu_folder(changed("3,4", "-3,4"), GOOD);
    let loaded = load_folder(folder.path()).unwrap();
    assert_eq!(loaded.panel.counts(1, covid_core::Target::ConfirmedCases), [-3.0, 4.0]);
    assert_eq!(loaded.findings.negative.len(), 1);
}

#[test]
fn cells_that_are_no_counts() {
    assert_snapshot!(refused(changed("3,4", "3,many")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3, column `1/23/20` holds `many`, which is not a number
    hint: write a count in digits alone, or leave the cell empty where it is missing
    "#);
    assert_snapshot!(refused(changed("3,4", "-3,4")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3, column `1/22/20` holds `-3`, a negative count
    hint: cumulative counts are 0 or more: correct the cell, or leave it empty
    "#);
    assert_snapshot!(refused(changed("3,4", "3,1.23E+05")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3, column `1/23/20` holds `1.23E+05`, a number in scientific notation, which may be rounded
    hint: write the whole number: a spreadsheet left digits out
    "#);
    assert_snapshot!(refused(changed("3,4", "3,1.234")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3, column `1/23/20` holds `1.234`, which may be a fraction or some thousands
    hint: write counts in digits alone, without a mark between thousands
    "#);
    assert_snapshot!(refused(changed("3,4", "3,1,234").replace(',', ";").replace("1;234", "1,234")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3, column `1/23/20` holds `1,234`, which may be a fraction or some thousands
    hint: write counts in digits alone, without a mark between thousands
    "#);
    assert_snapshot!(refused(changed("3,4", "3,####")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3, column `1/23/20` holds `####`, which is not a number
    hint: write a count in digits alone, or leave the cell empty where it is missing
    "#);
    assert_snapshot!(refused(changed("3,4", "inf,4")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3, column `1/22/20` holds `inf`, which is not a finite number
    hint: leave the cell empty where the count is missing
    "#);
    assert_snapshot!(refused(changed("3,4", "3,4000000000000")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3, column `1/23/20` holds `4000000000000`, a count above 1e12
    hint: correct the cell, or leave it empty
    "#);
}

#[test]
fn damage_in_the_deaths_is_said_of_the_deaths() {
    let folder = jhu_folder(GOOD, changed("1,2", "1,two"));
    assert_snapshot!(explained(&load_folder(folder.path()).unwrap_err(), folder.path()), @r#"
    Data: `DIR/time_series_covid19_deaths_global.csv`: row 2, column `1/23/20` holds `two`, which is not a number
    hint: write a count in digits alone, or leave the cell empty where it is missing
    "#);
}

#[test]
fn locations() {
    assert_snapshot!(refused(changed("North Modelonia,Modelonia", ",Datastan")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: rows 2 and 3 are both for location `Datastan`, with different counts
    hint: keep one of the two rows, or tell the places apart by province
    "#);
    assert_snapshot!(refused(changed(",Datastan", "South Datastan,")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 2 has nothing in column `Country/Region`
    hint: name the country of every row
    "#);
    assert_snapshot!(refused(format!("{GOOD},Atlantis of Data,,,1,2\n")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 4 is for location `Atlantis of Data`, which `DIR/time_series_covid19_deaths_global.csv` does not have
    hint: take both files from the same day, or remove what only one of them has
    "#);
    assert_snapshot!(refused(changed(",Datastan,,,1,2\n", "")), @r#"
    Data: `DIR/time_series_covid19_deaths_global.csv`: row 2 is for location `Datastan`, which `DIR/time_series_covid19_confirmed_global.csv` does not have
    hint: take both files from the same day, or remove what only one of them has
    "#);
}

#[test]
fn headers() {
    assert_snapshot!(refused(changed("Country/Region", "Country")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the header has no column `Country/Region`
    hint: the header must read `Province/State,Country/Region,Lat,Long,1/22/20,...`
    "#);
    assert_snapshot!(refused("Province/State,Lat,Long,1/22/20\nA,,,1\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the header has no column `Country/Region`
    hint: the header must read `Province/State,Country/Region,Lat,Long,1/22/20,...`
    "#);
    assert_snapshot!(refused(changed("Lat,Long", "Lat,Lat")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 4 of the header, `Lat`, is there twice
    hint: the header must read `Province/State,Country/Region,Lat,Long,1/22/20,...`
    "#);
    assert_snapshot!(refused("Province/State,Country/Region,Lat,Long\n,Datastan,,\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the header has no date
    hint: the header must read `Province/State,Country/Region,Lat,Long,1/22/20,...`
    "#);
    assert_snapshot!(refused("some text\nand more of it\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the header has no column `Province/State`
    hint: the header must read `Province/State,Country/Region,Lat,Long,1/22/20,...`
    "#);
}

#[test]
fn dates() {
    assert_snapshot!(refused(changed("1/23/20", "Total")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 6 of the header, `Total`, is not a date such as `1/22/20`
    hint: a spreadsheet may have rewritten the dates: download the file again, or write dates as month/day/year without zeros in front, such as `1/22/20`
    "#);
    assert_snapshot!(refused(changed("1/23/20", "02/01/2020")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: only 2 of the 11 days from 2020-01-22 to 2020-02-01 have a column
    hint: give each day one column, in the order of the calendar, as month/day/year
    "#);
    assert_snapshot!(refused(changed("1/23/20", "2/30/20")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 6 of the header, `2/30/20`, is not a date such as `1/22/20`
    hint: a spreadsheet may have rewritten the dates: download the file again, or write dates as month/day/year without zeros in front, such as `1/22/20`
    "#);
    assert_snapshot!(refused(changed("1/23/20", "1/22/20")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: columns 5 and 6 of the header are both `1/22/20`, and row 2 holds different counts in them
    hint: keep one of the two columns
    "#);
    assert_snapshot!(refused(changed("1/23/20", "2020-01-22")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 6 of the header, `2020-01-22`, does not come after `1/22/20` in the calendar
    hint: give each day one column, in the order of the calendar, as month/day/year
    "#);
    assert_snapshot!(refused(changed("1/23/20", "1/22/20.1")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 6 of the header, `1/22/20.1`, is not a date such as `1/22/20`
    hint: a spreadsheet may have rewritten the dates: download the file again, or write dates as month/day/year without zeros in front, such as `1/22/20`
    "#);
    assert_snapshot!(refused(changed("1/23/20", "1/23/21")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: only 2 of the 368 days from 2020-01-22 to 2021-01-23 have a column
    hint: give each day one column, in the order of the calendar, as month/day/year
    "#);
    assert_snapshot!(refused(changed("1/23/20", "1/24/20")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv` has a column for 2020-01-24, which `DIR/time_series_covid19_deaths_global.csv` does not have
    hint: take both files from the same day, or remove what only one of them has
    "#);
    assert_snapshot!(refused("Province/State,Country/Region,02/01/2020\n,Datastan,1\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 3 of the header, `02/01/2020`, can stand for more than one day
    hint: write the dates as `2020-01-22`, or download the file again
    "#);
    // Every first of a month, or the first days of January with the day first.
    assert_snapshot!(refused("Province/State,Country/Region,1/1/20,2/1/20,3/1/20\n,Datastan,1,2,3\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: only 3 of the 61 days from 2020-01-01 to 2020-03-01 have a column
    hint: give each day one column, in the order of the calendar, as month/day/year
    "#);
    assert_snapshot!(refused("Province/State,Country/Region,1/24/20,1/22/20,1/27/20\n,Datastan,1,2,3\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 4 of the header, `1/22/20`, does not come after `1/24/20` in the calendar
    hint: give each day one column, in the order of the calendar, as month/day/year
    "#);
}

#[test]
fn files_of_other_kinds() {
    assert_snapshot!(refused("<!DOCTYPE html>\n<html><body>404</body></html>\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file is a web page (HTML), not a CSV file
    hint: download the file again
    "#);
    assert_snapshot!(refused("404: Not Found"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file is an error message of a web server, not a CSV file
    hint: download the file again
    "#);
    assert_snapshot!(refused("{\"message\": \"API rate limit exceeded\"}"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file is JSON, not a CSV file
    hint: save it as CSV, or unpack it; gzip alone is read as it is
    "#);
    assert_snapshot!(refused("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file is a pointer of git LFS, not the file that it stands for
    hint: fetch the file itself with `git lfs pull`
    "#);
    assert_snapshot!(refused(b"PK\x03\x04\x14\x00\x06\x00"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file is a zip archive or a workbook (xlsx), not a CSV file
    hint: save it as CSV, or unpack it; gzip alone is read as it is
    "#);
    assert_snapshot!(refused(changed("3,4", "3\0,4")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3 holds a byte of value 0, which no text does
    hint: the file is damaged: download it again
    "#);
    assert_snapshot!(refused(b"\xff\xfea\x00b"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file begins as UTF-16 text does, but is none
    hint: save the file as CSV in UTF-8
    "#);
    assert_snapshot!(refused([GOOD.as_bytes(), b",C\xf4te,,,1,2\n"].concat()), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 4 is not UTF-8 text
    hint: save the file as CSV in UTF-8
    "#);
    let long = "Province/State,Country/Region,Lat,Long,Date,Confirmed\n,Datastan,,,2020-01-22,1\n";
    assert_snapshot!(refused(long), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file is a long table, with its dates in one column (`Date`), not a time series with a column a day
    hint: give the file under another name: a long table is read by its own path
    "#);
    assert_snapshot!(refused("Date,Datastan,Modelonia\n2020-01-22,1,2\n2020-01-23,2,3\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: the file has a row a day where a time series has a column a day
    hint: exchange rows and columns
    "#);
}

#[test]
fn columns_without_a_name() {
    // The header of one day is lost: no index, for it does not stand before the others.
    assert_snapshot!(refused(changed("1/22/20", "")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 5 of the header has no name
    hint: write the file without an index (pandas: `to_csv(..., index=False)`)
    "#);
    // No index, for it holds a number twice.
    assert_snapshot!(refused(",Province/State,Country/Region,1/22/20\n0,,Datastan,1\n0,,Modelonia,1\n"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: column 1 of the header has no name
    hint: write the file without an index (pandas: `to_csv(..., index=False)`)
    "#);
}

#[test]
fn columns_of_one_date() {
    let twice = "Province/State,Country/Region,1/22/20,1/22/20\n,Datastan,1,1\n,Modelonia,1,2\n";
    assert_snapshot!(refused(twice), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: columns 3 and 4 of the header are both `1/22/20`, and row 3 holds different counts in them
    hint: keep one of the two columns
    "#);
}

#[test]
fn the_last_count_is_cut_off() {
    let ending = |counts: &str| refused(changed("3,4\n", counts));
    assert_snapshot!(ending("13,1"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3 is the last one, has no line end, and its last count is empty or lower than the one before it
    hint: download the file again, or end its last line if it is whole
    "#);
    assert_snapshot!(ending("13,"), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3 is the last one, has no line end, and its last count is empty or lower than the one before it
    hint: download the file again, or end its last line if it is whole
    "#);
}

#[test]
fn a_quotation_mark_too_many() {
    assert_snapshot!(refused(changed(",Datastan,,,1,2\nNorth", ",\"Datastan,,,1,2\nNorth\"")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 2 has 7 fields where the header has 6
    hint: the file may be cut off (download it again), or a name with a comma is not in quotation marks
    "#);
    let name_over_two_lines = changed(",Datastan", ",\"Data\nstan\"");
    assert_snapshot!(refused(name_over_two_lines), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 2 holds a line end inside a name
    hint: a quotation mark is missing or one too many: correct it
    "#);
}

#[test]
fn a_name_with_a_comma_moves_counts_out_of_their_columns() {
    // The last count is missing, so that the row is longer than the header by an empty field alone.
    assert_snapshot!(refused(changed(",Datastan,,,1,2", ",Korea of Data, South,,,1,")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 2 has 7 fields where the header has 6
    hint: the file may be cut off (download it again), or a name with a comma is not in quotation marks
    "#);
}

#[test]
fn conflict_markers() {
    assert_snapshot!(refused(format!("<<<<<<< HEAD\n{GOOD}")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 1 is a git conflict marker (`<<<<<<<`)
    hint: resolve the merge conflict, or download the file again
    "#);
    assert_snapshot!(refused(changed("North", "=======\nNorth")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 3 is a git conflict marker (`=======`)
    hint: resolve the merge conflict, or download the file again
    "#);
    assert_snapshot!(refused(format!("{GOOD}>>>>>>> 7b86893")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 4 is a git conflict marker (`>>>>>>>`)
    hint: resolve the merge conflict, or download the file again
    "#);
    // Before anything else that is wrong there, and inside what a stray quotation mark swallows.
    assert_snapshot!(refused(changed("North", "\"\n<<<<<<< HEAD\nNorth")), @r#"
    Data: `DIR/time_series_covid19_confirmed_global.csv`: row 4 is a git conflict marker (`<<<<<<<`)
    hint: resolve the merge conflict, or download the file again
    "#);
}

#[test]
fn simulations() {
    let nowhere = Path::new("/no/such/folder");
    assert_snapshot!(explained(&Simulation::new(0, 10, 1).unwrap_err(), nowhere), @r#"
    Usage: a simulation has 1 to 200000 locations, not 0
    hint: ask for 1 to 200000 locations
    "#);
    assert_snapshot!(explained(&Simulation::new(1, 5_001, 1).unwrap_err(), nowhere), @r#"
    Usage: a simulation has 2 to 5000 days, not 5001
    hint: ask for 2 to 5000 days
    "#);
}

#[test]
fn panels_that_the_layout_cannot_hold() {
    let folder = tempfile::tempdir().unwrap();
    let said = |location: Location, start: Date| {
        let panel = Panel::new(vec![location], start, 1, vec![1.0, 0.0]).unwrap();
        explained(&write_jhu(&panel, folder.path()).unwrap_err(), folder.path())
    };
    let start = Date::constant(2020, 1, 22);
    assert_snapshot!(said(Location::from_parts("Sample County", "North Datastan", "Datastan"), start), @r#"
    Usage: location `Sample County, North Datastan, Datastan` has a county, for which the layout of JHU's global series has no column
    hint: export a panel without counties
    "#);
    assert_snapshot!(said(Location::country("Datastan"), Date::constant(1918, 3, 4)), @r#"
    Usage: the date 1918-03-04 cannot be written as `M/D/YY`, which stands for the years 2000 to 2099
    hint: export days of the years 2000 to 2099
    "#);
}

#[test]
fn unwritable_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let panel = Simulation::new(1, 2, 1).unwrap().panel();
    assert_snapshot!(explained(&write_jhu(&panel, &file.join("below")).unwrap_err(), folder.path()), @r#"
    Usage: `DIR/file/below` cannot be written: Not a directory (os error 20)
    hint: check that you may write there, or give another folder
    "#);
}
