//! Scores of forecasts against published counts: by measure, target, days ahead, quarter and size of the series.

use std::collections::BTreeMap;

use covid_core::{
    Date, Forecast, LEVELS, Measure, PanelView, Predicted, Target, WEEKS_AHEAD, WeeklyForecast, log_count,
    metrics::weighted_interval_score,
};
use serde::Serialize;

/// What is gathered of some forecasts; sums, so that it can be merged.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Forecasts.
    pub count: usize,
    /// Sum of squared errors of the points on ln(1 + count).
    pub squared_log: f64,
    /// Sum of absolute errors of the points.
    pub absolute: f64,
    /// Sum of weighted interval scores.
    pub wis: f64,
    /// The same with quantiles and actual count on ln(1 + count).
    pub wis_log: f64,
    /// Of each level, how often the actual count was below the quantile.
    pub below: [usize; 7],
    /// Of each level, how often it was not above.
    pub at_most: [usize; 7],
}

impl Tally {
    /// Adds a forecast and what was published. A count below 0 is 0.
    pub fn add(&mut self, predicted: &Predicted, actual: f64) {
        let actual = actual.max(0.0);
        self.count += 1;
        self.squared_log += (log_count(predicted.point) - log_count(actual)).powi(2);
        self.absolute += (predicted.point - actual).abs();
        self.wis += weighted_interval_score(&predicted.quantiles, actual);
        self.wis_log += weighted_interval_score(&predicted.quantiles.map(log_count), log_count(actual));
        for (level, quantile) in predicted.quantiles.into_iter().enumerate() {
            self.below[level] += usize::from(actual < quantile);
            self.at_most[level] += usize::from(actual <= quantile);
        }
    }

    /// Adds all that another gathered.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.squared_log += other.squared_log;
        self.absolute += other.absolute;
        self.wis += other.wis;
        self.wis_log += other.wis_log;
        for level in 0..LEVELS.len() {
            self.below[level] += other.below[level];
            self.at_most[level] += other.at_most[level];
        }
    }

    /// How far the levels miss: the largest of share(y < q) - level and level - share(y <= q), at least 0. Of counts, whose
    /// quantiles may be met exactly, this is what calibration can ask.
    pub fn miscalibration(&self) -> f64 {
        let share = |hits: usize| hits as f64 / self.count as f64;
        let missed = |(i, level): (usize, f64)| (share(self.below[i]) - level).max(level - share(self.at_most[i]));
        LEVELS.into_iter().enumerate().map(missed).fold(0.0, f64::max)
    }

    /// Shares of the actual counts within the central 50, 80 and 95 % intervals, ends included.
    pub fn coverage(&self) -> [f64; 3] {
        [[2, 4], [1, 5], [0, 6]]
            .map(|[low, high]| (self.at_most[high] as f64 - self.below[low] as f64) / self.count as f64)
    }
}

/// What a tally is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// What was forecast.
    pub measure: Measure,
    /// The target.
    pub target: Target,
    /// Days ahead.
    pub horizon: usize,
    /// Year and quarter of the origin.
    pub quarter: (i16, i8),
    /// How large the series was at the origin.
    pub size: Size,
}

/// A series' last published count, by powers of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Size {
    /// No count yet.
    #[serde(rename = "0")]
    Zero,
    /// 1 to 99.
    #[serde(rename = "1-99")]
    Tens,
    /// 100 to 9,999.
    #[serde(rename = "100-9999")]
    Thousands,
    /// 10,000 to 999,999.
    #[serde(rename = "10000-999999")]
    HundredThousands,
    /// A million and more.
    #[serde(rename = "1000000+")]
    Millions,
}

impl Size {
    /// All sizes, the smallest first.
    pub const ALL: [Self; 5] = [Self::Zero, Self::Tens, Self::Thousands, Self::HundredThousands, Self::Millions];

    /// The size of a count.
    pub fn of(count: f64) -> Self {
        match count {
            count if count < 1.0 => Self::Zero,
            count if count < 1e2 => Self::Tens,
            count if count < 1e4 => Self::Thousands,
            count if count < 1e6 => Self::HundredThousands,
            _ => Self::Millions,
        }
    }

    /// The smallest count of this size.
    pub const fn least(self) -> u32 {
        match self {
            Self::Zero => 0,
            Self::Tens => 1,
            Self::Thousands => 100,
            Self::HundredThousands => 10_000,
            Self::Millions => 1_000_000,
        }
    }

    /// The counts that are of this size.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zero => "0",
            Self::Tens => "1-99",
            Self::Thousands => "100-9999",
            Self::HundredThousands => "10000-999999",
            Self::Millions => "1000000+",
        }
    }
}

/// Tallies by group, of one model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores(BTreeMap<Group, Tally>);

