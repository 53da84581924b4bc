//! Long tables: whoever wrote them, in CSV and Parquet.

use std::{fs, io::Write as _, path::Path};

use covid_core::{Date, Location, Panel, Target};
use covid_data::{Column, DataError, LoadOptions, Loaded, Simulation, SourceKind, Table, load, panel_to_parquet};
use flate2::{Compression, write::GzEncoder};
use polars::prelude::{
    Categories, DataFrame, DataType, IntoColumn, NamedFrom, ParquetWriter, PlSmallStr, Series, TimeUnit,
};

const TABLE: &str = "location,date,ConfirmedCases,Fatalities\n\
                     Datastan,2020-01-23,2,1\n\
                     \"Modelonia, North\",2020-01-22,5,\n\
                     Datastan,2020-01-22,1,0\n";

fn written(name: &str, content: impl AsRef<[u8]>, options: &LoadOptions) -> Result<Loaded, DataError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    load(path.to_str().unwrap(), options)
}

fn read(content: impl AsRef<[u8]>) -> Loaded {
    written("visits.csv", content, &LoadOptions::default()).unwrap()
}

/// NaN as -1, to compare.
fn counts(panel: &Panel, location: usize, target: Target) -> Vec<f64> {
    panel.counts(location, target).iter().map(|count| if count.is_nan() { -1.0 } else { *count }).collect()
}

#[test]
fn rows_in_any_order_make_dense_series() {
    let loaded = read(TABLE);
    assert_eq!((loaded.kind, loaded.dataset.as_str()), (SourceKind::LongTable, "visits"));
    let panel = loaded.panel;
    assert_eq!((panel.first_date(), panel.days()), (Date::constant(2020, 1, 22), 2));
    assert_eq!(panel.locations().iter().map(Location::name).collect::<Vec<_>>(), ["Datastan", "Modelonia, North"]);
    assert_eq!(counts(&panel, 0, Target::ConfirmedCases), [1.0, 2.0]);
    assert_eq!(counts(&panel, 1, Target::ConfirmedCases), [5.0, -1.0]);
    assert_eq!(counts(&panel, 1, Target::Fatalities), [-1.0, -1.0]);
    assert_eq!(loaded.findings, Default::default());
}

