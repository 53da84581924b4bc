//! Intervals from past errors, by horizon and by size of the place.
//!
//! Every model has a centre mu on ln(1 + new counts): of each of the next four weeks, and of all new counts since the as-of
//! date for each day ahead. A series has a size for each of them: mu, or ln(1 + the new counts of as many mean weeks of its
//! last four) where that is larger. Past errors are standardised, z = (ln(1 + y) - mu) / S, where
//! S = sqrt(0.09 weeks + exp(-size)), so that small counts have the wide errors of a Poisson count and large ones those of
//! growth, times a factor of the place ([`crate::spread`]). The forecasts are those that the model made on every seventh day
//! before, with what was known then; their errors, decayed with a half-life of weeks, are counted by target and horizon in
//! tables at 23 nodes of the size, a value between two nodes for both. A forecast takes its quantiles from the tables at its
//! own size. Where nothing happened (y = 0) the tables keep a share, not a z: a quantile below that share is exactly 0.
//!
//! In a pause of reporting of k days ([`crate::models::pause`]) nothing comes within d days with the chance stated there, and
//! what is missing may come in bulk, a share m = k / d of the counts of d days (of a week that ends after d days, too): mu is
//! ln(1 + m) / 2 higher, half way between all of it and none, and S^2 is m larger. Outcomes of pauses enter no table.
//!
//! It is split conformal prediction by groups (Vovk et al. 2005, Algorithmic Learning in a Random World), with weights for
//! age (Barber et al. 2023, doi 10.1214/23-AOS2276); neighbouring nodes and a normal prior stand in for the errors that a
//! node lacks.

use std::collections::{BTreeSet, VecDeque};

use covid_core::{LEVELS, MAX_COUNT, PanelView, Predicted, Target, log_count};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    FittedForecaster, Replay, Spec, TrainingError, TrainingSettings,
    error::check,
    models::{pause, recent::Recent},
    paths::{Centres, WEEKS},
    replay::MIN_DAYS,
    spread::{Spread, SpreadSums, Unsteadiness, factor_at},
    tables::{ErrorTable, NodeQuantiles, Outcome},
};

/// Days ahead whose cumulative errors have tables; between them quantiles are interpolated.
const AHEAD: [usize; 18] = [1, 2, 3, 4, 5, 6, 7, 10, 14, 18, 21, 24, 28, 35, 42, 49, 56, 60];

/// No quantile exceeds the size by more than this on its logarithm, a twelvefold, unless it is about a count of tens.
const MOST_ABOVE: f64 = 2.5;
const MOST_ABOVE_SMALL: f64 = 6.0;
const SMALL: f64 = 2.397895272798371; // ln 11

/// Quantiles of past errors, for new counts of weeks and since the as-of date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Calibration {
    horizon: usize,
    /// How much wider than its size says a place's errors are.
    spread: Spread,
    /// By target, then week ahead.
    weekly: [Vec<NodeQuantiles>; 2],
    /// By target, then day ahead of [`AHEAD`], as far as the horizon needs.
    cumulative: [Vec<NodeQuantiles>; 2],
}

/// The scale of errors: `weeks` ahead, of a size on ln(1 + new counts), before the factor of the place.
pub(crate) fn scale(weeks: f64, size: f64) -> f64 {
    (0.09 * weeks + (-size).exp()).sqrt()
}

/// What a calibration knows of one series.
pub(crate) struct Series {
    place: Unsteadiness,
    /// Logarithms of the factors on the scales of the weeks.
    factors: [f64; WEEKS],
}

impl Series {
    /// The centre and the scale of errors some days ahead, given the centre `mu` and the size of a series that goes on. Of what
    /// is missing after a pause all may come in these days, or none: the centre is half way on the logarithm.
    fn around(&self, ahead: usize, mu: f64, size: f64) -> (f64, f64) {
        let missing = pause::missing(self.place.pause, ahead);
        let scale = scale(ahead as f64 / 7.0, size).hypot(missing.sqrt());
        (mu + 0.5 * missing.ln_1p(), scale * factor_at(&self.factors, ahead).exp())
    }
}

impl Calibration {
    /// Days ahead that it knows.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// How large a series is, and how much wider than usual its errors are, given the centres of its weeks.
    pub(crate) fn series(&self, recent: &Recent<'_>, target: Target, weekly: &[f64; WEEKS]) -> Series {
        let place = Unsteadiness::of(recent, target);
        Series { factors: self.spread.factors(&place, target, weekly), place }
    }