impl Scores {
    /// Adds the forecasts of one origin, weeks as far as the days reach. What was not published is not scored.
    pub fn add(&mut self, cumulative: &Forecast, weekly: Option<&WeeklyForecast>, published: &PanelView<'_>) {
        let Ok(seen) = published.earlier(cumulative.as_of()) else { return };
        for place in 0..cumulative.locations().len() {
            for target in Target::ALL {
                let counts = published.counts(place, target);
                let size = Size::of(seen.last_count(place, target));
                let quarter = quarter(cumulative.as_of());
                let mut add = |measure, horizon, predicted: &Predicted, actual: f64| {
                    if !actual.is_nan() {
                        let group = Group { measure, target, horizon, quarter, size };
                        self.0.entry(group).or_default().add(predicted, actual);
                    }
                };
                for (i, predicted) in cumulative.path(place, target).iter().enumerate() {
                    let actual = counts.get(seen.days() + i).copied().unwrap_or(f64::NAN);
                    add(Measure::Cumulative, i + 1, predicted, actual);
                }
                for week in 1..=weeks_within(cumulative.horizon()) {
                    if let Some(weekly) = weekly {
                        let actual = weekly_new(published, place, target, seen.days() - 1, week);
                        add(Measure::WeeklyNew, 7 * week, &weekly.get(place, target, week), actual);
                    }
                }
            }
        }
    }

    /// Adds all that another gathered.
    pub fn merge(&mut self, other: &Self) {
        for (group, tally) in &other.0 {
            self.0.entry(*group).or_default().merge(tally);
        }
    }

    /// The sum over the groups that are wanted; none if there is none.
    pub fn total(&self, wanted: impl Fn(&Group) -> bool) -> Option<Tally> {
        let mut total = Tally::default();
        self.0.iter().filter(|(group, _)| wanted(group)).for_each(|(_, tally)| total.merge(tally));
        (total.count > 0).then_some(total)
    }

    /// The groups there are.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.0.keys()
    }
}

/// New counts of a week (from 1) after a day, at least 0; NaN where its end was not published.
pub fn weekly_new(published: &PanelView<'_>, place: usize, target: Target, day: usize, week: usize) -> f64 {
    let end = day + 7 * week;
    match published.counts(place, target).get(end) {
        Some(count) if !count.is_nan() => (count.max(0.0) - published.count_at(place, target, end - 7)).max(0.0),
        _ => f64::NAN,
    }
}

/// The weeks of new counts that end within some days.
pub fn weeks_within(horizon: usize) -> usize {
    (horizon / 7).min(WEEKS_AHEAD)
}

fn quarter(date: Date) -> (i16, i8) {
    (date.year(), (date.month() - 1) / 3 + 1)
}

#[cfg(test)]
mod tests {
    use covid_core::{Location, Panel};

    use super::*;

    #[test]
    fn a_forecast_is_scored_in_its_group() {
        let counts: Vec<f64> = (0..40).map(|day| f64::from(10 * day)).chain([0.0; 40]).collect();
        let panel = Panel::new(vec![Location::country("Dataland")], Date::constant(2020, 5, 1), 40, counts).unwrap();
        let view = panel.view();
        let origin = Date::constant(2020, 5, 12);
        let flat = Predicted { point: 110.0, quantiles: [100.0, 105.0, 108.0, 110.0, 115.0, 120.0, 130.0] };
        let forecast = Forecast::from_fn(origin, 28, panel.locations().to_vec(), |_, _, _| flat);
        let weekly = WeeklyForecast::new(origin, panel.locations().to_vec(), vec![[[flat; 4]; 2]]);
        let mut scores = Scores::default();
        scores.add(&forecast, Some(&weekly), &view);

        let cases = |group: &Group| group.target == Target::ConfirmedCases;
        let first =
            scores.total(|group| cases(group) && group.measure == Measure::Cumulative && group.horizon == 1).unwrap();
        assert_eq!((first.count, first.absolute), (1, 10.0));
        assert_eq!((first.below[5], first.at_most[5], first.below[6]), (0, 1, 1), "120 is met exactly");
        let weeks = scores.total(|group| cases(group) && group.measure == Measure::WeeklyNew).unwrap();
        assert_eq!((weeks.count, weeks.absolute), (4, 4.0 * 40.0), "70 new cases a week, and 110 were forecast");
        assert!(scores.groups().all(|group| group.quarter == (2020, 2)));
        assert!(scores.groups().filter(|group| cases(group)).all(|group| group.size == Size::Thousands));
        assert_eq!(scores.total(|group| group.size == Size::Zero).unwrap().count, 28 + 4, "deaths");
    }

    #[test]
    fn calibration_allows_for_quantiles_that_are_met() {
        let mut tally = Tally::default();
        (0..10).for_each(|_| tally.add(&Predicted { point: 0.0, quantiles: [0.0; 7] }, 0.0));
        assert_eq!((tally.miscalibration(), tally.coverage()), (0.0, [1.0; 3]));
        (0..10).for_each(|_| tally.add(&Predicted { point: 0.0, quantiles: [0.0; 7] }, 3.0));
        assert!((tally.miscalibration() - 0.475).abs() < 1e-12);
    }
}
