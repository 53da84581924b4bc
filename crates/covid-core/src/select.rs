//! Finding places by the names that people type.

use crate::{Explain, FaultKind, Location, Panel};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectionKind {
    /// One location of the panel.
    Location,
    /// The sum of a country's locations.
    Country,
    /// The sum of all locations.
    World,
}

/// The locations of a panel that a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The name to show.
    pub label: String,
    /// What it is.
    pub kind: SelectionKind,
    /// Positions in the panel, at least one.
    pub indices: Vec<usize>,
}

/// A name that stands for no place, or for several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No such place.
    #[error("there is no location `{name}` in the data")]
    Unknown {
        /// The name given.
        name: String,
        /// Names that look alike, best first.
        close: Vec<String>,
        /// Some names that are there.
        examples: Vec<String>,
    },
    /// More than one place.
    #[error("location `{name}` could be any of {count} places")]
    Ambiguous {
        /// The name given.
        name: String,
        /// How many places.
        count: usize,
        /// Some of them.
        close: Vec<String>,
    },
}

impl Explain for SelectError {
    fn kind(&self) -> FaultKind {
        FaultKind::Usage
    }

    fn hint(&self) -> Option<String> {
        let quoted = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        Some(match self {
            Self::Unknown { close, examples, .. } if close.is_empty() => {
                format!("places are named as in the source: {}, or `World`", quoted(examples).join(", "))
            }
            Self::Unknown { close, .. } | Self::Ambiguous { close, .. } => {
                format!("did you mean {}?", quoted(close).join(" or "))
            }
        })
    }
}

/// How many close matches an error lists.
const CLOSE_MATCHES: usize = 5;

impl Panel {
    /// The places that a name stands for. Letter case does not matter. Tried in this order, and never split at a comma:
    /// a display name (`Madrid, Spain`), `World`, a country (the sum of its locations; `France/*` asks for the sum where
    /// a location has the country's name), `Spain/Madrid` from the largest part down, a province or county alone.
    ///
    /// # Errors
    /// If nothing or more than one place fits; the error lists close matches.
    pub fn select(&self, name: &str) -> Result<Selection, SelectError> {
        let name = name.trim();
        let country = name.strip_suffix("/*");
        let by = |fits: &dyn Fn(&Location) -> bool| -> Vec<usize> {
            self.locations().iter().enumerate().filter(|(_, location)| fits(location)).map(|(i, _)| i).collect()
        };
        let one = |indices: Vec<usize>| {
            let label = self.locations()[indices[0]].name().to_owned();
            Selection { label, kind: SelectionKind::Location, indices }
        };
        if country.is_none() {
            let exact = by(&|location| same(location.name(), name));
            if exact.len() == 1 {
                return Ok(one(exact));
            }
            if same(name, "World") {
                return Ok(Selection { label: "World".into(), kind: SelectionKind::World, indices: by(&|_| true) });
            }
        }
        let members = by(&|location| location.country_region().is_some_and(|c| same(c, country.unwrap_or(name))));
        if let Some(&first) = members.first() {
            let label = self.locations()[first].country_region().unwrap_or(name).to_owned();
            return Ok(Selection { label, kind: SelectionKind::Country, indices: members });
        }
        let parts = by(&|location| same(&slashed(location), name) || same(smallest_part(location), name));
        match parts.len() {
            0 => Err(SelectError::Unknown {
                name: name.to_owned(),
                close: self.close_matches(name),
                examples: self.locations().iter().take(3).map(|location| location.name().to_owned()).collect(),
            }),
            1 => Ok(one(parts)),
            count => Err(SelectError::Ambiguous {
                name: name.to_owned(),
                count,
                close: parts.iter().take(CLOSE_MATCHES).map(|&i| self.locations()[i].name().to_owned()).collect(),
            }),
        }
    }

    fn close_matches(&self, name: &str) -> Vec<String> {
        look_alikes(name, self.locations().iter().map(|location| (location.name(), smallest_part(location))))
    }
}

/// Of some known names those that look like the one given, best first, five at most. Letter case does not matter.
pub fn close_matches<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    look_alikes(name, known.into_iter().map(|known| (known, known)))
}

/// The first name of each pair that looks alike in either.
fn look_alikes<'a>(name: &str, known: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let likeness = |text: &str| strsim::jaro_winkler(&text.to_lowercase(), &wanted);
    let mut scored: Vec<(f64, &str)> = known
        .map(|(name, other)| (likeness(name).max(likeness(other)), name))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(CLOSE_MATCHES).map(|(_, name)| name.to_owned()).collect()
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// `Spain/Madrid`, `US/Alabama/Autauga`: the parts from the largest down.
fn slashed(location: &Location) -> String {
    let parts = [location.country_region(), location.province_state(), location.admin2()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("/")
}

fn smallest_part(location: &Location) -> &str {
    location.admin2().or(location.province_state()).or(location.country_region()).unwrap_or(location.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Date;

    fn panel() -> Panel {
        let locations = vec![
            Location::country("Korea, South"),
            Location::province("Madrid", "Spain"),
            Location::province("Galicia", "Spain"),
            Location::province("Galicia", "Poland"),
            Location::country("France"),
            Location::province("Martinique", "France"),
        ];
        Panel::new(locations, Date::constant(2020, 1, 1), 1, vec![0.0; 12]).unwrap()
    }

    fn indices(name: &str) -> Vec<usize> {
        panel().select(name).unwrap().indices
    }

    #[test]
    fn names_are_matched_whole() {
        assert_eq!(indices("korea, south"), [0]);
        for name in ["Madrid, Spain", "Madrid", "Spain/Madrid"] {
            assert_eq!(indices(name), [1], "{name}");
        }
        assert_eq!(indices("Spain"), [1, 2]);
        assert_eq!(indices("France"), [4]);
        assert_eq!(indices("France/*"), [4, 5]);
        assert_eq!(panel().select("World").unwrap().kind, SelectionKind::World);
    }

    #[test]
    fn a_miss_lists_what_is_close() {
        let error = panel().select("Madird").unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean `Madrid, Spain`?");
        let error = panel().select("Galicia").unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean `Galicia, Spain` or `Galicia, Poland`?");
    }
}