    /// Cumulative quantiles of one series by day ahead, never falling over levels or days, from `last`, its last published
    /// count, on. `centres` are ln(1 + new counts since).
    pub(crate) fn cumulative(&self, target: Target, last: f64, centres: &[f64], series: &Series) -> Vec<[f64; 7]> {
        let mut floor = [last; 7];
        let day = |(i, &mu): (usize, &f64)| {
            let (before, after, share) = neighbours(i + 1);
            let tables = &self.cumulative[target.index()];
            let (before, after) = (&tables[before.min(tables.len() - 1)], &tables[after.min(tables.len() - 1)]);
            let size = series.place.size(mu, (i + 1) as f64 / 7.0);
            let (centre, scale) = series.around(i + 1, mu, size);
            let zero = (1.0 - share) * before.zero(size) + share * after.zero(size);
            let zero = zero + (1.0 - zero) * pause::goes_on(series.place.pause, i + 1);
            let z = |level| (1.0 - share) * before.error(size, level) + share * after.error(size, level);
            for (level, floor) in LEVELS.into_iter().zip(&mut floor) {
                *floor = floor.max((last + new_count([centre, size], scale, zero, level, z)).min(MAX_COUNT.max(last)));
            }
            floor
        };
        centres.iter().enumerate().map(day).collect()
    }

    /// Quantiles of the new counts of a week ahead (from 0); `mu` is the centre.
    pub(crate) fn weekly(&self, target: Target, week: usize, mu: f64, series: &Series) -> [f64; 7] {
        let table = &self.weekly[target.index()][week];
        let size = series.place.size(mu, 1.0);
        let (centre, scale) = series.around(7 * (week + 1), mu, size);
        let zero = table.zero(size) + (1.0 - table.zero(size)) * pause::goes_on(series.place.pause, 7);
        let z = |level| table.error(size, level);
        LEVELS.map(|level| new_count([centre, size], scale, zero, level, z).min(MAX_COUNT))
    }
}

/// Learns the past errors of a model as they were known on each of some days, by passing all days before them in order.
pub(crate) struct Learner {
    spec: Spec,
    horizon: usize,
    asked: BTreeSet<usize>,
    /// Weeks never mix weekdays, so each weekday has errors of its own.
    weekdays: Vec<Weekday>,
}

impl Learner {
    /// `asked` are the days; errors are learned up to `horizon` days ahead.
    pub(crate) fn new(spec: Spec, asked: BTreeSet<usize>, horizon: usize, settings: &TrainingSettings) -> Self {
        let weekday = |phase| {
            let last = asked.iter().copied().filter(|day| day % 7 == phase).max()?;
            Some(Weekday { phase, last, stream: Stream::new(horizon, settings) })
        };
        let weekdays = (0..7).filter_map(weekday).collect();
        Self { spec, horizon, asked, weekdays }
    }

    /// Whether a day has to be passed. Before four weeks of history there is only the prior.
    pub(crate) fn needs(&self, day: usize) -> bool {
        let of_a_weekday = self.weekdays.iter().any(|weekday| weekday.has(day));
        if day + 1 < MIN_DAYS { self.asked.contains(&day) } else { of_a_weekday }
    }

    /// Passes the next days, of which none that it needs may be left out, and tells what was known on the ones asked for.
    pub(crate) fn pass(
        &mut self,
        replay: &Replay<'_>,
        days: &[usize],
    ) -> Result<Vec<(usize, Calibration)>, TrainingError> {
        let days: Vec<usize> = days.iter().copied().filter(|&day| self.needs(day)).collect();
        let (spec, horizon, asked) = (&self.spec, self.horizon, &self.asked);
        let pass = |weekday: &mut Weekday| weekday.pass(replay, spec, &days, horizon, asked);
        let passed: Vec<Vec<(usize, Calibration)>> =
            self.weekdays.par_iter_mut().map(pass).collect::<Result<_, TrainingError>>()?;
        Ok(passed.into_iter().flatten().collect())
    }
}

/// The days of one weekday up to the last that is asked for.
struct Weekday {
    phase: usize,
    last: usize,
    stream: Stream,
}

impl Weekday {
    fn has(&self, day: usize) -> bool {
        day % 7 == self.phase && day <= self.last
    }

