//! A monitoring report as large as that of the whole world, made up by formulas.

use covid_core::{Date, LEVELS, Predicted, Target};
use covid_monitoring::{Alert, Blame, Severity};
use covid_pipeline::monitoring_page::*;
use jiff::ToSpan as _;

pub(crate) const AS_OF: Date = Date::constant(2022, 8, 9);
pub(crate) const PLACES: usize = 289;
const BEFORE: usize = 28;

/// Names that would be markup or the end of a script, were they not escaped.
pub(crate) const HOSTILE: &str = "</script><img src=x onerror=alert(1)> & \"Co\"";

pub(crate) fn name(place: usize) -> String {
    match place {
        0 => "World".into(),
        7 => "Saint Helena, Ascension and Tristan da Cunha, United Kingdom".into(),
        8 => HOSTILE.into(),
        _ => format!("Province {place}, Country {}", place % 40),
    }
}

/// A report with something in every part.
pub(crate) fn example() -> MonitoringPage {
    let mut page = MonitoringPage::new(
        "jhu",
        AS_OF,
        "revised data",
        "The champion is 38 % better than no change, but 2 alerts stand: its error is above the limit, and 3 places stopped \
         reporting.",
    );
    page.alerts = alerts();
    page.history = history(400);
    page.horizons = (1..=7).map(horizon).collect();
    page.calibration = calibration();
    page.fans = fans(7);
    page.worst = worst();
    page.drift = drift();
    page.quality = quality();
    page.champions = champions();
    page.comparison = Some(comparison());
    page
}

fn day(before: i32) -> Date {
    AS_OF.saturating_sub(before.days())
}

fn alerts() -> Vec<Alert> {
    let alert = |rule: &str, blame, severity, sentence: &str| Alert {
        rule: rule.into(),
        blame,
        severity,
        since: day(5),
        value: 0.09,
        limit: 0.07,
        sentence: sentence.into(),
    };
    vec![
        alert(
            "headline-rmsle",
            Blame::Model,
            Severity::Critical,
            "the RMSLE of 7 days is 0.0912, above 0.0703, for 5 days",
        ),
        alert("stalled", Blame::Data, Severity::Warning, "3 places have not reported for 14 days, more than 2"),
        alert("model-age", Blame::Age, Severity::Notice, "the champion was trained 40 days ago, more than 35"),
    ]
}

fn history(days: i32) -> Vec<DayScore> {
    let score = |before: i32| {
        let t = f64::from(days - before);
        let wave = (t / 23.0).sin() * 0.012 + (t / 5.0).sin() * 0.004;
        DayScore {
            date: day(before),
            champion: 0.055 + wave + if before < 20 { 0.025 } else { 0.0 },
            persistence: 0.092 + 1.4 * wave,
            usual: Some(0.054),
            limit: Some(0.0703),
            challenger: (before < 30).then_some(0.051 + wave),
        }
    };
    (0..days).rev().map(score).collect()
}

fn horizon(ahead: usize) -> HorizonError {
    let h = ahead as f64;
    HorizonError {
        horizon: ahead,
        champion: 0.02 + 0.009 * h,
        persistence: 0.03 + 0.018 * h,
        expected: Some(0.02 + 0.007 * h),
    }
}

fn calibration() -> Calibration {
    let quantiles = Target::ALL.into_iter().flat_map(|target| {
        LEVELS.map(|level| QuantileShare {
            target,
            level,
            observed: (level + [0.03, 0.12][target.index()] * (1.0 - level)).min(1.0),
        })
    });
    let coverage = Target::ALL.into_iter().flat_map(|target| {
        [0.5, 0.8, 0.95].map(|nominal| Coverage { target, nominal, observed: nominal - 0.02, rows: 2023 })
    });
    Calibration { quantiles: quantiles.collect(), coverage: coverage.collect() }
}

/// Four forecasts of each place, one after the other; of the last one nothing is published yet.
pub(crate) fn fans(horizon: usize) -> Fans {
    let first = day((BEFORE + 21) as i32);
    let days = BEFORE + 21 + 1 + horizon;
    let series = (0..PLACES).flat_map(|place| Target::ALL.map(|target| fan(place, target, first, horizon)));
    Fans { first, days, series: series.collect() }
}

