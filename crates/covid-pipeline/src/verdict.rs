//! What monitoring comes to, in one sentence.

use covid_monitoring::{Alert, Blame, skill};
use covid_report::score;

use crate::MonitoringReport;

/// The sentence, with its full stop.
pub(crate) fn verdict(report: &MonitoringReport) -> String {
    if report.backdated {
        return "No committed forecast was due; a back-dated one is scored.".to_owned();
    }
    let loud: Vec<&Alert> = report.alerts.iter().filter(|alert| alert.is_loud()).collect();
    match loud.split_first() {
        None => good(report),
        Some((first, rest)) => {
            let what = match first.blame {
                Blame::Model => "The model is wrong",
                Blame::Data => "The data are at fault",
                Blame::Age => "The model is stale",
            };
            let more = match rest.len() {
                0 => String::new(),
                1 => "; one more alert stands".to_owned(),
                n => format!("; {n} more alerts stand"),
            };
            format!("{what}: {}{more}.", first.sentence)
        }
    }
}

fn good(report: &MonitoringReport) -> String {
    let week = report.rolling.iter().find(|window| window.days == 7);
    let scored = week.and_then(|week| Some((week, week.headline?)));
    let Some((week, headline)) = scored else {
        return "No alert stands; nothing of the last days could be scored.".to_owned();
    };
    let skill = week.persistence_headline.and_then(|naive| skill(headline, naive));
    let skill = skill.map_or_else(String::new, |skill| format!(", {}", than_no_change(skill)));
    let usual = week.expected.map_or_else(String::new, |usual| format!("; {} is usual", score(usual)));
    format!("No alert stands: RMSLE {} over the last {} days{skill}{usual}.", score(headline), week.days)
}

/// A skill against no change in words: `51 % better than no change`.
pub(crate) fn than_no_change(skill: f64) -> String {
    let word = if skill >= 0.0 { "better" } else { "worse" };
    format!("{:.0} % {word} than no change", skill.abs() * 100.0)
}
