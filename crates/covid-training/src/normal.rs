//! Ridge regression from its normal equations.
//!
//! They are accumulated day by day, a few hundred numbers whatever the number of rows; smartcore's `RidgeRegression` would
//! take the whole design matrix (289 places x 56 days x 24 numbers and a copy, for each target and day ahead) and fits one
//! outcome at a time, where the rows here serve a dozen. The solution is smartcore's Cholesky.

use smartcore::linalg::{
    basic::{arrays::Array, matrix::DenseMatrix},
    traits::cholesky::CholeskyDecomposable,
};

/// The sums over rows of w f f', for features f whose first is the constant 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gram<const P: usize>(Box<[[f64; P]; P]>);

impl<const P: usize> Gram<P> {
    /// No row yet.
    pub(crate) fn new() -> Self {
        Self(Box::new([[0.0; P]; P]))
    }

    /// Adds a row with a weight; only the part on and above the diagonal is kept.
    pub(crate) fn add(&mut self, features: &[f64; P], weight: f64) {
        for (i, row) in self.0.iter_mut().enumerate() {
            let f = weight * features[i];
            for (sum, other) in row[i..].iter_mut().zip(&features[i..]) {
                *sum += f * other;
            }
        }
    }

    /// Adds the weighted rows of another.
    pub(crate) fn merge(&mut self, other: &Self, weight: f64) {
        for (sum, value) in self.0.as_flattened_mut().iter_mut().zip(other.0.as_flattened()) {
            *sum += weight * value;
        }
    }

    /// Fades every row by a factor.
    pub(crate) fn fade(&mut self, factor: f64) {
        self.0.as_flattened_mut().iter_mut().for_each(|sum| *sum *= factor);
    }

    /// The mean of every feature; 0 without a row.
    pub(crate) fn means(&self) -> [f64; P] {
        let rows = self.rows();
        std::array::from_fn(|i| if rows > 0.0 { self.at(0, i) / rows } else { 0.0 })
    }

    /// The sum of weights.
    fn rows(&self) -> f64 {
        self.0[0][0]
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.0[i.min(j)][i.max(j)]
    }
}

/// Features that vary less than this are left out.
const CONSTANT: f64 = 1e-4;

/// Coefficients of the features, the constant first, that minimise the sum over rows of w (y - f'b)^2 plus `penalty` times the
/// sum of squares of the coefficients on centred features of unit variance; the mean is shrunk by the same penalty.
/// `moment` is the sum of w f y. Zero without rows.
pub(crate) fn ridge<const P: usize>(gram: &Gram<P>, moment: &[f64; P], penalty: f64) -> Result<[f64; P], String> {
    let mut coefficients = [0.0; P];
    let rows = gram.rows();
    if rows <= 0.0 {
        return Ok(coefficients);
    }
    let mean: [f64; P] = std::array::from_fn(|i| gram.at(0, i) / rows);
    let deviation: [f64; P] = std::array::from_fn(|i| (gram.at(i, i) / rows - mean[i] * mean[i]).max(0.0).sqrt());
    let used: Vec<usize> = (1..P).filter(|&i| deviation[i] > CONSTANT).collect();
    if !used.is_empty() {
        let centred = |i: usize, j: usize| gram.at(i, j) - rows * mean[i] * mean[j];
        let matrix = used.iter().flat_map(|&i| {
            used.iter().map(move |&j| {
                let diagonal = if i == j { penalty } else { 0.0 };
                centred(i, j) / (deviation[i] * deviation[j]) + diagonal
            })
        });
        let right = used.iter().map(|&i| (moment[i] - moment[0] * mean[i]) / deviation[i]);
        let solution = solve(used.len(), matrix.collect(), right.collect())?;
        used.iter().zip(solution).for_each(|(&i, scaled)| coefficients[i] = scaled / deviation[i]);
    }
    let shift: f64 = (1..P).map(|i| mean[i] * coefficients[i]).sum();
    coefficients[0] = moment[0] / (rows + penalty) - shift;
    if coefficients.iter().all(|c| c.is_finite()) { Ok(coefficients) } else { Err("it has no finite solution".into()) }
}

fn solve(size: usize, matrix: Vec<f64>, right: Vec<f64>) -> Result<Vec<f64>, String> {
    let failed = |error: smartcore::error::Failed| error.to_string();
    let matrix = DenseMatrix::new(size, size, matrix, false).map_err(failed)?;
    let right = DenseMatrix::new(size, 1, right, false).map_err(failed)?;
    let solution = matrix.cholesky_solve_mut(right).map_err(failed)?;
    Ok(solution.iterator(0).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a law y = 2 + 3 a, with a second feature that is constant.
    fn law() -> (Gram<3>, [f64; 3]) {
        let (mut gram, mut moment) = (Gram::new(), [0.0; 3]);
        for i in 0..50 {
            let features = [1.0, f64::from(i % 7), 5.0];
            gram.add(&features, 1.0);
            features.iter().zip(&mut moment).for_each(|(f, sum)| *sum += f * (2.0 + 3.0 * features[1]));
        }
        (gram, moment)
    }

    #[test]
    fn a_law_is_found_without_a_penalty_and_shrunk_with_one() {
        let (gram, moment) = law();
        let found = ridge(&gram, &moment, 0.0).unwrap();
        for (found, want) in found.iter().zip([2.0, 3.0, 0.0]) {
            assert!((found - want).abs() < 1e-9, "{found} {want}");
        }
        // On a centred feature of unit variance the penalty of as many rows as there are halves the slope.
        let halved = ridge(&gram, &moment, 50.0).unwrap();
        assert!((halved[1] - 1.5).abs() < 1e-9);
    }

    #[test]
    fn no_rows_no_correction_and_a_weight_is_a_number_of_rows() {
        assert_eq!(ridge(&Gram::<3>::new(), &[0.0; 3], 1.0).unwrap(), [0.0; 3]);
        let (gram, moment) = law();
        let mut twice = Gram::new();
        twice.merge(&gram, 2.0);
        let [weighted, plain] =
            [ridge(&twice, &moment.map(|m| 2.0 * m), 20.0), ridge(&gram, &moment, 10.0)].map(Result::unwrap);
        assert!(weighted.iter().zip(plain).all(|(a, b)| (a - b).abs() < 1e-12), "{weighted:?} {plain:?}");
    }
}
