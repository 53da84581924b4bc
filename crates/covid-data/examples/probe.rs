#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]
use covid_data::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let l = load(&a[1], &LoadOptions::default()).unwrap();
    let t = std::time::Instant::now();
    let (_, r) = repair(&l.panel.view(), Repair::Monotone);
    println!("repair {:?} {r}", t.elapsed());
    let t = std::time::Instant::now();
    let q = quality(&l.panel.view(), &l.findings);
    println!("quality {:?}", t.elapsed());
    for t in &q.targets {
        println!("{} dec {} jumps {} in {} series", t.target, t.decreases, t.jumps, t.jumping_series);
        for j in t.worst_jumps.iter().take(12) {
            println!("   {j:?}");
        }
        for j in t.worst_jumps.iter().rev().take(6) {
            println!("   {j:?}");
        }
    }
    println!("stopped {:?}", &q.stopped.iter().take(12).collect::<Vec<_>>());
    println!("weekly {} {:?}", q.weekly_reporters.len(), &q.weekly_reporters.iter().take(8).collect::<Vec<_>>());
    if let Some(b) = a.get(2) {
        let o = load(b, &LoadOptions::default()).unwrap();
        let t = std::time::Instant::now();
        let r = compare(&o.panel.view(), &l.panel.view());
        println!("compare {:?}", t.elapsed());
        let t = std::time::Instant::now();
        let c = revisions_to_csv(&o.panel.view(), &l.panel.view(), 1000000);
        println!("csv {:?} {} rows {} bytes", t.elapsed(), c.rows, c.csv.len());
        println!(
            "{:?}\nadded {:?} appeared {:?} vanished {:?} renamed {:?}",
            r.common, r.added, r.appeared, r.vanished, r.renamed
        );
        for t in &r.targets {
            println!(
                "{} {:?} abs {:?} rel {:?} totals {:?} {:?}",
                t.target,
                t.changes,
                t.absolute,
                t.relative,
                t.latest_totals,
                t.largest.iter().take(5).collect::<Vec<_>>()
            );
        }
        println!("{:?}", r.ages);
        println!("{:?}", r.series.iter().take(5).collect::<Vec<_>>());
    }
}
