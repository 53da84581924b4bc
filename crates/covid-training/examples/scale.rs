//! How the full candidate grows with the number of places: simulated panels of 400 days, trained, calibrated for 60
//! days ahead as the product does, and forecast 7 days ahead with intervals. Give the numbers of places: `-- 1000 10000 100000`.
#![allow(clippy::print_stdout)]

use std::{env, error::Error, fs, time::Instant};

use covid_core::{MAX_HORIZON, PanelView};
use covid_data::Simulation;
use covid_training::{Model, Recipe, Replay, TrainingSettings};

const SETTINGS: TrainingSettings =
    TrainingSettings { horizon: 7, every: 7, tuning_origins: 8, calibration_half_life: 20 };

fn main() -> Result<(), Box<dyn Error>> {
    let ensemble: Recipe = "ensemble".parse()?;
    let prepare = |view: &PanelView<'_>| view.to_panel();
    for places in env::args().skip(1) {
        let panel = Simulation::new(places.parse()?, 400, 1)?.panel();
        let start = Instant::now();
        let model = Model::train(&Replay::new(panel.view(), &prepare, MAX_HORIZON), ensemble, &SETTINGS)?;
        let trained = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let forecast = model.forecast(&panel.view(), 7)?;
        let forecast_in = start.elapsed().as_secs_f64();
        let places = forecast.locations().len();
        println!("{places:>6} places: trained in {trained:.2} s, forecast in {forecast_in:.2} s{}", peak_memory());
    }
    Ok(())
}

/// The most memory that the process has held so far, where the system tells.
fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.map_or_else(String::new, |kilobytes: f64| format!("; peak memory so far {:.0} MiB", kilobytes / 1024.0))
}
