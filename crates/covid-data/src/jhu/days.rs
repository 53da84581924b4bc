//! Which day each date of a header stands for.
//!
//! Spreadsheets rewrite dates: one that puts the day first takes JHU's `2/1/20` for the second of January, leaves
//! `1/22/20` as it is, and writes what it took in a form of its own. No text alone says what was meant; the header does,
//! for its days go up one by one.

use covid_core::Date;

use crate::{
    FileFault, cell,
    date::{Order, Readings, readings},
};

/// The days of a header's date columns.
#[derive(Debug, PartialEq)]
pub(super) struct Days {
    /// By column, in the order of the header.
    pub(super) dates: Vec<Date>,
    /// What was odd, each in one sentence.
    pub(super) remarks: Vec<String>,
}

/// A date column: its position in the header, from 0, and its name.
pub(super) type Name<'a> = (usize, &'a str);

/// Finds the days that the columns stand for.
///
/// Taken is a reading of all names, each way of writing read in one way, whose days go up one by one. Days that run
/// backwards or are in no order are put in order if none is missing. Days may be missing if the names are in order, and
/// if no other reading has as few gaps.
///
/// # Errors
/// If a name is no date, if there is no name, or if the days cannot be told.
pub(super) fn resolve(names: &[Name<'_>]) -> Result<Days, FileFault> {
    if names.is_empty() {
        return Err(FileFault::NoDates);
    }
    if let Some(dates) = as_published(names) {
        return Ok(Days { dates, remarks: Vec::new() });
    }
    let texts: Vec<Text> = names.iter().map(|&name| Text::of(name)).collect::<Result<_, _>>()?;
    let (dates, order) = choose(names, &texts)?;
    let mut remarks: Vec<String> = rewritten(names, &texts, &dates).into_iter().collect();
    remarks.extend(order.remark());
    Ok(Days { dates, remarks })
}

/// The days of a header as JHU writes it, none missing: nearly every header.
fn as_published(names: &[Name<'_>]) -> Option<Vec<Date>> {
    let dates: Vec<Date> = names.iter().map(|(_, name)| cell::date(name)).collect::<Option<_>>()?;
    is_run(&dates).then_some(dates)
}

/// A name that can be read as a date.
struct Text {
    readings: Readings,
    form: Form,
}

/// Ways in which dates are written. A program that rewrites dates writes all that it rewrites in one way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As JHU writes them, `1/22/20`.
    Published,
    /// Other numbers without a year in front, `02-01-2020`.
    Numbers,
    /// Dates that say themselves which number is what, `2020-01-22`.
    Certain,
}

impl Text {
    fn of((field, name): Name<'_>) -> Result<Self, FileFault> {
        let readings = readings(name);
        if readings.is_none() {
            return Err(FileFault::NotADate { position: field + 1, column: cell::excerpt(name.as_bytes()) });
        }
        let same = readings.certain().is_some() && Order::ALL.iter().all(|&order| readings.in_order(order).is_some());
        let form = match () {
            () if cell::date(name).is_some() => Form::Published,
            () if same => Form::Certain,
            () => Form::Numbers,
        };
        Ok(Self { readings, form })
    }
}

/// How all names of one form are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    In(Order),
    /// Month and day exchanged where that gives a date, as by a program that took one for the other where it could.
    Exchanged,
}

impl Reading {
    const OF_NUMBERS: [Self; 4] =
        [Self::In(Order::Month), Self::In(Order::Day), Self::In(Order::Year), Self::Exchanged];
    const OF_CERTAIN: [Self; 2] = [Self::In(Order::Month), Self::Exchanged];

    fn of(self, readings: &Readings) -> Option<Date> {
        match self {
            Self::In(order) => readings.in_order(order),
            Self::Exchanged => {
                let date = readings.month_first.or(readings.day_first)?;
                Some(Date::new(date.year(), date.day(), date.month()).unwrap_or(date))
            }
        }
    }
}

