//! What past days teach the regressions. It depends on the day alone, not on when it is asked for, so that it is made once for
//! all the days of a backtest.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use covid_core::PanelView;
use rayon::prelude::*;

use super::{residual_ridge::PastDay, weekly_ridge::PastWeek};

/// Lessons of the days of a view. A lesson says what followed a day, each day ahead by itself; who learns on a day takes only
/// what was known by then.
pub(crate) struct PastDays<'a> {
    view: PanelView<'a>,
    days: Memo<PastDay>,
    weeks: Memo<PastWeek>,
}

impl<'a> PastDays<'a> {
    pub(crate) fn new(view: PanelView<'a>) -> Self {
        Self { view, days: Memo::default(), weeks: Memo::default() }
    }

    pub(super) fn day(&self, day: usize) -> Arc<PastDay> {
        self.days.get(day, || PastDay::learn(&self.view, day))
    }

    pub(super) fn week(&self, day: usize) -> Arc<PastWeek> {
        self.weeks.get(day, || PastWeek::learn(&self.view, day))
    }
}

/// Places whose lessons are summed up in one go. It is fixed, so that sums do not depend on the number of threads.
const PLACES_A_PART: usize = 4096;

/// Sums up what all of `places` places teach: parts of them in parallel, and the parts in order.
pub(super) fn sum_of_parts<T: Send>(
    places: usize,
    part: impl Fn(Range<usize>) -> T + Sync,
    add: impl Fn(&mut T, T),
) -> T {
    let parts = places.div_ceil(PLACES_A_PART).max(1);
    let of = |i: usize| part(i * PLACES_A_PART..places.min((i + 1) * PLACES_A_PART));
    let (mut sum, rest) = rayon::join(|| of(0), || (1..parts).into_par_iter().map(of).collect::<Vec<T>>());
    rest.into_iter().for_each(|part| add(&mut sum, part));
    sum
}

struct Memo<T>(Mutex<HashMap<usize, Arc<T>>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Memo<T> {
    /// Two threads may make the same; the first one's stays, and both are equal.
    fn get(&self, day: usize, make: impl FnOnce() -> T) -> Arc<T> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = lock().get(&day) {
            return Arc::clone(made);
        }
        let made = Arc::new(make());
        Arc::clone(lock().entry(day).or_insert(made))
    }
}
