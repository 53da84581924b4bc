//! The simulator: the same panel every time, and one that looks like published counts.

use covid_core::{Panel, PanelView, Target, metrics::SquaredLogError, metrics::headline};
use covid_data::{Simulation, SourceKind, load, quality};

#[test]
fn the_same_numbers_give_the_same_panel() {
    let digest = |seed| Simulation::new(3, 30, seed).unwrap().panel().digest();
    assert_eq!(digest(1), "fc46cbb5935b24543237a8f189fdfafb1a5a3a328251a7922e99c154153ffef9");
    assert_ne!(digest(1), digest(2));
}

#[test]
fn a_location_does_not_depend_on_how_many_there_are() {
    let (few, many) = (Simulation::new(5, 120, 9).unwrap().panel(), Simulation::new(40, 120, 9).unwrap().panel());
    for (index, location) in few.locations().iter().enumerate() {
        assert_eq!(location, &many.locations()[index]);
        for target in Target::ALL {
            assert_eq!(few.counts(index, target), many.counts(index, target));
        }
    }
}

#[test]
fn the_first_days_do_not_depend_on_how_many_there_are() {
    let (short, long) = (Simulation::new(5, 60, 9).unwrap().panel(), Simulation::new(5, 200, 9).unwrap().panel());
    assert_eq!(long.as_of(short.last_date()).unwrap().to_panel().digest(), short.digest());
}

#[test]
fn the_sample_is_described() {
    let loaded = load("sample").unwrap();
    assert_eq!(loaded.kind, SourceKind::Sample);
    assert_eq!(loaded.dataset, "sample");
    assert_eq!(loaded.description, "simulated, 48 locations x 500 days, seed 1");
    assert_eq!(loaded.panel.first_date().to_string(), "2020-01-22");
    assert_eq!(loaded.panel.last_date().to_string(), "2021-06-04");
}

#[test]
fn the_sample_has_what_published_counts_have() {
    let panel = Simulation::sample().panel();
    let found = quality(&panel.view());
    let [cases, deaths] = &found.targets;
    assert!((10..100).contains(&cases.decreases), "corrections: {}", cases.decreases);
    assert!((2..12).contains(&found.weekly_reporters.len()), "weekly: {:?}", found.weekly_reporters);
    assert!((2..12).contains(&deaths.never_positive), "no deaths: {}", deaths.never_positive);
    assert_eq!((cases.never_positive, cases.non_integer, cases.missing), (0, 0, 0));
    assert!(peaks(&panel) >= 3, "waves: {}", peaks(&panel));
    assert!(weekend_share(&panel) < 0.2, "weekend: {}", weekend_share(&panel));
}

#[test]
fn deaths_stay_below_cases() {
    let panel = Simulation::sample().panel();
    for index in 0..panel.locations().len() {
        let last = |target| panel.counts(index, target)[panel.days() - 1];
        assert!(last(Target::Fatalities) <= 0.2 * last(Target::ConfirmedCases), "{}", panel.locations()[index]);
    }
}

/// Otherwise the lesson of every stage would be another one than with real data.
#[test]
fn damped_growth_beats_persistence_on_the_sample() {
    let panel = Simulation::sample().panel();
    let origins: Vec<usize> = (40..490).step_by(28).collect();
    let mean = |forecast: fn(&[f64], i32) -> f64| {
        origins.iter().map(|&origin| score(&panel.view(), origin, forecast)).sum::<f64>() / origins.len() as f64
    };
    let persistence = mean(|x, _| x[x.len() - 1]);
    let damped = mean(|x, ahead| {
        let growth = (x[x.len() - 1] - x[x.len() - 8]) / 7.0;
        x[x.len() - 1] + growth * (1..=ahead).map(|day| 0.9f64.powi(day)).sum::<f64>()
    });
    assert!((0.05..0.3).contains(&persistence), "persistence {persistence}");
    assert!(damped < 0.9 * persistence, "damped growth {damped}, persistence {persistence}");
}

/// The headline RMSLE over 7 days from an origin, of a forecast on x = ln(1 + count).
fn score(view: &PanelView<'_>, origin: usize, forecast: fn(&[f64], i32) -> f64) -> f64 {
    let mut errors = [SquaredLogError::default(); 2];
    for location in 0..view.locations().len() {
        for target in Target::ALL {
            let logs = view.logs(location, target);
            for ahead in 1..=7 {
                let predicted = forecast(&logs[..=origin], ahead).exp_m1();
                errors[target.index()].add(predicted, logs[origin + ahead as usize].exp_m1());
            }
        }
    }
    headline(errors).unwrap()
}

/// New cases of the world by day.
fn world(panel: &Panel) -> Vec<f64> {
    let total = |day| (0..panel.locations().len()).map(|i| panel.counts(i, Target::ConfirmedCases)[day]).sum::<f64>();
    (1..panel.days()).map(|day| total(day) - total(day - 1)).collect()
}

/// Days on which the world's weekly new cases are the highest of the 35 days on either side.
fn peaks(panel: &Panel) -> usize {
    let weekly: Vec<f64> = world(panel).windows(7).map(|week| week.iter().sum()).collect();
    weekly.windows(71).filter(|window| window.iter().all(|&other| other <= window[35])).count()
}

/// Share of new cases that is published on Saturdays and Sundays; 2/7 without a weekend.
fn weekend_share(panel: &Panel) -> f64 {
    let new = world(panel);
    // The first difference is that of a Thursday.
    let weekend: f64 = new.iter().enumerate().filter(|(day, _)| matches!(day % 7, 2 | 3)).map(|(_, new)| new).sum();
    weekend / new.iter().sum::<f64>()
}
