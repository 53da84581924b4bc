//! What changed between two vintages.

use covid_core::{Date, Location, Panel, Target};
use covid_data::{DateRange, Revisions, compare, revised_counts, revisions_to_csv};
use insta::assert_snapshot;
use proptest::prelude::*;

const START: Date = Date::constant(2020, 1, 22);

fn panel(start: Date, places: &[(&str, &[f64])]) -> Panel {
    let days = places[0].1.len();
    let locations = places.iter().map(|(name, _)| Location::country(name)).collect();
    // Deaths are a tenth of the cases.
    let values = places.iter().flat_map(|(_, cases)| {
        cases.iter().copied().chain(cases.iter().map(|count| (count / 10.0).floor())).collect::<Vec<_>>()
    });
    Panel::new(locations, start, days, values.collect()).unwrap()
}

/// Panels of up to three of four places on some days of a month.
fn panels() -> impl Strategy<Value = Panel> {
    let count = prop_oneof![4 => (0u32..4).prop_map(|count| f64::from(count) * 10.0), 1 => Just(f64::NAN)];
    let places = prop::sample::subsequence(vec!["A", "B", "C", "D"], 1..=3);
    (places, 0i64..15, 1usize..40).prop_flat_map(move |(places, start, days)| {
        let start = START.saturating_add(jiff::Span::new().days(start));
        prop::collection::vec(count.clone(), places.len() * 2 * days).prop_map(move |values| {
            let locations = places.iter().map(|name| Location::country(name)).collect();
            Panel::new(locations, start, days, values).unwrap()
        })
    })
}

