//! The largest of many, without keeping all of them.

/// Keeps the items of the greatest weight, however many are offered.
pub(crate) struct Worst<T> {
    kept: Vec<(f64, T)>,
    most: usize,
    /// Once so many are kept that some must go, what weighs no more than this is not among the greatest.
    threshold: f64,
}

impl<T> Worst<T> {
    /// Keeps at most so many.
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most, threshold: f64::NEG_INFINITY }
    }

    /// Keeps an item, if it is among the greatest so far. Of equal weights the earlier stays.
    pub(crate) fn offer(&mut self, weight: f64, item: impl FnOnce() -> T) {
        if weight > self.threshold {
            self.kept.push((weight, item()));
        }
        if self.kept.len() >= 2 * self.most {
            self.cut();
            self.threshold = self.kept.last().map_or(f64::INFINITY, |(weight, _)| *weight);
        }
    }

    /// The greatest, from the greatest on.
    pub(crate) fn into_sorted(mut self) -> Vec<T> {
        self.cut();
        self.kept.into_iter().map(|(_, item)| item).collect()
    }

    fn cut(&mut self) {
        self.kept.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        self.kept.truncate(self.most);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_sorting_all_would_give(weights in prop::collection::vec(0u8..50, 0..200), most in 1usize..20) {
            let mut worst = Worst::new(most);
            for (position, weight) in weights.iter().enumerate() {
                worst.offer(f64::from(*weight), || position);
                prop_assert!(worst.kept.len() <= 2 * most);
            }
            let mut sorted: Vec<usize> = (0..weights.len()).collect();
            sorted.sort_by_key(|&position| std::cmp::Reverse(weights[position]));
            sorted.truncate(most);
            prop_assert_eq!(worst.into_sorted(), sorted);
        }
    }
}
