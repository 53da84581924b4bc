//! What a report on the data says of panels made by hand, and what it says of none.

use covid_core::{Date, Location, Panel, Target, add_days};
use covid_monitoring::{DRIFT_WINDOW, DataReport, EmptyDays, Extent, LastSeen, Quantity, Shares, usual};
use proptest::prelude::*;

const START: Date = Date::constant(2020, 1, 22);
const GAP: f64 = f64::NAN;

fn day(day: i64) -> Date {
    add_days(START, day)
}

/// Cases by day, and a hundredth of them as deaths.
fn panel_of(places: &[(&str, Vec<f64>)]) -> Panel {
    let locations = places.iter().map(|(name, _)| Location::country(name)).collect();
    let values = places.iter().flat_map(|(_, cases)| {
        cases.iter().copied().chain(cases.iter().map(|cases| (cases / 100.0).floor())).collect::<Vec<f64>>()
    });
    Panel::new(locations, START, places[0].1.len(), values.collect()).unwrap()
}

/// So many new cases a day.
fn cases(days: usize, new: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut total = 1000.0;
    let add = |day| {
        total += new(day);
        total
    };
    (0..days).map(add).collect()
}

fn steady(days: usize) -> Vec<f64> {
    cases(days, |_| 10.0)
}

fn report(panel: &Panel, trained: i64) -> DataReport {
    DataReport::new(&panel.view(), day(trained), DRIFT_WINDOW, &[])
}

fn names<T>(found: &[T], name: impl Fn(&T) -> &str) -> Vec<String> {
    found.iter().map(|found| name(found).to_owned()).collect()
}

#[test]
fn trained_today_nothing_has_drifted() {
    let panel = panel_of(&[("Datastan", cases(90, |day| (day * day % 17) as f64)), ("Otherland", steady(90))]);
    let found = report(&panel, 89);
    assert_eq!(found.drift.len(), 4);
    for row in &found.drift {
        assert_eq!((row.stability_index, row.d, row.cliffs_delta, row.p_value), (0.0, 0.0, 0.0, 1.0));
        assert_eq!((row.extent, row.places), (Extent::None, [2, 2]));
    }
    assert_eq!(report(&panel, 500).drift, found.drift, "a training after the as-of date is one of that date");
    assert!(report(&panel, -1).drift.is_empty(), "of a training before the data begin there is no reference");
    assert!(report(&panel, 6).drift.is_empty(), "no day has a week before it");
}

#[test]
fn a_wave_drifts_in_growth_and_level() {
    let wave = |day: usize| if day < 60 { 10.0 } else { 10.0 * 1.2f64.powi(day as i32 - 59) };
    let places: Vec<(String, Vec<f64>)> = (0..20).map(|i| (format!("Place {i}"), cases(90, wave))).collect();
    let places: Vec<(&str, Vec<f64>)> = places.iter().map(|(name, cases)| (name.as_str(), cases.clone())).collect();
    let panel = panel_of(&places);
    let found = report(&panel, 59);
    for quantity in Quantity::ALL {
        let row = found.largest_drift(quantity).unwrap();
        assert_eq!((row.extent, row.d, row.cliffs_delta), (Extent::Large, 1.0, 1.0), "{quantity}");
        assert!(row.p_value < 1e-6 && row.recent_median > row.reference_median);
    }
    // Before the wave, the level is steady, and so is all else but the growth of what grows ever less.
    let calm = DataReport::new(&panel.as_of(day(59)).unwrap(), day(45), DRIFT_WINDOW, &[]);
    let level = calm.drift.iter().find(|row| row.target == Target::ConfirmedCases && row.quantity == Quantity::Level);
    let level = level.unwrap();
    assert!(level.stability_index == 0.0 && (level.recent_median - 71f64.ln()).abs() < 1e-12);
}

