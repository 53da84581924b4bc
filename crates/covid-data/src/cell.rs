//! From the bytes of a cell to a count or a date, without an allocation.

use covid_core::Date;

/// The fast path, which nearly every cell takes: at most 12 digits, so below [`covid_core::MAX_COUNT`] and exact.
#[inline]
pub(crate) fn whole_number(cell: &[u8]) -> Option<f64> {
    if cell.is_empty() || cell.len() > 12 {
        return None;
    }
    let mut number = 0u64;
    for byte in cell {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number as f64)
}

/// A date as JHU writes it: month/day/year without leading zeros, the year in two digits. Nothing else is taken for
/// one: `02/01/2020` could as well be the second of January.
pub(crate) fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    let year = (year.len() == 2).then(|| digits(year))??;
    if parts.next().is_some() || [month, day].into_iter().any(|part| part.starts_with('0')) {
        return None;
    }
    Date::new(2000 + i16::from(year), digits(month)?, digits(day)?).ok()
}

/// The number that one or two digits stand for.
fn digits(text: &str) -> Option<i8> {
    let plain = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// A cell for a message: one line, not too long.
pub(crate) fn excerpt(cell: &[u8]) -> String {
    const LONGEST: usize = 40;
    let text = String::from_utf8_lossy(cell);
    let mut short = String::new();
    for c in text.chars().take(LONGEST) {
        if c.is_control() { short.extend(c.escape_default()) } else { short.push(c) }
    }
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        assert_eq!(whole_number(b"1234567"), Some(1_234_567.0));
        assert_eq!(whole_number(b"999999999999"), Some(999_999_999_999.0));
        for cell in ["", " 1", "-5", "1.0", "1000000000000", "\u{661}"] {
            assert_eq!(whole_number(cell.as_bytes()), None, "{cell}");
        }
    }

    #[test]
    fn dates() {
        assert_eq!(date("1/22/20"), Some(Date::constant(2020, 1, 22)));
        assert_eq!(date("12/1/09"), Some(Date::constant(2009, 12, 1)));
        for text in
            ["", "/", "1/22", "1/22/2020", "1/22/0", "22/1/20", "2/30/20", "1/1/20/1", "01-22-2020", "-1/2/20", "a/b/c"]
        {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_with_zeros_in_front_is_ambiguous() {
        assert_eq!(date("02/01/20"), None);
        assert_eq!(date("2/01/20"), None);
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(b"a\nb"), "a\\nb");
        assert_eq!(excerpt("é".repeat(50).as_bytes()).chars().count(), 41);
    }
}
