//! The columns that tables of the store have in common: the four parts of a location, target, days ahead.

use covid_core::{Location, Target};

use crate::{Column, Table, TableError};

/// The columns `location`, `Admin2`, `Province_State`, `Country_Region` of some rows.
pub fn location_columns<'a>(rows: impl Iterator<Item = &'a Location> + Clone) -> Vec<(String, Column)> {
    let column = |name: &str, part: fn(&Location) -> Option<&str>| {
        (name.to_owned(), Column::Text(rows.clone().map(|location| part(location).map(str::to_owned)).collect()))
    };
    vec![
        column("location", |location| Some(location.name())),
        column("Admin2", Location::admin2),
        column("Province_State", Location::province_state),
        column("Country_Region", Location::country_region),
    ]
}

/// The column `target` of some rows.
pub fn target_column(rows: impl Iterator<Item = Target>) -> (String, Column) {
    ("target".to_owned(), Column::Text(rows.map(|target| Some(target.name().to_owned())).collect()))
}

impl Table {
    /// The location of every row, from the columns of [`location_columns`].
    ///
    /// # Errors
    /// If one of them is missing or holds something else.
    pub fn locations(&self) -> Result<Vec<Location>, TableError> {
        let names = self.texts("location")?;
        let [admin2, provinces, countries] =
            [self.texts("Admin2")?, self.texts("Province_State")?, self.texts("Country_Region")?];
        let text = |cells: &[Option<String>], row: usize| cells[row].clone().unwrap_or_default();
        let location = |row: usize| {
            let parts = Location::from_parts(&text(admin2, row), &text(provinces, row), &text(countries, row));
            parts.with_name(&text(names, row))
        };
        Ok((0..self.rows()).map(location).collect())
    }

    /// The target of every row.
    ///
    /// # Errors
    /// If the column is missing, or names something that is no target.
    pub fn targets(&self) -> Result<Vec<Target>, TableError> {
        let target = |(row, name): (usize, &Option<String>)| {
            let known = Target::ALL.into_iter().find(|target| Some(target.name()) == name.as_deref());
            known.ok_or_else(|| TableError::bad_value("target", row, "a target"))
        };
        self.texts("target")?.iter().enumerate().map(target).collect()
    }

    /// The days ahead of every row, from the column `horizon`.
    ///
    /// # Errors
    /// If the column is missing, or a number in it is below 0.
    pub fn horizons(&self) -> Result<Vec<usize>, TableError> {
        let days = |(row, &days): (usize, &i64)| {
            usize::try_from(days).map_err(|_| TableError::bad_value("horizon", row, "a number of days"))
        };
        self.integers("horizon")?.iter().enumerate().map(days).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were() {
        let locations = [Location::from_parts("Autauga", "Alabama", "US"), Location::named("elsewhere")];
        let mut columns = location_columns(locations.iter());
        columns.push(target_column(Target::ALL.into_iter()));
        columns.push(("horizon".into(), Column::Integer(vec![1, 60])));
        let table = Table::new(columns).unwrap();
        assert_eq!(table.locations().unwrap(), locations);
        assert_eq!(table.targets().unwrap(), Target::ALL);
        assert_eq!(table.horizons().unwrap(), [1, 60]);
    }

    #[test]
    fn what_is_no_target_or_horizon_is_an_error_that_names_the_row() {
        let table = Table::new([
            ("target", Column::Text(vec![Some("Fatalities".into()), None])),
            ("horizon", Column::Integer(vec![1, -1])),
        ])
        .unwrap();
        assert_eq!(table.targets().unwrap_err().to_string(), "row 2 of column `target` is not a target");
        assert_eq!(table.horizons().unwrap_err().to_string(), "row 2 of column `horizon` is not a number of days");
    }
}
