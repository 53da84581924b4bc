//! The quality report on a panel with one of everything.

use covid_core::{Date, Location, Panel};
use covid_data::{Findings, Quality, quality, quality_to_csv};
use insta::assert_snapshot;

/// Eight weeks of six places, each with something of its own.
fn one_of_everything() -> Panel {
    let days = 60;
    let daily: Vec<f64> = (0..days).map(f64::from).collect();
    let weekly: Vec<f64> = (0..days).map(|day| f64::from(day / 7 * 7)).collect();
    let mut stopped = daily.clone();
    stopped[40..].fill(40.5);
    let mut falling = daily.clone();
    (falling[10], falling[20], falling[30], falling[0]) = (8.0, 3.0, f64::NAN, -1.0);
    let mut jumping = daily.clone();
    jumping[50..].iter_mut().for_each(|count| *count += 500.0);
    let mut late = daily.clone();
    late[..30].fill(f64::NAN);
    let zero = vec![0.0; days as usize];
    let mut series =
        vec![&daily, &zero, &weekly, &zero, &stopped, &zero, &falling, &daily, &jumping, &zero, &late, &zero];
    let mut without: Vec<Vec<f64>> = series.drain(..).cloned().collect();
    // Nobody publishes on these days.
    without.iter_mut().for_each(|counts| counts[33..36].fill(f64::NAN));
    let locations = ["Daily", "Weekly", "Stopped", "Falling", "Jumping", "Late"].map(Location::country).to_vec();
    Panel::new(locations, Date::constant(2020, 1, 1), days as usize, without.concat()).unwrap()
}

#[test]
fn one_of_everything_is_found() {
    let panel = one_of_everything();
    let findings =
        Findings { duplicate_rows: 2, without_coordinates: Some(vec!["Late".into()]), ..Findings::default() };
    let found = quality(&panel.view(), &findings);
    assert_eq!(found.reading, findings);
    assert_snapshot!(serde_json::to_string_pretty(&found.targets).unwrap(), @r#"
    [
      {
        "target": "ConfirmedCases",
        "missing": 49,
        "gaps": 19,
        "decreases": 2,
        "decreasing_series": 1,
        "total_decrease": 17.0,
        "worst_decreases": [
          {
            "location": "Falling",
            "date": "2020-01-21",
            "from": 19.0,
            "to": 3.0
          },
          {
            "location": "Falling",
            "date": "2020-01-11",
            "from": 9.0,
            "to": 8.0
          }
        ],
        "jumps": 1,
        "jumping_series": 1,
        "least_jump": 100.0,
        "worst_jumps": [
          {
            "location": "Jumping",
            "date": "2020-02-20",
            "new": 501.0,
            "largest_week": 10.0
          }
        ],
        "never_positive": 0,
        "negative": 1,
        "non_integer": 20
      },
      {
        "target": "Fatalities",
        "missing": 18,
        "gaps": 18,
        "decreases": 0,
        "decreasing_series": 0,
        "total_decrease": 0.0,
        "worst_decreases": [],
        "jumps": 0,
        "jumping_series": 0,
        "least_jump": 20.0,
        "worst_jumps": [],
        "never_positive": 5,
        "negative": 0,
        "non_integer": 0
      }
    ]
    "#);
    assert_snapshot!(serde_json::to_string(&(&found.empty_days, &found.stopped, &found.weekly_reporters)).unwrap(), @r#"
    [[{"first":"2020-02-03","last":"2020-02-05","days":3}],[{"location":"Stopped","last_change":"2020-02-10"}],[]]
    "#);
    let listing = quality_to_csv(&panel.view(), &found, 100);
    assert_eq!((listing.rows, listing.left_out), (found.series.len(), 0));
    assert_snapshot!(listing.csv, @r#"
    location,Admin2,Province_State,Country_Region,target,missing,gaps,decreases,total_decrease,largest_decrease,largest_decrease_date,jumps,largest_jump,largest_jump_date,negative,non_integer,last_change,weekly_since
    Daily,,,Daily,ConfirmedCases,3,3,0,0,,,0,,,0,0,2020-02-29,
    Daily,,,Daily,Fatalities,3,3,0,0,,,0,,,0,0,,
    Weekly,,,Weekly,ConfirmedCases,3,3,0,0,,,0,,,0,0,2020-02-26,
    Weekly,,,Weekly,Fatalities,3,3,0,0,,,0,,,0,0,,
    Stopped,,,Stopped,ConfirmedCases,3,3,0,0,,,0,,,0,20,2020-02-10,
    Stopped,,,Stopped,Fatalities,3,3,0,0,,,0,,,0,0,,
    Falling,,,Falling,ConfirmedCases,4,4,2,17,16,2020-01-21,0,,,1,0,2020-02-29,
    Falling,,,Falling,Fatalities,3,3,0,0,,,0,,,0,0,2020-02-29,
    Jumping,,,Jumping,ConfirmedCases,3,3,0,0,,,1,501,2020-02-20,0,0,2020-02-29,
    Jumping,,,Jumping,Fatalities,3,3,0,0,,,0,,,0,0,,
    Late,,,Late,ConfirmedCases,33,3,0,0,,,0,,,0,0,2020-02-29,
    Late,,,Late,Fatalities,3,3,0,0,,,0,,,0,0,,
    "#);
}

fn decreases(found: &Quality) -> [usize; 2] {
    found.targets.each_ref().map(|target| target.as_ref().unwrap().decreases)
}

#[test]
fn a_target_that_no_place_publishes_is_not_missing() {
    let (gap, first) = (f64::NAN, Date::constant(2020, 1, 1));
    let places = ["Datastan", "Modelonia"].map(Location::country).to_vec();
    let cases = [5.0, gap, 9.0, gap, gap, gap, 1.0, 1.0, 1.0, gap, gap, gap];
    let found = |counts: &[f64]| {
        let panel = Panel::new(places.clone(), first, 3, counts.to_vec()).unwrap();
        let found = quality(&panel.view(), &Findings::default());
        (found.targets.map(|target| target.map(|target| (target.missing, target.never_positive))), found.series.len())
    };
    assert_eq!(found(&cases), ([Some((1, 0)), None], 1));
    // A single count tells that they are published.
    let mut with_one_death = cases;
    with_one_death[11] = 0.0;
    assert_eq!(found(&with_one_death), ([Some((1, 0)), Some((5, 2))], 3));
}

#[test]
fn it_sees_no_further_than_its_view() {
    let counts = vec![1.0, 2.0, 1.0, 0.0, 0.0, 0.0];
    let panel = Panel::new(vec![Location::country("Datastan")], Date::constant(2020, 1, 1), 3, counts).unwrap();
    let early = quality(&panel.as_of(Date::constant(2020, 1, 2)).unwrap(), &Findings::default());
    assert_eq!((early.days, decreases(&early)), (2, [0, 0]));
    assert_eq!(decreases(&quality(&panel.view(), &Findings::default())), [1, 0]);
}

#[test]
fn a_source_that_says_nothing_has_nothing_to_tell() {
    let panel =
        Panel::new(vec![Location::country("Datastan")], Date::constant(2020, 1, 1), 20, vec![f64::NAN; 40]).unwrap();
    let found = quality(&panel.view(), &Findings::default());
    assert_eq!(found.empty_days.iter().map(|range| range.days).sum::<usize>(), 20);
    assert_eq!(found.targets, [None, None]);
    assert!(found.series.is_empty());
    assert_eq!(found.stopped.len(), 1);
    assert_eq!(found.stopped[0].last_change, None);
}
