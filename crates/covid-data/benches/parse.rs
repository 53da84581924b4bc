//! Reading, repairing and storing a panel of JHU's size: the real one where `COVID_TEST_DATA` names it, else a simulated
//! one of 289 locations and 1143 days.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
};

use covid_data::{
    LoadOptions, Repair, Simulation, load, panel_from_parquet, panel_to_parquet, quality, repair, write_jhu,
};
use criterion::{Criterion, criterion_group, criterion_main};

fn parse(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = source(folder.path());
    let panel = load(&source, &LoadOptions::default()).expect("a JHU folder").panel;
    let vintage = panel_to_parquet(&panel).expect("a vintage");
    criterion.bench_function("read JHU 289 x 1143", |bench| {
        bench.iter(|| load(black_box(&source), &LoadOptions::default()));
    });
    criterion.bench_function("digest", |bench| bench.iter(|| black_box(&panel).digest()));
    criterion.bench_function("repair", |bench| bench.iter(|| repair(&black_box(&panel).view(), Repair::Monotone)));
    criterion.bench_function("quality", |bench| bench.iter(|| quality(&black_box(&panel).view())));
    criterion.bench_function("vintage to Parquet", |bench| bench.iter(|| panel_to_parquet(black_box(&panel))));
    criterion.bench_function("vintage from Parquet", |bench| bench.iter(|| panel_from_parquet(black_box(&vintage))));
    criterion.bench_function("simulate the sample", |bench| bench.iter(|| Simulation::sample().panel()));
}

fn source(folder: &Path) -> String {
    let real = std::env::var_os("COVID_TEST_DATA").map(|data| PathBuf::from(data).join("jhu"));
    let source = real.unwrap_or_else(|| {
        let simulation = Simulation::new(289, 1143, 1).expect("a size in range");
        write_jhu(&simulation.panel(), folder).expect("a folder that can be written");
        folder.to_owned()
    });
    source.to_string_lossy().into_owned()
}

criterion_group!(benches, parse);
criterion_main!(benches);
