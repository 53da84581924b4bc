//! Rules: a score, what it may be, for how long it may be otherwise, and how bad that is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use crate::{
    Baseline, Blame, DataReport, MonitoringError, Quantity, Severity, Side, Tally, Usual, Window, tally::skill,
};

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// The headline RMSLE.
    Rmsle,
    /// The share by which it is better than that of no change.
    Skill,
    /// The share by which it is better than that of the challenger's shadow runs, on the same days.
    Challenger,
    /// Mean of ln(1 + forecast) - ln(1 + published), of both targets.
    Bias,
    /// Mean weighted interval score on ln(1 + count), of both targets.
    WisLog,
    /// Share of published counts in the central 50 % interval.
    Coverage50,
    /// The same of the 80 % interval.
    Coverage80,
    /// The same of the 95 % interval.
    Coverage95,
    /// Days since the champion was trained.
    Age,
    /// Share of places that stopped reporting.
    Stalled,
    /// Share of places without a count on the last day.
    Missing,
    /// Share of places whose counts fell.
    Revised,
    /// Share of places with a jump out of all proportion.
    Jumps,
    /// Places that were forecast and are there no more.
    Vanished,
    /// Places that the champion did not learn from.
    New,
    /// Days up to the last one on which nothing was new at the source.
    Empty,
    /// Population stability index of the growth of counts, the larger of the targets.
    DriftGrowth,
    /// The same of their level.
    DriftLevel,
}

impl Score {
    /// What is at fault if it is not what it should be.
    pub fn blame(self) -> Blame {
        match self {
            Self::Age => Blame::Age,
            Self::Rmsle | Self::Skill | Self::Challenger | Self::Bias | Self::WisLog => Blame::Model,
            Self::Coverage50 | Self::Coverage80 | Self::Coverage95 => Blame::Model,
            _ => Blame::Data,
        }
    }

    /// What it is, for people.
    fn words(self) -> &'static str {
        match self {
            Self::Rmsle => "RMSLE",
            Self::Skill => "skill against no change",
            Self::Challenger => "skill against the challenger",
            Self::Bias => "bias on ln(1 + count)",
            Self::WisLog => "WIS on ln(1 + count)",
            Self::Coverage50 => "share of counts in the 50 % interval",
            Self::Coverage80 => "share of counts in the 80 % interval",
            Self::Coverage95 => "share of counts in the 95 % interval",
            Self::Age => "days since the champion was trained",
            Self::Stalled => "share of places that stopped reporting",
            Self::Missing => "share of places without a count on the last day",
            Self::Revised => "share of places whose counts fell",
            Self::Jumps => "share of places with a jump",
            Self::Vanished => "places that were forecast and are gone",
            Self::New => "places that are new to the champion",
            Self::Empty => "days without anything new at the source",
            Self::DriftGrowth => "drift (PSI) of the growth of counts",
            Self::DriftLevel => "drift (PSI) of the level of counts",
        }
    }

    /// Its value in a window of scores; none for what those do not tell.
    fn in_window(self, window: &Window, most_ahead: usize) -> Option<f64> {
        let total = || window.total(most_ahead);
        match self {
            Self::Rmsle => window.headline(most_ahead),
            Self::Skill => window.skill(most_ahead),
            Self::Bias => total().bias(),
            Self::WisLog => total().wis_log(),
            Self::Coverage50 => Some(total().coverage()?[0]),
            Self::Coverage80 => Some(total().coverage()?[1]),
            Self::Coverage95 => Some(total().coverage()?[2]),
            _ => None,
        }
    }

    fn is_whole(self) -> bool {
        matches!(self, Self::Age | Self::Vanished | Self::New | Self::Empty)
    }
}

/// A rule as the settings give it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// What it looks at.
    pub score: Score,
    /// Over how many dates.
    #[serde(default = "four_weeks")]
    pub days: usize,
    /// It is broken above this: a number, or `usual`.
    pub above: Option<String>,
    /// It is broken below this: a number, or `usual`.
    pub below: Option<String>,
    /// Days that it must have been broken before it is an alert.
    #[serde(default = "one")]
    pub for_days: usize,
    /// How bad that is.
    #[serde(default = "warning")]
    pub severity: Severity,
    /// Whether a challenger is trained then.
    #[serde(default)]
    pub retrain: bool,
}

fn four_weeks() -> usize {
    28
}

fn one() -> usize {
    1
}

fn warning() -> Severity {
    Severity::Warning
}

/// What a score may be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    Fixed(f64),
    /// Of scores, from the champion's backtest; of data, from the panel's own past.
    Usual,
}

/// A rule, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it looks at.
    pub score: Score,
    /// Over how many dates.
    pub days: usize,
    /// Days that it must have been broken before it is an alert.
    pub for_days: usize,
    /// How bad that is.
    pub severity: Severity,
    /// Whether a challenger is trained then.
    pub retrain: bool,
    limit: Limit,
    side: Side,
}

