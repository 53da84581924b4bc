//! The gate: whether a candidate may replace the champion.

use covid_core::Date;
use rayon::prelude::*;
use serde::Serialize;

use crate::{GateSettings, Model, OriginScore, Replay, TrainingError, backtest::mean};

/// What the gate says, with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether the candidate may become champion.
    pub promote: bool,
    /// Mean loss of the champion over the origins.
    pub champion_loss: f64,
    /// Mean loss of the candidate over the same origins.
    pub candidate_loss: f64,
    /// Number of origins compared.
    pub origins: usize,
    /// Chance of so good a result for the candidate if both were equal; none where no test was made.
    pub p_value: Option<f64>,
    /// The rule and its figures, in one sentence.
    pub reason: String,
}

impl Verdict {
    /// A refusal for a reason that needs no figures.
    pub fn refused(reason: String) -> Self {
        Self { promote: false, champion_loss: f64::NAN, candidate_loss: f64::NAN, origins: 0, p_value: None, reason }
    }
}

/// Another recipe against the champion's on the same origins: one loss (headline RMSLE) an origin each.
///
/// The test is the exact paired permutation test (Fisher's sign flips): it assumes only that under equality each
/// difference is as likely as its negative. That the candidate is the best of several on the same origins is not corrected
/// for: the level is that of one comparison.
pub fn compare(champion: &[f64], candidate: &[f64], settings: &GateSettings) -> Verdict {
    // Origins at which nothing was published tell nothing.
    let (champion, candidate): (Vec<f64>, Vec<f64>) =
        champion.iter().zip(candidate).filter(|(a, b)| !a.is_nan() && !b.is_nan()).unzip();
    let (champion_loss, candidate_loss, origins) = (mean(&champion), mean(&candidate), champion.len());
    let differences: Vec<f64> = champion.iter().zip(&candidate).map(|(a, b)| a - b).collect();
    // A champion that exploded loses to a candidate that did not, and the other way round, without a test.
    let p_value = differences.iter().all(|d| d.is_finite()).then(|| paired_p_value(&differences));
    let promote = match p_value {
        Some(p) => p < settings.level,
        None => candidate_loss.is_finite() && !champion_loss.is_finite(),
    };
    let [new, old] = [candidate_loss, champion_loss].map(shown);
    let figures = format!("mean RMSLE {new} against the champion's {old} on {origins} origins");
    let test = p_value
        .map_or("no test is needed".to_owned(), |p| format!("paired test p = {p:.3}, needed below {}", settings.level));
    Verdict { promote, champion_loss, candidate_loss, origins, p_value, reason: format!("{figures}, {test}") }
}

/// The chance, if signs were random, that the mean of the differences is at least what it is (one-sided, exact).
/// Differences of more than 20 origins are judged by their last 20; one that is NaN, of an origin that nothing was published
/// to score by, tells nothing.
pub fn paired_p_value(differences: &[f64]) -> f64 {
    let differences: Vec<f64> = differences.iter().copied().filter(|difference| !difference.is_nan()).collect();
    let differences = &differences[differences.len().saturating_sub(20)..];
    let seen: f64 = differences.iter().sum();
    // Sums of the same numbers in another order differ in the last bits.
    let tolerance = 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let flips = 1u32 << differences.len();
    let at_least = |flip: &u32| {
        let signed = differences.iter().enumerate().map(|(i, d)| if flip >> i & 1 == 1 { -d } else { *d });
        signed.sum::<f64>() >= seen - tolerance
    };
    (0..flips).filter(at_least).count() as f64 / f64::from(flips)
}