fn fan(place: usize, target: Target, first: Date, horizon: usize) -> Fan {
    let size = 4e8 / (1.0 + place as f64).powf(1.4) / [1.0, 80.0][target.index()];
    let count = |day: usize| {
        let t = day as f64;
        (size * (1.0 + 0.0015 * t + 0.003 * ((t + place as f64) / 9.0).sin())).round()
    };
    let forecast = |week: usize| {
        let origin = BEFORE + 7 * week;
        let of = |ahead: usize| {
            let point = count(origin) + size * 0.0014 * ahead as f64;
            let width = size * 0.0012 * (ahead as f64).powf(0.9);
            let shift = [-2.0, -1.25, -0.65, 0.0, 0.65, 1.3, 2.2];
            Predicted { point, quantiles: shift.map(|sigmas| point + sigmas * width) }
        };
        let as_of = first.saturating_add((origin as i64).days());
        FanForecast { as_of, days: (1..=horizon).map(of).collect() }
    };
    let mut actuals: Vec<f64> = (0..=BEFORE + 21).map(count).collect();
    if place == 5 {
        actuals[10..14].fill(f64::NAN);
    }
    Fan { place: name(place), target, actuals, forecasts: (0..4).map(forecast).collect() }
}

fn worst() -> Vec<PlaceError> {
    (0..20)
        .map(|rank| PlaceError {
            place: name(rank + 1),
            rmsle: 0.61 / (1.0 + rank as f64),
            persistence: 0.4 / (1.0 + rank as f64),
            bias: if rank % 2 == 0 { 0.3 } else { -0.2 } / (1.0 + rank as f64),
            data_fault: (rank % 6 == 0).then(|| "stalled since 2022-07-20".to_owned()),
        })
        .collect()
}

fn drift() -> Vec<Drift> {
    let drift = |quantity: &str, target, psi: f64, word: &str| Drift {
        quantity: quantity.into(),
        target,
        psi,
        ks: psi / 2.0,
        effect: psi / 3.0,
        word: word.into(),
    };
    Target::ALL
        .into_iter()
        .flat_map(|target| {
            [drift("weekly growth", target, 0.31, "large"), drift("level of counts", target, 0.04, "none")]
        })
        .collect()
}

fn quality() -> Vec<QualityFinding> {
    let finding = |what: &str, places: &[usize], count| QualityFinding {
        what: what.into(),
        count,
        places: places.iter().map(|place| name(*place)).collect(),
    };
    vec![
        finding("stalled for 14 days", &[7, 8, 9], 3),
        finding("new", &[], 0),
        finding("vanished", &[], 0),
        finding("revised downward", &(20..40).collect::<Vec<_>>(), 41),
    ]
}

fn champions() -> Vec<Reign> {
    (0..6)
        .map(|age| Reign {
            version: (6 - age).to_string(),
            recipe: "shrunk growth (window 28, shrinkage 0.4)".into(),
            trained_as_of: day(40 + 60 * age),
            from: day(38 + 60 * age),
            until: (age > 0).then(|| day(38 + 60 * (age - 1))),
            reason: "better than the champion at 23 of 28 origins, p = 0.003, mean loss 0.0541 against 0.0589".into(),
        })
        .collect()
}

fn comparison() -> ReplayComparison {
    let contender =
        |who: &str, cases: f64| Contender { who: who.into(), cases, deaths: 0.7 * cases, headline: 0.85 * cases };
    ReplayComparison {
        from: Date::constant(2020, 4, 1),
        to: Date::constant(2023, 3, 9),
        of_loop: contender("the loop", 0.06),
        others: vec![
            contender("the first champion, frozen", 0.081),
            contender("ensemble, refitted daily", 0.0599),
            contender("no change", 0.1),
        ],
        promotions: 14,
        alerts: 9,
        false_alarms: 2,
    }
}
