//! scratch
#![allow(clippy::all, clippy::unwrap_used, clippy::print_stdout)]
use polars::prelude::*;
use polars::io::parquet::write::*;
use covid_data::*;
use covid_core::Target;
fn time<T>(name: &str, mut f: impl FnMut() -> T) -> T {
    let mut best = f64::MAX; let mut out = f(); let mut sum = 0.0;
    for _ in 0..25 { let t = std::time::Instant::now(); out = f(); let e = t.elapsed().as_secs_f64(); best = best.min(e); sum += e; }
    println!("{name:40} {:.2} ms mean {:.2}", best * 1e3, sum / 25.0 * 1e3); out
}
fn w(df: &DataFrame, c: ParquetCompression, rg: usize, par: bool) -> usize {
    let mut b = Vec::new();
    ParquetWriter::new(&mut b).with_compression(c).set_parallel(par).with_row_group_size(Some(rg)).finish(&mut df.clone()).unwrap();
    b.len()
}
fn main() {
    let panel = load("/work/shared/data/jhu").unwrap().panel;
    println!("size {}", time("whole", || panel_to_parquet(&panel).unwrap()).len());
    let days = panel.days(); let rows = days * 289;
    let idx = time("idx", || (0..rows).map(|r| (r / days) as u32).collect::<Vec<u32>>());
    let col = |f: fn(&covid_core::Location) -> Option<&str>| {
        let v: Vec<Option<&str>> = panel.locations().iter().map(f).collect();
        Series::new("l".into(), v).take_slice(&idx).unwrap().into_column()
    };
    let n = time("names", || col(|l| Some(l.name()))).with_name("a".into());
    let ad = time("admin", || col(|l| l.admin2())).with_name("b".into());
    let p = time("prov", || col(|l| l.province_state())).with_name("c".into());
    let c = time("country", || col(|l| l.country_region())).with_name("d".into());
    let d = time("dates", || Int32Chunked::from_vec("d".into(), (0..rows).map(|r| 18000 + (r % days) as i32).collect()).into_date().into_column()).with_name("e".into());
    let f = |t: Target| Float64Chunked::from_iter_options("f".into(), (0..289).flat_map(|l| panel.counts(l, t)).copied().map(|x| (!x.is_nan()).then_some(x))).into_column();
    let fa = time("float", || f(Target::ConfirmedCases)).with_name("f".into());
    let fb = f(Target::Fatalities).with_name("g".into());
    let df = DataFrame::new(rows, vec![n.clone(), ad, p, c.clone(), d.clone(), fa.clone(), fb]).unwrap();
    for comp in [ParquetCompression::Uncompressed, ParquetCompression::Snappy, ParquetCompression::Lz4Raw, ParquetCompression::Zstd(None)] {
        for rg in [1<<16, 1<<17, 1 << 18, 1 << 20] { for par in [false, true] {
            let n = time(&format!("{comp:?} rg {rg} par {par}"), || w(&df, comp, rg, par));
            println!("    {n}");
        } }
    }
}
