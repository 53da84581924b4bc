//! Kaggle's files.

use std::fs;

use covid_core::{Date, Location, Target};
use covid_data::{LoadOptions, SourceKind, load, read_kaggle_test};

use crate::{explained, folder_of};

const TRAIN: &str = "Id,Province_State,Country_Region,Date,ConfirmedCases,Fatalities\n\
                     1,,Afghanistan,2020-01-22,0.0,0.0\n\
                     2,,Afghanistan,2020-01-23,1.0,0.0\n\
                     101,Hubei,China,2020-01-22,444.0,17.0\n\
                     102,Hubei,China,2020-01-23,500.0,18.0\n";

#[test]
fn training_data_as_a_file_and_in_a_folder() {
    let week_1 = TRAIN.replace("Province_State,Country_Region", "Province/State,Country/Region");
    for train in [TRAIN, &week_1] {
        let folder = folder_of(&[("train.csv", train)]);
        let file = folder.path().join("train.csv");
        for path in [folder.path(), &file] {
            let loaded = load(path.to_str().unwrap(), &LoadOptions::default()).unwrap();
            assert_eq!(loaded.kind, SourceKind::Kaggle);
            assert_eq!(loaded.panel.locations()[1], Location::province("Hubei", "China"));
            assert_eq!(loaded.panel.counts(1, Target::Fatalities), [17.0, 18.0]);
        }
        assert_eq!(load(file.to_str().unwrap(), &LoadOptions::default()).unwrap().dataset, "train");
    }
}

#[test]
fn the_rows_of_a_test_stay_in_their_order() {
    let test = "ForecastId,Province_State,Country_Region,Date\n\
                2,Hubei,China,2020-03-20\n1,,\"Korea, South\",2020-03-19\n";
    let folder = folder_of(&[("test.csv", test)]);
    let rows = read_kaggle_test(&folder.path().join("test.csv")).unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.forecast_id).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(rows[1].location, Location::country("Korea, South"));
    assert_eq!(rows[1].date, Date::constant(2020, 3, 19));
}

fn refused(test: &str) -> String {
    let folder = folder_of(&[("test.csv", test)]);
    explained(&read_kaggle_test(&folder.path().join("test.csv")).unwrap_err(), folder.path())
}

#[test]
fn tests_that_cannot_be_answered() {
    insta::assert_snapshot!(refused("Id,Country_Region,Date\n1,China,2020-03-19\n"), @r#"
    Data: `DIR/test.csv`: the header has no column `ForecastId`, only `Id`, `Country_Region`, `Date`
    hint: Kaggle's `test.csv` has the columns `ForecastId`, `Province_State`, `Country_Region` and `Date`
    "#);
    insta::assert_snapshot!(refused("ForecastId,Country_Region,Date\nx,China,2020-03-19\n"), @r#"
    Data: `DIR/test.csv`: row 2, column `ForecastId` holds `x`, which is not a whole number
    hint: take `test.csv` as Kaggle gives it
    "#);
    insta::assert_snapshot!(refused("ForecastId,Country_Region,Date\n1,China,soon\n"), @r#"
    Data: `DIR/test.csv`: row 2, column `Date` holds `soon`, which is not a date
    hint: write dates as year-month-day, such as `2020-01-22`
    "#);
    insta::assert_snapshot!(refused("ForecastId,Country_Region,Date\n1,,2020-03-19\n"), @r#"
    Data: `DIR/test.csv`: row 2 has nothing in column `Country_Region`
    hint: fill the cell, or remove the row
    "#);
    insta::assert_snapshot!(refused("ForecastId,Country_Region,Date\n"), @r#"
    Data: `DIR/test.csv`: there is a header, but no row below it
    hint: the file may be cut off: make it again, or download it again
    "#);
}

#[test]
fn the_daily_counts_of_week_5_are_refused() {
    let train = "Id,County,Province_State,Country_Region,Population,Weight,Date,Target,TargetValue\n\
                 1,,,Afghanistan,27657145,0.058359,2020-01-23,ConfirmedCases,0\n";
    let folder = folder_of(&[("train.csv", train)]);
    fs::write(folder.path().join("test.csv"), "").unwrap();
    let error = load(folder.path().to_str().unwrap(), &LoadOptions::default()).unwrap_err();
    insta::assert_snapshot!(explained(&error, folder.path()), @r#"
    Data: `DIR/train.csv`: column `TargetValue` holds the counts of each day, as in Kaggle's week 5, not cumulative ones
    hint: give the data of an earlier week, or add up the counts of each place
    "#);
}
