//! Names of models: a word, and the hyper-parameters behind it where they are not the usual ones.

use std::fmt;

/// Writes `name`, or `name-1-0.5` where a hyper-parameter is not its default.
pub(super) fn write<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    params: [f64; N],
    defaults: [f64; N],
) -> fmt::Result {
    f.write_str(name)?;
    if params != defaults {
        params.iter().try_for_each(|param| write!(f, "-{param}"))?;
    }
    Ok(())
}

/// The hyper-parameters behind a name, the defaults where there are none; none if it is another name, or has another number
/// of them.
pub(super) fn params<const N: usize>(text: &str, name: &str, defaults: [f64; N]) -> Option<[f64; N]> {
    let rest = text.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(defaults);
    }
    let numbers: Vec<f64> = rest.strip_prefix('-')?.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// A whole number of days; one that is none becomes 0, which no model accepts.
pub(super) fn days(param: f64) -> usize {
    if param.fract() == 0.0 && (0.0..1e6).contains(&param) { param as usize } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_or_the_usual_ones() {
        assert_eq!(params("drift", "drift", [7.0]), Some([7.0]));
        assert_eq!(params("drift-9-0.5", "drift", [7.0, 1.0]), Some([9.0, 0.5]));
        for other in ["drift-9", "drift-", "drifting", "drift-9-x", "lift", "drift--9-1"] {
            assert_eq!(params(other, "drift", [7.0, 1.0]), None, "{other}");
        }
        assert_eq!([days(7.0), days(7.5), days(-1.0), days(f64::NAN)], [7, 0, 0, 0]);
    }
}
