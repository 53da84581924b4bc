//! Simulated epidemics: a stochastic SEIR model in invented places, published as health authorities publish.

mod epidemic;
mod names;
mod reporting;

use std::fmt;

use covid_core::{Date, Panel, Target};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Binomial, Distribution, StandardNormal};
use rayon::prelude::*;

use crate::DataError;
use epidemic::{Epidemic, Traits};
use reporting::Reporter;

/// The first date of every simulation.
const START: Date = Date::constant(2020, 1, 22);

/// A simulation of a checked size. The same numbers give the same panel, and a location does not depend on how many
/// there are.
///
/// Its counts look like published ones: whole numbers, several waves, first cases on different days, fewer reports at
/// weekends, places that report weekly, corrections that lower a count, islands without deaths. Its place names are
/// plainly invented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simulation {
    locations: usize,
    days: usize,
    seed: u64,
}

impl Simulation {
    /// A simulation of 1 to 200,000 locations and 2 to 5,000 days, from 2020-01-22.
    ///
    /// # Errors
    /// If a size is out of range.
    pub fn new(locations: usize, days: usize, seed: u64) -> Result<Self, DataError> {
        if !(1..=200_000).contains(&locations) {
            return Err(DataError::SimulationSize { what: "locations", range: "1 to 200000", asked: locations });
        }
        if !(2..=5_000).contains(&days) {
            return Err(DataError::SimulationSize { what: "days", range: "2 to 5000", asked: days });
        }
        Ok(Self { locations, days, seed })
    }

    /// The embedded sample: 48 locations, 500 days, seed 1.
    pub const fn sample() -> Self {
        Self { locations: 48, days: 500, seed: 1 }
    }

    /// The published counts. Locations are simulated in parallel, each from its own stream of random numbers.
    ///
    /// # Panics
    /// Never: sizes were checked, and names are unique by construction (a test holds this up to the largest size).
    pub fn panel(&self) -> Panel {
        let per_location = Target::ALL.len() * self.days;
        let mut values = vec![0.0; self.locations * per_location];
        values.par_chunks_mut(per_location).enumerate().for_each(|(index, counts)| self.simulate(index, counts));
        let locations = (0..self.locations).map(|index| names::place(index).location).collect();
        match Panel::new(locations, START, self.days, values) {
            Ok(panel) => panel,
            Err(error) => unreachable!("a simulated panel is well formed: {error}"),
        }
    }

    /// Fills one location's counts: cases of all days, then deaths of all days.
    fn simulate(&self, index: usize, counts: &mut [f64]) {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(index as u64);
        let traits = Traits::draw(names::place(index).kind, &mut random);
        let mut epidemic = Epidemic::new(&traits);
        let mut reporter = Reporter::draw(&traits, &mut random);
        let (cases, deaths) = counts.split_at_mut(self.days);
        for (day, (cases, deaths)) in cases.iter_mut().zip(deaths).enumerate() {
            let events = epidemic.step(day, &mut random);
            [*cases, *deaths] = reporter.publish(day, events, &mut random);
        }
    }
}

impl fmt::Display for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "simulated, {} locations x {} days, seed {}", self.locations, self.days, self.seed)
    }
}

/// How many of `trials` come true. Exact for few, by the normal approximation for many, where the difference is far
/// below the noise of everything else and the draw is ten times as fast.
fn binomial(trials: u64, probability: f64, random: &mut ChaCha8Rng) -> u64 {
    const MANY: f64 = 200.0;
    let mean = trials as f64 * probability;
    if trials == 0 || probability <= 0.0 {
        0
    } else if probability >= 1.0 {
        trials
    } else if mean * (1.0 - probability) < MANY {
        Binomial::new(trials, probability).map_or(0, |distribution| distribution.sample(random))
    } else {
        let normal: f64 = StandardNormal.sample(random);
        let drawn = mean + normal * (mean * (1.0 - probability)).sqrt();
        (drawn.round() as u64).min(trials)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_up_to_the_largest_size() {
        let names: HashSet<String> = (0..200_000).map(|index| names::place(index).location.name().to_owned()).collect();
        assert_eq!(names.len(), 200_000);
    }

    #[test]
    fn draws_have_the_right_mean() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for (trials, probability) in [(10, 0.3), (1_000_000, 0.4), (1_000_000, 1e-5)] {
            let sum: u64 = (0..4_000).map(|_| binomial(trials, probability, &mut random)).sum();
            let expected = 4_000.0 * trials as f64 * probability;
            let deviation = (expected * (1.0 - probability)).sqrt();
            assert!((sum as f64 - expected).abs() < 4.0 * deviation, "{trials} {probability}");
        }
        assert_eq!(binomial(5, 1.0, &mut random), 5);
    }
}