#[test]
fn a_place_stalls_by_its_own_habit() {
    let until =
        |last: usize, every: usize| cases(120, move |day| if day <= last && day % every == 0 { 70.0 } else { 0.0 });
    let panel = panel_of(&[
        ("Daily", until(119, 1)),
        ("Daily, silent for a week", until(112, 1)),
        ("Daily, silent for eight days", until(111, 1)),
        ("Weekly", until(112, 7)),
        ("Weekly, two reports late", until(105, 7)),
        ("Weekly, three reports late", until(98, 7)),
        ("Hardly ever", until(60, 10)),
    ]);
    let found = report(&panel, 119).stalled;
    assert_eq!(names(&found, |place| &place.location), ["Weekly, three reports late", "Daily, silent for eight days"]);
    assert_eq!((found[0].last_change, found[0].days, found[0].usual), (day(98), 21, 7));
    assert_eq!((found[1].last_change, found[1].days, found[1].usual), (day(111), 8, 1));
    assert!((report(&panel, 119).shares().stalled - 2.0 / 7.0).abs() < 1e-15);
}

#[test]
fn deaths_alone_keep_a_place_going() {
    let mut panel = panel_of(&[("Datastan", steady(60))]);
    panel.counts_mut(0, Target::ConfirmedCases)[40..].fill(1400.0);
    assert!(report(&panel, 59).stalled.is_empty());
}

#[test]
fn a_place_is_missing_by_its_own_habit() {
    let without = |gaps: &[usize]| {
        let mut cases = steady(60);
        gaps.iter().for_each(|&gap| cases[gap] = GAP);
        cases
    };
    let weekly: Vec<f64> =
        steady(60).into_iter().enumerate().map(|(i, count)| if i % 7 == 2 { count } else { GAP }).collect();
    let panel = panel_of(&[
        ("There", without(&[30])),
        ("Gone for a day", without(&[59])),
        ("Gone for a day, as before", without(&[30, 59])),
        ("Gone for two", without(&[30, 58, 59])),
        ("Weekly", weekly),
        ("Never there", vec![GAP; 60]),
    ]);
    let found = report(&panel, 59);
    assert_eq!(names(&found.missing, |place| &place.location), ["Gone for two", "Gone for a day"]);
    assert_eq!((found.missing[0].last_date, found.missing[0].days), (day(57), 2));
    assert_eq!((found.places, found.shares().missing), (5, 2.0 / 5.0));
}

#[test]
fn an_empty_day_has_no_counts_or_the_old_ones() {
    let mut panel = panel_of(&[("Datastan", steady(60)), ("Otherland", steady(60))]);
    assert_eq!(report(&panel, 59).empty, None);
    for place in 0..2 {
        for target in Target::ALL {
            let counts = panel.counts_mut(place, target);
            counts[58] = counts[57];
            counts[59] = counts[57];
        }
    }
    assert_eq!(report(&panel, 59).empty, Some(EmptyDays { days: 2, repeated: true }));
    for place in 0..2 {
        for target in Target::ALL {
            panel.counts_mut(place, target)[59] = GAP;
        }
    }
    assert_eq!(report(&panel, 59).empty, Some(EmptyDays { days: 2, repeated: false }));
    assert_eq!(usual(&panel.view(), day(59), DRIFT_WINDOW).longest_empty, 2);
    panel.counts_mut(1, Target::Fatalities)[59] = 1e6;
    assert_eq!(report(&panel, 59).empty, None, "one place is enough");
}

