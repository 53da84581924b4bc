//! No input makes a reader panic.

use covid_core::Explain;
use covid_data::{LoadOptions, Simulation, Table, load, panel_from_parquet, panel_to_parquet};
use proptest::prelude::*;

use crate::{GOOD, jhu_folder, load_folder};

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

proptest! {
    #[test]
    fn arbitrary_bytes_as_jhu(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(explains(load_folder(jhu_folder(&bytes, GOOD).path())));
    }

    #[test]
    fn arbitrary_text_as_jhu(text in "(Province/State,Country/Region|[0-9,;/\"\r\n<=>a-z-]){0,80}") {
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