/// The most dates of a rule's window.
const MAX_WINDOW_DAYS: usize = 365;

impl Rule {
    /// Reads and checks a rule; none if it has no limit.
    ///
    /// # Errors
    /// If a value is out of range, or there are two limits.
    pub fn new(name: &str, settings: &RuleSettings) -> Result<Option<Self>, MonitoringError> {
        let bad = |field: &str, range, value: &dyn fmt::Display| MonitoringError::OutOfRange {
            name: format!("monitoring.rules.{name}.{field}"),
            range,
            value: value.to_string(),
        };
        let RuleSettings { score, days, above, below, for_days, severity, retrain } = settings;
        if !(1..=MAX_WINDOW_DAYS).contains(days) {
            return Err(bad("days", "from 1 to 365", days));
        }
        if !(1..=MAX_WINDOW_DAYS).contains(for_days) {
            return Err(bad("for_days", "from 1 to 365", for_days));
        }
        let (text, side, field) = match (above, below) {
            (Some(above), None) => (above, Side::Above, "above"),
            (None, Some(below)) => (below, Side::Below, "below"),
            (Some(_), Some(below)) => return Err(bad("below", "left out where `above` is set", below)),
            (None, None) => return Ok(None),
        };
        let limit = match (text.trim(), text.trim().parse::<f64>()) {
            ("usual", _)
                if matches!(score, Score::Age | Score::Challenger | Score::DriftGrowth | Score::DriftLevel) =>
            {
                return Err(bad(field, "a number for this score", text));
            }
            ("usual", _) => Limit::Usual,
            (_, Ok(number)) if number.is_finite() => Limit::Fixed(number),
            _ => return Err(bad(field, "a number, or `usual`", text)),
        };
        let (name, score, days, for_days) = (name.to_owned(), *score, *days, *for_days);
        Ok(Some(Self { name, score, days, for_days, severity: *severity, retrain: *retrain, limit, side }))
    }
}

/// A score of the data, and what is usual of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DataScore {
    /// Its value.
    pub value: f64,
    /// The largest value that is usual; none where the past is too short to tell.
    pub usual: Option<f64>,
}

/// The data's scores, with what was usual of them before the champion was trained.
pub fn data_scores(report: &DataReport, usual: &Usual) -> BTreeMap<Score, DataScore> {
    let (found, limits) = (report.shares(), usual.limits());
    let of = |value, usual| DataScore { value, usual };
    let drift = |quantity| report.largest_drift(quantity).map(|drift| of(drift.stability_index, None));
    let drifts = [(Score::DriftGrowth, drift(Quantity::Growth)), (Score::DriftLevel, drift(Quantity::Level))];
    let known = [
        (Score::Stalled, of(found.stalled, limits.map(|limits| limits.stalled))),
        (Score::Missing, of(found.missing, limits.map(|limits| limits.missing))),
        (Score::Revised, of(found.revised, limits.map(|limits| limits.revised))),
        (Score::Jumps, of(found.jumps, limits.map(|limits| limits.jumps))),
        (Score::Vanished, of((report.vanished.len() + report.renamed.len()) as f64, Some(0.0))),
        (Score::New, of(report.new.len() as f64, Some(0.0))),
        (Score::Empty, of(report.empty.map_or(0, |empty| empty.days) as f64, Some(usual.longest_empty as f64))),
    ];
    known.into_iter().chain(drifts.into_iter().filter_map(|(score, found)| Some((score, found?)))).collect()
}

/// The champion's scores of some dates, and the challenger's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Windows {
    /// All of the champion's.
    pub champion: Window,
    /// Those of the champion that have one of the challenger's beside them.
    pub beside: Window,
    /// The challenger's.
    pub challenger: Window,
}

impl Windows {
    /// From the sums of all scores.
    pub fn of(tallies: &[Tally]) -> Self {
        let group = |tally: &Tally| (tally.group.date, tally.group.horizon, tally.group.target);
        let shadowed: BTreeSet<_> = tallies.iter().filter(|tally| tally.group.shadow).map(group).collect();
        Self {
            champion: Window::of(tallies, false),
            beside: Window::of(tallies.iter().filter(|tally| shadowed.contains(&group(tally))), false),
            challenger: Window::of(tallies, true),
        }
    }
}

/// What rules are judged by.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The champion's backtest; none where its version has none.
    pub baseline: Option<&'a Baseline>,
    /// The chance of a false alarm a week.
    pub level: f64,
    /// Scores by the number of dates of the window.
    pub windows: &'a BTreeMap<usize, Windows>,
    /// Days since the champion was trained.
    pub age: Option<i64>,
    /// Scores of the data.
    pub data: &'a BTreeMap<Score, DataScore>,
}

