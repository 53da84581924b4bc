//! The days that a text can stand for. Programs write dates in many ways, and some of them can be read in more than one;
//! which one is meant, only the texts around it can tell.

use covid_core::Date;

/// The order of the numbers in a date that is written in numbers alone, by the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Month, day, year: `1/22/20`, as JHU writes it.
    Month,
    /// Day, month, year: `22/1/20`.
    Day,
    /// Year, month, day: `20/1/22`.
    Year,
}

impl Order {
    pub(crate) const ALL: [Self; 3] = [Self::Month, Self::Day, Self::Year];
}

/// The days that one text can stand for, by the order of its numbers. A text that says itself which number is what, as
/// `2020-01-22` and `22-Jan-20` do, stands for the same day in every order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Readings {
    pub(crate) month_first: Option<Date>,
    pub(crate) day_first: Option<Date>,
    pub(crate) year_first: Option<Date>,
}

impl Readings {
    fn certainly(date: Date) -> Self {
        Self { month_first: Some(date), day_first: Some(date), year_first: Some(date) }
    }

    /// The reading in one order.
    pub(crate) fn in_order(&self, order: Order) -> Option<Date> {
        match order {
            Order::Month => self.month_first,
            Order::Day => self.day_first,
            Order::Year => self.year_first,
        }
    }

    /// Whether no order makes a date of the text.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The day, if the text can stand for one day only.
    pub(crate) fn certain(&self) -> Option<Date> {
        let mut dates = Order::ALL.into_iter().filter_map(|order| self.in_order(order));
        let first = dates.next()?;
        dates.all(|date| date == first).then_some(first)
    }
}

/// Every day that a text can stand for.
///
/// Read are ISO (`2020-01-22`, `2020/1/22`, `20200122`), numbers in any order with `/`, `-`, `.` or `_` between them and a
/// year of two or four digits, names of months (`22-Jan-20`, `January 22, 2020`), and the day numbers of spreadsheets
/// (`43852`); each with or without a time of day after it, and with the `X` that R puts before a number. A year of two
/// digits is one of 2000 to 2099.
pub(crate) fn readings(text: &str) -> Readings {
    let text = without_time(text.trim());
    let text = text.strip_prefix(['X', 'x']).unwrap_or(text);
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && let Some(date) = plain_number(text)
    {
        return Readings::certainly(date);
    }
    match with_month_name(text) {
        Some(date) => Readings::certainly(date),
        None => numbers(text),
    }
}

/// The text without a time of day at its end: `2020-01-22T00:00:00Z`, `1/22/2020 17:00`, `1/22/20 12:00:00 AM`.
fn without_time(text: &str) -> &str {
    let Some(begin) = text.find(':').and_then(|colon| text.get(..colon)?.rfind([' ', 'T'])) else { return text };
    match (text.get(..begin), text.get(begin + 1..)) {
        (Some(day), Some(time)) if is_time(time) => day.trim_end(),
        _ => text,
    }
}

