//! Both files of a folder at the same time, and then one panel from the two.

use std::{collections::HashMap, path::Path};

use covid_core::{Location, Panel};

use super::{
    Layout,
    file::{PlaceAt, SeriesFile},
    lookup, plain_or_gzip,
};
use crate::{
    DataError, Remark,
    source::{Findings, Read},
};

/// Reads the two files of a folder into a panel, in the order of the confirmed cases, and finds the populations.
pub(super) fn read_folder(folder: &Path, layout: &Layout) -> Result<Read, DataError> {
    let read = |name| SeriesFile::read(folder, name, layout);
    let (confirmed, deaths) = rayon::join(|| read(layout.confirmed), || read(layout.deaths));
    let (confirmed, deaths) = (confirmed?, deaths?);
    let twins = Twins::of(&confirmed, &deaths)?;
    let mut findings = findings(&confirmed, &deaths);
    findings.remarks.extend([layout.confirmed, layout.deaths].into_iter().filter_map(|name| both_there(folder, name)));
    let populations = populations(folder, &confirmed, &twins, &mut findings);
    let values = values(&confirmed, &deaths, &twins);
    let (start, days) = (confirmed.series.header.start(), confirmed.series.header.days);
    let locations = confirmed.series.places.into_iter().map(|at| at.place.location).collect();
    let panel = Panel::new(locations, start, days, values)?;
    Ok(Read { findings, populations, ..Read::from(panel) })
}

/// The places of the deaths, in the order of the confirmed cases.
struct Twins<'a>(Vec<&'a PlaceAt>);

impl<'a> Twins<'a> {
    /// # Errors
    /// If one file has a date or a location that the other does not have.
    fn of(confirmed: &SeriesFile, deaths: &'a SeriesFile) -> Result<Self, DataError> {
        check_dates(confirmed, deaths)?;
        check_dates(deaths, confirmed)?;
        let known = by_name(confirmed);
        if let Some(place) = deaths.series.places.iter().find(|place| !known.contains_key(place.location().name())) {
            return Err(one_sided(place, deaths, confirmed));
        }
        let theirs = by_name(deaths);
        let twin = |place: &PlaceAt| {
            theirs.get(place.location().name()).copied().ok_or_else(|| one_sided(place, confirmed, deaths))
        };
        Ok(Self(confirmed.series.places.iter().map(twin).collect::<Result<_, _>>()?))
    }
}

fn by_name(file: &SeriesFile) -> HashMap<&str, &PlaceAt> {
    file.series.places.iter().map(|place| (place.location().name(), place)).collect()
}

fn one_sided(place: &PlaceAt, file: &SeriesFile, other: &SeriesFile) -> DataError {
    DataError::OneSidedLocation {
        file: file.path.clone(),
        row: place.place.row,
        location: place.location().name().to_owned(),
        other: other.path.clone(),
    }
}

/// Every date of one file is in the other.
fn check_dates(file: &SeriesFile, other: &SeriesFile) -> Result<(), DataError> {
    let dates = |file: &SeriesFile| file.series.header.dates.iter().map(|column| column.date).collect::<Vec<_>>();
    let others = dates(other);
    match dates(file).into_iter().find(|date| others.binary_search(date).is_err()) {
        Some(date) => Err(DataError::OneSidedDate { file: file.path.clone(), date, other: other.path.clone() }),
        None => Ok(()),
    }
}

fn findings(confirmed: &SeriesFile, deaths: &SeriesFile) -> Findings {
    let (mut findings, mut others) = (confirmed.findings(), deaths.findings());
    // Both files name the same places.
    if let (Some(known), Some(more)) = (&findings.without_coordinates, &mut others.without_coordinates) {
        more.retain(|name| !known.contains(name));
    }
    findings.merge(others);
    findings
}

/// A word on a file that lies there twice, of which the plain one was read.
fn both_there(folder: &Path, name: &str) -> Option<Remark> {
    let packed = folder.join(format!("{name}.gz"));
    let plain = plain_or_gzip(folder, name).filter(|read| *read != packed)?;
    packed
        .is_file()
        .then(|| Remark { file: packed, text: format!("not read, for `{}` is there, too", plain.display()) })
}

/// The counts by location, target and day.
fn values(confirmed: &SeriesFile, deaths: &SeriesFile, twins: &Twins<'_>) -> Vec<f64> {
    let mut values = Vec::with_capacity(confirmed.series.places.len() * confirmed.series.header.days * 2);
    for (place, twin) in confirmed.series.places.iter().zip(&twins.0) {
        values.extend_from_slice(confirmed.series.counts(place));
        values.extend_from_slice(deaths.series.counts(twin));
    }
    values
}

/// People by location: from the file itself, as in that of the deaths in US counties, else from JHU's lookup table.
fn populations(
    folder: &Path,
    confirmed: &SeriesFile,
    twins: &Twins<'_>,
    findings: &mut Findings,
) -> Option<Vec<Option<f64>>> {
    let places = confirmed.series.places.iter().zip(&twins.0);
    let own: Vec<Option<f64>> = places.map(|(place, twin)| twin.place.population.or(place.place.population)).collect();
    if own.iter().any(Option::is_some) {
        return Some(own);
    }
    let locations: Vec<&Location> = confirmed.series.places.iter().map(PlaceAt::location).collect();
    let (populations, remarks) = lookup::populations(folder, &locations)?;
    findings.remarks.extend(remarks);
    populations
}