/// The champion's own recipe on newer data, on the origins since the champion's training: the champion as it is against
/// its recipe refitted at each origin. Both see an origin's data and no later; with no such origin there is nothing
/// against the newer one.
///
/// # Errors
/// If an origin cannot be forecast.
pub fn refresh(
    replay: &Replay<'_>,
    champion: &Model,
    refitted: &[OriginScore],
    gate: &GateSettings,
) -> Result<Verdict, TrainingError> {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for score in refitted.iter().filter(|score| score.origin > champion.trained_as_of()) {
        let losses = (frozen_loss(replay, champion, score)?, score.loss());
        if !losses.0.is_nan() && !losses.1.is_nan() {
            old.push(losses.0);
            new.push(losses.1);
        }
    }
    let since = champion.trained_as_of();
    if new.is_empty() {
        let reason =
            format!("the champion's recipe on newer data; no whole horizon has passed since its training on {since}");
        return Ok(Verdict {
            promote: true,
            champion_loss: f64::NAN,
            candidate_loss: f64::NAN,
            origins: 0,
            p_value: None,
            reason,
        });
    }
    let (champion_loss, candidate_loss) = (mean(&old), mean(&new));
    let promote = candidate_loss.is_finite() && candidate_loss <= champion_loss * (1.0 + gate.margin);
    let reason = format!(
        "the champion's recipe on newer data: mean RMSLE {} against {} as trained on {since}, \
         on {} origins since, may be worse by {:.0} %",
        shown(candidate_loss),
        shown(champion_loss),
        new.len(),
        gate.margin * 100.0
    );
    Ok(Verdict { promote, champion_loss, candidate_loss, origins: new.len(), p_value: None, reason })
}

/// The loss of a model as it was trained before, at the origin and horizon of another's score.
fn frozen_loss(replay: &Replay<'_>, model: &Model, beside: &OriginScore) -> Result<f64, TrainingError> {
    Ok(frozen_score(replay, model, beside.origin, beside.horizon)?.loss())
}

/// A model as it was trained, scored on origins of that day or later, which are forecast in parallel.
///
/// # Errors
/// If an origin is outside the data, or the horizon is beyond what the model was calibrated for.
pub fn frozen_scores(
    replay: &Replay<'_>,
    model: &Model,
    origins: &[Date],
    horizon: usize,
) -> Result<Vec<OriginScore>, TrainingError> {
    origins.par_iter().map(|&origin| frozen_score(replay, model, origin, horizon)).collect()
}

fn frozen_score(
    replay: &Replay<'_>,
    model: &Model,
    origin: Date,
    horizon: usize,
) -> Result<OriginScore, TrainingError> {
    model.check_horizon(horizon)?;
    let day = replay.published().earlier(origin)?.days() - 1;
    let prepared = replay.prepared(day)?;
    let (forecast, _) = model.forecast_unchecked(&prepared.view(), horizon);
    Ok(OriginScore::new(*model.spec(), &forecast, &replay.published()))
}

fn shown(loss: f64) -> String {
    match loss {
        loss if loss.is_finite() => format!("{loss:.4}"),
        loss if loss.is_nan() => "not scored".to_owned(),
        _ => "exploded".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: GateSettings = GateSettings { origins: 8, level: 0.05, margin: 0.25 };

    #[test]
    fn the_test_is_exact() {
        assert_eq!(paired_p_value(&[1.0; 5]), 1.0 / 32.0);
        assert_eq!(paired_p_value(&[0.0; 5]), 1.0);
        assert_eq!(paired_p_value(&[3.0, -1.0]), 0.5);
        assert_eq!(paired_p_value(&[]), 1.0);
        assert_eq!(paired_p_value(&[3.0, f64::NAN, -1.0]), 0.5);
    }

    #[test]
    fn a_better_candidate_passes_and_a_lucky_one_does_not() {
        let champion = [0.10, 0.20, 0.30, 0.20, 0.10, 0.20, 0.30, 0.20];
        assert!(compare(&champion, &champion.map(|loss| loss * 0.9), &SETTINGS).promote);
        assert!(!compare(&champion, &champion, &SETTINGS).promote);
        let mut lucky = champion.map(|loss| loss * 1.1);
        lucky[0] = 0.0;
        assert!(!compare(&champion, &lucky, &SETTINGS).promote);
    }

    #[test]
    fn an_explosion_decides() {
        let fine = [0.1; 8];
        let mut exploded = fine;
        exploded[3] = f64::INFINITY;
        assert!(!compare(&fine, &exploded, &SETTINGS).promote);
        assert!(compare(&exploded, &fine, &SETTINGS).promote);
        assert!(!compare(&exploded, &exploded, &SETTINGS).promote);
    }

    #[test]
    fn origins_without_a_score_tell_nothing() {
        let champion = [0.2, f64::NAN, 0.3, 0.2, 0.1, 0.2];
        let verdict = compare(&champion, &champion.map(|loss| loss / 2.0), &SETTINGS);
        assert_eq!((verdict.promote, verdict.origins, verdict.p_value), (true, 5, Some(1.0 / 32.0)));
        assert!(!compare(&[f64::NAN; 5], &[f64::NAN; 5], &SETTINGS).promote);
    }
}