#[test]
fn places_come_go_and_change_their_names() {
    let late = |from: usize| {
        let mut cases = steady(60);
        cases[..from].fill(GAP);
        cases
    };
    let mut ends = cases(60, |_| 500.0);
    ends[50..].fill(GAP);
    let mut goes_on = cases(60, |_| 500.0);
    goes_on[..50].fill(GAP);
    let panel = panel_of(&[
        ("Datastan", steady(60)),
        ("Newland", late(45)),
        ("Early", late(30)),
        ("Old name", ends),
        ("New name", goes_on),
        ("Türkiye", cases(60, |_| 1e5)),
    ]);
    let seen = |location: &str, cases: Option<f64>| LastSeen {
        location: location.into(),
        date: day(39),
        counts: [cases, cases.map(|cases| (cases / 100.0).floor())],
    };
    let known = ["Datastan", "Early", "Old name"].map(|name| seen(name, Some(1000.0)));
    let gone = [seen("Turkey", Some(4.001e6)), seen("Atlantis", Some(9e9)), seen("Unknown counts", None)];
    let last_seen = [&known[..], &gone].concat();
    let found = DataReport::new(&panel.view(), day(40), DRIFT_WINDOW, &last_seen);
    assert_eq!(names(&found.new, |place| &place.location), ["Newland"]);
    assert_eq!(found.new[0].first_date, day(45));
    assert_eq!(found.vanished, ["Atlantis", "Unknown counts"]);
    let renamed: Vec<_> = found.renamed.iter().map(|pair| (pair.old.as_str(), pair.new.as_str())).collect();
    assert_eq!(renamed, [("Turkey", "Türkiye"), ("Old name", "New name")]);
    assert!(found.renamed[0].apart == 0.0 && (0.01..0.03).contains(&found.renamed[1].apart));
    assert!(found.missing.is_empty(), "who has a new name is not missing");
    let flagged: Vec<&str> = found.flagged().into_iter().collect();
    assert_eq!(flagged, ["Atlantis", "New name", "Old name", "Turkey", "Türkiye", "Unknown counts"]);
    assert_eq!(found.vanished_share(), 2.0 / 8.0);

    let same = DataReport::new(&panel.view(), day(59), DRIFT_WINDOW, &LastSeen::all(&panel.view()));
    assert!(same.new.is_empty() && same.vanished.is_empty() && same.renamed.is_empty());
    assert_eq!(names(&same.missing, |place| &place.location), ["Old name"]);
}

#[test]
fn counts_that_fell_within_the_window_are_told_with_their_largest_fall() {
    let fall = |on: usize, by: f64| {
        let mut cases = steady(90);
        cases[on..].iter_mut().for_each(|count| *count -= by);
        cases
    };
    let mut panel = panel_of(&[
        ("Long ago", fall(61, 500.0)),
        ("First day of the window", fall(62, 500.0)),
        ("By little", fall(80, 12.0)),
        ("By much", fall(80, 900.0)),
    ]);
    // Of 20 deaths, one is much.
    panel.counts_mut(2, Target::Fatalities).fill(20.0);
    let found = report(&panel, 89).revised;
    assert_eq!(names(&found, |place| &place.location), ["By much", "First day of the window"]);
    assert_eq!((found[1].target, found[1].date, found[1].from - found[1].to), (Target::ConfirmedCases, day(62), 490.0));
}

#[test]
fn a_backlog_is_a_jump_and_a_wave_is_not() {
    let jump = |on: usize| cases(90, move |day| if day == on { 5000.0 } else { 10.0 });
    let panel = panel_of(&[
        ("Long ago", jump(61)),
        ("First day of the window", jump(62)),
        ("Last day", jump(89)),
        ("Wave", cases(90, |day| 1.2f64.powi(day as i32))),
    ]);
    let found = report(&panel, 89).jumps;
    assert_eq!(names(&found, |place| &place.location), ["First day of the window", "Last day"]);
    assert_eq!((found[0].date, found[0].new, found[0].largest_week), (day(62), 5000.0, 70.0));
    assert_eq!(report(&panel, 89).flagged().into_iter().collect::<Vec<_>>(), ["First day of the window", "Last day"]);
}

