//! Changing the data after the origin changes no forecast: not through a fit, a tuning choice, a calibration or a repair.

use covid_core::{Panel, Predicted, Target};
use covid_training::{Model, Recipe, Replay, forecast_at_origin, train_on_origins};
use proptest::prelude::*;

use crate::{SETTINGS, as_published, epidemics, monotone};

const DAYS: usize = 80;

/// The same past, another future.
fn with_another_future(panel: &Panel, origin: usize, factor: f64, seed: u64) -> Panel {
    let mut changed = panel.clone();
    for location in 0..panel.locations().len() {
        for target in Target::ALL {
            for (i, count) in changed.counts_mut(location, target).iter_mut().enumerate().skip(origin + 1) {
                *count = if (i as u64 + seed).is_multiple_of(5) { f64::NAN } else { *count * factor };
            }
        }
    }
    changed
}

/// The same with a first place that has reported nothing for some days before the origin.
fn with_a_pause(mut panel: Panel, origin: usize, days: usize) -> Panel {
    for target in Target::ALL {
        let counts = panel.counts_mut(0, target);
        let last = counts[origin - days];
        counts[origin - days..=origin].fill(last);
    }
    panel
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_future_changes_no_forecast(
        seed in any::<u64>(),
        origin in 35usize..DAYS - 1,
        factor in 0.0f64..50.0,
        repaired in any::<bool>(),
    ) {
        let prepare = if repaired { monotone } else { as_published };
        let panel = with_a_pause(epidemics(8, DAYS, seed), origin, seed as usize % 15);
        let changed = with_another_future(&panel, origin, factor, seed % 7);
        prop_assert_ne!(panel.digest(), changed.digest());
        for recipe in Recipe::CANDIDATES {
            let forecasts = [&panel, &changed].map(|panel| {
                let replay = Replay::new(panel.view(), &prepare, 28);
                let trained = train_on_origins(&replay, recipe, &[panel.date(origin)], 28, &SETTINGS).unwrap();
                let tested = forecast_at_origin(&replay, &trained[0], 28).unwrap();
                let view = panel.as_of(panel.date(origin)).unwrap();
                let cut = Replay::new(view, &prepare, 28);
                let model = Model::train(&cut, recipe, &SETTINGS).unwrap();
                let seen = prepare(&view);
                // What the other weekdays taught is of days before the origin, too.
                let whole = trained[0].clone().for_every_weekday(&replay).unwrap();
                (tested, whole == model, model.forecast(&seen.view(), 28))
            });
            // As text, in which one NaN of an exploded forecast equals another.
            let [one, other] = forecasts.each_ref().map(|(tested, ..)| format!("{tested:?}"));
            prop_assert!(one == other, "{recipe}");
            // A backtest at an origin is what a training on that day is and forecasts.
            let ((cumulative, weekly), same, later) = &forecasts[0];
            prop_assert!(same, "{recipe}");
            prop_assert!(weekly.is_some());
            if let Ok(later) = later {
                prop_assert_eq!(cumulative, later);
            }
        }
    }

    #[test]
    fn quantiles_never_cross_and_never_fall_below_point_and_last_count(seed in any::<u64>(), days in 30usize..DAYS) {
        let panel = epidemics(5, days, seed);
        let view = panel.view();
        let (mut checked, mut weekly) = (0, 0);
        for recipe in Recipe::CANDIDATES {
            let replay = Replay::new(view, &as_published, 60);
            let model = Model::train(&replay, recipe, &SETTINGS).unwrap();
            let Ok(forecast) = model.forecast(&view, 60) else { continue };
            let weeks = model.forecast_weeks(&view, &[0, 1, 2, 3, 4]);
            weekly += usize::from(weeks.is_some());
            for location in 0..5 {
                for target in Target::ALL {
                    let last = view.last_count(location, target);
                    checked += 1;
                    for predicted in forecast.path(location, target) {
                        prop_assert!(predicted.quantiles.is_sorted());
                        prop_assert!(predicted.quantiles[0] >= last.min(predicted.point));
                    }
                    let falls = |pair: &[Predicted]| pair[0].quantiles.iter().zip(pair[1].quantiles).any(|(a, b)| *a > b);
                    prop_assert!(!forecast.path(location, target).windows(2).any(falls), "{recipe}");
                    let week = |week| weeks.as_ref().map(|weeks| weeks.get(location, target, week).quantiles);
                    for quantiles in (1..=4).filter_map(week) {
                        prop_assert!(quantiles.is_sorted() && quantiles[0] >= 0.0, "{recipe}: {quantiles:?}");
                    }
                }
            }
        }
        // Persistence and damped growth never explode.
        prop_assert!(checked >= 2 * 5 * 2 && weekly >= 2);
    }
}
