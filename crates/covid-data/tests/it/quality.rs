//! The quality report on a panel with one of everything.

use covid_core::{Date, Location, Panel};
use covid_data::quality;
use insta::assert_snapshot;

#[test]
fn one_of_everything() {
    let days = 60;
    let daily: Vec<f64> = (0..days).map(f64::from).collect();
    let weekly: Vec<f64> = (0..days).map(|day| f64::from(day / 7 * 7)).collect();
    let mut stopped = daily.clone();
    stopped[40..].fill(40.5);
    let mut falling = daily.clone();
    (falling[10], falling[20], falling[30]) = (8.0, 3.0, f64::NAN);
    let zero = vec![0.0; days as usize];
    let series = [&daily, &zero, &weekly, &zero, &stopped, &zero, &falling, &daily];
    let values = series.into_iter().flatten().copied().collect();
    let locations = ["Daily", "Weekly", "Stopped", "Falling"].map(Location::country).to_vec();
    let panel = Panel::new(locations, Date::constant(2020, 1, 1), days as usize, values).unwrap();
    assert_snapshot!(serde_json::to_string_pretty(&quality(&panel.view())).unwrap(), @r#"
    {
      "locations": 4,
      "days": 60,
      "first_date": "2020-01-01",
      "last_date": "2020-02-29",
      "targets": [
        {
          "target": "ConfirmedCases",
          "missing": 1,
          "decreases": 2,
          "decreasing_series": 1,
          "largest_decrease": {
            "location": "Falling",
            "date": "2020-01-21",
            "from": 19.0,
            "to": 3.0
          },
          "never_positive": 0,
          "non_integer": 20
        },
        {
          "target": "Fatalities",
          "missing": 0,
          "decreases": 0,
          "decreasing_series": 0,
          "largest_decrease": null,
          "never_positive": 3,
          "non_integer": 0
        }
      ],
      "unchanged": [
        "Stopped"
      ],
      "weekly_reporters": [
        "Weekly"
      ]
    }
    "#);
}

#[test]
fn it_sees_no_further_than_its_view() {
    let counts = vec![1.0, 2.0, 1.0, 0.0, 0.0, 0.0];
    let panel = Panel::new(vec![Location::country("Datastan")], Date::constant(2020, 1, 1), 3, counts).unwrap();
    let early = quality(&panel.as_of(Date::constant(2020, 1, 2)).unwrap());
    assert_eq!((early.days, early.targets[0].decreases), (2, 0));
    assert_eq!(quality(&panel.view()).targets[0].decreases, 1);
}
