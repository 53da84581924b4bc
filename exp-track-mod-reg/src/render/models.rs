//! Registered versions as text.

use std::fmt::Write as _;

use covid_core::Target;
use covid_pipeline::{Best, ChampionReport, Strength, VersionReport};
use covid_registry::{PromotionEvent, PromotionKind};
use covid_report::{Column, Table, score};
use covid_training::Size;

use super::instant;

/// The registered versions.
pub(crate) fn models(versions: &[VersionReport]) -> String {
    if versions.is_empty() {
        return "no registered version yet; `exp-track-mod-reg` registers one".into();
    }
    let columns = ["Version", "Aliases", "Model stage", "Model", "Trained as of", "Registered"].map(Column::text);
    let mut table = Table::new(columns.into_iter().chain([Column::number("RMSLE")]));
    let mut trail = String::new();
    for VersionReport { version, event, .. } in versions {
        let tag = |key: &str| version.tags.get(key).cloned().unwrap_or_default();
        table.row([
            version.version.to_string(),
            version.aliases.iter().cloned().collect::<Vec<_>>().join(", "),
            version.model_stage.to_string(),
            tag("spec"),
            tag("trained_as_of"),
            instant(version.created_ms),
            tag("rmsle").parse().map_or_else(|_| String::new(), score),
        ]);
        if let Some(event) = event {
            let why = evidence(event);
            let _ = writeln!(trail, "version {}, {} ({why}) at {}", version.version, event.kind, instant(event.at_ms));
        }
    }
    format!("{table}\n{trail}{}", strengths(versions))
}

/// Why the champion changed.
fn evidence(event: &PromotionEvent) -> &str {
    match (event.evidence.as_str(), event.kind) {
        ("", PromotionKind::Rollback) => "by hand, the gate not asked",
        ("", PromotionKind::Promote) => "no evidence given",
        (evidence, _) => evidence,
    }
}

/// What each version forecast best.
fn strengths(versions: &[VersionReport]) -> String {
    let columns = ["Version", "Target"].map(Column::text).into_iter().chain([Column::number("Share")]);
    let best = ["Best days ahead", "Best counts at origin", "Best of all versions at"].map(Column::text);
    let mut table = Table::new(columns.chain(best));
    for report in versions {
        for strength in &report.strengths {
            let target = match strength.target {
                Target::ConfirmedCases => "cases",
                Target::Fatalities => "deaths",
            };
            let best = |best: Option<Best>, name: &dyn Fn(i64) -> String| {
                best.map_or_else(String::new, |Best { at, to_persistence }| {
                    format!("{} ({to_persistence:.2})", name(at))
                })
            };
            table.row([
                report.version.version.to_string(),
                target.to_owned(),
                format!("{:.2}", strength.to_persistence),
                best(strength.horizon, &|at| at.to_string()),
                best(strength.size, &size),
                leads(strength),
            ]);
        }
    }
    if table.is_empty() {
        return String::new();
    }
    format!(
        "\nWhat each version forecast best: its RMSLE as a share of that of persistence, on the origins of its own training\n{table}\n"
    )
}

/// The days and sizes at which no other version has a smaller share.
fn leads(strength: &Strength) -> String {
    let days = ranges(&strength.leads_at_horizons);
    let days = (!days.is_empty()).then(|| format!("days {days}"));
    let sizes: Vec<String> = strength.leads_at_sizes.iter().map(|&least| size(least)).collect();
    let sizes = (!sizes.is_empty()).then(|| format!("counts {}", sizes.join(", ")));
    days.into_iter().chain(sizes).collect::<Vec<_>>().join("; ")
}

/// The counts of a size, by its smallest one.
fn size(least: i64) -> String {
    let known = Size::ALL.into_iter().find(|size| i64::from(size.least()) == least);
    known.map_or_else(|| least.to_string(), |size| size.name().to_owned())
}

/// `1-3, 7` for 1, 2, 3, 7.
fn ranges(numbers: &[i64]) -> String {
    let following = |a: &i64, b: &i64| *b == *a + 1;
    let runs = numbers.chunk_by(following).map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        [only] => only.to_string(),
        [] => String::new(),
    });
    runs.collect::<Vec<_>>().join(", ")
}

/// Every change of champion.
pub(crate) fn trail(events: &[PromotionEvent]) -> String {
    if events.is_empty() {
        return "no version was ever champion; `exp-track-mod-reg` trains and promotes one".into();
    }
    let mut table = Table::new(["When", "What", "Champion before", "Champion after", "Evidence"].map(Column::text));
    for event in events {
        let before = event.previous.map_or_else(|| "none".to_owned(), |version| version.to_string());
        let (kind, after) = (event.kind.to_string(), event.version.to_string());
        table.row([instant(event.at_ms), kind, before, after, evidence(event).to_owned()]);
    }
    table.to_string()
}

/// What a promotion or rollback did, or would do.
pub(crate) fn champion(report: &ChampionReport) -> String {
    let ChampionReport { kind, model, champion, previous, already_champion, verdict, plan, dry_run } = report;
    if *already_champion {
        return format!("version {champion} of {model} is the champion already: nothing to do");
    }
    let before = previous.map_or_else(|| "none".to_owned(), |version| format!("version {version}"));
    let evidence = verdict.as_ref().map(|verdict| format!("\n{}", verdict.reason)).unwrap_or_default();
    match (kind, dry_run) {
        (_, true) => {
            format!(
                "version {champion} of {model} would be the champion, before: {before}{evidence}\n{plan}\nnothing was changed"
            )
        }
        (PromotionKind::Promote, false) => {
            format!("version {champion} of {model} is the champion now, before: {before}{evidence}")
        }
        (PromotionKind::Rollback, false) => format!(
            "version {champion} of {model} is the champion again, before: {before}; the next training may promote a newer one"
        ),
    }
}
