//! How large a panel a file may ask for. A panel is dense: one row with a wrong year, or a column of places that is none,
//! makes a small file ask for more than a machine has.

use covid_core::Date;

use crate::RowFault;

/// Panels up to this many places times days are never refused: all US counties on all days of JHU's, 64 MB of counts.
const ALWAYS: usize = 1 << 22;

/// Places times days that one row may stand for. Tables of real places are nearly full, or begin late for some places.
const CELLS_A_ROW: usize = 64;

/// The most days between rows: a table by month.
const LONGEST_STEP: usize = 31;

/// Refuses a panel that is almost empty.
pub(crate) fn check_rows(locations: usize, days: usize, rows: usize) -> Result<(), RowFault> {
    let cells = locations.saturating_mul(days);
    if cells > ALWAYS && cells > rows.saturating_mul(CELLS_A_ROW) {
        return Err(RowFault::SparseRows { rows, locations, days });
    }
    Ok(())
}

/// Days from the first to the last of some dates, which ascend. Refused where most of the dates that one would expect
/// from the usual step (a day, a week) are not there: the dates are not what they seem.
pub(crate) fn days_spanned(dates: &[Date]) -> Result<usize, RowFault> {
    let (Some(&first), Some(&last)) = (dates.first(), dates.last()) else { return Err(RowFault::NoRows) };
    let days = days_between(first, last) + 1;
    if days > usual_step(dates).saturating_mul(2 * dates.len()) {
        return Err(RowFault::SparseDates { dates: dates.len(), days, first, last });
    }
    Ok(days)
}

/// The median of days from one date to the next, at least 1.
fn usual_step(dates: &[Date]) -> usize {
    let mut steps: Vec<usize> =
        dates.windows(2).filter_map(|pair| Some(days_between(*pair.first()?, *pair.get(1)?))).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(1).clamp(1, LONGEST_STEP)
}

/// Days from one date to a later one.
pub(crate) fn days_between(from: Date, to: Date) -> usize {
    from.until(to).map_or(0, |span| usize::try_from(span.get_days()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(step: i32, dates: i32) -> Vec<Date> {
        let start = Date::constant(2020, 1, 22);
        (0..dates).map(|i| start.saturating_add(jiff::Span::new().days(step * i))).collect()
    }

    #[test]
    fn tables_by_day_week_and_month_pass() {
        assert_eq!(days_spanned(&every(1, 100)), Ok(100));
        assert_eq!(days_spanned(&every(7, 100)), Ok(694));
        assert_eq!(days_spanned(&every(31, 3)), Ok(63));
        assert_eq!(days_spanned(&every(1, 1)), Ok(1));
    }

    #[test]
    fn a_wrong_year_does_not() {
        let mut dates = every(1, 100);
        dates.push(Date::constant(9999, 1, 1));
        assert!(matches!(days_spanned(&dates), Err(RowFault::SparseDates { dates: 101, .. })));
        let mut dates = every(7, 500);
        dates.insert(0, Date::constant(1920, 1, 1));
        assert!(days_spanned(&dates).is_err());
        assert!(days_spanned(&[Date::constant(20, 1, 1), Date::constant(2020, 1, 1)]).is_err());
    }

    #[test]
    fn places_with_a_row_each_do_not_make_a_large_panel() {
        assert_eq!(check_rows(1000, 1000, 1000), Ok(()));
        assert_eq!(check_rows(3340, 1143, 3340 * 1143), Ok(()));
        assert!(check_rows(10_000, 10_000, 10_000).is_err());
    }
}
