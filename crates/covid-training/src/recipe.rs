//! Recipes: what a registered model stands for, over all the dates on which it may be refitted.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Blend, DampedGrowth, Ensemble, Ets, HubBaseline, LaggedDeaths, LinearDrift, Persistence, Polynomial, ResidualRidge,
    ShrunkGrowth, Spec, TrainingError, WeeklyTrend,
};

/// A family of models whose hyper-parameters are chosen at each as-of date, from data up to that date; or a fixed model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Recipe {
    /// No change.
    Persistence,
    /// The capstone's polynomial regression, degree 1 to 3.
    Polynomial,
    /// Damped growth: window and damping chosen.
    DampedGrowth,
    /// One model whose hyper-parameters are given.
    Fixed(Spec),
}

impl Recipe {
    /// The full candidate.
    pub const FULL: Self = Self::Fixed(Spec::Ensemble(Ensemble));

    /// The candidates of a training, the naive ones first.
    pub const CANDIDATES: [Self; 12] = [
        Self::Persistence,
        Self::Fixed(Spec::HubBaseline(HubBaseline)),
        Self::Polynomial,
        Self::DampedGrowth,
        Self::Fixed(Spec::LinearDrift(LinearDrift::DEFAULT)),
        Self::Fixed(Spec::ShrunkGrowth(ShrunkGrowth::DEFAULT)),
        Self::Fixed(Spec::WeeklyTrend(WeeklyTrend::DEFAULT)),
        Self::Fixed(Spec::LaggedDeaths(LaggedDeaths::DEFAULT)),
        Self::Fixed(Spec::Ets(Ets::DEFAULT)),
        Self::Fixed(Spec::Blend(Blend::DEFAULT)),
        // Where the ensemble and the ridge tie, the first is taken: the ensemble's intervals are better.
        Self::FULL,
        Self::Fixed(Spec::ResidualRidge(ResidualRidge::DEFAULT)),
    ];

    /// The models to choose from; the first is the one to use where no past origin can tell.
    pub fn grid(self) -> Vec<Spec> {
        let polynomial = |degree| Polynomial::new(degree, Polynomial::WINDOW, None).map(Spec::Polynomial);
        let damped = |(window, phi)| DampedGrowth::new(window, phi).map(Spec::DampedGrowth);
        // Every entry is within its range: a test makes them all.
        match self {
            Self::Persistence => vec![Spec::Persistence(Persistence)],
            Self::Polynomial => [1, 2, 3].into_iter().flat_map(polynomial).collect(),
            Self::DampedGrowth => DAMPED_GROWTH_GRID.into_iter().flat_map(damped).collect(),
            Self::Fixed(spec) => vec![spec],
        }
    }
}

/// Windows of one and two weeks, damped as the winners of 2020 did (around 0.9 a day, see `docs/`).
const DAMPED_GROWTH_GRID: [(usize, f64); 6] = [(7, 0.9), (7, 0.85), (7, 0.95), (14, 0.9), (14, 0.85), (14, 0.95)];

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Persistence => f.pad("persistence"),
            Self::Polynomial => f.pad("polynomial"),
            Self::DampedGrowth => f.pad("damped-growth"),
            Self::Fixed(spec) => f.pad(&spec.to_string()),
        }
    }
}

impl FromStr for Recipe {
    type Err = TrainingError;

    fn from_str(text: &str) -> Result<Self, TrainingError> {
        match Self::CANDIDATES.into_iter().find(|recipe| recipe.to_string() == text) {
            Some(recipe) => Ok(recipe),
            None => text.parse().map(Self::Fixed),
        }
    }
}

impl From<Recipe> for String {
    fn from(recipe: Recipe) -> Self {
        recipe.to_string()
    }
}

impl TryFrom<String> for Recipe {
    type Error = TrainingError;

    fn try_from(text: String) -> Result<Self, TrainingError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_a_grid_is_made() {
        assert_eq!(Recipe::CANDIDATES.map(|recipe| recipe.grid().len()), [1, 1, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn names_round_trip() {
        for name in
            ["persistence", "polynomial", "damped-growth", "polynomial-2", "damped-growth-7-0.9", "ensemble", "ets-90"]
        {
            assert_eq!(name.parse::<Recipe>().unwrap().to_string(), name);
        }
    }
}