#[test]
fn the_same_table_by_other_programs() {
    let plain = read(TABLE).panel.digest();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(TABLE.as_bytes()).unwrap();
    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(TABLE.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let semicolons = TABLE.replace("\"Modelonia, North\"", "Modelonia_North").replace(',', ";");
    for (what, content) in [
        ("gzip", gzip.finish().unwrap()),
        ("UTF-16", utf16),
        ("CR LF and a byte order mark", format!("\u{feff}{}", TABLE.replace('\n', "\r\n")).into_bytes()),
        ("semicolons", semicolons.replace("Modelonia_North", "Modelonia, North").into_bytes()),
        ("an index", format!(",{}", TABLE.replace("\nD", "\n0,D").replace("\n\"", "\n1,\"")).into_bytes()),
        ("blank rows", TABLE.replace("\nDatastan,2020-01-22", "\n,,,\nDatastan,2020-01-22").into_bytes()),
        ("words for missing", TABLE.replace("5,\n", "5,NA\n").into_bytes()),
        ("floats", TABLE.replace(",2,1", ",2.0,1.0").into_bytes()),
        ("time stamps", TABLE.replace("2020-01-22", "2020-01-22 00:00:00").into_bytes()),
        (
            "American dates",
            TABLE
                .replace("2020-01-2", "1/2X/20")
                .replace("1/2X/203", "1/23/20")
                .replace("1/2X/202", "1/22/20")
                .into_bytes(),
        ),
        ("German dates", TABLE.replace("2020-01-23", "23.01.2020").replace("2020-01-22", "22.01.2020").into_bytes()),
    ] {
        assert_eq!(read(content).panel.digest(), plain, "{what}");
    }
}

#[test]
fn places_by_jhus_parts_in_any_spelling() {
    for header in ["Province_State,Country_Region,Date", "Province/State,Country/Region,date"] {
        let panel =
            read(format!("{header},Confirmed,Deaths\nMadrid,Spain,2020-01-22,1,0\n,Spain,2020-01-22,9,0\n")).panel;
        assert_eq!(panel.locations(), [Location::country("Spain"), Location::province("Madrid", "Spain")]);
    }
    let county = "Admin2,Province_State,Country_Region,Date,Confirmed\nAutauga,Alabama,US,2020-01-22,1\n";
    assert_eq!(read(county).panel.locations(), [Location::from_parts("Autauga", "Alabama", "US")]);
    let both = "location,Province_State,Country_Region,date,Confirmed\nThe capital,Madrid,Spain,2020-01-22,1\n";
    assert_eq!(read(both).panel.locations(), [Location::province("Madrid", "Spain").with_name("The capital")]);
}

#[test]
fn other_counts_by_their_names() {
    let table = "location,date,visits,Confirmed,staff\nA,2020-01-22,7,1,3\n";
    let named = |cases: &str, deaths: Option<&str>| {
        let options = LoadOptions {
            cases_column: Some(cases.into()),
            deaths_column: deaths.map(str::to_owned),
            ..LoadOptions::default()
        };
        written("t.csv", table, &options).unwrap().panel
    };
    let panel = named("visits", None);
    assert_eq!(
        (counts(&panel, 0, Target::ConfirmedCases), counts(&panel, 0, Target::Fatalities)),
        (vec![7.0], vec![-1.0])
    );
    let panel = named("Visits", Some("staff"));
    assert_eq!(
        (counts(&panel, 0, Target::ConfirmedCases), counts(&panel, 0, Target::Fatalities)),
        (vec![7.0], vec![3.0])
    );
}

#[test]
fn what_was_odd_is_noticed() {
    let table = "location,date,ConfirmedCases,Lat,Long\n\
                 A,01/02/2020,1,1.5,2.5\nA,01/02/2020,1,,\nA,02/02/2020,\"1,234\",,\nB,02/02/2020,-1,,\n";
    let findings = read(table).findings;
    assert_eq!(findings.duplicate_rows, 1);
    assert_eq!(findings.without_coordinates.unwrap(), ["B"]);
    assert_eq!((findings.negative[0].row, findings.negative[0].column.as_str()), (5, "ConfirmedCases"));
    let remarks: Vec<&str> = findings.remarks.iter().map(|remark| remark.text.as_str()).collect();
    assert_eq!(
        remarks,
        [
            "1 cell holds commas between thousands (first `1,234` in row 4), read as whole numbers",
            "dates are read as day, month, year: `01/02/2020` in row 2 stands for 2020-02-01",
        ]
    );
}

#[test]
fn what_other_programs_did_to_a_table_is_undone_and_told() {
    let parts = "Admin2,Province_State,Country_Region,date,ConfirmedCases\n\
                 ,,Datastan,2020-01-22,1\n,,Datastan,2020-01-23,2\n,North,Modelonia,2020-01-22,3\n";
    let numbered = |first: &str| {
        let mut lines = parts.lines();
        let header = format!("{first}{}\n", lines.next().unwrap());
        lines.enumerate().fold(header, |text, (row, line)| format!("{text}{},{line}\n", row + 1))
    };
    let digest = read(parts).panel.digest();
    for (content, said) in [
        (
            parts.replace("\n,,", "\nNA,NA,"),
            "4 cells hold a word where a county or province is named (first `NA` in row 2), read as none",
        ),
        (
            parts.replace("2020-01-22", "43852").replace("2020-01-23", "43853"),
            "dates are day numbers of a spreadsheet: `43852` in row 2 stands for 2020-01-22",
        ),
        (numbered(","), "column 1 numbers the rows, as pandas and R do; it was passed over"),
        (numbered("Unnamed: 0,"), "column 1 numbers the rows, as pandas and R do; it was passed over"),
        (numbered(""), "column 1 numbers the rows, as pandas and R do; it was passed over"),
    ] {
        let loaded = read(&content);
        assert_eq!(loaded.panel.digest(), digest, "{content}");
        let remarks: Vec<&str> = loaded.findings.remarks.iter().map(|remark| remark.text.as_str()).collect();
        assert_eq!(remarks, [said], "{content}");
    }
}

#[test]
fn a_table_by_week_is_read() {
    let rows: String = (0..10)
        .map(|week| {
            let date = Date::constant(2020, 1, 5).saturating_add(jiff::Span::new().days(7 * week));
            format!("A,{date},{week}\n")
        })
        .collect();
    let panel = read(format!("location,date,ConfirmedCases\n{rows}")).panel;
    assert_eq!(panel.days(), 64);
    assert_eq!(panel.counts(0, Target::ConfirmedCases).iter().filter(|count| !count.is_nan()).count(), 10);
}

fn parquet(columns: Vec<Series>) -> Vec<u8> {
    let height = columns[0].len();
    let mut frame = DataFrame::new(height, columns.into_iter().map(IntoColumn::into_column).collect()).unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    bytes
}

fn series<T, V: AsRef<[T]>>(name: &str, values: V) -> Series
where
    Series: NamedFrom<V, [T]>,
{
    Series::new(PlSmallStr::from(name), values)
}

/// Microseconds of 2020-01-22 and the day after.
const MICROSECONDS: [i64; 2] = [1_579_651_200_000_000, 1_579_737_600_000_000];

#[test]
fn parquet_with_the_types_of_other_writers() {
    let text = |name: &str| series(name, ["Datastan", "Datastan"]);
    let categories = DataType::from_categories(Categories::global());
    let dates = || series("date", ["2020-01-22", "2020-01-23"]);
    let stamps = |unit| series("date", MICROSECONDS).cast(&DataType::Datetime(unit, None)).unwrap();
    let days = || series("date", [18_283i32, 18_284]).cast(&DataType::Date).unwrap();
    let cases = || series("ConfirmedCases", [1i64, 2]);
    let nullable = || series("Fatalities", [None, Some(1i64)]);
    let wanted = read("location,date,ConfirmedCases,Fatalities\nDatastan,2020-01-22,1,\nDatastan,2020-01-23,2,1\n");
    for (what, columns) in [
        ("pandas", vec![text("location"), stamps(TimeUnit::Microseconds), cases(), nullable()]),
        ("polars", vec![text("location"), days(), cases(), nullable()]),
        ("text", vec![text("location"), dates(), series("ConfirmedCases", ["1", "2.0"]), nullable()]),
        (
            "categories",
            vec![text("location").cast(&categories).unwrap(), dates().cast(&categories).unwrap(), cases(), nullable()],
        ),
        (
            "small numbers",
            vec![
                text("location"),
                series("date", [20_200_122i32, 20_200_123]),
                cases().cast(&DataType::Int8).unwrap(),
                nullable().cast(&DataType::UInt16).unwrap(),
            ],
        ),
        (
            "floats",
            vec![
                text("location"),
                days(),
                cases().cast(&DataType::Float32).unwrap(),
                series("Fatalities", [f64::NAN, 1.0]),
            ],
        ),
        (
            "more columns",
            vec![text("x"), series("truth", [true, false]), nullable(), text("location"), dates(), cases()],
        ),
    ] {
        let loaded = written("t.parquet", parquet(columns), &LoadOptions::default());
        assert_eq!(loaded.unwrap().panel.digest(), wanted.panel.digest(), "{what}");
    }
    let millis = stamps(TimeUnit::Microseconds).cast(&DataType::Datetime(TimeUnit::Milliseconds, None)).unwrap();
    let loaded = written("t", parquet(vec![text("location"), millis, cases(), nullable()]), &LoadOptions::default());
    assert_eq!(loaded.unwrap().panel.digest(), wanted.panel.digest());
}

#[test]
fn what_a_store_keeps_is_a_source() {
    let panel = Simulation::new(4, 30, 2).unwrap().panel();
    let loaded = written("3f2a.parquet", panel_to_parquet(&panel).unwrap(), &LoadOptions::default()).unwrap();
    assert_eq!((loaded.kind, loaded.panel.digest()), (SourceKind::LongTable, panel.digest()));
}

#[test]
fn what_this_program_writes_as_a_table_is_read() {
    let columns = [
        ("location", Column::Text(vec![Some("A".into())])),
        ("date", Column::Date(vec![Date::constant(2020, 1, 22)])),
        ("ConfirmedCases", Column::Float(vec![3.0])),
    ];
    let table = Table::new(columns).unwrap();
    for bytes in [table.to_parquet().unwrap(), table.to_csv().unwrap()] {
        let panel = written("table", bytes, &LoadOptions::default()).unwrap().panel;
        assert_eq!(panel.counts(0, Target::ConfirmedCases), [3.0]);
    }
}

#[test]
fn names_of_folders_are_no_names_of_datasets() {
    let loaded = written("my visits.csv", TABLE, &LoadOptions::default()).unwrap();
    assert_eq!(loaded.dataset, "my-visits");
    assert!(Path::new(&loaded.description).ends_with("my visits.csv"));
}
