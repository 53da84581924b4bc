//! Writing a panel in JHU's layout, for any program that reads it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use covid_core::{Date, Location, Panel, Target};

use super::{COORDINATES, GLOBAL};
use crate::{DataError, write_file};

/// Writes a panel as the two files of JHU's global series into a folder, which is made if it is not there. Coordinates
/// are left blank; a missing count is an empty cell; a location that has only a display name gets it as its country.
/// Returns the paths of the files.
///
/// Files of these names are replaced, each at once: a reader finds the old file or the new one, never half of one.
///
/// # Errors
/// If a location has a county or a date lies outside the years 2000 to 2099, for which the layout has no form, or if
/// the folder cannot be written.
pub fn write_jhu(panel: &Panel, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    check_writable(panel)?;
    fs::create_dir_all(folder).map_err(|source| DataError::Unwritable { path: folder.to_owned(), source })?;
    [(GLOBAL.confirmed, Target::ConfirmedCases), (GLOBAL.deaths, Target::Fatalities)]
        .into_iter()
        .map(|(name, target)| {
            let path = folder.join(name);
            write_file(&path, csv(panel, target).as_bytes())
                .map_err(|source| DataError::Unwritable { path: path.clone(), source })?;
            Ok(path)
        })
        .collect()
}

fn check_writable(panel: &Panel) -> Result<(), DataError> {
    if let Some(location) = panel.locations().iter().find(|location| location.admin2().is_some()) {
        return Err(DataError::CountyInGlobalLayout { location: location.name().to_owned() });
    }
    match [panel.first_date(), panel.last_date()].into_iter().find(|date| !(2000..2100).contains(&date.year())) {
        Some(date) => Err(DataError::DateOutsideCentury { date }),
        None => Ok(()),
    }
}

fn csv(panel: &Panel, target: Target) -> String {
    let mut text = [GLOBAL.province, GLOBAL.country, COORDINATES[0], COORDINATES[1]].join(",");
    for day in 0..panel.days() {
        push_date(&mut text, panel.date(day));
    }
    text.push('\n');
    for (index, location) in panel.locations().iter().enumerate() {
        push_names(&mut text, location);
        for &count in panel.counts(index, target) {
            push_count(&mut text, count);
        }
        text.push('\n');
    }
    text
}

// Writing to a string cannot fail, so the results of `write!` below say nothing.

fn push_date(text: &mut String, date: Date) {
    let _ = write!(text, ",{}/{}/{:02}", date.month(), date.day(), date.year() % 100);
}

fn push_names(text: &mut String, location: &Location) {
    let _ = match location.country_region() {
        Some(country) => {
            write!(text, "{},{},,", quoted(location.province_state().unwrap_or_default()), quoted(country))
        }
        None => write!(text, ",{},,", quoted(location.name())),
    };
}

fn push_count(text: &mut String, count: f64) {
    text.push(',');
    if !count.is_nan() {
        let from = text.len();
        let _ = write!(text, "{count}");
        // A point before three digits may stand between thousands; before four it does not.
        if text.get(from..).and_then(|count| count.split_once('.')).is_some_and(|(_, decimals)| decimals.len() == 3) {
            text.push('0');
        }
    }
}

/// A name as a CSV field. One that begins as the marks of a merge conflict do is quoted, too.
fn quoted(name: &str) -> String {
    if name.contains([',', '"']) || name.starts_with(['<', '=', '>', '|']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}
