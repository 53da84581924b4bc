//! Archives: damaged ones, and whole ones of anything, which are read as what they hold.

#![no_main]

use std::io::Write;

use covid_core::Explain;
use covid_data::{LoadOptions, load};
use covid_fuzz::{folder, read};
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;

const MAGIC: &[u8] = &[0x1f, 0x8b];

fuzz_target!(|data: &[u8]| {
    let damaged = [MAGIC, data].concat();
    let holder = folder(&[("table.csv", &damaged)]);
    read(&holder.path().join("table.csv"), &LoadOptions::default());

    if !data.starts_with(MAGIC) {
        assert_eq!(outcome(&packed(data)), outcome(data));
    }
});

fn packed(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

/// The digest of the panel, or what is wrong with the file.
fn outcome(bytes: &[u8]) -> Result<String, String> {
    let folder = folder(&[("table.csv", bytes)]);
    let path = folder.path().join("table.csv");
    let loaded = load(path.to_str().expect("a path of this file"), &LoadOptions::default());
    loaded.map(|loaded| loaded.panel.digest()).map_err(|error| error.hint().unwrap_or_default())
}
