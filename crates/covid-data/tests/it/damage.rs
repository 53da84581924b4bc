//! What people and programs do to JHU's files: each kind of damage alone is read to the same panel, with a remark.

use std::fmt::Write as _;

use covid_core::{Date, Location, Panel, Target};
use covid_data::{DataError, Loaded};
use flate2::{Compression, write::GzEncoder};
use jiff::civil::Time;

use crate::{jhu_folder, load_folder};

/// A file as a spreadsheet holds it: the header, then rows; and how it is written.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub(crate) rows: Vec<Vec<String>>,
    separator: char,
    separator_line: bool,
    line_end: &'static str,
    quotes_all: bool,
    last_line_end: bool,
    encoding: Encoding,
}

#[derive(Debug, Clone, Copy)]
enum Encoding {
    Utf8,
    Utf8WithMark,
    Utf16(fn(u16) -> [u8; 2]),
}

/// Columns before the first date.
const NAMES: [&str; 4] = ["Province/State", "Country/Region", "Lat", "Long"];

impl Sheet {
    /// One target of a panel, as JHU writes it.
    pub(crate) fn of(panel: &Panel, target: Target) -> Self {
        let mut header: Vec<String> = NAMES.map(String::from).to_vec();
        header.extend((0..panel.days()).map(|day| published(panel.date(day))));
        let row = |(index, location): (usize, &Location)| {
            let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
            let mut row = vec![text(location.province_state()), text(location.country_region())];
            row.extend([format!("{}.5", index + 1), format!("-{}.25", index + 1)]);
            let counts = panel.counts(index, target).iter();
            row.extend(counts.map(|count| if count.is_nan() { String::new() } else { count.to_string() }));
            row
        };
        let rows = std::iter::once(header).chain(panel.locations().iter().enumerate().map(row)).collect();
        Self {
            rows,
            separator: ',',
            separator_line: false,
            line_end: "\n",
            quotes_all: false,
            last_line_end: true,
            encoding: Encoding::Utf8,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text =
            if self.separator_line { format!("sep={}{}", self.separator, self.line_end) } else { String::new() };
        for row in &self.rows {
            let fields: Vec<String> = row.iter().map(|field| self.field(field)).collect();
            let _ = write!(text, "{}{}", fields.join(&self.separator.to_string()), self.line_end);
        }
        if !self.last_line_end {
            text.truncate(text.len() - self.line_end.len());
        }
        match self.encoding {
            Encoding::Utf8 => text.into_bytes(),
            Encoding::Utf8WithMark => format!("\u{feff}{text}").into_bytes(),
            Encoding::Utf16(bytes) => format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect(),
        }
    }

    fn field(&self, field: &str) -> String {
        if self.quotes_all || field.contains([self.separator, '"', '\n']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.to_owned()
        }
    }

    fn dates(&mut self) -> impl Iterator<Item = &mut String> {
        self.rows[0].iter_mut().filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// The counts below the header, as they are before columns move.
    fn cells(&mut self) -> impl Iterator<Item = &mut String> {
        self.rows[1..].iter_mut().flat_map(|row| row[NAMES.len()..].iter_mut())
    }
}

fn published(date: Date) -> String {
    format!("{}/{}/{:02}", date.month(), date.day(), date.year() % 100)
}

fn day_of(name: &str) -> Date {
    let parts: Vec<i16> = name.split('/').map(|part| part.parse().unwrap()).collect();
    Date::new(2000 + parts[2], parts[0] as i8, parts[1] as i8).unwrap()
}

/// What a program that puts the day first takes a date for; nothing where there is no such month.
fn taken_day_first(date: Date) -> Option<Date> {
    Date::new(date.year(), date.day(), date.month()).ok()
}

fn written(date: Date, format: &str) -> String {
    date.to_datetime(Time::midnight()).strftime(format).to_string()
}

/// Damage that leaves no doubt about what was there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Damage {
    /// All dates in another format.
    Dates(&'static str),
    /// Excel, where the day comes first: dates that it took for others, in a format of its own; the rest as they were.
    Excel(&'static str),
    /// Month and day exchanged where that is a date, and all dates in one format, as by pandas with `dayfirst`.
    Exchanged(&'static str),
    /// Day numbers of a spreadsheet.
    DayNumbers,
    /// Words for missing counts.
    MissingWord(&'static str),
    /// Counts as `12.0`.
    Floats,
    /// Counts as `1,234`.
    Grouped,
    /// The header in another case, with other marks between its words.
    HeaderCase,
    /// Provinces that are blank are filled with the country.
    FilledProvinces,
    /// Words for provinces that are blank.
    MissingProvince(&'static str),
    DecimalCommas,
    Index(&'static str),
    EmptyColumn,
    /// Below a header that does not have them.
    EmptyFields,
    BlankRow,
    HeaderAgain,
    RowAgain,
    ColumnAgain,
    Backwards,
    ColumnsMoved,
    Separator(char),
    SeparatorLine(char),
    LineEnd(&'static str),
    QuotesAll,
    ByteOrderMark,
    Utf16,
    Utf16BigEndian,
    NoLastLineEnd,
    /// Numbered rows below a header that has no column for them, as R's `write.table` does it.
    NumbersBelowHeader,
}

use Damage::*;

impl Damage {
    pub(crate) const ALL: &'static [Self] = &[
        Dates("%m/%d/%Y"),
        Dates("%d/%m/%Y"),
        Dates("%d.%m.%Y"),
        Dates("%Y-%m-%d"),
        Dates("%Y-%m-%d %H:%M:%S"),
        Dates("%d-%b-%y"),
        Dates("%B %-d, %Y"),
        Dates("X%-m.%-d.%y"),
        Dates("%Y%m%d"),
        Excel("%m-%d-%Y"),
        Excel("%d/%m/%Y"),
        Excel("%Y-%m-%d"),
        Excel("%d-%b-%y"),
        Exchanged("%Y-%m-%d"),
        Exchanged("%m/%d/%Y"),
        DayNumbers,
        MissingWord("NA"),
        MissingWord("#N/A"),
        MissingWord("nan"),
        MissingWord("NULL"),
        Floats,
        Grouped,
        HeaderCase,
        FilledProvinces,
        MissingProvince("NA"),
        MissingProvince("nan"),
        MissingProvince("#N/A"),
        DecimalCommas,
        Index(""),
        Index("Unnamed: 0"),
        Index("index"),
        EmptyColumn,
        BlankRow,
        HeaderAgain,
        RowAgain,
        ColumnAgain,
        EmptyFields,
        Backwards,
        ColumnsMoved,
        Separator(';'),
        Separator('\t'),
        Separator('|'),
        SeparatorLine(';'),
        LineEnd("\r\n"),
        LineEnd("\r"),
        QuotesAll,
        ByteOrderMark,
        Utf16,
        Utf16BigEndian,
        NoLastLineEnd,
        NumbersBelowHeader,
    ];

    /// The first that is said of the damage, if it is worth a word.
    fn remark(self) -> Option<&'static str> {
        Some(match self {
            Dates(_) | Excel(_) | Exchanged(_) | DayNumbers => "not written month/day/year",
            MissingWord(_) => "a word for a missing count",
            Grouped => "commas between thousands",
            FilledProvinces => "name the country as its province",
            MissingProvince(_) => "a word where a county or province is named",
            Index(_) | NumbersBelowHeader => "numbers the rows",
            EmptyColumn => "is empty and was passed over",
            EmptyFields => "longer than the header",
            BlankRow => "of separators alone",
            HeaderAgain => "repeat the header",
            ColumnAgain => "two columns that say the same",
            Backwards => "run backwards",
            Separator(_) | SeparatorLine(_) | DecimalCommas => "not by commas",
            Utf16 | Utf16BigEndian => "UTF-16",
            NoLastLineEnd => "no line end",
            // Counted apart from the remarks, or no damage at all.
            RowAgain | ColumnsMoved | Floats | HeaderCase | LineEnd(_) | QuotesAll | ByteOrderMark => return None,
        })
    }

    pub(crate) fn apply(self, sheet: &mut Sheet) {
        match self {
            Dates(format) => sheet.dates().for_each(|name| *name = written(day_of(name), format)),
            Excel(format) => sheet.dates().for_each(|name| {
                if let Some(taken) = taken_day_first(day_of(name)) {
                    // What is shown in the same order as it was taken in reads as before.
                    let shown = if format == "%d/%m/%Y" || format == "%m-%d-%Y" { day_of(name) } else { taken };
                    *name = written(shown, if format == "%d/%m/%Y" { "%m/%d/%Y" } else { format });
                }
            }),
            Exchanged(format) => sheet.dates().for_each(|name| {
                let date = day_of(name);
                *name = written(taken_day_first(date).unwrap_or(date), format);
            }),
            DayNumbers => sheet.dates().for_each(|name| {
                let days = Date::constant(1899, 12, 30).until(day_of(name)).unwrap().get_days();
                *name = days.to_string();
            }),
            MissingWord(word) => sheet.cells().filter(|cell| cell.is_empty()).for_each(|cell| *cell = word.into()),
            Floats => {
                let whole =
                    sheet.cells().filter(|cell| !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit()));
                whole.for_each(|cell| cell.push_str(".0"));
            }
            Grouped => sheet.cells().for_each(|cell| *cell = grouped(cell, ',')),
            HeaderCase => {
                for name in &mut sheet.rows[0][..NAMES.len()] {
                    *name = name.to_uppercase().replace('/', "_");
                }
            }
            FilledProvinces => {
                for row in &mut sheet.rows[1..] {
                    if row[0].is_empty() {
                        row[0] = row[1].clone();
                    }
                }
            }
            MissingProvince(word) => {
                sheet.rows[1..].iter_mut().filter(|row| row[0].is_empty()).for_each(|row| row[0] = word.into());
            }
            DecimalCommas => {
                sheet.separator = ';';
                for row in &mut sheet.rows[1..] {
                    row[2..4].iter_mut().for_each(|cell| *cell = cell.replace('.', ","));
                }
            }
            Index(name) => {
                for (index, row) in sheet.rows.iter_mut().enumerate() {
                    row.insert(0, if index == 0 { name.into() } else { (index - 1).to_string() });
                }
            }
            EmptyColumn => sheet.rows.iter_mut().for_each(|row| row.push(String::new())),
            EmptyFields => sheet.rows[1..].iter_mut().for_each(|row| row.extend(["", ""].map(String::from))),
            BlankRow => {
                let width = sheet.rows[0].len();
                sheet.rows.insert(2, vec![String::new(); width]);
            }
            HeaderAgain => sheet.rows.insert(2, sheet.rows[0].clone()),
            RowAgain => sheet.rows.push(sheet.rows[1].clone()),
            ColumnAgain => sheet.rows.iter_mut().for_each(|row| {
                let last = row.last().unwrap().clone();
                row.push(last);
            }),
            Backwards => sheet.rows.iter_mut().for_each(|row| row.reverse()),
            ColumnsMoved => sheet.rows.iter_mut().for_each(|row| row.rotate_left(1)),
            Separator(separator) => sheet.separator = separator,
            SeparatorLine(separator) => (sheet.separator, sheet.separator_line) = (separator, true),
            LineEnd(line_end) => sheet.line_end = line_end,
            QuotesAll => sheet.quotes_all = true,
            ByteOrderMark => sheet.encoding = Encoding::Utf8WithMark,
            Utf16 => sheet.encoding = Encoding::Utf16(u16::to_le_bytes),
            Utf16BigEndian => sheet.encoding = Encoding::Utf16(u16::to_be_bytes),
            NoLastLineEnd => sheet.last_line_end = false,
            NumbersBelowHeader => {
                for (index, row) in sheet.rows.iter_mut().enumerate().skip(1) {
                    row.insert(0, index.to_string());
                }
            }
        }
    }

    /// Several kinds of damage, those of cells before those that move them. Of two that say how one thing is written, the
    /// first is done.
    pub(crate) fn apply_all(mut damages: Vec<Self>, sheet: &mut Sheet) {
        damages.sort_by_key(|damage| Self::ALL.iter().position(|other| other == damage));
        damages.dedup_by_key(|damage| std::mem::discriminant(damage));
        let dates = |damage: &Self| matches!(damage, Dates(_) | Excel(_) | Exchanged(_) | DayNumbers);
        let mut seen_dates = false;
        damages.retain(|damage| !dates(damage) || !std::mem::replace(&mut seen_dates, true));
        damages.into_iter().for_each(|damage| damage.apply(sheet));
    }
}

/// Digits with a mark between thousands.
pub(crate) fn grouped(cell: &str, mark: char) -> String {
    if !cell.bytes().all(|byte| byte.is_ascii_digit()) {
        return cell.to_owned();
    }
    let mut text = String::new();
    for (index, digit) in cell.chars().enumerate() {
        if index > 0 && (cell.len() - index).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

/// Six places, one with a comma in its name, and 70 days, with gaps and counts above a thousand.
pub(crate) fn panel() -> Panel {
    let places = [
        Location::country("Datastan"),
        Location::country("Korea of Data, South"),
        Location::province("North", "Modelonia"),
        Location::province("South, Far", "Modelonia"),
        Location::country("Côte des Données"),
        Location::country("Small"),
    ];
    let days = 70;
    let count = |place: usize, target: usize, day: usize| match (place, day) {
        (1, 3 | 20) | (4, 0..5) => f64::NAN,
        (5, _) => target as f64,
        _ => ((place + 1) * day * day) as f64 / [1.0, 50.0][target],
    };
    let values = (0..places.len())
        .flat_map(|place| (0..2).flat_map(move |target| (0..days).map(move |day| count(place, target, day).round())));
    Panel::new(places.to_vec(), Date::constant(2020, 1, 22), days, values.collect()).unwrap()
}

/// Loads a panel's two files, each damaged in its own way.
pub(crate) fn load_damaged(panel: &Panel, damage: [&dyn Fn(&mut Sheet); 2]) -> Result<Loaded, DataError> {
    let mut bytes = Target::ALL.into_iter().zip(damage).map(|(target, damage)| {
        let mut sheet = Sheet::of(panel, target);
        damage(&mut sheet);
        sheet.bytes()
    });
    let folder = jhu_folder(bytes.next().unwrap(), bytes.next().unwrap());
    load_folder(folder.path())
}

#[test]
fn each_kind_of_damage_alone_is_read_rightly() {
    let panel = panel();
    for &damage in Damage::ALL {
        let loaded = load_damaged(&panel, [&|sheet| damage.apply(sheet), &|_| {}])
            .unwrap_or_else(|error| panic!("{damage:?}: {error}"));
        assert_eq!(loaded.panel.digest(), panel.digest(), "{damage:?}");
        let said: Vec<&str> = loaded.findings.remarks.iter().map(|remark| remark.text.as_str()).collect();
        match damage.remark() {
            Some(remark) => assert!(said.iter().any(|text| text.contains(remark)), "{damage:?}: {said:?}"),
            None => assert!(said.is_empty(), "{damage:?}: {said:?}"),
        }
        assert_eq!(loaded.findings.duplicate_rows, usize::from(damage == RowAgain), "{damage:?}");
    }
}

#[test]
fn many_empty_columns_are_one_remark() {
    let widen = |sheet: &mut Sheet| sheet.rows.iter_mut().for_each(|row| row.extend(vec![String::new(); 1000]));
    let loaded = load_damaged(&panel(), [&widen, &|_| {}]).unwrap();
    let [remark] = loaded.findings.remarks.as_slice() else { panic!("{:?}", loaded.findings.remarks) };
    assert_eq!(remark.text, "columns 75 to 1074 are empty and were passed over");
}

#[test]
fn a_remark_names_the_file_and_what_was_done() {
    let loaded = load_damaged(&panel(), [&|_| {}, &|sheet| Excel("%m-%d-%Y").apply(sheet)]).unwrap();
    let [remark] = loaded.findings.remarks.as_slice() else { panic!("{:?}", loaded.findings.remarks) };
    assert!(remark.file.ends_with("time_series_covid19_deaths_global.csv"));
    insta::assert_snapshot!(remark.text, @"24 dates are not written month/day/year as `1/22/20` is; `02-01-2020` in column 15 of the header stands for 2020-02-01");
}

#[test]
fn an_archive_is_read_as_what_it_holds() {
    let panel = panel();
    let folder = jhu_folder(Sheet::of(&panel, Target::ConfirmedCases).bytes(), "");
    let name = "time_series_covid19_deaths_global.csv";
    std::fs::remove_file(folder.path().join(name)).unwrap();
    let mut archive = GzEncoder::new(Vec::new(), Compression::default());
    std::io::Write::write_all(&mut archive, &Sheet::of(&panel, Target::Fatalities).bytes()).unwrap();
    std::fs::write(folder.path().join(format!("{name}.gz")), archive.finish().unwrap()).unwrap();
    assert_eq!(load_folder(folder.path()).unwrap().panel.digest(), panel.digest());
}

#[test]
fn of_a_file_that_is_there_twice_the_plain_one_is_read() {
    let panel = panel();
    let folder =
        jhu_folder(Sheet::of(&panel, Target::ConfirmedCases).bytes(), Sheet::of(&panel, Target::Fatalities).bytes());
    std::fs::write(folder.path().join("time_series_covid19_deaths_global.csv.gz"), "no archive").unwrap();
    let loaded = load_folder(folder.path()).unwrap();
    assert_eq!(loaded.panel.digest(), panel.digest());
    assert!(loaded.findings.remarks[0].text.starts_with("not read, for `"));
}

#[test]
fn places_without_coordinates_are_named() {
    let loaded = load_damaged(&panel(), [&|sheet| sheet.rows[3][2].clear(), &|sheet| sheet.rows[1][3] = "nan".into()]);
    let names = loaded.unwrap().findings.without_coordinates;
    assert_eq!(names, Some(vec!["North, Modelonia".to_owned(), "Datastan".to_owned()]));
}

#[test]
fn a_state_may_have_the_name_of_its_country() {
    let mut sheet = Sheet::of(&panel(), Target::ConfirmedCases);
    sheet.rows[1][0] = "Datastan".into();
    let folder = jhu_folder(sheet.bytes(), sheet.bytes());
    let loaded = load_folder(folder.path()).unwrap();
    assert_eq!(loaded.panel.locations()[0].name(), "Datastan, Datastan");
    assert!(loaded.findings.remarks.is_empty());
}
