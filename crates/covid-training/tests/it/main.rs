//! What must always hold of training: no look-ahead, exact model files, figures computed elsewhere.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod calibration;
mod constants;
mod daily_reports;
mod golden;
mod look_ahead;
mod pauses;
mod reference;
mod rolling;
mod weekdays;

use covid_core::{Date, Location, Panel, PanelView};
use covid_training::TrainingSettings;

const SETTINGS: TrainingSettings =
    TrainingSettings { horizon: 7, every: 7, tuning_origins: 3, calibration_half_life: 20 };

/// Models see the published counts.
fn as_published(view: &PanelView<'_>) -> Panel {
    view.to_panel()
}

/// Models see repaired counts: a repair that saw a later, lower count would lower earlier ones.
fn monotone(view: &PanelView<'_>) -> Panel {
    covid_data::repair(view, covid_data::Repair::Monotone).0
}

/// Growing epidemics of different sizes, with gaps and corrections that lower a count, from a small linear congruential generator.
fn epidemics(locations: usize, days: usize, mut seed: u64) -> Panel {
    let mut random = move || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as f64 / f64::from(u32::MAX >> 1)
    };
    let mut counts = Vec::with_capacity(locations * 2 * days);
    for _ in 0..locations {
        let (size, start) = (10.0 + 5000.0 * random(), (random() * 20.0) as usize);
        for share in [1.0, 0.02] {
            let mut count = 0f64;
            counts.extend((0..days).map(|day| {
                if day >= start {
                    count += (share * size * (0.5 + random())).floor();
                }
                match random() {
                    chance if chance < 0.03 => f64::NAN,
                    chance if chance < 0.06 => {
                        count = (count * 0.98).floor();
                        count
                    }
                    _ => count,
                }
            }));
        }
    }
    let locations = (0..locations).map(|i| Location::country(&format!("Dataland {i}"))).collect();
    Panel::new(locations, Date::constant(2020, 1, 22), days, counts).unwrap()
}
