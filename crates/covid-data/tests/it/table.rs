//! Tables to and from bytes.

use std::path::Path;

use covid_core::Date;
use covid_data::{Column, Table};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::explained;

fn table() -> Table {
    Table::new([
        ("location", Column::Text(vec![Some("Korea, South".into()), None])),
        ("date", Column::Date(vec![Date::constant(2020, 1, 22), Date::constant(1969, 12, 31)])),
        ("horizon", Column::Integer(vec![7, -1])),
        ("point", Column::Float(vec![0.1 + 0.2, f64::NAN])),
    ])
    .unwrap()
}

#[test]
fn columns_are_found_by_name_and_kind() {
    let table = table();
    assert_eq!(table.rows(), 2);
    assert_eq!(table.texts("location").unwrap()[1], None);
    assert_eq!(table.dates("date").unwrap()[0], Date::constant(2020, 1, 22));
    assert_eq!(table.integers("horizon").unwrap(), [7, -1]);
    assert_eq!(table.floats("point").unwrap()[0], 0.1 + 0.2);
}

#[test]
fn csv_has_iso_dates_and_exact_numbers() {
    assert_snapshot!(String::from_utf8(table().to_csv().unwrap()).unwrap(), @r#"
    location,date,horizon,point
    "Korea, South",2020-01-22,7,0.30000000000000004
    ,1969-12-31,-1,
    "#);
}

#[test]
fn errors() {
    let nowhere = Path::new("/no/such/folder");
    let said = |error| explained(&error, nowhere);
    let text = |rows| Column::Text(vec![None; rows]);
    assert_snapshot!(said(Table::new([("a", text(2)), ("b", text(3))]).unwrap_err()), @r#"
    Unexpected: column `b` of a table has 3 rows where the first has 2
    hint:
    "#);
    assert_snapshot!(said(Table::new([("a", text(2)), ("a", text(2))]).unwrap_err()), @r#"
    Unexpected: a table has two columns `a`
    hint:
    "#);
    assert_snapshot!(said(table().floats("q50").unwrap_err()), @r#"
    Data: the table has no column `q50`
    hint: the file is damaged or was not written by this program: restore it, or make it anew
    "#);
    assert_snapshot!(said(table().floats("date").unwrap_err()), @r#"
    Data: column `date` of the table holds dates, not numbers
    hint: the file is damaged or was not written by this program: restore it, or make it anew
    "#);
    assert_snapshot!(said(Table::from_parquet(b"").unwrap_err()), @r#"
    Data: the bytes cannot be read as a Parquet file: it does not begin as a Parquet file does
    hint: the file is damaged or was not written by this program: restore it, or make it anew
    "#);
    let mut cut = table().to_parquet().unwrap();
    cut.truncate(cut.len() - 9);
    assert_snapshot!(said(Table::from_parquet(&cut).unwrap_err()), @r#"
    Data: the bytes cannot be read as a Parquet file: its end is missing
    hint: the file is damaged or was not written by this program: restore it, or make it anew
    "#);
}

/// Tables of all four kinds of column.
fn tables() -> impl Strategy<Value = Table> {
    let text = prop::option::of("[a-zA-Zéß, \"\n]{0,20}");
    let date = (-9999i16..9999, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| Date::constant(year, month, day));
    let float = prop_oneof![any::<f64>().prop_filter("a number", |number| !number.is_nan()), Just(f64::NAN)];
    (0usize..40).prop_flat_map(move |rows| {
        (
            prop::collection::vec(text.clone(), rows),
            prop::collection::vec(date.clone(), rows),
            prop::collection::vec(any::<i64>(), rows),
            prop::collection::vec(float.clone(), rows),
        )
            .prop_map(|(texts, dates, integers, floats)| {
                Table::new([
                    ("text", Column::Text(texts)),
                    ("date", Column::Date(dates)),
                    ("integer", Column::Integer(integers)),
                    ("float", Column::Float(floats)),
                ])
                .unwrap()
            })
    })
}

fn bits(floats: &[f64]) -> Vec<u64> {
    floats.iter().map(|number| if number.is_nan() { f64::NAN } else { *number }.to_bits()).collect()
}

proptest! {
    #[test]
    fn parquet_reads_back_the_same(table in tables()) {
        let bytes = table.to_parquet().unwrap();
        let read = Table::from_parquet(&bytes).unwrap();
        for name in ["text", "date", "integer"] {
            prop_assert_eq!(read.column(name).unwrap(), table.column(name).unwrap());
        }
        prop_assert_eq!(bits(read.floats("float").unwrap()), bits(table.floats("float").unwrap()));
        prop_assert_eq!(read.to_parquet().unwrap(), bytes);
    }

    #[test]
    fn csv_floats_read_back_exactly(number in any::<f64>().prop_filter("a number", |number| !number.is_nan())) {
        let csv = Table::new([("x", Column::Float(vec![number]))]).unwrap().to_csv().unwrap();
        let text = String::from_utf8(csv).unwrap();
        let read: f64 = text.lines().nth(1).unwrap().parse().unwrap();
        prop_assert_eq!(read.to_bits(), number.to_bits());
    }
}