fn changed(found: &Revisions) -> usize {
    found.targets.iter().flatten().map(|target| target.changes.changed()).sum()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

proptest! {
    #[test]
    fn a_panel_does_not_differ_from_itself(panel in panels()) {
        let found = compare(&panel.view(), &panel.view());
        prop_assert_eq!(changed(&found), 0);
        prop_assert!(found.series.is_empty() && found.added.is_empty() && found.removed.is_empty());
        prop_assert!(found.appeared.is_empty() && found.vanished.is_empty() && found.renamed.is_empty());
        let compared = panel.locations().len() * panel.days();
        let published = Target::ALL.map(|target| panel.view().targets().contains(&target).then_some(compared));
        prop_assert_eq!(found.targets.map(|target| target.map(|target| target.changes.compared)), published);
        prop_assert_eq!(revised_counts(&panel.view(), &panel.view()).count(), 0);
    }

    #[test]
    fn the_other_way_round_is_the_mirror_image(old in panels(), new in panels()) {
        let (there, back) = (compare(&old.view(), &new.view()), compare(&new.view(), &old.view()));
        prop_assert_eq!(there.common, back.common);
        prop_assert_eq!(&there.added, &back.removed);
        prop_assert_eq!(&there.removed, &back.added);
        prop_assert_eq!(sorted(there.appeared.clone()), sorted(back.vanished.clone()));
        prop_assert_eq!(sorted(there.vanished.clone()), sorted(back.appeared.clone()));
        let names = |found: &Revisions, flip: bool| {
            let pair = |r: &covid_data::Renamed| if flip { (r.to.clone(), r.from.clone()) } else { (r.from.clone(), r.to.clone()) };
            let mut names: Vec<_> = found.renamed.iter().map(pair).collect();
            names.sort();
            names
        };
        // Of equally good pairs either may be told, but as many.
        prop_assert_eq!(names(&there, false).len(), names(&back, true).len());
        prop_assert_eq!(there.targets.each_ref().map(Option::is_some), back.targets.each_ref().map(Option::is_some));
        for (a, b) in there.targets.iter().flatten().zip(back.targets.iter().flatten()) {
            prop_assert_eq!(a.changes.compared, b.changes.compared);
            prop_assert_eq!((a.changes.raised, a.changes.filled), (b.changes.lowered, b.changes.withdrawn));
            prop_assert_eq!((a.changes.lowered, a.changes.withdrawn), (b.changes.raised, b.changes.filled));
            prop_assert_eq!(a.absolute, b.absolute);
            prop_assert_eq!(a.latest_totals, [b.latest_totals[1], b.latest_totals[0]]);
        }
        let (net, other): (f64, f64) =
            (there.series.iter().map(|s| s.net).sum(), back.series.iter().map(|s| s.net).sum());
        prop_assert_eq!(net, -other);
    }

    #[test]
    fn totals_series_ages_and_rows_tell_the_same(old in panels(), new in panels()) {
        let found = compare(&old.view(), &new.view());
        let rows: Vec<_> = revised_counts(&old.view(), &new.view()).collect();
        prop_assert_eq!(rows.len(), changed(&found));
        prop_assert_eq!(found.series.iter().map(|series| series.changes.changed()).sum::<usize>(), rows.len());
        let aged: usize = found.ages.iter().flat_map(|band| band.changes).map(|changes| changes.changed()).sum();
        prop_assert_eq!(aged, rows.len());
        for row in &rows {
            let count = |panel: &Panel| {
                let index = panel.locations().iter().position(|location| location == row.location).unwrap();
                panel.count_on(index, row.target, row.date)
            };
            prop_assert_eq!(count(&old), Some(row.old).filter(|count| !count.is_nan()));
            prop_assert_eq!(count(&new), Some(row.new).filter(|count| !count.is_nan()));
            prop_assert!(row.old.is_nan() != row.new.is_nan() || row.old != row.new);
        }
        let listing = revisions_to_csv(&old.view(), &new.view(), 5);
        prop_assert_eq!((listing.rows, listing.left_out), (rows.len().min(5), rows.len().saturating_sub(5)));
    }
}

#[test]
fn counts_that_changed() {
    let gap = f64::NAN;
    let old = panel(START, &[("Raised", &[10.0, 20.0, 30.0]), ("Same", &[1.0, gap, 3.0]), ("Gone", &[1.0; 3])]);
    let new = panel(
        Date::constant(2020, 1, 23),
        &[("New", &[7.0; 3]), ("Same", &[gap, 3.0, 4.0]), ("Raised", &[26.0, gap, 50.0])],
    );
    let found = compare(&old.view(), &new.view());
    assert_eq!(found.appeared, ["New"]);
    assert_eq!(found.vanished, ["Gone"]);
    let day = |day| Date::constant(2020, 1, day);
    let range = |first, last, days| DateRange { first: day(first), last: day(last), days };
    assert_eq!(found.common, Some(range(23, 24, 2)));
    assert_eq!((found.added.as_slice(), found.removed.as_slice()), (&[range(25, 25, 1)][..], &[range(22, 22, 1)][..]));
    assert_snapshot!(serde_json::to_string_pretty(found.targets[0].as_ref().unwrap()).unwrap(), @r#"
    {
      "target": "ConfirmedCases",
      "changes": {
        "compared": 4,
        "raised": 1,
        "lowered": 0,
        "filled": 0,
        "withdrawn": 1
      },
      "absolute": {
        "median": 6.0,
        "p90": 6.0,
        "max": 6.0
      },
      "relative": {
        "median": 0.3,
        "p90": 0.3,
        "max": 0.3
      },
      "largest": [
        {
          "location": "Raised",
          "date": "2020-01-23",
          "old": 20.0,
          "new": 26.0
        }
      ],
      "latest_totals": [
        3.0,
        3.0
      ]
    }
    "#);
    assert_snapshot!(serde_json::to_string(&found.series).unwrap(), @r#"
    [{"location":"Raised","target":"ConfirmedCases","changes":{"compared":2,"raised":1,"lowered":0,"filled":0,"withdrawn":1},"total":6.0,"net":6.0,"largest":{"location":"Raised","date":"2020-01-23","old":20.0,"new":26.0},"latest":null},{"location":"Raised","target":"Fatalities","changes":{"compared":2,"raised":0,"lowered":0,"filled":0,"withdrawn":1},"total":0.0,"net":0.0,"largest":null,"latest":null}]
    "#);
    assert_snapshot!(revisions_to_csv(&old.view(), &new.view(), 100).csv, @r#"
    location,Admin2,Province_State,Country_Region,target,date,old,new,change
    Raised,,,Raised,ConfirmedCases,2020-01-23,20,26,6
    Raised,,,Raised,ConfirmedCases,2020-01-24,30,,
    Raised,,,Raised,Fatalities,2020-01-24,3,,
    "#);
}

#[test]
fn vintages_that_do_not_meet_have_nothing_in_common() {
    let old = panel(START, &[("A", &[1.0, 2.0])]);
    let new = panel(Date::constant(2021, 1, 1), &[("A", &[1.0, 2.0])]);
    let found = compare(&old.view(), &new.view());
    assert_eq!((found.common, changed(&found)), (None, 0));
    assert_eq!((found.added.len(), found.removed.len()), (1, 1));
    assert!(found.ages.is_empty());
    assert_eq!(revisions_to_csv(&old.view(), &new.view(), 100).rows, 0);
}

#[test]
fn nothing_after_the_as_of_date_is_compared() {
    let old = panel(START, &[("A", &[1.0, 2.0, 3.0])]);
    let new = panel(START, &[("A", &[1.0, 2.0, 9.0])]);
    assert_eq!(changed(&compare(&old.view(), &new.view())), 1);
    let cut = Date::constant(2020, 1, 23);
    assert_eq!(changed(&compare(&old.as_of(cut).unwrap(), &new.as_of(cut).unwrap())), 0);
}

#[test]
fn a_renamed_place_is_recognised_by_its_counts() {
    let counts = |factor: f64| (0..40).map(|day| (f64::from(day) * factor).floor()).collect::<Vec<f64>>();
    let (burma, other, third) = (counts(3.3), counts(5.7), counts(9.1));
    let mut revised = burma.clone();
    revised[39] += 1.0;
    let old = panel(START, &[("Burma", &burma), ("Elsewhere", &other), ("Stays", &third)]);
    let new = panel(START, &[("Stays", &third), ("Nowhere", &counts(4.2)), ("Myanmar", &revised)]);
    let found = compare(&old.view(), &new.view());
    let renamed: Vec<_> = found.renamed.iter().map(|renamed| (&*renamed.from, &*renamed.to)).collect();
    assert_eq!(renamed, [("Burma", "Myanmar")]);
    assert!((0.95..1.0).contains(&found.renamed[0].agreement));
    assert_eq!((found.vanished, found.appeared), (vec!["Elsewhere".to_owned()], vec!["Nowhere".to_owned()]));
    // Places without a case are all alike.
    let zero = vec![0.0; 40];
    let found = compare(&panel(START, &[("A", &zero)]).view(), &panel(START, &[("B", &zero)]).view());
    assert!(found.renamed.is_empty());
}

#[test]
fn three_thousand_renamed_places_do_not_take_long() {
    let names: Vec<String> = (0..3_000).map(|place| format!("place {place}")).collect();
    let counts: Vec<Vec<f64>> =
        (0..3_000).map(|place| (0..100).map(|day| f64::from(day * (place % 1_500))).collect()).collect();
    let of = |prefix: &str| {
        let locations = names.iter().map(|name| Location::country(&format!("{prefix} {name}"))).collect();
        let values = counts.iter().flat_map(|counts| [&counts[..], &counts[..]].concat()).collect();
        Panel::new(locations, START, 100, values).unwrap()
    };
    let found = compare(&of("old").view(), &of("new").view());
    // Two places with 0 throughout cannot be told.
    assert_eq!(found.renamed.len(), 2_998);
}

#[test]
fn ages_are_counted_from_the_latest_common_day() {
    let before = vec![100.0; 120];
    let mut after = before.clone();
    (after[119], after[118], after[0]) = (101.0, 102.0, 99.0);
    let found = compare(&panel(START, &[("A", &before)]).view(), &panel(START, &[("A", &after)]).view());
    let cases = Target::ConfirmedCases.index();
    let bands: Vec<_> = found
        .ages
        .iter()
        .map(|band| (band.from, band.to, band.changes[cases].compared, band.changes[cases].changed()))
        .collect();
    assert_eq!(bands, [(0, 0, 1, 1), (1, 7, 7, 1), (8, 14, 7, 0), (15, 28, 14, 0), (29, 84, 56, 0), (85, 119, 35, 1)]);
}
