//! How long the scores of all candidates take, refitted on every day of some days, 7 days ahead, and how much memory: on a
//! simulated panel of the real data's size, 289 places and 1143 days. Give the number of days: `-- 365`; with the name of a
//! candidate behind it, that one alone.
#![allow(clippy::print_stdout)]

use std::{env, error::Error, fs, time::Instant};

use covid_core::{Date, PanelView};
use covid_data::{Repair, Simulation, repair};
use covid_training::{Recipe, Replay, TrainingSettings, roll};

const SETTINGS: TrainingSettings =
    TrainingSettings { horizon: 7, every: 7, tuning_origins: 8, calibration_half_life: 20 };

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let days: usize = arguments.next().ok_or("give the number of days")?.parse()?;
    let recipes = match arguments.next() {
        Some(name) => vec![name.parse()?],
        None => Recipe::CANDIDATES.to_vec(),
    };
    let panel = Simulation::new(289, 1143, 1)?.panel();
    let prepare = |view: &PanelView<'_>| repair(view, Repair::Monotone).0;
    let first = panel.days().saturating_sub(7 + days);
    let origins: Vec<Date> = (first..panel.days() - 7).map(|day| panel.date(day)).collect();
    let (start, mut scores) = (Instant::now(), 0);
    roll(&Replay::new(panel.view(), &prepare, 7), &recipes, &origins, 7, &SETTINGS, |_, _| scores += 1)?;
    println!("{scores} scores in {:.1} s{}", start.elapsed().as_secs_f64(), peak_memory());
    Ok(())
}

/// The most memory that the process has held so far, where the system tells.
fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.map_or_else(String::new, |kilobytes: f64| format!("; peak memory {:.0} MiB", kilobytes / 1024.0))
}
