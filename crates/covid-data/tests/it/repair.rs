//! Repair, as the contract has it.

use covid_core::{Date, Location, Panel, Target};
use covid_data::{Repair, repair, repaired_counts, repairs_to_csv};
use insta::assert_snapshot;
use proptest::prelude::*;

const START: Date = Date::constant(2020, 1, 22);

/// Panels of one location, with falls and gaps.
fn panels() -> impl Strategy<Value = Panel> {
    let count = prop_oneof![4 => (0u32..100).prop_map(f64::from), 1 => Just(f64::NAN)];
    (2usize..30).prop_flat_map(move |days| {
        prop::collection::vec(count.clone(), 2 * days)
            .prop_map(move |values| Panel::new(vec![Location::country("Datastan")], START, days, values).unwrap())
    })
}

fn published(counts: &[f64]) -> Vec<f64> {
    counts.iter().copied().filter(|count| !count.is_nan()).collect()
}

proptest! {
    #[test]
    fn the_latest_count_stays_and_nothing_falls_or_rises(panel in panels()) {
        let (repaired, report) = repair(&panel.view(), Repair::Monotone);
        let mut lowered = 0;
        for target in Target::ALL {
            let (before, after) = (panel.counts(0, target), repaired.counts(0, target));
            prop_assert!(before.iter().zip(after).all(|(before, after)| before.is_nan() == after.is_nan()));
            prop_assert!(before.iter().zip(after).all(|(before, after)| before.is_nan() || after <= before));
            let (before, after) = (published(before), published(after));
            prop_assert_eq!(after.last(), before.last());
            prop_assert!(after.windows(2).all(|pair| pair[0] <= pair[1]));
            lowered += before.iter().zip(&after).filter(|(before, after)| after < before).count();
        }
        prop_assert_eq!(report.lowered_counts, lowered);
        prop_assert!(report.lowered_series <= 2 && (report.lowered_series > 0) == (lowered > 0));
    }

    #[test]
    fn each_changed_count_is_told_once(panel in panels()) {
        let (mut repaired, report) = repair(&panel.view(), Repair::Monotone);
        let mut told = 0;
        for found in repaired_counts(&panel.view(), Repair::Monotone) {
            let day = panel.day(found.date).unwrap();
            let count = &mut repaired.counts_mut(0, found.target)[day];
            prop_assert_eq!((found.repaired, found.rule), (*count, Repair::Monotone));
            prop_assert!(found.repaired < found.published);
            *count = found.published;
            told += 1;
        }
        prop_assert_eq!(told, report.lowered_counts);
        prop_assert_eq!(repaired.digest(), panel.digest(), "undone, it is as published");
        prop_assert_eq!(repaired_counts(&panel.view(), Repair::None).count(), 0);
    }

    #[test]
    fn repairing_again_changes_nothing(panel in panels()) {
        let (once, _) = repair(&panel.view(), Repair::Monotone);
        let (twice, report) = repair(&once.view(), Repair::Monotone);
        prop_assert_eq!(once.digest(), twice.digest());
        prop_assert_eq!(report.lowered_counts, 0);
    }

    #[test]
    fn the_future_changes_nothing(panel in panels(), cut in 0usize..30, future in 0f64..100.0) {
        let cut = cut % panel.days();
        let mut other = panel.clone();
        for target in Target::ALL {
            other.counts_mut(0, target)[cut + 1..].fill(future);
        }
        let as_of = panel.date(cut);
        let (first, report) = repair(&panel.as_of(as_of).unwrap(), Repair::Monotone);
        let (second, same_report) = repair(&other.as_of(as_of).unwrap(), Repair::Monotone);
        prop_assert_eq!(first.digest(), second.digest());
        prop_assert_eq!(report, same_report);
        prop_assert_eq!(first.last_date(), as_of);
    }

    #[test]
    fn none_changes_nothing(panel in panels()) {
        let (same, report) = repair(&panel.view(), Repair::None);
        prop_assert_eq!(same.digest(), panel.digest());
        prop_assert_eq!(report.lowered_counts, 0);
    }
}

#[test]
fn a_report_says_what_was_done() {
    let panel = Panel::new(vec![Location::country("Datastan")], START, 3, vec![5.0, 9.0, 4.0, 0.0, 1.0, 1.0]).unwrap();
    assert_eq!(repair(&panel.view(), Repair::Monotone).1.to_string(), "2 counts in 1 series lowered");
    assert_eq!(repair(&panel.view(), Repair::None).1.to_string(), "no repair");
}

#[test]
fn each_changed_count_has_a_row() {
    let places = vec![Location::province("Upper, Lassonia", "Lassonia"), Location::country("Datastan")];
    let values = [[5.0, 9.0, f64::NAN, 4.5], [0.0, 1.0, 1.0, 1.0], [1.0; 4], [2.0, 1.0, 2.0, 2.0]].concat();
    let panel = Panel::new(places, START, 4, values).unwrap();
    let all = repairs_to_csv(&panel.view(), Repair::Monotone, 10);
    assert_snapshot!(all.csv, @r#"
    location,Admin2,Province_State,Country_Region,target,date,published,repaired,rule
    "Upper, Lassonia, Lassonia",,"Upper, Lassonia",Lassonia,ConfirmedCases,2020-01-22,5,4.5,monotone
    "Upper, Lassonia, Lassonia",,"Upper, Lassonia",Lassonia,ConfirmedCases,2020-01-23,9,4.5,monotone
    Datastan,,,Datastan,Fatalities,2020-01-22,2,1,monotone
    "#);
    assert_eq!((all.rows, all.left_out), (3, 0));
    let some = repairs_to_csv(&panel.view(), Repair::Monotone, 1);
    assert_eq!((some.rows, some.left_out, some.csv.lines().count()), (1, 2, 2));
    assert_snapshot!(repairs_to_csv(&panel.view(), Repair::None, 10).csv, @"location,Admin2,Province_State,Country_Region,target,date,published,repaired,rule");
}
