//! How two samples differ: numbers in, numbers out. No number is NaN.

use std::{cmp::Ordering, f64::consts::PI};

/// Bins of the population stability index: deciles of the reference.
const BINS: usize = 10;

/// Added to the number of values of every bin, so that an empty one has a logarithm.
const HALF_A_VALUE: f64 = 0.5;

/// The population stability index, the sum over bins of (q - p) ln(q / p), where p and q are the shares of `reference` and
/// `recent` in a bin. Bins are cut at the deciles of the reference; equal deciles (many places with no growth at all) are
/// one cut, so that there may be fewer than ten. Half a value is added to every bin of both. None where a sample is empty.
///
/// Siddiqi 2006, Credit Risk Scorecards; its distribution: Yurdakul 2018, Statistical properties of population stability
/// index (Western Michigan University, dissertation 3208).
pub(super) fn population_stability_index(reference: &[f64], recent: &[f64]) -> Option<f64> {
    if reference.is_empty() || recent.is_empty() {
        return None;
    }
    let mut cuts = deciles(&sorted(reference));
    cuts.dedup();
    let (p, q) = (shares(&cuts, reference), shares(&cuts, recent));
    Some((0..=cuts.len()).map(|bin| (q[bin] - p[bin]) * (q[bin] / p[bin]).ln()).sum())
}

/// The nine values at or below which lie 10, 20, ... 90 % of a sorted sample.
fn deciles(sorted: &[f64]) -> Vec<f64> {
    (1..BINS).filter_map(|decile| sorted.get((decile * sorted.len()).div_ceil(BINS) - 1)).copied().collect()
}

/// The share of values in each bin: up to the first cut, above it and up to the second, ..., above the last.
fn shares(cuts: &[f64], values: &[f64]) -> [f64; BINS] {
    let mut shares = [HALF_A_VALUE; BINS];
    values.iter().for_each(|value| shares[cuts.partition_point(|cut| cut < value)] += 1.0);
    let all = values.len() as f64 + HALF_A_VALUE * (cuts.len() + 1) as f64;
    shares.map(|share| share / all)
}

/// How one sample differs from another, by rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TwoSample {
    /// Kolmogorov-Smirnov's D: the largest distance of the two distribution functions, 0 to 1.
    pub(super) d: f64,
    /// The chance of so large a D where both are drawn from one distribution.
    pub(super) p_value: f64,
    /// Cliff's delta, -1 to 1: the chance that a value of the second is above one of the first, less the chance that it
    /// is below. Above 0, the second is the larger. (Cliff 1993, doi 10.1037/0033-2909.114.3.494.)
    pub(super) cliffs_delta: f64,
}

impl TwoSample {
    /// Compares `recent` to `reference`. None where one is empty.
    pub(super) fn of(reference: &[f64], recent: &[f64]) -> Option<Self> {
        if reference.is_empty() || recent.is_empty() {
            return None;
        }
        let (a, b) = (sorted(reference), sorted(recent));
        let (n, m) = (a.len() as f64, b.len() as f64);
        let (mut i, mut j) = (0, 0);
        let (mut d, mut above) = (0f64, 0.0);
        while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
            // All that are equal are passed together: the functions step there at once.
            let at = if x.total_cmp(y) == Ordering::Greater { y } else { x };
            let (from_i, from_j) = (i, j);
            i += a[i..].iter().take_while(|x| *x == at).count();
            j += b[j..].iter().take_while(|y| *y == at).count();
            d = d.max((i as f64 / n - j as f64 / m).abs());
            // Values of the second here are above those of the first passed before, and below those to come.
            above += (j - from_j) as f64 * (from_i as f64 - (n - i as f64));
        }
        // What is left of the second is above all of the first; what is left of the first has been counted.
        above += (m - j as f64) * n;
        Some(Self { d, p_value: kolmogorov_p_value(d, n * m / (n + m)), cliffs_delta: above / (n * m) })
    }
}

/// The chance of a larger distance, from the limiting distribution at (sqrt(n) + 0.12 + 0.11 / sqrt(n)) D, which is close
/// from n = 4 on (Stephens 1970, doi 10.1111/j.2517-6161.1970.tb00821.x). `n` is the size of the one sample, or for two the
/// product of their sizes by the sum.
fn kolmogorov_p_value(d: f64, n: f64) -> f64 {
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * d;
    kolmogorov_survival(lambda)
}

/// 1 - K of Kolmogorov's limiting distribution, by the one of its two series that converges at once.
fn kolmogorov_survival(lambda: f64) -> f64 {
    if lambda < 0.2 {
        return 1.0;
    }
    if lambda < 1.2 {
        let term = |odd: f64| (-(odd * PI / lambda).powi(2) / 8.0).exp();
        return 1.0 - (2.0 * PI).sqrt() / lambda * [1.0, 3.0, 5.0, 7.0].map(term).iter().sum::<f64>();
    }
    let term = |k: f64| (-2.0 * (k * lambda).powi(2)).exp();
    2.0 * (term(1.0) - term(2.0) + term(3.0) - term(4.0))
}

