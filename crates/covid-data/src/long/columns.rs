//! Which columns of a table are what.

use covid_core::Location;

use crate::{
    RowFault,
    header::{ADMIN2, COUNTRY, DATE, LATITUDE, LOCATION, LONGITUDE, Names, PROVINCE, Spellings},
    source::LoadOptions,
};

const CASES: Spellings = Spellings(&["ConfirmedCases", "Confirmed_Cases", "Confirmed"]);
const DEATHS: Spellings = Spellings(&["Fatalities", "Deaths"]);

/// The columns of Kaggle's week 5, which has counts of each day, not cumulative ones.
const DAILY_TARGET: Spellings = Spellings(&["TargetValue"]);

const HINT: &str = "a long table has `location` (or `Country_Region`, with `Province_State` and `Admin2` if need be), `date`, \
                    `ConfirmedCases` and, if there are any, `Fatalities`; name other columns of cumulative counts with \
                    --cases-column and --deaths-column";

/// Positions of the columns, from 0.
pub(super) struct Columns {
    pub(super) place: PlaceColumns,
    pub(super) date: usize,
    /// Cases, and deaths where there are any.
    pub(super) counts: [Option<usize>; 2],
    pub(super) coordinates: Option<[usize; 2]>,
}

impl Columns {
    pub(super) fn of(names: &Names, options: &LoadOptions) -> Result<Self, RowFault> {
        let [latitude, longitude] = [names.find(LATITUDE)?, names.find(LONGITUDE)?];
        let (place, date) = (PlaceColumns::of(names, HINT)?, names.require(DATE, HINT)?);
        let counts = [Some(cases(names, options)?), deaths(names, options)?];
        if let [Some(cases), Some(deaths)] = counts
            && cases == deaths
        {
            return Err(RowFault::SameColumn { column: names.get(cases).to_owned() });
        }
        Ok(Self {
            place,
            date,
            counts,
            coordinates: latitude.zip(longitude).map(|(latitude, longitude)| [latitude, longitude]),
        })
    }

    /// The last column of counts.
    pub(super) fn last(&self) -> usize {
        self.counts.iter().flatten().copied().max().unwrap_or(0)
    }
}

fn cases(names: &Names, options: &LoadOptions) -> Result<usize, RowFault> {
    if let Some(column) = &options.cases_column {
        return names.exactly(column, HINT);
    }
    if names.find(CASES)?.is_none()
        && let Some(daily) = names.find(DAILY_TARGET)?
    {
        return Err(RowFault::NotCumulative { column: names.get(daily).to_owned() });
    }
    names.require(CASES, HINT)
}

fn deaths(names: &Names, options: &LoadOptions) -> Result<Option<usize>, RowFault> {
    match &options.deaths_column {
        Some(column) => names.exactly(column, HINT).map(Some),
        None => names.find(DEATHS),
    }
}

/// The columns that name a place: a display name, or JHU's parts of one, or both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaceColumns {
    location: Option<usize>,
    parts: [Option<usize>; 3],
}

impl PlaceColumns {
    /// # Errors
    /// If neither a display name nor a country is there.
    pub(crate) fn of(names: &Names, hint: &'static str) -> Result<Self, RowFault> {
        let location = names.find(LOCATION)?;
        let parts = [names.find(ADMIN2)?, names.find(PROVINCE)?, names.find(COUNTRY)?];
        match (location, parts) {
            (None, [_, _, None]) => Err(names.missing(LOCATION.name(), hint)),
            _ => Ok(Self { location, parts }),
        }
    }

    /// Display name, county, province and country, as far as they are there.
    pub(crate) fn all(&self) -> [Option<usize>; 4] {
        let [admin2, province, country] = self.parts;
        [self.location, admin2, province, country]
    }

    /// The column that must be filled in every row.
    pub(crate) fn required(&self) -> usize {
        let [_, _, country] = self.parts;
        self.location.or(country).unwrap_or(0)
    }
}

/// The place that a row names by its display name, county, province and country; those that are not there are empty.
pub(crate) fn place(cells: [&str; 4]) -> Location {
    let [name, admin2, province, country] = cells.map(str::trim);
    match (name, [admin2, province, country]) {
        (name, ["", "", ""]) => Location::named(name),
        ("", _) => Location::from_parts(admin2, province, country),
        _ => Location::from_parts(admin2, province, country).with_name(name),
    }
}
