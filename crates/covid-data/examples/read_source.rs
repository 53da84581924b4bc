//! Reads a source and repairs it, and says how long that took and how much memory: what `make bench-peers` holds against
//! pandas. `cargo run --release -p covid-data --example read_source -- PATH [--by-county]`
//!
//! One line of JSON: `locations`, `days`, `confirmed` and `deaths` (sums over all counts, to compare), `read_seconds`,
//! `repair_seconds`, `panel_bytes`, and, on Linux, `peak_bytes`: the highest resident memory above that at the start.

#![allow(clippy::print_stdout, reason = "its only result is a line")]

use std::{env, fs, time::Instant};

use covid_core::{Panel, Target};
use covid_data::{DataError, LoadOptions, Repair, load, repair};

fn main() -> Result<(), DataError> {
    let (options, paths): (Vec<String>, Vec<String>) = env::args().skip(1).partition(|word| word.starts_with("--"));
    let source = paths.first().map_or("sample", String::as_str);
    let by_county = options.iter().any(|option| option == "--by-county");
    let before = memory("VmRSS:");

    let start = Instant::now();
    let panel = load(source, &LoadOptions { by_county, ..LoadOptions::default() })?.panel;
    let read_seconds = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let (repaired, _) = repair(&panel.view(), Repair::Monotone);
    let repair_seconds = start.elapsed().as_secs_f64();

    let peak_bytes =
        memory("VmHWM:").zip(before).map_or("null".to_owned(), |(peak, before)| (peak - before).to_string());
    let (locations, days) = (panel.locations().len(), repaired.days());
    let panel_bytes = locations * days * Target::ALL.len() * size_of::<f64>();
    let [confirmed, deaths] = Target::ALL.map(|target| sum(&panel, target));
    println!(
        "{{\"locations\": {locations}, \"days\": {days}, \"confirmed\": {confirmed}, \"deaths\": {deaths}, \
         \"read_seconds\": {read_seconds}, \"repair_seconds\": {repair_seconds}, \"panel_bytes\": {panel_bytes}, \
         \"peak_bytes\": {peak_bytes}}}"
    );
    Ok(())
}

fn sum(panel: &Panel, target: Target) -> f64 {
    let counts = (0..panel.locations().len()).flat_map(|location| panel.counts(location, target));
    counts.filter(|count| !count.is_nan()).sum()
}

/// A line of `/proc/self/status`, in bytes; none on other systems.
fn memory(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}
