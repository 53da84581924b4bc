//! Tables of standardised errors at nodes of size.

use serde::{Deserialize, Serialize};

use crate::{TrainingError, error::check};

/// Nodes on ln(1 + new counts): dense where counts are few.
pub(crate) const NODES: [f64; 23] = [
    0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0,
    15.0, 16.0,
];

/// Errors are counted within this of 0, in bins of this width.
const MOST: f64 = 16.0;
const WIDTH: f64 = 0.1;
const BINS: usize = 320;

/// A neighbouring node's errors count this share for every step that it is away, up to so many steps.
const NEIGHBOUR: f64 = 0.2;
const REACH: usize = 6;

/// Errors that the pool of neighbours is worth, and that the prior is worth within it; the prior's standard deviation.
const POOL: f64 = 100.0;
const PRIOR: f64 = 100.0;
const PRIOR_DEVIATION: f64 = 0.7;

/// Weight of the Poisson share of zeros.
const PRIOR_ZEROS: f64 = 2.0;

/// The levels at which a node's quantiles of positive errors are kept. None above 97.5 % is ever asked for.
const KEPT: [f64; 33] = [
    0.0, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.0375, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4,
    0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.9625, 0.97, 0.975,
];

/// The nodes around a value, the first of them and the share of the second.
fn around(size: f64) -> (usize, f64) {
    let size = if size.is_nan() { 0.0 } else { size.clamp(0.0, NODES[NODES.len() - 1]) };
    let left = NODES.partition_point(|&node| node <= size).clamp(1, NODES.len() - 1) - 1;
    (left, (size - NODES[left]) / (NODES[left + 1] - NODES[left]))
}

/// What came of one forecast: new counts in the errors' bin of a node, or, in [`NOTHING`], none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    node: u8,
    bin: u16,
    weight: f32,
}

/// The bin of forecasts after which nothing new was counted.
const NOTHING: u16 = BINS as u16;

impl Outcome {
    /// An outcome at the two nodes around its size: new counts `seen` (below 0 is 0) after a forecast `mu`. None if they were
    /// not published (NaN).
    pub(crate) fn of(size: f64, mu: f64, seen: f64, scale: f64) -> Option<[Self; 2]> {
        let (left, share) = around(size);
        let error = (seen.max(0.0).ln_1p() - mu) / scale;
        let error = if error.is_nan() { 0.0 } else { error };
        let bin = ((error + MOST) / WIDTH).clamp(0.0, (BINS - 1) as f64) as u16;
        let bin = if seen > 0.0 { bin } else { NOTHING };
        let at = |node: usize, weight: f64| Self { node: node as u8, bin, weight: weight as f32 };
        (!seen.is_nan()).then(|| [at(left, 1.0 - share), at(left + 1, share)])
    }
}

/// Past outcomes, by node: how many saw no new count, how many there are, and the errors of those that saw one.
#[derive(Debug, Clone)]
pub(crate) struct ErrorTable {
    zeros: [f64; NODES.len()],
    all: [f64; NODES.len()],
    bins: Vec<[f64; BINS]>,
}

impl ErrorTable {
    pub(crate) fn new() -> Self {
        Self { zeros: [0.0; NODES.len()], all: [0.0; NODES.len()], bins: vec![[0.0; BINS]; NODES.len()] }
    }

    /// Adds an outcome, times a factor.
    pub(crate) fn add(&mut self, outcome: &Outcome, factor: f64) {
        let (node, weight) = (usize::from(outcome.node), factor * f64::from(outcome.weight));
        self.all[node] += weight;
        match self.bins[node].get_mut(usize::from(outcome.bin)) {
            Some(bin) => *bin += weight,
            None => self.zeros[node] += weight,
        }
    }

    /// The table as quantiles, with neighbours and priors; an outcome of factor `unit` counts as one.
    pub(crate) fn quantiles(&self, unit: f64) -> NodeQuantiles {
        let prior = prior();
        let nodes = (0..NODES.len()).map(|node| {
            let mut pool = prior.map(|share| PRIOR * share);
            for (other, bins) in self.bins.iter().enumerate().filter(|(other, _)| other.abs_diff(node) <= REACH) {
                let weight = NEIGHBOUR.powi(other.abs_diff(node) as i32) / unit;
                pool.iter_mut().zip(bins).for_each(|(sum, value)| *sum += weight * value);
            }
            let mass: f64 = pool.iter().sum();
            let bins: [f64; BINS] = std::array::from_fn(|bin| self.bins[node][bin] / unit + POOL * pool[bin] / mass);
            let poisson = (-NODES[node].exp_m1()).exp();
            let zero = (self.zeros[node] / unit + PRIOR_ZEROS * poisson) / (self.all[node] / unit + PRIOR_ZEROS);
            Node { zero: rounded(zero, 1e5).clamp(0.0, 1.0), errors: kept(&bins) }
        });
        NodeQuantiles(nodes.collect())
    }
}

