//! No input makes a reader panic, and damage is read rightly or refused.

use covid_core::{Date, Explain, Location, Panel, Target};
use covid_data::{LoadOptions, Simulation, Table, load, panel_from_parquet, panel_to_parquet};
use jiff::Span;
use proptest::prelude::*;

use crate::{
    GOOD,
    damage::{Damage, Sheet, grouped, load_damaged},
    jhu_folder, load_folder,
};

/// A file with some of its bytes replaced, and cut off somewhere.
fn damaged(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = file.len();
    (prop::collection::vec((0..length, any::<u8>()), 0..6), 0..=length).prop_map(move |(changes, end)| {
        let mut bytes = file.clone();
        for (position, byte) in changes {
            bytes[position] = byte;
        }
        bytes.truncate(end.max(length / 2));
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

/// Up to five kinds of damage.
fn damages() -> impl Strategy<Value = Vec<Damage>> {
    prop::collection::vec(prop::sample::select(Damage::ALL), 0..5)
}

/// Cumulative counts of three places, some missing, over 2 to 90 days of the pandemic.
fn panels() -> impl Strategy<Value = Panel> {
    let new = prop_oneof![4 => (0u32..400).prop_map(Some), 1 => Just(None)];
    (0i64..1_100, 2usize..90).prop_flat_map(move |(start, days)| {
        prop::collection::vec(new.clone(), 6 * days).prop_map(move |new| {
            let places = vec![
                Location::country("Datastan"),
                Location::country("Korea of Data, South"),
                Location::province("North", "Modelonia"),
            ];
            let series = new.chunks(days).flat_map(|new| {
                let counts = new.iter().scan(0, |count, new| {
                    *count += new.unwrap_or(0);
                    Some(new.map_or(f64::NAN, |_| f64::from(*count)))
                });
                counts.collect::<Vec<_>>()
            });
            let start = Date::constant(2020, 1, 22).saturating_add(Span::new().days(start));
            Panel::new(places, start, days, series.collect()).unwrap()
        })
    })
}

/// Damage that must not go unnoticed.
#[derive(Debug, Clone)]
enum Harm {
    /// The file ends early.
    Cut(prop::sample::Index),
    ConflictMarker(prop::sample::Index, &'static str),
    /// Points between thousands.
    Points,
    /// A column is lost from the header or from one row, one is there twice.
    FieldLost(prop::sample::Index, prop::sample::Index),
    FieldTwice(prop::sample::Index, prop::sample::Index),
    /// Two rows for one place, or two columns for one day, that do not say the same.
    OtherRow,
    OtherColumn,
}

fn harm() -> impl Strategy<Value = Harm> {
    let index = any::<prop::sample::Index>;
    let marker = prop::sample::select(vec!["<<<<<<< HEAD", "=======", ">>>>>>> 7b86893", "||||||| merged"]);
    prop_oneof![
        index().prop_map(Harm::Cut),
        (index(), marker).prop_map(|(line, marker)| Harm::ConflictMarker(line, marker)),
        Just(Harm::Points),
        (index(), index()).prop_map(|(row, field)| Harm::FieldLost(row, field)),
        (index(), index()).prop_map(|(row, field)| Harm::FieldTwice(row, field)),
        Just(Harm::OtherRow),
        Just(Harm::OtherColumn),
    ]
}

impl Harm {
    fn apply(&self, sheet: &mut Sheet) -> Vec<u8> {
        let rows = &mut sheet.rows;
        match self {
            Self::Points => rows.iter_mut().skip(1).flatten().for_each(|cell| *cell = grouped(cell, '.')),
            Self::FieldLost(row, field) => {
                let row = row.get_mut(rows);
                row.remove(field.index(row.len()));
            }
            Self::FieldTwice(row, field) => {
                let row = row.get_mut(rows);
                let field = field.index(row.len());
                row.insert(field, row[field].clone());
            }
            Self::OtherRow => {
                let mut row = rows[1].clone();
                *row.last_mut().unwrap() = "999999".into();
                rows.push(row);
            }
            Self::OtherColumn => {
                let name = rows[0].last().unwrap().clone();
                rows[0].push(name);
                rows.iter_mut().skip(1).for_each(|row| row.push("999999".into()));
            }
            Self::Cut(_) | Self::ConflictMarker(..) => {}
        }
        let mut bytes = sheet.bytes();
        match self {
            Self::Cut(end) => bytes.truncate(end.index(bytes.len())),
            Self::ConflictMarker(line, marker) => {
                let text = String::from_utf8(bytes).unwrap();
                let mut lines: Vec<&str> = text.lines().collect();
                lines.insert(line.index(lines.len() + 1), marker);
                bytes = (lines.join("\n") + "\n").into_bytes();
            }
            _ => {}
        }
        bytes
    }
}

proptest! {
    /// Read rightly or refused: there is no third way.
    #[test]
    fn any_damage_is_read_to_the_same_panel_or_refused(panel in panels(), cases in damages(), deaths in damages()) {
        let apply = |damages: Vec<Damage>| move |sheet: &mut Sheet| Damage::apply_all(damages.clone(), sheet);
        match load_damaged(&panel, [&apply(cases), &apply(deaths)]) {
            Ok(loaded) => prop_assert_eq!(loaded.panel.digest(), panel.digest()),
            Err(error) => prop_assert!(explains(Err::<(), _>(error))),
        }
    }

    /// What cannot be told from a whole file, because only digits of the last count are gone, is told of at least.
    #[test]
    fn harm_does_not_go_unnoticed(panel in panels(), harm in harm()) {
        let confirmed = harm.apply(&mut Sheet::of(&panel, Target::ConfirmedCases));
        let folder = jhu_folder(confirmed, Sheet::of(&panel, Target::Fatalities).bytes());
        match load_folder(folder.path()) {
            Ok(loaded) => prop_assert!(
                loaded.panel.digest() == panel.digest()
                    || (matches!(harm, Harm::Cut(_)) && !loaded.findings.remarks.is_empty())
            ),
            Err(error) => prop_assert!(explains(Err::<(), _>(error))),
        }
    }

    #[test]
    fn arbitrary_bytes_as_jhu(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(explains(load_folder(jhu_folder(&bytes, GOOD).path())));
    }

    #[test]
    fn arbitrary_text_as_jhu(text in "(Province/State,Country/Region|1/22/20|[0-9,;/.\"\r\n<=>a-zE-]){0,80}") {
        prop_assert!(explains(load_folder(jhu_folder(&text, &text).path())));
    }

    #[test]
    fn damaged_jhu(bytes in damaged(GOOD.as_bytes().to_vec())) {
        prop_assert!(explains(load_folder(jhu_folder(GOOD, &bytes).path())));
        prop_assert!(explains(load_folder(jhu_folder(&bytes, &bytes).path())));
    }

    #[test]
    fn arbitrary_source_names(name in "\\PC{0,30}") {
        prop_assert!(explains(load(&name, &LoadOptions::default())));
    }

    #[test]
    fn arbitrary_bytes_as_parquet(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(explains(Table::from_parquet(&bytes)));
        let framed = [b"PAR1", bytes.as_slice(), b"PAR1"].concat();
        prop_assert!(explains(Table::from_parquet(&framed)));
        prop_assert!(explains(panel_from_parquet(&framed)));
    }

    #[test]
    fn damaged_parquet(bytes in damaged(panel_to_parquet(&Simulation::new(3, 20, 1).unwrap().panel()).unwrap())) {
        prop_assert!(explains(panel_from_parquet(&bytes)));
    }
}
