//! Place names that nobody can take for real ones.

use covid_core::Location;

/// What sort of place it is; it decides about its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceKind {
    Country,
    Province,
    Island,
}

/// A simulated place.
pub(super) struct Place {
    pub(super) location: Location,
    pub(super) kind: PlaceKind,
}

const COUNTRIES: [&str; 40] = [
    "Datastan",
    "Modelonia",
    "Quantilia",
    "Backtestan",
    "Parquetia",
    "Gradientia",
    "Tensoria",
    "Regressia",
    "Logarithmia",
    "Residualia",
    "Kernelstan",
    "Epochia",
    "Stochastia",
    "Lassonia",
    "Ridgeland of Shrinkage",
    "Bootstrapia",
    "Covariantia",
    "Hyperparametria",
    "Validatia",
    "Baselinia",
    "Featuristan",
    "Pipelinia",
    "Rustacea",
    "Championia",
    "Challengeria",
    "Likelihoodia",
    "Eigenstan",
    "Sigmoidia",
    "Entropistan",
    "Forecastonia",
    "Horizonia",
    "Intervalia",
    "Medianistan",
    "Polynomia",
    "Recursia",
    "Samplestan",
    "Telemetria",
    "Vectoria Minor",
    "Metricstan",
    "Zscoria",
];

const ISLANDS: [&str; 16] = [
    "Isle of Overfit",
    "Outlier Atoll",
    "Isle of Leakage",
    "Drift Island",
    "Null Island Republic",
    "Isle of Bias",
    "Variance Key",
    "Imputation Rock",
    "Isle of Dropout",
    "Local Minimum Island",
    "Isle of Nan",
    "Holdout Cay",
    "Censoring Reef",
    "Isle of Kurtosis",
    "Degenerate Skerry",
    "Isle of Skew",
];

const DIRECTIONS: [&str; 4] = ["North", "South", "Upper", "Lower"];

/// Locations come in groups: six whole countries, the four provinces of a seventh, two islands.
const GROUP: usize = 12;

/// The place of an index, the same however many places there are.
pub(super) fn place(index: usize) -> Place {
    let (group, position) = (index / GROUP, index % GROUP);
    match position {
        0..6 => whole(numbered(&COUNTRIES, 7 * group + position), PlaceKind::Country),
        6..10 => province(DIRECTIONS[position - 6], &numbered(&COUNTRIES, 7 * group + 6)),
        _ => whole(numbered(&ISLANDS, 2 * group + position - 10), PlaceKind::Island),
    }
}

fn whole(name: String, kind: PlaceKind) -> Place {
    Place { location: Location::country(&name), kind }
}

fn province(direction: &str, country: &str) -> Place {
    Place { location: Location::province(&format!("{direction} {country}"), country), kind: PlaceKind::Province }
}

/// The name of an index; once the list has run out, it begins again with `Datastan 2`.
fn numbered(names: &[&str], index: usize) -> String {
    let name = names[index % names.len()];
    match index / names.len() {
        0 => name.to_owned(),
        round => format!("{name} {}", round + 1),
    }
}
