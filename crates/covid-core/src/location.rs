//! A place that reports counts.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// A place: its display name is the key, its parts travel along in every row. All of them are one line each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    name: String,
    admin2: Option<String>,
    province_state: Option<String>,
    country_region: Option<String>,
}

impl Location {
    /// A place from JHU's three parts; blank parts count as none. The display name lists them from the smallest up:
    /// `Autauga, Alabama, US`, `Madrid, Spain`, `Italy`.
    pub fn from_parts(admin2: &str, province_state: &str, country_region: &str) -> Self {
        let [admin2, province_state, country_region] = [admin2, province_state, country_region].map(non_blank);
        let name = [&admin2, &province_state, &country_region]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        Self { name, admin2, province_state, country_region }
    }

    /// A whole country.
    pub fn country(name: &str) -> Self {
        Self::from_parts("", "", name)
    }

    /// A province of a country.
    pub fn province(province: &str, country: &str) -> Self {
        Self::from_parts("", province, country)
    }

    /// A place known by its display name alone, as in a long table.
    pub fn named(name: &str) -> Self {
        Self { name: one_line(name).into_owned(), admin2: None, province_state: None, country_region: None }
    }

    /// The same place under another display name, as read back from a file.
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = one_line(name).into_owned();
        self
    }

    /// The display name, the key of the place in its panel.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The county, if any.
    pub fn admin2(&self) -> Option<&str> {
        self.admin2.as_deref()
    }

    /// The province or state, if any.
    pub fn province_state(&self) -> Option<&str> {
        self.province_state.as_deref()
    }

    /// The country or region, if any.
    pub fn country_region(&self) -> Option<&str> {
        self.country_region.as_deref()
    }
}

fn non_blank(part: &str) -> Option<String> {
    let part = one_line(part);
    (!part.is_empty()).then(|| part.into_owned())
}

/// A text without white space and byte order marks around it, and with a space in place of line ends and other control
/// characters: fit for a message or a table.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let is_around = |c: char| c.is_whitespace() || c == '\u{feff}';
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let text = text.trim_matches(is_around);
    if !text.contains(breaks) {
        return Cow::Borrowed(text);
    }
    let pieces: Vec<&str> =
        text.split(breaks).map(|piece| piece.trim_matches(is_around)).filter(|piece| !piece.is_empty()).collect();
    Cow::Owned(pieces.join(" "))
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_display_name_runs_from_the_smallest_part_up() {
        assert_eq!(Location::from_parts("Autauga", "Alabama", "US").name(), "Autauga, Alabama, US");
        assert_eq!(Location::from_parts("", " Madrid ", "Spain").name(), "Madrid, Spain");
        assert_eq!(Location::country("Korea, South").name(), "Korea, South");
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(Location::country("Korea,\r\n  South\u{1f}").name(), "Korea, South");
        assert_eq!(Location::named("North\tDatastan\n").name(), "North Datastan");
        assert_eq!(Location::country("A").with_name("B\nC").name(), "B C");
        assert_eq!(Location::province("\n", "\u{1f}X").province_state(), None);
        assert_eq!(Location::named("\u{1}\u{feff}").name(), "");
    }
}
