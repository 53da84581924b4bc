//! Counts as other programs than JHU's write them: words for a missing one, marks between thousands, decimal commas.

use covid_core::MAX_COUNT;

use crate::{
    CountFault,
    cell::{excerpt, whole_number},
};

/// How a count is written that is not written in digits alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// `NA`, `null`: no count.
    MissingWord,
    /// The same where a county or province is named.
    NoPart,
    /// `1,234` in quotation marks.
    Grouped,
    /// `12,0`, where columns are not kept apart by commas.
    DecimalComma,
    /// `1e+05`, as R writes a round number.
    Exponent,
    /// `1.234`: a fraction, unless a point stands between thousands.
    ThreeDecimals,
    /// Any other fraction.
    Fraction,
}

impl Oddity {
    const ALL: [Self; 7] = [
        Self::MissingWord,
        Self::NoPart,
        Self::Grouped,
        Self::DecimalComma,
        Self::Exponent,
        Self::ThreeDecimals,
        Self::Fraction,
    ];
}

/// Words for a missing value: R, pandas, databases, spreadsheets.
const MISSING: [&str; 9] = ["na", "n/a", "nan", "#n/a", "<na>", "null", "none", "nil", "missing"];

/// Whether a cell, without white space around it, holds such a word. No county or province is called so.
#[inline]
pub(crate) fn is_missing_word(cell: &[u8]) -> bool {
    cell.first().is_some_and(|first| b"nN#<mM".contains(first))
        && MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word.as_bytes()))
}

/// A count, NaN where it is missing, and how it was written if not in digits alone.
///
/// # Errors
/// If the cell is no count, or could be one count as well as another.
#[inline]
pub(crate) fn count(cell: &[u8], separator: u8) -> Result<(f64, Option<Oddity>), CountFault> {
    match whole_number(cell) {
        Some(count) => Ok((count, None)),
        None => odd_count(cell.trim_ascii(), separator),
    }
}

fn odd_count(cell: &[u8], separator: u8) -> Result<(f64, Option<Oddity>), CountFault> {
    let text = str::from_utf8(cell).map_err(|_| CountFault::NotANumber)?;
    if text.is_empty() {
        return Ok((f64::NAN, None));
    }
    if is_missing_word(cell) {
        return Ok((f64::NAN, Some(Oddity::MissingWord)));
    }
    if text.contains(',') {
        return with_comma(text, separator);
    }
    let number: f64 = text.parse().map_err(|_| CountFault::NotANumber)?;
    let number = in_range(number)?;
    Ok((number, oddity_of(text, number)?))
}

fn oddity_of(text: &str, number: f64) -> Result<Option<Oddity>, CountFault> {
    // A spreadsheet shows 123456 as 1.23E+05, and writes to CSV what it shows. R writes `e`, and every digit.
    if text.contains('E') {
        return Err(CountFault::Rounded);
    }
    if text.contains('e') {
        return if number.fract() == 0.0 { Ok(Some(Oddity::Exponent)) } else { Err(CountFault::Rounded) };
    }
    Ok(match text.split_once('.') {
        Some((whole, _)) if is_grouped(text, '.') && !whole.starts_with('0') => Some(Oddity::ThreeDecimals),
        Some(_) if number.fract() != 0.0 => Some(Oddity::Fraction),
        _ => None,
    })
}

/// A comma is a mark between thousands or a decimal comma. Between columns that commas keep apart it is the former;
/// elsewhere it may be either, and `1,234` cannot be told.
fn with_comma(text: &str, separator: u8) -> Result<(f64, Option<Oddity>), CountFault> {
    let grouped = is_grouped(text, ',');
    if grouped && (separator == b',' || text.matches(',').count() > 1) {
        let digits: String = text.chars().filter(|&c| c != ',').collect();
        let number = digits.parse().map_err(|_| CountFault::NotANumber)?;
        return Ok((in_range(number)?, Some(Oddity::Grouped)));
    }
    if grouped {
        return Err(CountFault::ThousandsOrFraction);
    }
    let number = text.replacen(',', ".", 1);
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte));
    match number.parse() {
        Ok(number) if plain && separator != b',' => Ok((in_range(number)?, Some(Oddity::DecimalComma))),
        _ => Err(CountFault::NotANumber),
    }
}

/// Whether a text is 1 to 3 digits, and then groups of 3 digits with a mark before each.
fn is_grouped(text: &str, mark: char) -> bool {
    let mut groups = text.trim_start_matches('-').split(mark);
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|group| matches!(group.len(), 1..=3) && digits(group));
    first && text.contains(mark) && groups.all(|group| group.len() == 3 && digits(group))
}

fn in_range(number: f64) -> Result<f64, CountFault> {
    match number {
        // Rust reads `infinity` as a number, too.
        _ if !number.is_finite() => Err(CountFault::NotFinite),
        _ if number.abs() > MAX_COUNT => Err(CountFault::TooLarge),
        // Minus zero becomes zero.
        _ => Ok(number + 0.0),
    }
}

/// Where an oddity was seen first, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    times: usize,
    /// Line in the file.
    pub(crate) row: usize,
    /// Which of the columns of counts.
    pub(crate) column: usize,
    /// The cell, shortened.
    pub(crate) text: String,
}

/// The oddities of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Oddities([Option<Seen>; Oddity::ALL.len()]);

impl Oddities {
    pub(crate) fn add(&mut self, oddity: Oddity, row: usize, column: usize, cell: &[u8]) {
        if let Some(slot) = self.0.get_mut(oddity as usize) {
            slot.get_or_insert_with(|| Seen { times: 0, row, column, text: excerpt(cell) }).times += 1;
        }
    }

