//! Kaggle's `train.csv`, in its folder.

#![no_main]

use covid_data::{LoadOptions, SourceKind};
use covid_fuzz::{folder, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = folder(&[("train.csv", data)]);
    if let Some(loaded) = read(folder.path(), &LoadOptions::default()) {
        assert_eq!(loaded.kind, SourceKind::Kaggle);
    }
});
