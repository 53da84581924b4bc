//! Locations that have another name in the new vintage, found by their counts.

use std::collections::{HashMap, HashSet};

use covid_core::{PanelView, Target};

use super::{
    common::{Common, Pair},
    is_same,
};

/// The share of counts other than 0 that must be the same, and the fewest such counts that can tell.
const AGREEMENT: f64 = 0.9;
const FEWEST_COUNTS: usize = 20;

/// Days on which counts are looked up to find candidates, spread over the common days.
const PROBES: usize = 16;

/// More pairs than so many with the same counts on a day (1 case and no death, say) tell nothing.
const MOST_CANDIDATES: usize = 64;

/// Old and new positions of locations that are probably the same, with the share of counts that agree. Each location has
/// one partner at most, and the pairs that agree best come first.
pub(super) fn find(
    old: &PanelView<'_>,
    new: &PanelView<'_>,
    common: &Common,
    vanished: &[usize],
    appeared: &[usize],
) -> Vec<(Pair, f64)> {
    let agreement = |pair| agreement(old, new, common, pair).filter(|share| *share >= AGREEMENT);
    let candidates = candidates(old, new, common, vanished, appeared);
    let mut found: Vec<(Pair, f64)> =
        candidates.into_iter().filter_map(|pair| agreement(pair).map(|share| (pair, share))).collect();
    found.sort_by(|(a, best), (b, other)| other.total_cmp(best).then((a.old, a.new).cmp(&(b.old, b.new))));
    let (mut old_taken, mut new_taken) = (HashSet::new(), HashSet::new());
    found.retain(|(pair, _)| {
        let is_free = !old_taken.contains(&pair.old) && !new_taken.contains(&pair.new);
        is_free && old_taken.insert(pair.old) && new_taken.insert(pair.new)
    });
    found
}

/// Pairs that have the same counts on one of the probed days. Comparing each with each would take too long where all of
/// some thousand locations have other names.
fn candidates(
    old: &PanelView<'_>,
    new: &PanelView<'_>,
    common: &Common,
    vanished: &[usize],
    appeared: &[usize],
) -> HashSet<Pair> {
    let mut found = HashSet::new();
    for day in (0..PROBES.min(common.days)).map(|probe| common.days - 1 - probe * common.days / PROBES) {
        let mut same: HashMap<[u64; 2], [Vec<usize>; 2]> = HashMap::new();
        for &position in vanished {
            let pair = Pair { old: position, new: 0 };
            let key = Target::ALL.map(|target| common.counts(old, new, pair, target).nth(day).map(|(_, old, _)| old));
            same.entry(bits(key)).or_default()[0].push(position);
        }
        for &position in appeared {
            let pair = Pair { old: 0, new: position };
            let key = Target::ALL.map(|target| common.counts(old, new, pair, target).nth(day).map(|(.., new)| new));
            same.entry(bits(key)).or_default()[1].push(position);
        }
        for [old, new] in same.values().filter(|[old, new]| old.len() * new.len() <= MOST_CANDIDATES) {
            found.extend(old.iter().flat_map(|&old| new.iter().map(move |&new| Pair { old, new })));
        }
    }
    found
}

fn bits(counts: [Option<f64>; 2]) -> [u64; 2] {
    counts.map(|count| count.unwrap_or(f64::NAN).to_bits())
}

/// The share of counts that are the same, among those that are there and not 0 in both. None where they are too few.
fn agreement(old: &PanelView<'_>, new: &PanelView<'_>, common: &Common, pair: Pair) -> Option<f64> {
    let counts = Target::ALL.into_iter().flat_map(|target| common.counts(old, new, pair, target));
    let is_told = |count: f64| !count.is_nan() && count != 0.0;
    let told = counts.filter(|(_, old, new)| is_told(*old) || is_told(*new));
    let (all, same) = told.fold((0, 0), |(all, same), (_, old, new)| (all + 1, same + usize::from(is_same(old, new))));
    (all >= FEWEST_COUNTS).then(|| same as f64 / all as f64)
}
