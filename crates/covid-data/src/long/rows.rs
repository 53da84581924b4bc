//! The rows of a long table, and the dense counts that they make.

use std::{collections::HashMap, path::Path};

use covid_core::{Date, Location};

use crate::{
    NegativeCount, RowFault,
    density::{check_rows, days_between, days_spanned},
    long::columns::place,
};

/// Keeps the parts of a place's key apart; no name holds it.
const SEPARATOR: u8 = 0x1f;

/// Places by what a row calls them.
#[derive(Debug, Default)]
pub(super) struct Places {
    positions: HashMap<Box<[u8]>, usize>,
    key: Vec<u8>,
    last: Option<usize>,
    pub(super) locations: Vec<Location>,
}

impl Places {
    /// The position of the place with this display name, county, province and country; those not there are empty.
    pub(super) fn position(&mut self, cells: [&[u8]; 4]) -> usize {
        let same = self.last.filter(|_| self.key.len() == cells.iter().map(|cell| cell.len() + 1).sum::<usize>());
        let before = same.map(|_| std::mem::take(&mut self.key));
        let mut key = Vec::with_capacity(64);
        for cell in cells {
            key.extend_from_slice(cell);
            key.push(SEPARATOR);
        }
        let position = match (before, self.last) {
            // Rows of one place follow each other, as a rule.
            (Some(before), Some(last)) if before == key => last,
            _ => self.look_up(&key, cells),
        };
        self.key = key;
        self.last = Some(position);
        position
    }

    fn look_up(&mut self, key: &[u8], cells: [&[u8]; 4]) -> usize {
        if let Some(&position) = self.positions.get(key) {
            return position;
        }
        let texts = cells.map(String::from_utf8_lossy);
        self.positions.insert(key.into(), self.locations.len());
        self.locations.push(place(texts.each_ref().map(|text| text.as_ref())));
        self.locations.len() - 1
    }
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) place: u32,
    /// Position of its date.
    pub(super) date: u32,
    /// Where in the file it is.
    pub(super) row: u32,
    /// Cases and deaths, NaN where missing.
    pub(super) counts: [f64; 2],
}

/// The rows of a table.
pub(super) struct Rows {
    pub(super) locations: Vec<Location>,
    /// By location: whether a row has its coordinates; none where the table has no columns for them.
    pub(super) located: Option<Vec<bool>>,
    pub(super) dates: Vec<Date>,
    pub(super) rows: Vec<Row>,
    /// Names of the columns of cases and deaths.
    pub(super) columns: [String; 2],
    pub(super) remarks: Vec<String>,
}

/// Counts by location, target and day.
pub(super) struct Dense {
    pub(super) locations: Vec<Location>,
    pub(super) start: Date,
    pub(super) days: usize,
    pub(super) values: Vec<f64>,
    pub(super) duplicate_rows: usize,
}

impl Rows {
    /// Counts below 0.
    pub(super) fn negative(&self, file: &Path) -> Vec<NegativeCount> {
        let named = |row: &Row, (&count, column): (&f64, &String)| NegativeCount {
            file: file.to_owned(),
            row: row.row as usize,
            column: column.clone(),
            count,
        };
        let of_row = |row: &Row| -> Vec<NegativeCount> {
            row.counts
                .iter()
                .zip(&self.columns)
                .filter(|(count, _)| **count < 0.0)
                .map(|cell| named(row, cell))
                .collect()
        };
        self.rows.iter().filter(|row| row.counts.iter().any(|&count| count < 0.0)).flat_map(of_row).collect()
    }

    /// Display names of places without coordinates, if the table has columns for them.
    pub(super) fn without_coordinates(&self) -> Option<Vec<String>> {
        let located = self.located.as_ref()?;
        let missing = self.locations.iter().zip(located).filter(|(_, located)| !**located);
        Some(missing.map(|(location, _)| location.name().to_owned()).collect())
    }

    /// One count a place and day. Locations are in the order of their names, whatever the order of the rows.
    ///
    /// # Errors
    /// If two rows contradict each other, or days or places are too far apart to be meant.
    pub(super) fn into_dense(self) -> Result<Dense, RowFault> {
        let mut dates = self.dates.clone();
        dates.sort_unstable();
        dates.dedup();
        let days = days_spanned(&dates)?;
        check_rows(self.locations.len(), days, self.rows.len())?;
        let start = dates.first().copied().unwrap_or_default();
        let day_of: Vec<usize> = self.dates.iter().map(|&date| days_between(start, date)).collect();
        let (order, rank) = self.order();
        let mut dense = Filling {
            values: vec![f64::NAN; 2 * self.locations.len() * days],
            seen: vec![false; self.locations.len() * days],
            days,
            duplicate_rows: 0,
        };
        for row in &self.rows {
            let (place, day) = (rank.get(row.place as usize), day_of.get(row.date as usize));
            let (Some(&place), Some(&day)) = (place, day) else { continue };
            if let Err(target) = dense.add(place, day, row.counts) {
                return Err(self.contradiction(row, target));
            }
        }
        let (values, duplicate_rows) = (dense.values, dense.duplicate_rows);
        let locations = order.iter().filter_map(|&position| self.locations.get(position).cloned()).collect();
        Ok(Dense { locations, start, days, values, duplicate_rows })
    }

    /// Positions of the locations by country, province, county and name; and the place of each position in that order.
    fn order(&self) -> (Vec<usize>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.locations.len()).collect();
        order.sort_by_key(|&position| self.locations.get(position).map(sort_key));
        let mut rank = vec![0; order.len()];
        for (place, &position) in order.iter().enumerate() {
            if let Some(slot) = rank.get_mut(position) {
                *slot = place;
            }
        }
        (order, rank)
    }

    /// The earlier row for the same place and date that says something else.
    fn contradiction(&self, row: &Row, target: usize) -> RowFault {
        let date = |row: &Row| self.dates.get(row.date as usize).copied().unwrap_or_default();
        let count = |row: &Row| row.counts.get(target).copied().unwrap_or(f64::NAN);
        let rival = |other: &&Row| other.place == row.place && date(other) == date(row) && !count(other).is_nan();
        RowFault::Contradiction {
            first: self.rows.iter().find(rival).map_or(0, |other| other.row as usize),
            second: row.row as usize,
            location: self
                .locations
                .get(row.place as usize)
                .map(|location| location.name().to_owned())
                .unwrap_or_default(),
            date: date(row),
            column: self.columns.get(target).cloned().unwrap_or_default(),
        }
    }
}

type SortKey<'a> = ([Option<&'a str>; 3], &'a str);

fn sort_key(location: &Location) -> SortKey<'_> {
    ([location.country_region(), location.province_state(), location.admin2()], location.name())
}

struct Filling {
    values: Vec<f64>,
    /// By place, then day: whether there was a row.
    seen: Vec<bool>,
    days: usize,
    duplicate_rows: usize,
}

impl Filling {
    /// Puts the counts of a row into their places; if another is there, tells its target.
    fn add(&mut self, place: usize, day: usize, counts: [f64; 2]) -> Result<(), usize> {
        let mut says_more = false;
        for (target, count) in counts.into_iter().enumerate().filter(|(_, count)| !count.is_nan()) {
            let Some(slot) = self.values.get_mut((2 * place + target) * self.days + day) else { continue };
            if slot.is_nan() {
                *slot = count;
                says_more = true;
            } else if *slot != count {
                return Err(target);
            }
        }
        if let Some(seen) = self.seen.get_mut(place * self.days + day) {
            self.duplicate_rows += usize::from(*seen && !says_more);
            *seen = true;
        }
        Ok(())
    }
}