/// Every reading of all names that gives a day for each, without those that give the same days as one before. The first
/// is the literal one, months first, if there is one.
fn interpretations(texts: &[Text]) -> (Vec<Vec<Date>>, bool) {
    let mut found: Vec<Vec<Date>> = Vec::new();
    let mut literal = false;
    for published in Reading::OF_NUMBERS {
        for numbers in Reading::OF_NUMBERS {
            for certain in Reading::OF_CERTAIN {
                let read = |text: &Text| match text.form {
                    Form::Published => published.of(&text.readings),
                    Form::Numbers => numbers.of(&text.readings),
                    Form::Certain => certain.of(&text.readings),
                };
                let Some(dates) = texts.iter().map(read).collect::<Option<Vec<Date>>>() else { continue };
                let months_first = Reading::In(Order::Month);
                literal |= [published, numbers, certain] == [months_first; 3];
                if !found.contains(&dates) {
                    found.push(dates);
                }
            }
        }
    }
    (found, literal)
}

/// How the days of the chosen reading stand in the header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sequence {
    Forwards,
    Backwards,
    Mixed,
}

impl Sequence {
    fn remark(self) -> Option<String> {
        match self {
            Self::Forwards => None,
            Self::Backwards => Some("the dates run backwards; they were put in order".into()),
            Self::Mixed => Some("the dates are not in order; they were put in order".into()),
        }
    }
}

/// Tells whether days stand in the header as a sequence does.
type Holds = fn(&[Date]) -> bool;

fn choose(names: &[Name<'_>], texts: &[Text]) -> Result<(Vec<Date>, Sequence), FileFault> {
    let (readings, literal_exists) = interpretations(texts);
    let literal = readings.first().filter(|_| literal_exists);
    if let Some(dates) = literal.filter(|dates| goes_up(dates)) {
        return literal_in_order(names, texts, dates, &readings).map(|()| (dates.clone(), Sequence::Forwards));
    }
    let complete: [(Holds, Sequence); 2] = [(is_run, Sequence::Forwards), (is_run_backwards, Sequence::Backwards)];
    for (holds, sequence) in complete {
        if let Some(dates) = only(names, readings.iter().filter(|dates| holds(dates)))? {
            return Ok((dates, sequence));
        }
    }
    let single = readings.len() == 1;
    // Among many columns with few gaps, another reading would not go up.
    let few_gaps = |dates: &&Vec<Date>| goes_up(dates) && (single || 10 * gaps(dates) <= dates.len());
    if let Some(dates) = only(names, readings.iter().filter(few_gaps))? {
        check_sparse(&dates)?;
        return Ok((dates, Sequence::Forwards));
    }
    if let Some(dates) = only(names, readings.iter().filter(|dates| is_run_in_any_order(dates)))? {
        return Ok((dates, Sequence::Mixed));
    }
    Err(literal.and_then(|dates| first_out_of_order(names, dates)).unwrap_or_else(|| unclear(names, texts)))
}

/// Whether the literal reading, which goes up, may be taken.
fn literal_in_order(
    names: &[Name<'_>],
    texts: &[Text],
    dates: &[Date],
    readings: &[Vec<Date>],
) -> Result<(), FileFault> {
    let alone = dates.len() == 1 && texts.iter().any(|text| text.form == Form::Numbers);
    if is_run(dates) && !(alone && readings.len() > 1) {
        return Ok(());
    }
    check_sparse(dates)?;
    let rival = |other: &Vec<Date>| other != dates && goes_up(other) && gaps(other) <= gaps(dates);
    if readings.iter().any(rival) { Err(unclear(names, texts)) } else { Ok(()) }
}

/// The only one, if there is one.
fn only<'a>(
    names: &[Name<'_>],
    mut found: impl Iterator<Item = &'a Vec<Date>>,
) -> Result<Option<Vec<Date>>, FileFault> {
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(dates), None) => Ok(Some(dates.clone())),
        (Some(one), Some(other)) => {
            let differs = one.iter().zip(other).position(|(a, b)| a != b).unwrap_or(0);
            Err(unclear_at(names, differs))
        }
    }
}

