//! Numbers as people read them. What cannot be shown as a number is `-`.

const NOTHING: &str = "-";
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A count, rounded to a whole number, with a comma every three digits: `1,234,567`.
pub fn count(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.into();
    }
    let rounded = value.round();
    let digits = format!("{:.0}", rounded.abs());
    let sign = if rounded < 0.0 { "-" } else { "" };
    format!("{sign}{}", group_by_thousands(&digits))
}

/// A score with four decimals: `0.0768`.
pub fn score(value: f64) -> String {
    if value.is_finite() { format!("{value:.4}") } else { NOTHING.into() }
}

/// A line of one block a value, from the lowest to the highest; a missing value is a blank.
pub fn sparkline(values: &[f64]) -> String {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    values.iter().map(|&value| if value.is_finite() { block(value, low, high) } else { ' ' }).collect()
}

fn block(value: f64, low: f64, high: f64) -> char {
    // Halved first, since the span of the largest and the smallest double is not finite.
    let span = high / 2.0 - low / 2.0;
    let share = if span > 0.0 { (value / 2.0 - low / 2.0) / span } else { 0.0 };
    let top = BLOCKS.len() - 1;
    BLOCKS[((share * top as f64).round() as usize).min(top)]
}

fn group_by_thousands(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_rounded_and_grouped() {
        let shown = [0.0, -0.4, 999.5, 1_234_567.4, -1_234.0, 1e12, f64::NAN, f64::INFINITY].map(count);
        assert_eq!(shown, ["0", "0", "1,000", "1,234,567", "-1,234", "1,000,000,000,000", "-", "-"]);
    }

    #[test]
    fn scores_have_four_decimals() {
        assert_eq!([0.07684, 1.0, f64::NAN].map(score), ["0.0768", "1.0000", "-"]);
    }

    #[test]
    fn a_sparkline_spans_its_values() {
        assert_eq!(sparkline(&[0.0, 1.0, f64::NAN, 3.5, 7.0]), "▁▂ ▅█");
        assert_eq!(sparkline(&[5.0, 5.0]), "▁▁");
        assert_eq!(sparkline(&[f64::MIN, f64::MAX]), "▁█");
        assert_eq!(sparkline(&[]), "");
    }
}