/// The median: the mean of the middle two of an even number. None of nothing.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { (sorted[middle - 1] + upper) / 2.0 })
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_index_is_what_it_is_by_hand() {
        // Ten bins of one value each; all of the other sample are in the last.
        let reference: Vec<f64> = (1..=10).map(f64::from).collect();
        let (p, empty, full) = (1.5 / 15.0, 0.5 / 15.0, 10.5 / 15.0);
        let by_hand = 9.0 * (empty - p) * f64::ln(empty / p) + (full - p) * f64::ln(full / p);
        let index = population_stability_index(&reference, &[99.0; 10]).unwrap();
        assert!((index - by_hand).abs() < 1e-12, "{index} {by_hand}");
        // Most are 0: two bins, up to 0 and above. 9 and 1 become 5 and 5.
        let [mostly, half] = [9, 5].map(|zeros| (0..10).map(|i| f64::from(u8::from(i >= zeros))).collect::<Vec<_>>());
        let by_hand = 2.0 * (9.5 / 11.0 - 0.5) * 0.5 * (f64::ln(9.5 / 11.0 / 0.5) + f64::ln(0.5 / (1.5 / 11.0)));
        let index = population_stability_index(&mostly, &half).unwrap();
        assert!((index - by_hand).abs() < 1e-12, "{index} {by_hand}");
        assert_eq!(population_stability_index(&[], &half), None);
        assert_eq!(population_stability_index(&half, &[]), None);
    }

    #[test]
    fn the_limiting_distribution_has_its_known_quantiles() {
        // The usual critical values (Smirnov 1948, doi 10.1214/aoms/1177730256), and the median.
        let quantiles = [(0.8276, 0.5), (1.2238, 0.1), (1.3581, 0.05), (1.6276, 0.01), (1.9495, 0.001)];
        for (lambda, chance) in quantiles {
            let found = kolmogorov_survival(lambda);
            assert!((found - chance).abs() < 5e-5, "{lambda}: {found}, not {chance}");
        }
        let [below, above] = [1.2 - 1e-9, 1.2 + 1e-9].map(kolmogorov_survival);
        assert!((below - above).abs() < 1e-8, "the two series meet");
        assert_eq!([0.0, 0.1, 50.0].map(kolmogorov_survival), [1.0, 1.0, 0.0]);
    }

    #[test]
    fn distance_and_delta_by_hand() {
        let found = TwoSample::of(&[1.0, 2.0, 2.0, 5.0], &[2.0, 3.0, 6.0]).unwrap();
        // Below 5: 3 of 4 and 2 of 3. At 1: 1 of 4 and 0. At 2: 3 of 4 and 1 of 3.
        assert!((found.d - (3.0 / 4.0 - 1.0 / 3.0)).abs() < 1e-15);
        // Of 12 pairs the second is the larger in 1 + 3 + 4, the smaller in 1 + 1.
        assert!((found.cliffs_delta - 6.0 / 12.0).abs() < 1e-15);
        let apart = TwoSample::of(&[1.0; 100], &[2.0; 100]).unwrap();
        assert_eq!((apart.d, apart.cliffs_delta), (1.0, 1.0));
        assert!(apart.p_value < 1e-40);
        assert_eq!(TwoSample::of(&[], &[1.0]), None);
        assert_eq!([median(&[3.0, 1.0]), median(&[5.0, 1.0, 2.0]), median(&[])], [Some(2.0), Some(2.0), None]);
    }

    fn samples() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(prop_oneof![(-3i32..3).prop_map(f64::from), -5.0f64..5.0], 1..60)
    }

    proptest! {
        #[test]
        fn the_index_is_never_below_0_and_0_for_equal_samples(a in samples(), b in samples()) {
            prop_assert!(population_stability_index(&a, &b).unwrap() >= 0.0);
            let mut reversed = a.clone();
            reversed.reverse();
            prop_assert_eq!(population_stability_index(&a, &reversed), Some(0.0));
        }

        #[test]
        fn distance_and_delta_are_those_of_all_pairs(a in samples(), b in samples()) {
            let found = TwoSample::of(&a, &b).unwrap();
            let share = |values: &[f64], x: f64| values.iter().filter(|value| **value <= x).count() as f64 / values.len() as f64;
            let d = a.iter().chain(&b).map(|&x| (share(&a, x) - share(&b, x)).abs()).fold(0.0, f64::max);
            let sign = |(x, y): (&f64, &f64)| f64::from(i8::from(y > x) - i8::from(y < x));
            let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x, y)));
            let delta = pairs.map(sign).sum::<f64>() / (a.len() * b.len()) as f64;
            prop_assert!((found.d - d).abs() < 1e-12 && (found.cliffs_delta - delta).abs() < 1e-12);
            prop_assert!((0.0..=1.0).contains(&found.p_value));
            let mirrored = TwoSample::of(&b, &a).unwrap();
            prop_assert!((mirrored.d - found.d).abs() < 1e-12);
            prop_assert!((mirrored.cliffs_delta + found.cliffs_delta).abs() < 1e-12);
        }
    }
}