/// The first name that can stand for several days.
fn unclear(names: &[Name<'_>], texts: &[Text]) -> FileFault {
    let first = texts.iter().position(|text| text.form != Form::Certain && text.readings.certain().is_none());
    unclear_at(names, first.unwrap_or(0))
}

fn unclear_at(names: &[Name<'_>], index: usize) -> FileFault {
    let (field, name) = names.get(index).copied().unwrap_or_default();
    FileFault::UnclearDate { position: field + 1, column: cell::excerpt(name.as_bytes()) }
}

/// The first column that does not come after the one before it.
fn first_out_of_order(names: &[Name<'_>], dates: &[Date]) -> Option<FileFault> {
    let index = dates.windows(2).position(|pair| matches!(pair, [a, b] if a >= b))?;
    let [(_, before), (field, column)] = names.get(index..index + 2)? else { return None };
    let [before, column] = [before, column].map(|name| cell::excerpt(name.as_bytes()));
    Some(FileFault::DateOrder { position: field + 1, column, before })
}

/// A sentence on the names that are not read as JHU would have written them.
fn rewritten(names: &[Name<'_>], texts: &[Text], dates: &[Date]) -> Option<String> {
    let odd = |&((_, text), date): &((&Name<'_>, &Text), &Date)| {
        text.form != Form::Published || text.readings.month_first != Some(*date)
    };
    let all = names.iter().zip(texts).zip(dates);
    let mut odd = all.filter(odd).map(|((name, _), date)| (name, date));
    let ((field, name), date) = odd.next()?;
    let others = odd.count();
    let name = cell::excerpt(name.as_bytes());
    let these = if others == 0 { "1 date is".into() } else { format!("{} dates are", others + 1) };
    Some(format!(
        "{these} not written month/day/year as `1/22/20` is; `{name}` in column {} of the header stands for {date}",
        field + 1
    ))
}

/// Where most days between the first and the last have no column, the dates are not what they seem (months and days
/// exchanged, a typing error in a year), and the panel would be mostly holes.
fn check_sparse(dates: &[Date]) -> Result<(), FileFault> {
    let (Some(&first), Some(&last)) = (dates.first(), dates.last()) else { return Err(FileFault::NoDates) };
    let days = days_between(first, last) + 1;
    if days > 2 * dates.len() {
        return Err(FileFault::SparseDates { columns: dates.len(), days, first, last });
    }
    Ok(())
}

/// Days from one date to a later one.
pub(super) fn days_between(from: Date, to: Date) -> usize {
    // Both are dates of one calendar, so the difference is a whole number of days and neither step can fail.
    from.until(to).map_or(0, |span| usize::try_from(span.get_days()).unwrap_or(0))
}

fn goes_up(dates: &[Date]) -> bool {
    dates.is_sorted_by(|a, b| a < b)
}

fn is_run(dates: &[Date]) -> bool {
    goes_up(dates) && gaps(dates) == 0
}

fn is_run_backwards(dates: &[Date]) -> bool {
    dates.len() > 1 && dates.is_sorted_by(|a, b| a > b) && is_run_in_any_order(dates)
}

fn is_run_in_any_order(dates: &[Date]) -> bool {
    let mut sorted = dates.to_vec();
    sorted.sort_unstable();
    is_run(&sorted)
}

/// How often a date is not the day after the one before it.
fn gaps(dates: &[Date]) -> usize {
    dates.windows(2).filter(|pair| matches!(pair, [a, b] if a.tomorrow().ok() != Some(*b))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Date = Date::constant(2020, 1, 22);

    /// The days from the start on, each written by `write`.
    fn header(days: usize, write: impl Fn(Date) -> String) -> Vec<String> {
        (0..days as i64).map(|day| write(START.saturating_add(jiff::Span::new().days(day)))).collect()
    }

    fn published(date: Date) -> String {
        format!("{}/{}/{:02}", date.month(), date.day(), date.year() % 100)
    }

    fn resolved(names: &[String]) -> Result<Days, FileFault> {
        resolve(&names.iter().enumerate().map(|(field, name)| (field + 4, name.as_str())).collect::<Vec<_>>())
    }

    fn is_right(names: &[String]) -> bool {
        resolved(names).is_ok_and(|days| is_run(&days.dates) && days.dates.first() == Some(&START))
    }

    /// What a spreadsheet that puts the day first takes a published date for: nothing, where there is no such month.
    fn taken_day_first(date: Date) -> Option<Date> {
        Date::new(date.year(), date.day(), date.month()).ok()
    }

    #[test]
    fn headers_as_programs_write_them() {
        for days in [2, 12, 400] {
            assert_eq!(resolved(&header(days, published)).unwrap().remarks, Vec::<String>::new());
            for format in ["%m/%d/%Y", "%d/%m/%Y", "%d.%m.%y", "%y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d-%b-%y", "X%m.%d.%y"]
            {
                let names =
                    header(days, |date| date.to_datetime(jiff::civil::Time::midnight()).strftime(format).to_string());
                assert!(is_right(&names), "{format} {names:?}");
                assert_eq!(resolved(&names).unwrap().remarks.len(), 1);
            }
        }
    }

    /// Days after the twelfth stay as they were, for there is no such month; the others are taken for another day, and
    /// written in the program's own way.
    #[test]
    fn headers_that_a_spreadsheet_rewrote_where_it_could() {
        for format in ["%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d", "%d-%b-%y", "%-m/%-d/%y", "%Y-%m-%d %H:%M:%S"] {
            let names = header(400, |date| match taken_day_first(date) {
                Some(taken) => taken.strftime_at_midnight(format),
                None => published(date),
            });
            assert!(is_right(&names), "{format} {names:?}");
        }
    }

    trait Strftime {
        fn strftime_at_midnight(&self, format: &str) -> String;
    }

    impl Strftime for Date {
        fn strftime_at_midnight(&self, format: &str) -> String {
            self.to_datetime(jiff::civil::Time::midnight()).strftime(format).to_string()
        }
    }

    /// `pandas.to_datetime(..., dayfirst=True)` reads the day first where it can, and writes everything in one way.
    #[test]
    fn headers_whose_days_and_months_were_exchanged() {
        for format in ["%Y-%m-%d", "%m/%d/%Y", "%b %-d, %Y"] {
            let names = header(400, |date| taken_day_first(date).unwrap_or(date).strftime_at_midnight(format));
            assert!(is_right(&names), "{format} {names:?}");
        }
    }

    #[test]
    fn day_numbers_of_spreadsheets() {
        let names: Vec<String> = (43_852..43_900).map(|number| number.to_string()).collect();
        assert!(is_right(&names));
    }

    #[test]
    fn days_out_of_order_are_put_in_order_by_who_reads_them() {
        let mut names = header(60, published);
        names.reverse();
        let days = resolved(&names).unwrap();
        assert_eq!((days.dates[59], days.remarks.len()), (START, 1));
        names.sort();
        let days = resolved(&names).unwrap();
        assert!(is_run_in_any_order(&days.dates) && days.remarks.len() == 1);
    }

    #[test]
    fn days_may_be_missing_where_the_others_can_be_told() {
        let mut names =
            header(400, |date| taken_day_first(date).map_or_else(|| published(date), |taken| taken.to_string()));
        names.remove(300);
        assert_eq!(
            resolved(&names).unwrap().dates[299..301],
            [Date::constant(2020, 11, 16), Date::constant(2020, 11, 18)]
        );
        let names = ["2/28/20", "3/1/20"].map(String::from);
        assert_eq!(resolved(&names).unwrap().remarks, Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let refused =
            |names: &[&str]| resolved(&names.iter().map(|&name| name.into()).collect::<Vec<_>>()).unwrap_err();
        assert_eq!(refused(&["02/01/2020"]), FileFault::UnclearDate { position: 5, column: "02/01/2020".into() });
        assert_eq!(refused(&["1/22/20", "Total"]), FileFault::NotADate { position: 6, column: "Total".into() });
        assert_eq!(refused(&[]), FileFault::NoDates);
        // Months, or days of January with the day first.
        assert!(matches!(refused(&["1/1/20", "2/1/20", "3/1/20", "4/1/20"]), FileFault::SparseDates { .. }));
        assert!(matches!(refused(&["2020-01-02", "2020-02-02", "2020-03-02"]), FileFault::SparseDates { .. }));
        let (column, before) = ("1/22/20".into(), "1/24/20".into());
        assert_eq!(refused(&["1/21/20", "1/24/20", "1/22/20"]), FileFault::DateOrder { position: 7, column, before });
    }
}
