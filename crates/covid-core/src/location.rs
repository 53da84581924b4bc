//! A place that reports counts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place: its display name is the key, its parts travel along in every row.
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
        Self { name: name.trim().to_owned(), admin2: None, province_state: None, country_region: None }
    }

    /// The same place under another display name, as read back from a file.
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
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
    let part = part.trim();
    (!part.is_empty()).then(|| part.to_owned())
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
}