/// What a rule says today.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// What it looks at.
    pub score: Score,
    /// Its value; none if there is nothing to judge by.
    pub value: Option<f64>,
    /// What it may be; none where nothing says what is usual.
    pub limit: Option<f64>,
    /// Whether the rule is broken; none if it cannot be judged.
    pub broken: Option<bool>,
    /// What is at fault if it is.
    pub blame: Blame,
    /// Score and limit in words.
    pub sentence: String,
}

impl Rule {
    /// Judges the rule.
    pub fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let (value, limit) = self.value_and_limit(evidence);
        let broken = value.zip(limit).map(|(value, limit)| match self.side {
            Side::Above => value > limit,
            Side::Below => value < limit,
        });
        Finding {
            rule: self.name.clone(),
            score: self.score,
            value,
            limit,
            broken,
            blame: self.score.blame(),
            sentence: self.sentence(value, limit),
        }
    }

    fn value_and_limit(&self, evidence: &Evidence<'_>) -> (Option<f64>, Option<f64>) {
        let fixed = match self.limit {
            Limit::Fixed(limit) => Some(limit),
            Limit::Usual => None,
        };
        if self.score == Score::Age {
            return (evidence.age.map(|days| days as f64), fixed);
        }
        if self.score.blame() == Blame::Data {
            let Some(found) = evidence.data.get(&self.score) else { return (None, fixed) };
            return (Some(found.value), fixed.or(found.usual));
        }
        let Some(Windows { champion, beside, challenger }) = evidence.windows.get(&self.days) else {
            return (None, fixed);
        };
        // Of the days ahead that the backtest does not have, nothing says what is usual.
        let most_ahead = evidence.baseline.map_or(usize::MAX, |baseline| baseline.horizon);
        if self.score == Score::Challenger {
            let headlines = beside.headline(most_ahead).zip(challenger.headline(most_ahead));
            return (headlines.and_then(|(loss, reference)| skill(loss, reference)), fixed);
        }
        let value = self.score.in_window(champion, most_ahead);
        let usual = || {
            let baseline = evidence.baseline?;
            match self.score {
                Score::Rmsle => baseline.headline_limit(champion, evidence.level),
                score => baseline.limit(|window| score.in_window(window, most_ahead), evidence.level, self.side),
            }
        };
        (value, fixed.or_else(usual))
    }

    fn sentence(&self, value: Option<f64>, limit: Option<f64>) -> String {
        let words = self.score.words();
        let shown = |number: f64| {
            if self.score.is_whole() { format!("{number:.0}") } else { format!("{number:.4}") }
        };
        let over = match self.score {
            score if score.blame() != Blame::Model => String::new(),
            _ => format!(" of the last {} days", self.days),
        };
        let (Some(value), side) = (value, self.side) else { return format!("{words}{over}: nothing to judge by") };
        let at = if side == Side::Above { "at most" } else { "at least" };
        match (limit, self.limit) {
            (Some(limit), Limit::Fixed(_)) => format!("{words}{over} {}, {at} {} wanted", shown(value), shown(limit)),
            (Some(limit), Limit::Usual) => format!("{words}{over} {}, {at} {} is usual", shown(value), shown(limit)),
            (None, _) => format!("{words}{over} {}, with nothing to say what is usual", shown(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use covid_core::{Date, Predicted, Target};

    use super::*;
    use crate::{
        OriginScores,
        tally::{Group, Sums},
    };

    fn settings(score: Score, above: Option<&str>, below: Option<&str>) -> RuleSettings {
        let [above, below] = [above, below].map(|limit| limit.map(str::to_owned));
        RuleSettings { score, days: 7, above, below, for_days: 1, severity: Severity::Warning, retrain: false }
    }

    fn rule(score: Score, above: Option<&str>, below: Option<&str>) -> Rule {
        Rule::new("test", &settings(score, above, below)).unwrap().unwrap()
    }

    /// A day ahead of both targets, forecast too high by a factor on 1 + count, where nothing changed would be off by ln 2.
    fn tallies(day: i8, horizon: usize, log_error: f64, shadow: bool) -> Vec<Tally> {
        let mut sums = Sums::default();
        let point = 100.0 * log_error.exp() - 1.0;
        let predicted = Predicted { point, quantiles: [1.0, 50.0, 80.0, 99.0, 150.0, 200.0, 400.0] };
        sums.add_forecast(&predicted, 99.0, 49.0);
        let group = |target| Group { date: Date::constant(2022, 1, day), horizon, target, shadow };
        Target::ALL.map(|target| Tally { group: group(target), sums }).to_vec()
    }

    fn baseline(errors: &[f64]) -> Baseline {
        let origin =
            |error: &f64| OriginScores { origin: Date::constant(2021, 1, 1), tallies: tallies(1, 1, *error, false) };
        Baseline::new(1, errors.iter().map(origin).collect())
    }

    fn judge(rule: &Rule, tallies: &[Tally], baseline: Option<&Baseline>) -> Finding {
        let windows = BTreeMap::from([(7, Windows::of(tallies))]);
        let data = BTreeMap::from([(Score::Stalled, DataScore { value: 0.2, usual: Some(0.1) })]);
        rule.judge(&Evidence { baseline, level: 0.01, windows: &windows, age: Some(30), data: &data })
    }

    #[test]
    fn fixed_limits() {
        let seen = tallies(1, 1, 0.2, false);
        let above = judge(&rule(Score::Rmsle, Some("0.1"), None), &seen, None);
        assert_eq!((above.broken, above.blame), (Some(true), Blame::Model));
        assert_eq!(above.sentence, "RMSLE of the last 7 days 0.2000, at most 0.1000 wanted");
        assert_eq!(judge(&rule(Score::Rmsle, Some("0.3"), None), &seen, None).broken, Some(false));
        assert_eq!(judge(&rule(Score::Bias, None, Some("0.3")), &seen, None).broken, Some(true));
        // ln 100 - ln 50 is 0.69 for no change: a skill of 0.71.
        let skill = judge(&rule(Score::Skill, None, Some("0")), &seen, None);
        assert!((skill.value.unwrap() - (1.0 - 0.2 / 2f64.ln())).abs() < 1e-9);
        let age = judge(&rule(Score::Age, Some("27"), None), &seen, None);
        assert_eq!(
            (age.broken, age.blame, &age.sentence[..]),
            (Some(true), Blame::Age, "days since the champion was trained 30, at most 27 wanted")
        );
        let stalled = judge(&rule(Score::Stalled, Some("usual"), None), &seen, None);
        assert_eq!((stalled.broken, stalled.blame), (Some(true), Blame::Data));
    }

    #[test]
    fn usual_is_what_the_backtest_says() {
        let usual = rule(Score::Rmsle, Some("usual"), None);
        let steady = baseline(&[0.10, 0.11, 0.09, 0.10, 0.12, 0.08, 0.10, 0.10]);
        assert_eq!(judge(&usual, &tallies(1, 1, 0.11, false), Some(&steady)).broken, Some(false));
        assert_eq!(judge(&usual, &tallies(1, 1, 0.30, false), Some(&steady)).broken, Some(true));
        // A champion whose backtest varied as much is allowed as much.
        let varied = baseline(&[0.05, 0.30, 0.08, 0.2, 0.04, 0.25, 0.1, 0.3]);
        assert_eq!(judge(&usual, &tallies(1, 1, 0.30, false), Some(&varied)).broken, Some(false));
        // Nothing is usual without a backtest, nor of days ahead that it has not.
        assert_eq!(judge(&usual, &tallies(1, 1, 9.0, false), None).broken, None);
        assert_eq!(judge(&usual, &tallies(1, 2, 9.0, false), Some(&steady)).broken, None);
        assert_eq!(judge(&usual, &[], Some(&steady)).sentence, "RMSLE of the last 7 days: nothing to judge by");
    }

    #[test]
    fn the_challenger_is_compared_on_the_same_days() {
        let outdone = rule(Score::Challenger, None, Some("-0.02"));
        let both = [tallies(1, 1, 0.2, false), tallies(1, 1, 0.1, true)].concat();
        assert!((judge(&outdone, &both, None).value.unwrap() + 1.0).abs() < 1e-9, "twice the loss");
        // A bad day that the challenger did not forecast says nothing.
        let more = [both.clone(), tallies(2, 1, 3.0, false)].concat();
        assert_eq!(judge(&outdone, &more, None).value, judge(&outdone, &both, None).value);
        assert_eq!(judge(&outdone, &tallies(1, 1, 0.2, false), None).broken, None);
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused() {
        let refused = |settings: &RuleSettings| Rule::new("mine", settings).unwrap_err().to_string();
        let text = refused(&settings(Score::Rmsle, Some("often"), None));
        assert_eq!(text, "monitoring.rules.mine.above must be a number, or `usual`, not often");
        let text = refused(&settings(Score::Age, Some("usual"), None));
        assert_eq!(text, "monitoring.rules.mine.above must be a number for this score, not usual");
        let text = refused(&settings(Score::Rmsle, Some("1"), Some("0")));
        assert_eq!(text, "monitoring.rules.mine.below must be left out where `above` is set, not 0");
        let text = refused(&RuleSettings { days: 0, ..settings(Score::Rmsle, Some("1"), None) });
        assert_eq!(text, "monitoring.rules.mine.days must be from 1 to 365, not 0");
        assert_eq!(Rule::new("off", &settings(Score::Rmsle, None, None)).unwrap(), None);
    }
}
