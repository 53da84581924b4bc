//! The list of licences, for people.

use std::fmt::Write as _;

use super::{
    VERSION,
    contents::{Part, Parts},
};

/// Every part that is not the project's own, with its licence and where it comes from.
pub(super) fn list(parts: &Parts) -> String {
    let foreign: Vec<&Part> = parts.values().filter(|part| !part.is_own()).collect();
    let mut text = format!(
        "The programs in bin/, version {VERSION}, are under MIT OR Apache-2.0 at your choice: LICENSE-MIT, LICENSE-APACHE.\n\
         They are compiled with {} packages of others, whose licences and repositories follow.\n\n",
        foreign.len()
    );
    let names: Vec<String> = foreign.iter().map(|part| format!("{} {}", part.name, part.version)).collect();
    let width = |texts: &mut dyn Iterator<Item = &str>| texts.map(str::len).max().unwrap_or_default();
    let (name_width, licence_width) =
        (width(&mut names.iter().map(String::as_str)), width(&mut foreign.iter().map(|part| part.licence.as_str())));
    for (name, part) in names.iter().zip(&foreign) {
        let from = part.repository.as_deref().unwrap_or("https://crates.io/");
        let _ = writeln!(text, "{name:name_width$}  {:licence_width$}  {from}", part.licence);
    }
    text
}
