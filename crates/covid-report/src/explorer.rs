//! The location explorer: every series in the page itself, and a script that draws the one that is picked.

use covid_core::Date;
use serde::Serialize;

use crate::{code, script};

const MARKUP: &str = include_str!("explorer/explorer.html");
pub(crate) const SCRIPT: &str = include_str!("explorer/script.js");

/// A part of a page in which a reader picks a location and sees its cases or deaths, cumulative or new a day with their
/// 7-day mean, on a linear or log scale. It works without a server: the series travel in the page, delta-coded. The
/// state is in the address after `#`, so that a link opens a location: `report.html#location=Italy&target=deaths`.
#[derive(Debug, Clone, Serialize)]
pub struct Explorer {
    first: Date,
    days: usize,
    names: Vec<String>,
    series: Vec<[String; 2]>,
    /// Whether any location has a count of cases, and of deaths.
    published: [bool; 2],
}

impl Explorer {
    /// An explorer of so many days from a first date on, still without a location.
    pub fn new(first: Date, days: usize) -> Self {
        Self { first, days, names: Vec::new(), series: Vec::new(), published: [false; 2] }
    }

    /// Adds a location with its cumulative cases and deaths, one count a day from the first date on. The first that is
    /// added is shown when the page is opened. Counts are rounded to whole numbers; what is not finite, or missing at
    /// the end, is a day without a count; a target without any is not offered. A name that is there already is left out, since it could not be picked.
    pub fn location(&mut self, name: &str, counts: [&[f64]; 2]) -> &mut Self {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
            for (published, counts) in self.published.iter_mut().zip(counts) {
                *published |= counts.iter().any(|count| count.is_finite());
            }
            self.series.push(counts.map(|counts| code::encode(counts, self.days)));
        }
        self
    }

    /// Number of locations.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is nothing to pick, and so nothing to show.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() || self.days == 0
    }

    pub(crate) fn to_html(&self) -> String {
        if self.is_empty() { String::new() } else { format!("{MARKUP}{}", script::data("explorer-data", self)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Date = Date::constant(2020, 1, 22);

    #[test]
    fn hostile_names_stay_data() {
        let names = [
            "</script><script>alert(1)</script>",
            "<!-- <script>",
            "\"'\\\u{2028}\u{0}",
            "&lt;img src=x onerror=alert(1)>",
        ];
        let mut explorer = Explorer::new(FIRST, 2);
        for name in names {
            explorer.location(name, [&[0.0, 1.0], &[0.0, 0.0]]);
        }
        let html = explorer.to_html();
        let (_, data) = html.split_once("id=\"explorer-data\">").unwrap();
        let (data, rest) = data.split_once("</script>").unwrap();
        assert_eq!(rest, "\n", "the data end the element themselves");
        assert!(!data.contains(['<', '>', '&', '\u{2028}']), "{data}");
        let read: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(read["names"], serde_json::json!(names));
        assert_eq!(read["first"], "2020-01-22");
    }

    #[test]
    fn without_a_location_or_a_day_there_is_nothing() {
        assert_eq!(Explorer::new(FIRST, 3).to_html(), "");
        assert_eq!(Explorer::new(FIRST, 0).location("a", [&[], &[]]).to_html(), "");
    }

    #[test]
    fn a_name_can_be_picked_once() {
        let mut explorer = Explorer::new(FIRST, 1);
        explorer.location("World", [&[1.0], &[0.0]]).location("World", [&[2.0], &[0.0]]);
        assert_eq!(explorer.len(), 1);
    }
}
