//! The simulator: the same panel every time, and one that looks like published counts.

use covid_core::{Panel, PanelView, Target, metrics::SquaredLogError, metrics::headline};
use covid_data::{Findings, LoadOptions, Simulation, SourceKind, load, quality};

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
    let loaded = load("sample", &LoadOptions::default()).unwrap();
    assert_eq!(loaded.kind, SourceKind::Sample);
    assert_eq!(loaded.dataset, "sample");
    assert_eq!(loaded.description, "simulated, 48 locations x 500 days, seed 1");
    assert_eq!(loaded.panel.first_date().to_string(), "2020-01-22");
    assert_eq!(loaded.panel.last_date().to_string(), "2021-06-04");
}

#[test]
fn the_sample_has_what_published_counts_have() {
    let panel = Simulation::sample().panel();
    let found = quality(&panel.view(), &Findings::default());
    let [cases, deaths] = found.targets.map(Option::unwrap);
    assert!((10..100).contains(&cases.decreases), "corrections: {}", cases.decreases);
    assert!((2..12).contains(&found.weekly_reporters.len()), "weekly: {:?}", found.weekly_reporters);
    assert!((2..12).contains(&deaths.never_positive), "no deaths: {}", deaths.never_positive);
    assert_eq!((cases.never_positive, cases.non_integer, cases.missing), (0, 0, 0));
    let waves = (0..panel.locations().len()).map(|location| peaks(&panel, location)).collect::<Vec<_>>();
    assert!(waves.iter().filter(|&&waves| waves >= 2).count() > 40, "waves: {waves:?}");
    assert!(weekend_share(&panel) < 0.23, "weekend: {}", weekend_share(&panel));
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

/// New cases of one location by day.
fn new_cases(panel: &Panel, location: usize) -> Vec<f64> {
    panel.counts(location, Target::ConfirmedCases).windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Days on which new cases of two weeks are positive and the highest of the 35 days on either side.
fn peaks(panel: &Panel, location: usize) -> usize {
    let smooth: Vec<f64> = new_cases(panel, location).windows(14).map(|days| days.iter().sum()).collect();
    let highest = |window: &&[f64]| window[35] > 0.0 && window.iter().all(|&other| other <= window[35]);
    smooth.windows(71).filter(highest).count()
}

/// Share of new cases that is published on Saturdays and Sundays; 2/7 without a weekend.
fn weekend_share(panel: &Panel) -> f64 {
    let (mut weekend, mut all) = (0.0, 0.0);
    for location in 0..panel.locations().len() {
        for (day, new) in new_cases(panel, location).into_iter().enumerate() {
            all += new;
            // The first difference is that of a Thursday.
            weekend += if matches!(day % 7, 2 | 3) { new } else { 0.0 };
        }
    }
    weekend / all
}