/// The share of a normal distribution in every bin.
fn prior() -> [f64; BINS] {
    let density = |bin: usize| {
        let z = (-MOST + (bin as f64 + 0.5) * WIDTH) / PRIOR_DEVIATION;
        (-0.5 * z * z).exp()
    };
    let shares: [f64; BINS] = std::array::from_fn(density);
    let total: f64 = shares.iter().sum();
    shares.map(|share| share / total)
}

/// The quantiles of binned errors at the levels that are kept, a straight line within a bin.
fn kept(bins: &[f64; BINS]) -> Vec<f64> {
    let total: f64 = bins.iter().sum();
    let (mut below, mut bin) = (0.0, 0);
    let quantile = |level: f64| {
        let wanted = level * total;
        while bin + 1 < BINS && below + bins[bin] < wanted {
            below += bins[bin];
            bin += 1;
        }
        let within = if bins[bin] > 0.0 { ((wanted - below) / bins[bin]).clamp(0.0, 1.0) } else { 0.0 };
        rounded(-MOST + (bin as f64 + within) * WIDTH, 1e3)
    };
    KEPT.into_iter().map(quantile).collect()
}

/// Digits beyond what a bin can tell would only lengthen the file.
fn rounded(value: f64, digits: f64) -> f64 {
    (value * digits).round() / digits
}

/// A table as quantiles, by node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Node>")]
pub(crate) struct NodeQuantiles(Vec<Node>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Node {
    /// The share that sees no new count.
    zero: f64,
    /// Standardised errors of the others at the levels that are kept.
    errors: Vec<f64>,
}

impl Node {
    fn error(&self, level: f64) -> f64 {
        let above = KEPT.partition_point(|&kept| kept < level).clamp(1, KEPT.len() - 1);
        let share = ((level - KEPT[above - 1]) / (KEPT[above] - KEPT[above - 1])).clamp(0.0, 1.0);
        self.errors[above - 1] + share * (self.errors[above] - self.errors[above - 1])
    }
}

impl NodeQuantiles {
    /// The share without a new count, by size.
    pub(crate) fn zero(&self, size: f64) -> f64 {
        self.between(size, |node| node.zero)
    }

    /// The quantile of the standardised errors of the others.
    pub(crate) fn error(&self, size: f64, level: f64) -> f64 {
        self.between(size, |node| node.error(level))
    }

    fn between(&self, size: f64, value: impl Fn(&Node) -> f64) -> f64 {
        let (left, share) = around(size);
        (1.0 - share) * value(&self.0[left]) + share * value(&self.0[left + 1])
    }
}

impl TryFrom<Vec<Node>> for NodeQuantiles {
    type Error = TrainingError;

    fn try_from(nodes: Vec<Node>) -> Result<Self, TrainingError> {
        check("nodes of an error table", "23", nodes.len(), nodes.len() == NODES.len())?;
        let right = |node: &Node| {
            let finite = node.errors.iter().all(|error| error.is_finite());
            node.errors.len() == KEPT.len() && finite && node.errors.is_sorted() && (0.0..=1.0).contains(&node.zero)
        };
        let all = nodes.iter().all(right);
        check("quantiles of an error table", "33 rising numbers a node, and a share", all, all)?;
        Ok(Self(nodes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_at_both_nodes_around_it() {
        assert_eq!(around(0.0), (0, 0.0));
        assert_eq!(around(3.25), (9, 0.25));
        assert_eq!(around(99.0), (21, 1.0));
        assert_eq!(around(f64::NAN), (0, 0.0));
    }

    #[test]
    fn without_errors_there_is_the_prior() {
        let prior = ErrorTable::new().quantiles(1.0);
        assert!((prior.error(5.0, 0.5)).abs() < 0.002);
        assert!((prior.error(5.0, 0.975) - 0.7 * 1.96).abs() < 0.01);
        assert!((prior.zero(0.0) - 1.0).abs() < 1e-9 && prior.zero(5.0) < 1e-9);
    }

    #[test]
    fn many_errors_outweigh_the_prior() {
        let mut table = ErrorTable::new();
        // Forecasts of e^5 - 1 that come out evenly between one scale below and above; a tenth sees nothing.
        for i in 0..20_000 {
            let z = f64::from(i % 2000) / 1000.0 - 1.0;
            let seen = if i % 10 == 0 { 0.0 } else { (5.0 + 0.5 * z).exp_m1() };
            Outcome::of(5.0, 5.0, seen, 0.5).unwrap().iter().for_each(|outcome| table.add(outcome, 3.0));
        }
        assert!(Outcome::of(5.0, 5.0, f64::NAN, 0.5).is_none());
        let quantiles = table.quantiles(3.0);
        assert!((quantiles.zero(5.0) - 0.1).abs() < 0.001);
        for (level, want) in [(0.1, -0.8), (0.5, 0.0), (0.9, 0.8)] {
            assert!((quantiles.error(5.0, level) - want).abs() < 0.02, "{level}: {}", quantiles.error(5.0, level));
        }
    }
}
