//! Fits and forecasts `ets` for every series of a source as of a date: what `make bench-peers` holds against statsforecast.
//! `cargo run --release -p covid-training --example ets -- PATH AS_OF HORIZON`
//!
//! One line of JSON: `series`, `seconds` (fit and forecast, on the panel in memory), `rmsle` (of the two targets, all days).

#![allow(clippy::print_stdout, reason = "its only result is a line")]

use std::{env, error::Error, time::Instant};

use covid_core::{Target, metrics::SquaredLogError};
use covid_data::{LoadOptions, load};
use covid_training::{FittedForecaster, Forecaster, Spec};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [path, as_of, horizon] = words.as_slice() else { return Err("give PATH AS_OF HORIZON".into()) };
    let horizon: usize = horizon.parse()?;
    let panel = load(path, &LoadOptions::default())?.panel;
    let published = panel.view();
    let view = published.earlier(as_of.parse()?)?;
    let ets: Spec = "ets".parse()?;

    let start = Instant::now();
    let paths = ets.fit(&view)?.predict(&view, horizon);
    let seconds = start.elapsed().as_secs_f64();

    let rmsle = Target::ALL.map(|target| {
        let mut errors = SquaredLogError::default();
        for place in 0..view.locations().len() {
            for (ahead, x) in paths.path(place, target).iter().enumerate() {
                errors.add(x.exp_m1(), published.count_at(place, target, view.days() + ahead));
            }
        }
        errors.rmsle().unwrap_or(f64::NAN)
    });
    let series = 2 * view.locations().len();
    println!("{{\"series\": {series}, \"seconds\": {seconds}, \"rmsle\": [{}, {}]}}", rmsle[0], rmsle[1]);
    Ok(())
}
