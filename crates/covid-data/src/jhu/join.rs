//! Both files of a folder at the same time, into one panel.

use std::{collections::HashMap, path::Path};

use covid_core::{Location, Panel, Target};

use super::{
    Layout,
    file::{OpenFile, PlaceAt, SeriesFile},
    lookup, plain_or_gzip,
};
use crate::{
    DataError, FileFault, Remark,
    source::{Findings, Read},
};

/// The most counts that are read: a hundred times those of the US counties, in 8 GiB.
const MAX_COUNTS: usize = 1 << 30;

/// Reads the two files of a folder into a panel, in the order of the confirmed cases, and finds the populations.
pub(super) fn read_folder(folder: &Path, layout: &Layout) -> Result<Read, DataError> {
    let open = |name| OpenFile::open(folder, name, layout);
    let (confirmed, deaths) = rayon::join(|| open(layout.confirmed), || open(layout.deaths));
    let (confirmed, deaths) = (confirmed?, deaths?);
    if let Some(date) = one_sided_date(&confirmed, &deaths).or_else(|| one_sided_date(&deaths, &confirmed)) {
        // What is wrong inside a file says more, if anything is.
        examine(confirmed)?;
        examine(deaths)?;
        return Err(date);
    }
    let (start, days) = (confirmed.header.start(), confirmed.header.days);
    let mut values = Values::new(&confirmed, &deaths)?;
    let [cases_slots, deaths_slots] = values.slots();
    let (confirmed, deaths) = rayon::join(|| confirmed.read(cases_slots), || deaths.read(deaths_slots));
    let (mut confirmed, mut deaths) = (confirmed?, deaths?);
    confirmed.check(|slot| values.series(slot, Target::ConfirmedCases))?;
    deaths.check(|slot| values.series(slot, Target::Fatalities))?;
    let twins = Twins::of(&confirmed, &deaths)?;
    let values = values.in_order(&confirmed.places, &twins);
    let mut findings = findings(&confirmed, &deaths);
    findings.remarks.extend([layout.confirmed, layout.deaths].into_iter().filter_map(|name| both_there(folder, name)));
    let populations = populations(folder, &confirmed, &twins, &mut findings);
    let locations = confirmed.places.into_iter().map(|at| at.place.location).collect();
    let panel = Panel::new(locations, start, days, values)?;
    Ok(Read { findings, populations, ..Read::from(panel) })
}

/// A date of one file that the other does not have.
fn one_sided_date(file: &OpenFile, other: &OpenFile) -> Option<DataError> {
    let others: Vec<_> = other.header.dates.iter().map(|column| column.date).collect();
    let column = file.header.dates.iter().find(|column| others.binary_search(&column.date).is_err())?;
    Some(DataError::OneSidedDate { file: file.path.clone(), date: column.date, other: other.path.clone() })
}

/// Reads a file for its faults alone.
fn examine(file: OpenFile) -> Result<SeriesFile, DataError> {
    let days = file.header.days;
    let mut counts = room(&file, file.most_places(), days)?;
    file.read(counts.chunks_mut(days).collect())
}

/// Room for so many counts for each place. It is zeroed by the operating system, page by page as it is written to.
fn room(file: &OpenFile, places: usize, each: usize) -> Result<Vec<f64>, DataError> {
    match places.checked_mul(each).filter(|&counts| counts <= MAX_COUNTS) {
        Some(counts) => Ok(vec![0.0; counts]),
        None => {
            let fault = FileFault::TooManyCounts { limit: MAX_COUNTS };
            Err(DataError::InFile { file: file.path.clone(), fault })
        }
    }
}

/// The counts by slot, target and day. Both files are read into it at once, each place into the next slot of its target.
/// As a rule both files have the same places in the same order, and this is what a panel holds, so that no second copy is
/// ever made.
struct Values {
    counts: Vec<f64>,
    days: usize,
}

impl Values {
    /// Room for the places of both files.
    fn new(confirmed: &OpenFile, deaths: &OpenFile) -> Result<Self, DataError> {
        let days = confirmed.header.days;
        let places = confirmed.most_places().max(deaths.most_places());
        Ok(Self { counts: room(confirmed, places, Target::ALL.len() * days)?, days })
    }

    /// The slots of each target.
    fn slots(&mut self) -> [Vec<&mut [f64]>; 2] {
        let both = self.counts.chunks_mut(2 * self.days).map(|slot| slot.split_at_mut(self.days));
        let (cases, deaths) = both.unzip();
        [cases, deaths]
    }

    fn series(&self, slot: usize, target: Target) -> &[f64] {
        let begin = (slot * Target::ALL.len() + target.index()) * self.days;
        self.counts.get(begin..begin + self.days).unwrap_or_default()
    }

    /// The counts of places and their twins, in the order of the places.
    fn in_order(mut self, places: &[PlaceAt], twins: &Twins<'_>) -> Vec<f64> {
        let pairs = || places.iter().zip(&twins.0);
        if pairs().enumerate().all(|(index, (place, twin))| (place.slot, twin.slot) == (index, index)) {
            self.counts.truncate(places.len() * Target::ALL.len() * self.days);
            return self.counts;
        }
        let mut ordered = Vec::with_capacity(places.len() * Target::ALL.len() * self.days);
        for (place, twin) in pairs() {
            ordered.extend_from_slice(self.series(place.slot, Target::ConfirmedCases));
            ordered.extend_from_slice(self.series(twin.slot, Target::Fatalities));
        }
        ordered
    }
}

/// The places of the deaths, in the order of the confirmed cases.
struct Twins<'a>(Vec<&'a PlaceAt>);

impl<'a> Twins<'a> {
    /// # Errors
    /// If one file has a location that the other does not have.
    fn of(confirmed: &SeriesFile, deaths: &'a SeriesFile) -> Result<Self, DataError> {
        let known = by_name(confirmed);
        if let Some(place) = deaths.places.iter().find(|place| !known.contains_key(place.location().name())) {
            return Err(one_sided(place, deaths, confirmed));
        }
        let theirs = by_name(deaths);
        let twin = |place: &PlaceAt| {
            theirs.get(place.location().name()).copied().ok_or_else(|| one_sided(place, confirmed, deaths))
        };
        Ok(Self(confirmed.places.iter().map(twin).collect::<Result<_, _>>()?))
    }
}

fn by_name(file: &SeriesFile) -> HashMap<&str, &PlaceAt> {
    file.places.iter().map(|place| (place.location().name(), place)).collect()
}

fn one_sided(place: &PlaceAt, file: &SeriesFile, other: &SeriesFile) -> DataError {
    DataError::OneSidedLocation {
        file: file.path.clone(),
        row: place.place.row,
        location: place.location().name().to_owned(),
        other: other.path.clone(),
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

/// People by location: from the file itself, as in that of the deaths in US counties, else from JHU's lookup table.
fn populations(
    folder: &Path,
    confirmed: &SeriesFile,
    twins: &Twins<'_>,
    findings: &mut Findings,
) -> Option<Vec<Option<f64>>> {
    let places = confirmed.places.iter().zip(&twins.0);
    let own: Vec<Option<f64>> = places.map(|(place, twin)| twin.place.population.or(place.place.population)).collect();
    if own.iter().any(Option::is_some) {
        return Some(own);
    }
    let locations: Vec<&Location> = confirmed.places.iter().map(PlaceAt::location).collect();
    let (populations, remarks) = lookup::populations(folder, &locations)?;
    findings.remarks.extend(remarks);
    populations
}
