//! What is wrong in daily reports and long tables: one sentence that names the thing and the cause, and a hint.

use std::fs;

use covid_data::{LoadOptions, load};
use insta::assert_snapshot;

use crate::{explained, folder_of, load_folder};

/// What is said of a folder with this daily report.
fn report(content: &str) -> String {
    let folder = folder_of(&[("03-21-2020.csv", content)]);
    explained(&load_folder(folder.path()).unwrap_err(), folder.path())
}

/// What is said of a long table.
fn table(content: impl AsRef<[u8]>) -> String {
    table_with(content, &LoadOptions::default())
}

fn table_with(content: impl AsRef<[u8]>, options: &LoadOptions) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    fs::write(&path, content).unwrap();
    explained(&load(path.to_str().unwrap(), options).unwrap_err(), folder.path())
}

const GOOD: &str = "Province/State,Country/Region,Last Update,Confirmed,Deaths\n,Datastan,,1,0\n,Modelonia,,2,0\n";

#[test]
fn daily_reports() {
    assert_snapshot!(report(&GOOD.replace("Confirmed", "Cases")), @r#"
    Data: `DIR/03-21-2020.csv`: the header has no column `Confirmed`, only `Province/State`, `Country/Region`, `Last Update`, `Cases`, `Deaths`
    hint: a daily report has the columns `Province_State` and `Country_Region` (or, in early ones, `Province/State` and `Country/Region`), `Confirmed` and `Deaths`
    "#);
    assert_snapshot!(report(&GOOD.replace("Deaths", "Confirmed")), @r#"
    Data: `DIR/03-21-2020.csv`: the header has two columns `Confirmed`
    hint: rename or remove one of the two
    "#);
    assert_snapshot!(report(&GOOD.replace(",Modelonia", ",")), @r#"
    Data: `DIR/03-21-2020.csv`: row 3 has nothing in column `Country/Region`
    hint: fill the cell, or remove the row
    "#);
    assert_snapshot!(report(&GOOD.replace(",2,0", ",2")), @r#"
    Data: `DIR/03-21-2020.csv`: row 3 has 4 fields where the header has 5
    hint: the file may be cut off (download it again), or a name with a comma is not in quotation marks
    "#);
    assert_snapshot!(report(&GOOD.replace(",2,0", ",many,0")), @r#"
    Data: `DIR/03-21-2020.csv`: row 3, column `Confirmed` holds `many`, which is not a number
    hint: write a count in digits alone, or leave the cell empty where it is missing
    "#);
    assert_snapshot!(report(&GOOD.replace(",Modelonia", "=======\n,Modelonia")), @r#"
    Data: `DIR/03-21-2020.csv`: row 3 is a git conflict marker (`=======`)
    hint: resolve the merge conflict, or download the file again
    "#);
    assert_snapshot!(report("<html>"), @r#"
    Data: `DIR/03-21-2020.csv`: the file is a web page (HTML), not a CSV file
    hint: download the file again
    "#);
    assert_snapshot!(report(""), @r#"
    Data: `DIR/03-21-2020.csv`: the file is empty
    hint: download the file again
    "#);
    assert_snapshot!(report("Province/State,Country/Region,Confirmed,Deaths\n"), @r#"
    Data: `DIR/03-21-2020.csv`: there is a header, but no location below it
    hint: the file may be cut off: download it again
    "#);
}

#[test]
fn folders_of_daily_reports() {
    let twice = folder_of(&[("03-21-2020.csv", GOOD), ("03-21-2020.csv.gz", GOOD)]);
    assert_snapshot!(explained(&load_folder(twice.path()).unwrap_err(), twice.path()), @r#"
    Data: `DIR/03-21-2020.csv` and `DIR/03-21-2020.csv.gz` are both the report of 2020-03-21
    hint: keep one of the two files
    "#);
    let far = folder_of(&[("03-21-2020.csv", GOOD), ("03-21-2202.csv", GOOD)]);
    assert_snapshot!(explained(&load_folder(far.path()).unwrap_err(), far.path()), @r#"
    Data: `DIR`: only 2 of the 66474 days from 2020-03-21 to 2202-03-21 are there
    hint: look for a date with a wrong year, or remove days that are far from the others
    "#);
}

#[test]
fn columns_of_a_long_table() {
    assert_snapshot!(table("location,day,ConfirmedCases\nA,2020-01-22,1\n"), @r#"
    Data: `DIR/table`: the header has no column `date`, only `location`, `day`, `ConfirmedCases`
    hint: a long table has `location` (or `Country_Region`, with `Province_State` and `Admin2` if need be), `date`, `ConfirmedCases` and, if there are any, `Fatalities`; name other columns of cumulative counts with --cases-column and --deaths-column
    "#);
    assert_snapshot!(table("location,date,visits\nA,2020-01-22,1\n"), @r#"
    Data: `DIR/table`: the header has no column `ConfirmedCases`, only `location`, `date`, `visits`
    hint: a long table has `location` (or `Country_Region`, with `Province_State` and `Admin2` if need be), `date`, `ConfirmedCases` and, if there are any, `Fatalities`; name other columns of cumulative counts with --cases-column and --deaths-column
    "#);
    assert_snapshot!(table("place,date,Confirmed\nA,2020-01-22,1\n"), @r#"
    Data: `DIR/table`: the header has no column `location`, only `place`, `date`, `Confirmed`
    hint: a long table has `location` (or `Country_Region`, with `Province_State` and `Admin2` if need be), `date`, `ConfirmedCases` and, if there are any, `Fatalities`; name other columns of cumulative counts with --cases-column and --deaths-column
    "#);
    assert_snapshot!(table("location,date,Confirmed,confirmed\nA,2020-01-22,1,1\n"), @r#"
    Data: `DIR/table`: the header has two columns `confirmed`
    hint: rename or remove one of the two
    "#);
    let twice =
        LoadOptions { cases_column: Some("n".into()), deaths_column: Some("n".into()), ..LoadOptions::default() };
    assert_snapshot!(table_with("location,date,n\nA,2020-01-22,1\n", &twice), @r#"
    Data: `DIR/table`: column `n` is named for cases and for deaths
    hint: name another with --deaths-column, or leave it out where there are none
    "#);
    let named = LoadOptions { deaths_column: Some("visits".into()), ..LoadOptions::default() };
    assert_snapshot!(table_with("location,date,Confirmed\nA,2020-01-22,1\n", &named), @r#"
    Data: `DIR/table`: the header has no column `visits`, only `location`, `date`, `Confirmed`
    hint: a long table has `location` (or `Country_Region`, with `Province_State` and `Admin2` if need be), `date`, `ConfirmedCases` and, if there are any, `Fatalities`; name other columns of cumulative counts with --cases-column and --deaths-column
    "#);
}

#[test]
fn rows_of_a_long_table() {
    assert_snapshot!(table("location,date,Confirmed\n"), @r#"
    Data: `DIR/table`: there is a header, but no row below it
    hint: the file may be cut off: make it again, or download it again
    "#);
    assert_snapshot!(table("location,date,Confirmed\n,2020-01-22,1\n"), @r#"
    Data: `DIR/table`: row 2 has nothing in column `location`
    hint: fill the cell, or remove the row
    "#);
    // No name is left of control characters, no-break spaces and byte order marks.
    assert_snapshot!(table("location,date,Confirmed\n\u{1}\u{a0}\u{feff},2020-01-22,1\n"), @r#"
    Data: `DIR/table`: row 2 has nothing in column `location`
    hint: fill the cell, or remove the row
    "#);
    assert_snapshot!(table("location,date,Confirmed\nA,,1\n"), @r#"
    Data: `DIR/table`: row 2 has nothing in column `date`
    hint: fill the cell, or remove the row
    "#);
    for marked in ["\"<<<<<<< HEAD\",,", "  <<<<<<< HEAD,,", "50,<<<<<<< HEAD,", "<<<<<<< HEAD"] {
        let text = table(format!("location,date,Confirmed\nA,2020-01-22,1\n{marked}\nA,2020-01-23,1\n"));
        assert!(text.contains("row 3 is a git conflict marker (`<<<<<<<`)"), "{text}");
    }
    assert_snapshot!(table("location,date,Confirmed\nA,2020-01-22,few\n"), @r#"
    Data: `DIR/table`: row 2, column `Confirmed` holds `few`, which is not a number
    hint: write a count in digits alone, or leave the cell empty where it is missing
    "#);
    assert_snapshot!(table("location,date,Confirmed\nA,2020-01-22,1\nB,2020-01-22,1\nA,2020-01-22,2\n"), @r#"
    Data: `DIR/table`: rows 2 and 4 give location `A` two counts on 2020-01-22 in column `Confirmed`
    hint: keep one of the two rows, or tell the places apart by another column
    "#);
}

#[test]
fn dates_of_a_long_table() {
    assert_snapshot!(table("location,date,Confirmed\nA,2020-13-22,1\n"), @r#"
    Data: `DIR/table`: row 2, column `date` holds `2020-13-22`, which is not a date
    hint: write dates as year-month-day, such as `2020-01-22`
    "#);
    assert_snapshot!(table("location,date,Confirmed\nA,1/13/20,1\nA,14/1/20,1\n"), @r#"
    Data: `DIR/table`: row 2 (`1/13/20`) and row 3 (`14/1/20`) write dates in different orders
    hint: write every date as year-month-day, such as `2020-01-22`
    "#);
    assert_snapshot!(table("location,date,Confirmed\nA,2020-01-22,1\nA,2020-01-23,1\nA,9999-01-24,1\n"), @r#"
    Data: `DIR/table`: only 3 of the 2914273 days from 2020-01-22 to 9999-01-24 are there
    hint: look for a date with a wrong year, or remove days that are far from the others
    "#);
    assert_snapshot!(table("location,date,Confirmed\nA,2020-01-22,1\nA,1900-01-23,1\nA,2020-01-24,1\n"), @r#"
    Data: `DIR/table`: only 3 of the 43831 days from 1900-01-23 to 2020-01-24 are there
    hint: look for a date with a wrong year, or remove days that are far from the others
    "#);
}

#[test]
fn a_small_table_does_not_make_a_large_panel() {
    let row = |i: u32| format!("{i},{},1\n", 20_000_101 + i % 28 + 100 * (i / 28 % 12) + 10_000 * (i / 336));
    let rows: String = (0..3000).map(row).collect();
    assert_snapshot!(table(format!("location,date,Confirmed\n{rows}")), @r#"
    Data: `DIR/table`: 3000 rows are too few for 3000 locations on 3261 days
    hint: check that the column of locations names places, and that dates are right
    "#);
}

#[test]
fn other_files() {
    assert_snapshot!(table("PAR1"), @r#"
    Data: `DIR/table`: the Parquet file cannot be read: it does not begin as a Parquet file does
    hint: check that the file is whole, or write it anew
    "#);
    assert_snapshot!(table(b"PK\x03\x04..."), @r#"
    Data: `DIR/table`: the file is a zip archive or a workbook (xlsx), not a CSV file
    hint: save it as CSV, or unpack it; gzip alone is read as it is
    "#);
    assert_snapshot!(table("just a word"), @r#"
    Data: `DIR/table`: the header has no column `location`, only `just a word`
    hint: a long table has `location` (or `Country_Region`, with `Province_State` and `Admin2` if need be), `date`, `ConfirmedCases` and, if there are any, `Fatalities`; name other columns of cumulative counts with --cases-column and --deaths-column
    "#);
}
