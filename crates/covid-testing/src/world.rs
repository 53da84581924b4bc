//! A small world as a long table, for tests that need a source of their own.

use std::fmt::Write as _;

/// Places whose counts grow in waves, from 2021-01-01 on. Nothing in it is random.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// Places: `Aland`, `Bland`, ...
    pub places: usize,
    /// Days.
    pub days: usize,
}

/// A place on a day: its name, cases and deaths, each of which may be missing.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceDay {
    /// The name.
    pub name: String,
    /// Cumulative cases and deaths.
    pub counts: [Option<u64>; 2],
}

impl World {
    /// The table in CSV, after `change` has looked at each place and day (both from 0) and changed it, or left it out.
    pub fn csv(&self, change: impl Fn(usize, usize, PlaceDay) -> Option<PlaceDay>) -> String {
        let mut text = "location,date,ConfirmedCases,Fatalities\n".to_owned();
        for place in 0..self.places {
            let mut cases = 0.0;
            for day in 0..self.days {
                cases += new_cases(place, day);
                let counts = [Some(cases as u64), Some((cases / 50.0) as u64)];
                let name = format!("{}land", char::from(b'A' + place as u8));
                if let Some(PlaceDay { name, counts }) = change(place, day, PlaceDay { name, counts }) {
                    let [cases, deaths] = counts.map(|count| count.map_or_else(String::new, |count| count.to_string()));
                    let _ = writeln!(text, "{name},{},{cases},{deaths}", date(day));
                }
            }
        }
        text
    }
}

/// A wave of five weeks with the week's rhythm, another size in each place.
fn new_cases(place: usize, day: usize) -> f64 {
    let size = 40.0 * (1.0 + place as f64);
    let wave = 1.2 + (std::f64::consts::TAU * (day + 5 * place) as f64 / 35.0).sin();
    let weekday = if day % 7 < 5 { 1.1 } else { 0.75 };
    size * wave * weekday
}

/// The date of a day of the year 2021, from 0.
fn date(day: usize) -> String {
    const LENGTHS: [usize; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut month, mut rest) = (0, day);
    while rest >= LENGTHS[month % 12] {
        rest -= LENGTHS[month % 12];
        month += 1;
    }
    format!("{}-{:02}-{:02}", 2021 + month / 12, month % 12 + 1, rest + 1)
}