fn is_time(time: &str) -> bool {
    let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00")).unwrap_or(time);
    let (time, highest) = match time.strip_suffix(" AM").or_else(|| time.strip_suffix(" PM")) {
        Some(time) => (time, 12),
        None => (time, 23),
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let parts: Vec<Option<i8>> = time.split(':').map(one_or_two_digits).collect();
    let in_range = match parts.as_slice() {
        [Some(hour), Some(minute)] => *hour <= highest && *minute < 60,
        [Some(hour), Some(minute), Some(second)] => *hour <= highest && *minute < 60 && *second < 60,
        _ => false,
    };
    in_range && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

/// A date without a separator: `20200122`, or the day number of a spreadsheet.
fn plain_number(text: &str) -> Option<Date> {
    let digits = text.strip_suffix(".0").unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits.len() {
        5 => day_number(digits.parse().ok()?),
        8 => {
            let (year, rest) = digits.split_at_checked(4)?;
            let (month, day) = rest.split_at_checked(2)?;
            Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
        }
        _ => None,
    }
}

/// The date of a spreadsheet's day number, from December 2019 to the end of the century. Some workbooks count from 1904
/// instead of 1900: their numbers for the years of the pandemic stand here for days before it, and are not taken.
fn day_number(number: i32) -> Option<Date> {
    const DAY_ZERO: Date = Date::constant(1899, 12, 30);
    let taken = (43_800..=73_050).contains(&number);
    taken.then(|| DAY_ZERO.checked_add(jiff::Span::new().try_days(number).ok()?).ok())?
}

/// `22-Jan-20`, `Jan 22, 2020`, `22 January 2020`, `2020-Jan-22`.
fn with_month_name(text: &str) -> Option<Date> {
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let parts: Vec<&str> = text.split([' ', '-', '/', '.', '_', ',']).filter(|part| !part.is_empty()).collect();
    let &[first, second, third] = parts.as_slice() else { return None };
    let (month, day, year) = match (month_of(first), month_of(second)) {
        (Some(month), None) => (month, second, third),
        (None, Some(month)) if first.len() == 4 => (month, third, first),
        (None, Some(month)) => (month, first, third),
        _ => return None,
    };
    Date::new(year_of(year)?, month, one_or_two_digits(day)?).ok()
}

fn month_of(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let name = name.to_ascii_lowercase();
    let found = MONTHS.into_iter().position(|month| month == name || month.get(..3) == Some(name.as_str()));
    let found = found.or_else(|| (name == "sept").then_some(8))?;
    i8::try_from(found + 1).ok()
}

/// Three numbers with the same separator between them.
fn numbers(text: &str) -> Readings {
    let Some(separator) = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| "/-._".contains(*c)) else {
        return Readings::default();
    };
    let parts: Vec<&str> = text.split(separator).collect();
    let &[first, second, third] = parts.as_slice() else { return Readings::default() };
    let date = |year: &str, month: &str, day: &str| {
        Date::new(year_of(year)?, one_or_two_digits(month)?, one_or_two_digits(day)?).ok()
    };
    if first.len() == 4 {
        // No program writes year, day, month.
        return date(first, second, third).map(Readings::certainly).unwrap_or_default();
    }
    Readings {
        month_first: date(third, first, second),
        day_first: date(third, second, first),
        year_first: (third.len() <= 2).then(|| date(first, second, third)).flatten(),
    }
}

/// A year of two digits in this century, or of four digits.
fn year_of(text: &str) -> Option<i16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.len() {
        2 if plain => Some(2000 + text.parse::<i16>().ok()?),
        4 if plain => text.parse().ok(),
        _ => None,
    }
}

fn one_or_two_digits(text: &str) -> Option<i8> {
    let plain = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Date = Date::constant(2020, 1, 22);

    #[test]
    fn one_day_written_by_many_programs() {
        for text in [
            "1/22/20",
            "01/22/2020",
            "22/01/2020",
            "22.1.2020",
            "01-22-2020",
            "2020-01-22",
            "2020/1/22",
            "20200122",
            "2020-01-22 00:00:00",
            "2020-01-22T00:00:00Z",
            "2020-01-22T00:00:00.000000+00:00",
            "1/22/2020 17:00",
            "1/22/20 12:00:00 AM",
            "22-Jan-20",
            "22 January 2020",
            "Jan 22, 2020",
            "January 22 2020",
            "2020-Jan-22",
            "X1.22.20",
            "X2020.01.22",
            "x1_22_20",
            "43852",
            "43852.0",
            "X43852",
            " 1/22/20 ",
        ] {
            assert_eq!(readings(text).certain(), Some(DAY), "{text}");
        }
    }

    #[test]
    fn numbers_alone_can_stand_for_several_days() {
        let found = readings("02/01/2020");
        assert_eq!(found.month_first, Some(Date::constant(2020, 2, 1)));
        assert_eq!(found.day_first, Some(Date::constant(2020, 1, 2)));
        assert_eq!((found.year_first, found.certain()), (None, None));
        assert_eq!(readings("20-01-12").year_first, Some(Date::constant(2020, 1, 12)));
        assert_eq!(readings("3/3/2020").certain(), Some(Date::constant(2020, 3, 3)));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "/",
            "1/22",
            "1/22/0",
            "1/22/202",
            "2/30/20",
            "13/13/20",
            "1/1/20/1",
            "1/22-20",
            "1/22/20.1",
            "-1/2/20",
            "a/b/c",
            "22-Jab-20",
            "Jan-20",
            "January",
            "12",
            "1.5",
            "33.93911",
            "1234567",
            "42390",
            "20201301",
            "Lat",
            "2020-01-22 25:00",
            "1/22/20 noon",
            "Total",
            "X",
            "été/1/20",
            "1/22/٢٠",
            "0/1/20",
            "1579651200",
        ] {
            assert!(readings(text).is_none(), "{text}");
        }
    }

    #[test]
    fn years_of_four_digits_are_taken_as_they_are() {
        assert_eq!(readings("11/11/1918").certain(), Some(Date::constant(1918, 11, 11)));
        assert_eq!(readings("1918-09-28").certain(), Some(Date::constant(1918, 9, 28)));
    }
}