    /// The name of a county or province without white space around it; nothing where a word for a missing one stands, which is
    /// noted.
    #[inline]
    pub(crate) fn part<'a>(&mut self, cell: &'a [u8], row: impl FnOnce() -> usize, column: usize) -> &'a [u8] {
        let cell = cell.trim_ascii();
        if !is_missing_word(cell) {
            return cell;
        }
        self.add(Oddity::NoPart, row(), column, cell);
        &[]
    }

    /// Adds what was seen further down in the file.
    pub(crate) fn merge(&mut self, below: Self) {
        for (slot, other) in self.0.iter_mut().zip(below.0) {
            match (slot.as_mut(), other) {
                (Some(seen), Some(other)) => seen.times += other.times,
                (None, other) => *slot = other,
                (Some(_), None) => {}
            }
        }
    }

    /// The first number that could be a fraction or have a point between its thousands, if every number with a point
    /// in the file is like that.
    pub(crate) fn thousands_or_fractions(&self) -> Option<&Seen> {
        match self.of(Oddity::Fraction) {
            None => self.of(Oddity::ThreeDecimals),
            Some(_) => None,
        }
    }

    /// A sentence on each way of writing that a reader should know of.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let sentence = |oddity| {
            let Seen { times, row, text, .. } = self.of(oddity)?;
            let (what, read_as) = match oddity {
                Oddity::MissingWord => ("a word for a missing count", "missing"),
                Oddity::NoPart => ("a word where a county or province is named", "none"),
                Oddity::Grouped => ("commas between thousands", "whole numbers"),
                Oddity::DecimalComma => ("a decimal comma", "such"),
                Oddity::Exponent => ("an exponent", "the whole numbers that they are"),
                Oddity::ThreeDecimals | Oddity::Fraction => return None,
            };
            let (cells, hold) = if *times == 1 { ("cell", "holds") } else { ("cells", "hold") };
            Some(format!("{times} {cells} {hold} {what} (first `{text}` in row {row}), read as {read_as}"))
        };
        Oddity::ALL.into_iter().filter_map(sentence).collect()
    }

    fn of(&self, oddity: Oddity) -> Option<&Seen> {
        self.0.get(oddity as usize)?.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_between_commas() {
        use Oddity::*;
        for (cell, expected, oddity) in [
            ("12", 12.0, None),
            (" 12 ", 12.0, None),
            ("12.0", 12.0, None),
            ("12.000", 12.0, Some(ThreeDecimals)),
            ("-0", 0.0, None),
            ("-5", -5.0, None),
            ("0.125", 0.125, Some(Fraction)),
            ("1.5", 1.5, Some(Fraction)),
            ("1.234", 1.234, Some(ThreeDecimals)),
            ("1,234", 1234.0, Some(Grouped)),
            ("1,234,567", 1_234_567.0, Some(Grouped)),
            ("1e+05", 100_000.0, Some(Exponent)),
            ("1000000000000", 1e12, None),
        ] {
            let (count, found) = count(cell.as_bytes(), b',').unwrap();
            assert_eq!((count.to_bits(), found), (f64::to_bits(expected), oddity), "{cell}");
        }
        for (cell, oddity) in [("", None), ("NaN", Some(MissingWord)), ("#N/A", Some(MissingWord))] {
            let (count, found) = count(cell.as_bytes(), b',').unwrap();
            assert!(count.is_nan());
            assert_eq!(found, oddity, "{cell}");
        }
    }

    #[test]
    fn counts_between_semicolons() {
        for (cell, expected) in [("12,0", 12.0), ("1,5", 1.5), ("-3,25", -3.25)] {
            assert_eq!(count(cell.as_bytes(), b';'), Ok((expected, Some(Oddity::DecimalComma))), "{cell}");
        }
        assert_eq!(count(b"1,234", b';'), Err(CountFault::ThousandsOrFraction));
        assert_eq!(count(b"1,234,567", b';'), Ok((1_234_567.0, Some(Oddity::Grouped))));
    }

    #[test]
    fn cells_that_are_no_counts() {
        use CountFault::*;
        for (cell, fault) in [
            ("abc", NotANumber),
            ("-", NotANumber),
            ("####", NotANumber),
            ("#REF!", NotANumber),
            ("1,23", NotANumber),
            ("1,23,456", NotANumber),
            ("1.234.567", NotANumber),
            ("1,234.5", NotANumber),
            ("1 234", NotANumber),
            ("0x10", NotANumber),
            ("1.23E+05", Rounded),
            ("1.2345e+02", Rounded),
            ("-inf", NotFinite),
            ("1e999", NotFinite),
            ("1000000000001", TooLarge),
        ] {
            assert_eq!(count(cell.as_bytes(), b','), Err(fault), "{cell}");
        }
        assert_eq!(count(&[0xff, 0xfe], b','), Err(NotANumber));
    }

    #[test]
    fn three_decimals_are_fractions_only_beside_other_fractions() {
        let mut oddities = Oddities::default();
        oddities.add(Oddity::ThreeDecimals, 3, 1, b"1.234");
        assert_eq!(oddities.thousands_or_fractions().map(|seen| seen.row), Some(3));
        let mut below = Oddities::default();
        below.add(Oddity::Fraction, 4, 0, b"1.5");
        oddities.merge(below);
        assert_eq!(oddities.thousands_or_fractions(), None);
    }
}