    fn pass(
        &mut self,
        replay: &Replay<'_>,
        spec: &Spec,
        days: &[usize],
        horizon: usize,
        asked: &BTreeSet<usize>,
    ) -> Result<Vec<(usize, Calibration)>, TrainingError> {
        let own: Vec<usize> = days.iter().copied().filter(|&day| self.has(day)).collect();
        let make = |&day: &usize| DayForecast::make(replay, spec, day, self.last, horizon);
        let made: Vec<DayForecast> = own.par_iter().map(make).collect::<Result<_, TrainingError>>()?;
        let mut learned = Vec::new();
        for forecast in made {
            let with_history = forecast.day + 1 >= MIN_DAYS;
            if with_history {
                self.stream.pass_week();
            }
            let spread = self.stream.spread().map_err(|cause| unfitted(replay, spec, forecast.day, cause))?;
            if asked.contains(&forecast.day) {
                learned.push((forecast.day, self.stream.snapshot(spread.clone())));
            }
            if with_history {
                self.stream.forecast_made(forecast.outcomes(&replay.view(self.last)?, &spread, horizon));
            }
        }
        Ok(learned)
    }
}

/// A count around a centre `mu` that is exceeded with a chance of 1 - `level`: exactly 0 where so large a share saw nothing.
fn new_count([mu, size]: [f64; 2], scale: f64, zero: f64, level: f64, z: impl Fn(f64) -> f64) -> f64 {
    let among_positive = (level - zero) / (1.0 - zero);
    if among_positive <= 0.0 || zero >= 1.0 {
        return 0.0;
    }
    let most = if size < SMALL { MOST_ABOVE_SMALL } else { MOST_ABOVE };
    (mu + scale * z(among_positive)).min(mu.max(size) + most).exp_m1().max(0.0)
}

/// The tables around a day ahead, and the share of the later one.
fn neighbours(ahead: usize) -> (usize, usize, f64) {
    let after = AHEAD.partition_point(|&known| known < ahead).min(AHEAD.len() - 1);
    if AHEAD[after] <= ahead || after == 0 {
        return (after, after, 0.0);
    }
    let (left, right) = (AHEAD[after - 1], AHEAD[after]);
    (after - 1, after, (ahead - left) as f64 / (right - left) as f64)
}

/// How many tables a horizon needs.
fn tables_for(horizon: usize) -> usize {
    (AHEAD.partition_point(|&known| known < horizon) + 1).min(AHEAD.len())
}

/// Weeks after a day on which the errors of a table are known: of week h after h, of s days ahead after s days.
fn lag(table: usize) -> usize {
    if table < WEEKS { table + 1 } else { AHEAD[table - WEEKS].div_ceil(7) }
}

fn unfitted(replay: &Replay<'_>, spec: &Spec, day: usize, cause: String) -> TrainingError {
    TrainingError::Fit { model: format!("the spread of {spec}"), as_of: replay.published().date(day), cause }
}

/// The forecasts of one past day.
struct DayForecast {
    day: usize,
    /// None on the latest day, of whose forecasts nothing is known, and before four weeks of history.
    made: Option<(Centres, [Vec<Unsteadiness>; 2])>,
}

impl DayForecast {
    fn make(
        replay: &Replay<'_>,
        spec: &Spec,
        day: usize,
        latest: usize,
        horizon: usize,
    ) -> Result<Self, TrainingError> {
        if day == latest || day + 1 < MIN_DAYS {
            return Ok(Self { day, made: None });
        }
        let prepared = replay.prepared(day)?;
        let view = prepared.view();
        let places: Vec<usize> = (0..view.locations().len()).collect();
        let furthest = AHEAD[tables_for(horizon) - 1];
        let centres = replay.fit(spec, &view)?.centres(&view, &places, furthest);
        let recents = Recent::latest(&view);
        let unsteady =
            Target::ALL.map(|target| recents.par_iter().map(|recent| Unsteadiness::of(recent, target)).collect());
        Ok(Self { day, made: Some((centres, unsteady)) })
    }

    /// What came of them, as far as it is published; `spread` is what was learned before them.
    fn outcomes(&self, published: &PanelView<'_>, spread: &Spread, horizon: usize) -> DayOutcomes {
        let tables = WEEKS + tables_for(horizon);
        let Some((centres, unsteady)) = &self.made else {
            let none = || (0..WEEKS).map(|_| SpreadSums::new()).collect();
            return DayOutcomes {
                tables: [vec![Vec::new(); tables], vec![Vec::new(); tables]],
                spread: [none(), none()],
            };
        };
        let factors = Target::ALL.map(|target| -> Vec<[f64; WEEKS]> {
            let of = |(place, unsteady): (usize, &Unsteadiness)| {
                spread.factors(unsteady, target, &centres.weekly[place][target.index()])
            };
            unsteady[target.index()].par_iter().enumerate().map(of).collect()
        });
        DayOutcomes {
            tables: Target::ALL.map(|target| {
                let of = |table| {
                    let seen = self.seen(published, centres, &unsteady[target.index()], target, table);
                    let outcome = |(place, ([mu, size], seen, scale)): (usize, ([f64; 2], f64, f64))| {
                        // How long a pause lasts says nothing of the errors of others.
                        if unsteady[target.index()][place].pause > 0 {
                            return None;
                        }
                        let factors = &factors[target.index()][place];
                        let factor =
                            factors.get(table).copied().unwrap_or_else(|| factor_at(factors, AHEAD[table - WEEKS]));
                        Outcome::of(size, mu, seen, scale * factor.exp())
                    };
                    seen.enumerate().filter_map(outcome).flatten().collect()
                };
                (0..tables).into_par_iter().map(of).collect()
            }),
            spread: Target::ALL.map(|target| {
                let unsteady = &unsteady[target.index()];
                let of = |week| {
                    let seen = self.seen(published, centres, unsteady, target, week);
                    SpreadSums::of(unsteady, seen.map(|([mu, _], seen, scale)| (mu, seen, scale)))
                };
                (0..WEEKS).into_par_iter().map(of).collect()
            }),
        }
    }

