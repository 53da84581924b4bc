//! Reading, repairing and storing panels of JHU's size: the real ones where `COVID_TEST_DATA` names them, else simulated
//! ones of 289 locations and, as many as US counties, 3,340, both of 1143 days.

use std::{
    fs::{self, File},
    hint::black_box,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use covid_data::{
    LoadOptions, Repair, Simulation, load, panel_from_parquet, panel_to_parquet, quality, repair, write_jhu,
};
use criterion::{Criterion, criterion_group, criterion_main};
use flate2::{Compression, write::GzEncoder};

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

fn counties(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = county_source(folder.path());
    let panel = load(&source, &LoadOptions::default()).expect("a JHU folder").panel;
    let mut group = criterion.benchmark_group("counties");
    group.sample_size(20);
    group.bench_function("read JHU 3340 x 1143, gzip", |bench| {
        bench.iter(|| load(black_box(&source), &LoadOptions::default()));
    });
    group.bench_function("repair", |bench| bench.iter(|| repair(&black_box(&panel).view(), Repair::Monotone)));
}

fn source(folder: &Path) -> String {
    real("jhu").unwrap_or_else(|| simulated(289, folder))
}

fn county_source(folder: &Path) -> String {
    real("us_counties").unwrap_or_else(|| {
        let source = simulated(3340, folder);
        for file in fs::read_dir(folder).expect("a folder").flatten() {
            pack(&file.path()).expect("a file that can be packed");
        }
        source
    })
}

fn real(name: &str) -> Option<String> {
    let data = std::env::var_os("COVID_TEST_DATA").map(PathBuf::from)?;
    Some(data.join(name).to_string_lossy().into_owned())
}

fn simulated(locations: usize, folder: &Path) -> String {
    let simulation = Simulation::new(locations, 1143, 1).expect("a size in range");
    write_jhu(&simulation.panel(), folder).expect("a folder that can be written");
    folder.to_string_lossy().into_owned()
}

/// Puts an archive in the place of a file.
fn pack(path: &Path) -> io::Result<()> {
    let mut archive = GzEncoder::new(File::create(path.with_extension("csv.gz"))?, Compression::default());
    io::copy(&mut BufReader::new(File::open(path)?), &mut archive)?;
    archive.finish()?;
    fs::remove_file(path)
}

criterion_group!(benches, parse, counties);
criterion_main!(benches);