#[test]
fn what_was_usual_sets_the_limit() {
    // One of four places publishes nothing on the last day of each month of 30 days, and for one day more each time.
    let mut places = vec![("A", steady(200)), ("B", steady(200)), ("C", steady(200)), ("D", steady(200))];
    for (month, end) in (30..200).step_by(30).enumerate() {
        places[0].1[end - month..=end].fill(GAP);
    }
    let panel = panel_of(&places);
    let found = usual(&panel.view(), day(180), DRIFT_WINDOW);
    assert_eq!(found.past[0].as_of, day(180));
    // From day 180 back to day 27 in steps of five.
    assert_eq!((found.past.len(), found.past.last().unwrap().as_of), (31, day(30)));
    let missing = found.past.iter().filter(|past| past.shares.missing > 0.0).map(|past| past.as_of);
    assert_eq!(missing.collect::<Vec<_>>(), [180, 150, 120, 90, 60, 30].map(day));
    let (n, share) = (31.0, 6.0 / 31.0);
    let deviation = 0.25 * f64::sqrt(share * (1.0 - share) * n / (n - 1.0));
    let limits = found.limits().unwrap();
    assert!((limits.missing - (0.25 * share + 3.0 * deviation)).abs() < 1e-12, "{limits:?}");
    assert_eq!(Shares { missing: 0.0, ..limits }, Shares::default(), "never seen, never allowed");
    assert_eq!(usual(&panel.view(), day(60), DRIFT_WINDOW).limits(), None, "seven windows are too few");
    assert!(usual(&panel.view(), day(-1), DRIFT_WINDOW).past.is_empty());
    let later = panel.as_of(day(190)).unwrap();
    assert_eq!(usual(&later, day(180), DRIFT_WINDOW), found, "what came after the training does not count");
}

/// Counts with gaps, falls, silence and jumps.
fn panels() -> impl Strategy<Value = Panel> {
    let new = prop_oneof![6 => (0u32..50).prop_map(f64::from), 2 => Just(0.0), 1 => Just(GAP), 1 => -200.0f64..4000.0];
    (1usize..5, 1usize..90).prop_flat_map(move |(places, days)| {
        prop::collection::vec(new.clone(), places * 2 * days).prop_map(move |new| {
            let series = new.chunks(days).flat_map(|new| {
                new.iter().scan(500.0, |total, new| {
                    *total += if new.is_nan() { 0.0 } else { *new };
                    Some(if new.is_nan() { GAP } else { *total })
                })
            });
            let locations = (0..places).map(|place| Location::country(&format!("Place {place}"))).collect();
            Panel::new(locations, START, days, series.collect()).unwrap()
        })
    })
}

proptest! {
    #[test]
    fn neither_the_order_of_places_nor_later_days_matter(panel in panels(), cut in 0usize..90, trained in 0i64..90) {
        let as_of = day(cut.min(panel.days() - 1) as i64);
        let seen = panel.as_of(as_of).unwrap();
        let last_seen = LastSeen::all(&panel.as_of(day(cut.min(panel.days() - 1) as i64 / 2)).unwrap());
        let found = DataReport::new(&seen, day(trained), DRIFT_WINDOW, &last_seen);

        let mut later = panel.clone();
        for place in 0..panel.locations().len() {
            for target in Target::ALL {
                later.counts_mut(place, target)[seen.days()..].fill(7e7);
            }
        }
        let of_later = DataReport::new(&later.as_of(as_of).unwrap(), day(trained), DRIFT_WINDOW, &last_seen);
        prop_assert_eq!(&of_later, &found);
        prop_assert_eq!(usual(&later.as_of(as_of).unwrap(), day(trained), 28), usual(&seen, day(trained), 28));

        let reversed = panel.subset(&(0..panel.locations().len()).rev().collect::<Vec<_>>()).unwrap();
        let of_reversed = DataReport::new(&reversed.as_of(as_of).unwrap(), day(trained), DRIFT_WINDOW, &last_seen);
        prop_assert_eq!(&of_reversed, &found);

        prop_assert!(found.drift.iter().all(|row| row.stability_index >= 0.0));
        let again: DataReport = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
        prop_assert_eq!(again, found);
    }
}

#[test]
fn nothing_is_found_where_nothing_is() {
    for days in [1, 6, 7, 8, 40] {
        for count in [GAP, f64::INFINITY, 0.0] {
            let panel = panel_of(&[("A", vec![count; days]), ("B", vec![count; days])]);
            for window in [0, 1, 28, usize::MAX] {
                let found = DataReport::new(&panel.view(), day(days as i64 - 1), window, &[]);
                assert!(found.flagged().is_empty() && found.new.is_empty(), "{found:?}");
                assert_eq!(found.drift.is_empty(), days < 8 || count != 0.0);
                assert_eq!(found.shares(), Shares::default());
                usual(&panel.view(), day(days as i64), window);
            }
        }
    }
}
