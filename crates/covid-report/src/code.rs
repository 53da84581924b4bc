//! Series as short text: the differences from count to count, as variable-length quantities of base-64 digits.

/// The digits of source maps, so that a reader may know them.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const GAP: char = '-';
const REPEAT: char = '*';
/// A shorter run is written out: marking it would take as long.
const SHORTEST_RUN: usize = 3;
/// Whole numbers up to this size are exact in JavaScript, and so are their differences.
const LARGEST: f64 = 4.0e15;

/// Exactly `days` counts: a digit sequence for each difference, `-` for a day without a count, and after either `*n` for
/// n more of the same. Further counts are left out; missing ones are gaps.
pub(crate) fn encode(counts: &[f64], days: usize) -> String {
    let mut text = String::with_capacity(days);
    let mut run: (Option<i64>, usize) = (None, 0);
    for step in steps(counts, days) {
        if run.1 > 0 && run.0 == step {
            run.1 += 1;
            continue;
        }
        push_run(&mut text, run);
        run = (step, 1);
    }
    push_run(&mut text, run);
    text
}

/// What each day adds to the last count before it; none where there is no count.
fn steps(counts: &[f64], days: usize) -> impl Iterator<Item = Option<i64>> {
    let mut last = 0;
    let padded = counts.iter().copied().chain(std::iter::repeat(f64::NAN)).take(days);
    padded.map(move |count| {
        let count = count.is_finite().then(|| count.clamp(-LARGEST, LARGEST).round() as i64)?;
        let step = count - last;
        last = count;
        Some(step)
    })
}

fn push_run(text: &mut String, (step, times): (Option<i64>, usize)) {
    let written = if times > SHORTEST_RUN { 1 } else { times };
    for _ in 0..written {
        match step {
            // The sign is the lowest bit.
            Some(step) => push_quantity(text, step.unsigned_abs() << 1 | u64::from(step < 0)),
            None => text.push(GAP),
        }
    }
    if times > written {
        text.push(REPEAT);
        push_quantity(text, (times - written) as u64);
    }
}

/// Five bits a digit, the lowest first; the sixth says that another digit follows.
fn push_quantity(text: &mut String, mut value: u64) {
    loop {
        let more = value >= 32;
        let digit = (value % 32) as usize + if more { 32 } else { 0 };
        text.push(char::from(DIGITS[digit]));
        value /= 32;
        if !more {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the script does.
    fn decode(text: &str) -> Vec<Option<i64>> {
        let mut bytes = text.bytes().peekable();
        let (mut counts, mut step, mut last) = (Vec::new(), Some(0), 0);
        while let Some(&byte) = bytes.peek() {
            let mut times = 1;
            if byte == b'*' || byte == b'-' {
                bytes.next();
            }
            match byte {
                b'*' => times = quantity(&mut bytes),
                b'-' => step = None,
                _ => {
                    let value = quantity(&mut bytes);
                    step = Some(if value % 2 == 1 { -(value / 2) } else { value / 2 });
                }
            }
            for _ in 0..times {
                last += step.unwrap_or(0);
                counts.push(step.map(|_| last));
            }
        }
        counts
    }

    fn quantity(bytes: &mut impl Iterator<Item = u8>) -> i64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes.next().unwrap();
            let digit = DIGITS.iter().position(|&digit| digit == byte).unwrap() as i64;
            value |= (digit & 31) << shift;
            shift += 5;
            if digit < 32 {
                return value;
            }
        }
    }

    #[test]
    fn counts_come_back() {
        let counts = [0.0, 0.0, 1.0, f64::NAN, f64::NAN, 40.0, 35.0, 1e12, 7.6, -3.0, -3.0];
        let read = decode(&encode(&counts, counts.len()));
        let expected: Vec<Option<i64>> =
            counts.iter().map(|count| count.is_finite().then(|| count.round() as i64)).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn runs_are_short() {
        assert_eq!(encode(&[0.0; 1000], 1000), "A*nf");
        assert_eq!(decode("A*nf"), vec![Some(0); 1000]);
        assert_eq!(encode(&[5.0], 3), "K--");
        assert_eq!(encode(&[5.0, 5.0, 5.0], 1), "K");
        assert_eq!(encode(&[], 0), "");
    }

    #[test]
    fn no_count_is_too_large() {
        let read = decode(&encode(&[f64::MAX, f64::MIN, f64::INFINITY, 1.0], 4));
        assert_eq!(read, [Some(4_000_000_000_000_000), Some(-4_000_000_000_000_000), None, Some(1)]);
    }
}