    /// By place: the centre and the size of a table's forecast, the new counts that were published (NaN where they were not), and
    /// the scale.
    fn seen(
        &self,
        published: &PanelView<'_>,
        centres: &Centres,
        unsteady: &[Unsteadiness],
        target: Target,
        table: usize,
    ) -> impl Iterator<Item = ([f64; 2], f64, f64)> {
        let (from, until) = match table.checked_sub(WEEKS) {
            None => (self.day + 7 * table, self.day + 7 * (table + 1)),
            Some(i) => (self.day, self.day + AHEAD[i]),
        };
        let places = if until < published.days() { published.locations().len() } else { 0 };
        (0..places).map(move |place| {
            let (mu, ahead, weeks) = match table.checked_sub(WEEKS) {
                None => (centres.weekly[place][target.index()][table], (table + 1) as f64, 1.0),
                Some(i) => {
                    let ahead = AHEAD[i] as f64 / 7.0;
                    (centres.new.path(place, target)[AHEAD[i] - 1], ahead, ahead)
                }
            };
            let end = published.counts(place, target)[until];
            // A count that was not published tells nothing; one before it may stand for the beginning.
            let seen = if end.is_nan() { end } else { end.max(0.0) - published.count_at(place, target, from) };
            let size = unsteady[place].size(mu, weeks);
            ([mu, size], seen, scale(ahead, size))
        })
    }
}

/// What came of the forecasts of one past day, by target: by table (of the weeks, then of the days ahead), and by week.
struct DayOutcomes {
    tables: [Vec<Vec<Outcome>>; 2],
    spread: [Vec<SpreadSums>; 2],
}

/// Tables as they grow from week to week. Later outcomes enter with a larger factor instead of fading the earlier ones.
struct Stream {
    horizon: usize,
    growth: f64,
    unit: f64,
    weeks: usize,
    tables: [Vec<ErrorTable>; 2],
    spread: [Vec<SpreadSums>; 2],
    /// Outcomes of the last weeks' forecasts, the newest first: they enter when they are known.
    waiting: VecDeque<DayOutcomes>,
}

impl Stream {
    fn new(horizon: usize, settings: &TrainingSettings) -> Self {
        let growth = 2f64.powf(1.0 / settings.calibration_half_life as f64);
        let tables = || (0..WEEKS + tables_for(horizon)).map(|_| ErrorTable::new()).collect();
        let spread = || (0..WEEKS).map(|_| SpreadSums::new()).collect();
        let (tables, spread) = ([tables(), tables()], [spread(), spread()]);
        Self { horizon, growth, unit: 1.0, weeks: 0, tables, spread, waiting: VecDeque::new() }
    }

    /// A week has passed: what is known by now of earlier forecasts enters.
    fn pass_week(&mut self) {
        self.unit *= self.growth;
        self.weeks += 1;
        let (waiting, unit) = (&self.waiting, self.unit);
        for target in 0..2 {
            self.tables[target].par_iter_mut().enumerate().for_each(|(table, sums)| {
                // The newest forecast that waits was made a week ago.
                let known = waiting.get(lag(table) - 1).map_or(&[][..], |day| &day.tables[target][table]);
                known.iter().for_each(|outcome| sums.add(outcome, unit));
            });
            for (week, sums) in self.spread[target].iter_mut().enumerate() {
                sums.fade();
                if let Some(day) = waiting.get(week) {
                    sums.merge(&day.spread[target][week], 1.0);
                }
            }
        }
    }

    /// `outcomes` are those of the forecasts made now.
    fn forecast_made(&mut self, outcomes: DayOutcomes) {
        self.waiting.push_front(outcomes);
        self.waiting.truncate(lag(WEEKS + tables_for(self.horizon) - 1).max(WEEKS));
    }

