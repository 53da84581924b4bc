//! From the reports of many days to one panel: places under their final names, counties added up or kept.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use covid_core::{Date, Location, Panel};
use rayon::prelude::*;

use super::report::{Key, Report, Reported};
use crate::{
    DataError, FileFault, NegativeCount, Remark, RowFault,
    density::{check_rows, days_between},
    renamed::{Parts, canonical},
    source::{Findings, Read},
};

/// Reports that are parsed at the same time: enough for every core, and few enough to hold.
const AT_ONCE: usize = 64;

/// The most days a report may stand for, on average. JHU's folder is complete; copies of it have gaps, of years even, but
/// one report in many days is a wrong year in a file's name.
const DAYS_A_REPORT: usize = 100;

const COLUMNS: [&str; 2] = ["Confirmed", "Deaths"];

/// Reads reports into a panel whose days run from the first to the last; those without a report are missing.
pub(super) fn read(
    reports: &BTreeMap<Date, PathBuf>,
    by_county: bool,
    remarks: Vec<Remark>,
) -> Result<Read, DataError> {
    let mut gathered = Gathered::new(reports, by_county)?;
    gathered.findings.remarks = remarks;
    let in_order: Vec<(&Date, &PathBuf)> = reports.iter().collect();
    for some in in_order.chunks(AT_ONCE) {
        let parsed: Vec<Result<Report, DataError>> = some.par_iter().map(|(_, path)| Report::read(path)).collect();
        for ((date, path), report) in some.iter().zip(parsed) {
            gathered.add(**date, path, &report?)?;
        }
    }
    gathered.into_panel()
}

struct Gathered {
    by_county: bool,
    start: Date,
    days: usize,
    /// Rows of the panel so far: a place on a day.
    rows: usize,
    /// Position by the names of a report.
    reported: HashMap<Key, usize>,
    places: HashMap<Location, usize>,
    /// By location, then target, then day; NaN where missing.
    values: Vec<f64>,
    /// By location: whether a report has its coordinates.
    located: Vec<bool>,
    has_coordinates: bool,
    findings: Findings,
}

impl Gathered {
    fn new(reports: &BTreeMap<Date, PathBuf>, by_county: bool) -> Result<Self, DataError> {
        let (start, days) = days_spanned(reports)?;
        Ok(Self {
            by_county,
            start,
            days,
            rows: 0,
            reported: HashMap::new(),
            places: HashMap::new(),
            values: Vec::new(),
            located: Vec::new(),
            has_coordinates: false,
            findings: Findings::default(),
        })
    }

    fn add(&mut self, date: Date, path: &Path, report: &Report) -> Result<(), DataError> {
        let day = days_between(self.start, date);
        self.rows += report.places.len();
        let in_file = |fault: FileFault| DataError::InFile { file: path.to_owned(), fault };
        for place in &report.places {
            let position = self.position(&place.key);
            check_rows(self.places.len(), self.days, self.rows).map_err(|fault| in_file(fault.into()))?;
            for (target, count) in place.counts.into_iter().enumerate() {
                let series = (2 * position + target) * self.days;
                if let Some(sum) = self.values.get_mut(series + day) {
                    *sum = if sum.is_nan() { count } else { *sum + count };
                }
            }
            if let Some(located) = self.located.get_mut(position) {
                *located |= place.located;
            }
        }
        self.note(day, path, report);
        Ok(())
    }

    /// The position of a place, new at the end.
    fn position(&mut self, key: &Key) -> usize {
        if let Some(&position) = self.reported.get(key) {
            return position;
        }
        let [admin2, province, country] = key.parts();
        let Parts { admin2, province, country } = canonical(admin2, province, country);
        let admin2 = if self.by_county { admin2 } else { "".into() };
        let next = self.places.len();
        let position = *self.places.entry(Location::from_parts(&admin2, &province, &country)).or_insert(next);
        if position == next {
            self.values.resize(self.values.len() + 2 * self.days, f64::NAN);
            self.located.push(false);
        }
        self.reported.insert(key.clone(), position);
        position
    }

    /// Keeps what was noticed in a report.
    fn note(&mut self, day: usize, path: &Path, report: &Report) {
        self.has_coordinates |= report.has_coordinates;
        let mut remark = |text: String| self.findings.remarks.push(Remark { file: path.to_owned(), text });
        report.remarks.iter().cloned().for_each(&mut remark);
        if report.blank > 0 {
            remark(format!("{} counts are blank and read as 0", report.blank));
        }
        if report.repeated > 0 {
            remark(format!("{} rows are for places that have one already, and added to it", report.repeated));
        }
        for place in &report.places {
            self.note_negative(day, path, place);
        }
    }

    /// A county's count below 0 is a correction of another's; what matters is the sum.
    fn note_negative(&mut self, day: usize, path: &Path, place: &Reported) {
        for (target, row) in place.negative.into_iter().enumerate() {
            let Some((row, &position)) = row.zip(self.reported.get(&place.key)) else { continue };
            let count = self.values.get((2 * position + target) * self.days + day).copied().unwrap_or_default();
            let column = COLUMNS.get(target).copied().unwrap_or_default().to_owned();
            if count < 0.0 {
                self.findings.negative.push(NegativeCount { file: path.to_owned(), row, column, count });
            }
        }
    }

    /// The panel in the order of JHU's series: by country, province, county.
    fn into_panel(mut self) -> Result<Read, DataError> {
        let mut order: Vec<(Location, usize)> = self.places.into_iter().collect();
        order.sort_by(|(a, _), (b, _)| parts(a).cmp(&parts(b)));
        let mut values = Vec::with_capacity(self.values.len());
        for (_, position) in &order {
            let series = 2 * position * self.days..2 * (position + 1) * self.days;
            values.extend_from_slice(self.values.get(series).unwrap_or_default());
        }
        if self.has_coordinates {
            let unlocated = |(_, position): &&(Location, usize)| self.located.get(*position) == Some(&false);
            let names = order.iter().filter(unlocated).map(|(location, _)| location.name().to_owned());
            self.findings.without_coordinates = Some(names.collect());
        }
        let locations = order.into_iter().map(|(location, _)| location).collect();
        let panel = Panel::new(locations, self.start, self.days, values)?;
        Ok(Read { findings: self.findings, ..Read::from(panel) })
    }
}

fn parts(location: &Location) -> [Option<&str>; 3] {
    [location.country_region(), location.province_state(), location.admin2()]
}

/// The first date, and days from it to the last.
fn days_spanned(reports: &BTreeMap<Date, PathBuf>) -> Result<(Date, usize), DataError> {
    // A folder without a report is not recognised as one.
    let (Some((&first, _)), Some((&last, file))) = (reports.first_key_value(), reports.last_key_value()) else {
        return Err(covid_core::PanelError::Empty("days").into());
    };
    let days = days_between(first, last) + 1;
    if days > DAYS_A_REPORT * reports.len() {
        let fault = RowFault::SparseDates { dates: reports.len(), days, first, last };
        return Err(DataError::InFile { file: file.parent().unwrap_or(file).to_owned(), fault: fault.into() });
    }
    Ok((first, days))
}
