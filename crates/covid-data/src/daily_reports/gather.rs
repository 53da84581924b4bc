//! From the reports of many days to one panel: places under their final names, counties added up or kept.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use covid_core::{Date, Location, Panel, PanelError};
use rayon::prelude::*;

use super::report::{Key, Report, Reported};
use crate::{
    DataError, NegativeCount, Remark, RowFault,
    density::{check_rows, days_between},
    renamed::{Parts, canonical},
    source::{Findings, Read},
};

/// Reports that are parsed at the same time: enough for every core, and few enough to hold.
const AT_ONCE: usize = 64;

/// The days for which JHU reported: any of its reports may be left out of a copy.
const DAYS_REPORTED: usize = 1143;

/// The most days a report may stand for, on average, where there are more days than those: one report in many days is a wrong
/// year in a file's name.
const DAYS_A_REPORT: usize = 100;

const COLUMNS: [&str; 2] = ["Confirmed", "Deaths"];

/// Reads reports into a panel whose days run from the first to the last; those without a report are missing.
pub(super) fn read(
    reports: &BTreeMap<Date, PathBuf>,
    by_county: bool,
    remarks: Vec<Remark>,
) -> Result<Read, DataError> {
    let (start, days) = days_spanned(reports)?;
    let mut gathered = Gathered { by_county, ..Gathered::default() };
    gathered.findings.remarks = remarks;
    let in_order: Vec<(&Date, &PathBuf)> = reports.iter().collect();
    for some in in_order.chunks(AT_ONCE) {
        let parsed: Vec<Result<Report, DataError>> = some.par_iter().map(|(_, path)| Report::read(path)).collect();
        for ((date, path), report) in some.iter().zip(parsed) {
            gathered.add(days_between(start, **date), path, report?);
        }
    }
    let (Some(folder), rows) = (reports.values().next().and_then(|path| path.parent()), gathered.entries.len()) else {
        return Err(PanelError::Empty("days").into());
    };
    check_rows(gathered.places.len(), days, rows)
        .map_err(|fault| DataError::InFile { file: folder.to_owned(), fault: fault.into() })?;
    gathered.into_panel(start, days)
}

/// The counts of a place in a report. The panel is made when all are known: it is dense, and they may not be.
struct Entry {
    place: usize,
    day: usize,
    counts: [f64; 2],
}

/// A count below 0 of a row, which others may make up for.
struct Suspect {
    place: usize,
    day: usize,
    target: usize,
    file: PathBuf,
    row: usize,
}

#[derive(Default)]
struct Gathered {
    by_county: bool,
    entries: Vec<Entry>,
    suspects: Vec<Suspect>,
    /// Position by the names of a report.
    reported: HashMap<Key, usize>,
    places: HashMap<Location, usize>,
    /// By location: whether a report has its coordinates.
    located: Vec<bool>,
    has_coordinates: bool,
    findings: Findings,
}

impl Gathered {
    fn add(&mut self, day: usize, file: &Path, report: Report) {
        self.has_coordinates |= report.has_coordinates;
        self.remark(file, &report);
        for Reported { key, counts, negative, located } in report.places {
            let place = self.position(key);
            self.entries.push(Entry { place, day, counts });
            if let Some(known) = self.located.get_mut(place) {
                *known |= located;
            }
            for (target, row) in negative.into_iter().enumerate() {
                let suspect = |row| Suspect { place, day, target, file: file.to_owned(), row };
                self.suspects.extend(row.map(suspect));
            }
        }
    }

    /// The position of a place, new at the end.
    fn position(&mut self, key: Key) -> usize {
        if let Some(&position) = self.reported.get(&key) {
            return position;
        }
        let [admin2, province, country] = key.parts();
        let Parts { admin2, province, country } = canonical(admin2, province, country);
        let admin2 = if self.by_county { admin2 } else { "".into() };
        let location = Location::from_parts(&admin2, &province, &country);
        let next = self.places.len();
        let position = *self.places.entry(location).or_insert(next);
        self.located.resize(self.places.len(), false);
        self.reported.insert(key, position);
        position
    }

    fn remark(&mut self, file: &Path, report: &Report) {
        let mut remarks = report.remarks.clone();
        match report.blank {
            0 => {}
            1 => remarks.push("1 count is blank and read as 0".into()),
            blank => remarks.push(format!("{blank} counts are blank and read as 0")),
        }
        match report.repeated {
            0 => {}
            1 => remarks.push("1 row is for a place that has one already, and added to it".into()),
            rows => remarks.push(format!("{rows} rows are for places that have one already, and added to it")),
        }
        self.findings.remarks.extend(remarks.into_iter().map(|text| Remark { file: file.to_owned(), text }));
    }

    /// The panel in the order of JHU's series: by country, province, county.
    fn into_panel(self, start: Date, days: usize) -> Result<Read, DataError> {
        let mut order: Vec<(Location, usize)> = self.places.into_iter().collect();
        order.sort_by(|(a, _), (b, _)| parts(a).cmp(&parts(b)));
        let mut ranks = vec![0; order.len()];
        for (rank, (_, position)) in order.iter().enumerate() {
            if let Some(slot) = ranks.get_mut(*position) {
                *slot = rank;
            }
        }
        let slot = |place: usize, target: usize, day: usize| {
            (2 * ranks.get(place).copied().unwrap_or_default() + target) * days + day
        };
        let mut values = vec![f64::NAN; 2 * order.len() * days];
        for Entry { place, day, counts } in &self.entries {
            for (target, count) in counts.iter().enumerate() {
                if let Some(sum) = values.get_mut(slot(*place, target, *day)) {
                    *sum = if sum.is_nan() { *count } else { *sum + count };
                }
            }
        }
        let mut findings = self.findings;
        for Suspect { place, day, target, file, row } in self.suspects {
            let count = values.get(slot(place, target, day)).copied().unwrap_or_default();
            let column = COLUMNS.get(target).copied().unwrap_or_default().to_owned();
            if count < 0.0 {
                findings.negative.push(NegativeCount { file, row, column, count });
            }
        }
        if self.has_coordinates {
            let unlocated = |(_, position): &&(Location, usize)| self.located.get(*position) == Some(&false);
            let names = order.iter().filter(unlocated).map(|(location, _)| location.name().to_owned());
            findings.without_coordinates = Some(names.collect());
        }
        let locations = order.into_iter().map(|(location, _)| location).collect();
        Ok(Read { findings, ..Read::from(Panel::new(locations, start, days, values)?) })
    }
}

fn parts(location: &Location) -> [Option<&str>; 3] {
    [location.country_region(), location.province_state(), location.admin2()]
}

/// The first date, and days from it to the last.
fn days_spanned(reports: &BTreeMap<Date, PathBuf>) -> Result<(Date, usize), DataError> {
    // A folder without a report is not recognised as one.
    let (Some((&first, _)), Some((&last, file))) = (reports.first_key_value(), reports.last_key_value()) else {
        return Err(PanelError::Empty("days").into());
    };
    let days = days_between(first, last) + 1;
    if days > DAYS_REPORTED.max(DAYS_A_REPORT * reports.len()) {
        let fault = RowFault::SparseDates { dates: reports.len(), days, first, last };
        return Err(DataError::InFile { file: file.parent().unwrap_or(file).to_owned(), fault: fault.into() });
    }
    Ok((first, days))
}