    fn spread(&self) -> Result<Spread, String> {
        Spread::learn(&self.spread, self.weeks.saturating_sub(1))
    }

    fn snapshot(&self, spread: Spread) -> Calibration {
        let quantiles = |target: usize, tables: std::ops::Range<usize>| -> Vec<NodeQuantiles> {
            self.tables[target][tables].par_iter().map(|table| table.quantiles(self.unit)).collect()
        };
        let all = WEEKS + tables_for(self.horizon);
        Calibration {
            horizon: self.horizon,
            spread,
            weekly: [0, 1].map(|target| quantiles(target, 0..WEEKS)),
            cumulative: [0, 1].map(|target| quantiles(target, WEEKS..all)),
        }
    }
}

/// A point as a count; one that is the last published count is so to the last digit.
pub(crate) fn point(x: f64, last: f64) -> f64 {
    match x {
        // There and back through the logarithm, a count would change in its last digits.
        x if x == log_count(last) => last,
        // Not `max` alone, which would turn a NaN into 0 and hide an explosion.
        x if x.is_nan() => x,
        x => x.exp_m1().max(0.0),
    }
}

/// A count with its quantiles; of a point that is not a number, none is.
pub(crate) fn predicted(point: f64, quantiles: [f64; 7]) -> Predicted {
    Predicted { point, quantiles: if point.is_nan() { [point; 7] } else { quantiles } }
}

/// The same with the point drawn into the 95 % interval, unless it exploded.
pub(crate) fn within_interval(predicted: Predicted) -> Predicted {
    let [low, .., high] = predicted.quantiles;
    let exploded = !predicted.point.is_finite() || predicted.point > MAX_COUNT;
    Predicted { point: if exploded { predicted.point } else { predicted.point.max(low).min(high) }, ..predicted }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    horizon: usize,
    spread: Spread,
    weekly: [Vec<NodeQuantiles>; 2],
    cumulative: [Vec<NodeQuantiles>; 2],
}

impl TryFrom<Unchecked> for Calibration {
    type Error = TrainingError;

    fn try_from(Unchecked { horizon, spread, weekly, cumulative }: Unchecked) -> Result<Self, TrainingError> {
        TrainingError::check_horizon(horizon)?;
        let weeks = weekly.iter().all(|tables| tables.len() == WEEKS);
        check("weeks of the calibration", "4 for both targets", weekly[0].len(), weeks)?;
        let days = cumulative.iter().all(|tables| tables.len() == tables_for(horizon));
        check("days ahead of the calibration", "as many as its horizon needs", cumulative[0].len(), days)?;
        Ok(Self { horizon, spread, weekly, cumulative })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A series of which no more is known than its forecast.
    fn unknown() -> Series {
        Series { place: Unsteadiness::UNKNOWN, factors: [0.0; WEEKS] }
    }

    #[test]
    fn days_ahead_lie_between_their_tables() {
        assert_eq!(neighbours(1), (0, 0, 0.0));
        assert_eq!(neighbours(7), (6, 6, 0.0));
        assert_eq!(neighbours(12), (7, 8, 0.5));
        assert_eq!(neighbours(60), (17, 17, 0.0));
        assert_eq!([1, 7, 8, 28, 60].map(tables_for), [1, 7, 8, 13, 18]);
        assert_eq!([0, 3, WEEKS, WEEKS + 6, WEEKS + 7].map(lag), [1, 4, 1, 1, 2]);
    }

    #[test]
    fn quantiles_rise_over_levels_and_never_fall_over_days() {
        let settings = TrainingSettings { horizon: 7, every: 7, tuning_origins: 1, calibration_half_life: 20 };
        let stream = Stream::new(28, &settings);
        let prior = stream.snapshot(stream.spread().unwrap());
        let centres: Vec<f64> = (1..=28).map(|day| f64::from(day).ln_1p()).collect();
        let path = prior.cumulative(Target::Fatalities, 100.0, &centres, &unknown());
        assert!(path.iter().all(|quantiles| quantiles.is_sorted() && quantiles[0] >= 100.0));
        assert!(path.windows(2).all(|pair| pair[0].iter().zip(pair[1]).all(|(a, b)| *a <= b)));
        let [small, large] = [0.0, 10.0].map(|mu| prior.weekly(Target::ConfirmedCases, 0, mu, &unknown()));
        assert_eq!(small[..3], [0.0; 3], "where nothing is expected, nothing is likely");
        assert!(large[0] > 1000.0 && large[6] < 1e6, "{large:?}");
    }
}
