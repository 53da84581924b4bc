//! The page.

use std::fmt::Write as _;

use covid_core::{Measure, Target};
use covid_pipeline::{BacktestReport, Grouping, ModelScore, ScoreRow};

use crate::{
    measure::{Measured, SumScore},
    speed,
};

/// What the issue asks to reach, and what it hopes for.
const GOALS: [(&str, f64, f64); 5] = [
    ("RMSLE 7 days ahead", 0.0552, 0.0535),
    ("RMSLE 28 days ahead", 0.1494, 0.1450),
    ("Kaggle, private window", 0.6168, 0.58),
    ("WIS of weekly new cases to the hubs' baseline", 0.75, 0.64),
    ("WIS of weekly new deaths to the hubs' baseline", 0.74, 0.58),
];

/// The largest departure from calibration that is allowed over all origins, and by size and quarter hoped for.
const ALLOWED: f64 = 0.03;
const ALLOWED_IN_A_GROUP: f64 = 0.08;

pub(crate) fn render(measured: &Measured, printed: &[String]) -> String {
    let mut page = String::from(HEAD);
    goals(&mut page, measured);
    let [(week, _), (month, _)] = &measured.backtests;
    points(&mut page, week, month);
    wis(&mut page, month);
    calibration(&mut page, month);
    every_model(&mut page, month);
    groups(&mut page, month);
    groups_by_week(&mut page, month);
    sums(&mut page, measured);
    page.push_str(&speed::section(&measured.backtests, &measured.speed, printed));
    page.push_str(TAIL);
    page
}

const HEAD: &str = "# Accuracy\n\n\
    Written by `make accuracy` (`exp-track-mod-reg/examples/accuracy`); do not edit. JHU's final series, which JHU had revised, \
    289 places; origins every 28 days from 2020-04-01, everything chosen with data up to the origin only; scores are against \
    published counts. Kaggle: COVID19 Global Forecasting, week 2.\n\n\
    The constants of the models are listed, with their sources, in [forecasting.md](forecasting.md) \
    (`crates/covid-training/src/models`). Weights and penalties of `blend`, `residual-ridge` and `ensemble` were chosen after \
    looking at these same origins and at the Kaggle window, each within a broad optimum: expect a little less elsewhere. \
    The submission to Kaggle has points alone, from models fitted on the training file after repair.\n";

const TAIL: &str = "\nTimes are of the machine that wrote this page, and depend on what else it did.\n";

fn goals(page: &mut String, measured: &Measured) {
    let [(week, _), (month, _)] = &measured.backtests;
    let rmsle = |report| find(report, "ensemble").and_then(|model: &ModelScore| model.rmsle).unwrap_or(f64::NAN);
    let wis = |target| all(month, "ensemble", Measure::WeeklyNew, target).and_then(|row| row.wis_to_hub_baseline);
    let wis = |target| wis(target).map_or(f64::NAN, |[natural, _]| natural);
    let kaggle = measured.kaggle.iter().sum::<f64>() / 2.0;
    let reached = [rmsle(week), rmsle(month), kaggle, wis(Target::ConfirmedCases), wis(Target::Fatalities)];
    page.push_str("\n## What `ensemble` reaches\n\n| | asked | hoped for | reached | |\n|---|---|---|---|---|\n");
    for ((what, asked, hoped), reached) in GOALS.into_iter().zip(reached) {
        let verdict = match reached {
            reached if reached <= hoped => "as hoped",
            reached if reached <= asked => "as asked",
            _ => "**missed**",
        };
        let _ = writeln!(page, "| {what} | {asked:.4} | {hoped:.4} | **{reached:.4}** | {verdict} |");
    }
    let [cases, deaths] = measured.kaggle;
    let _ = writeln!(
        page,
        "\nKaggle by target: cases {cases:.4}, deaths {deaths:.4}. The real private leaderboard of 215 \
        teams: rank 1 0.61679, rank 5 0.64585, rank 10 0.71984, median 1.466."
    );
}

fn points(page: &mut String, week: &BacktestReport, month: &BacktestReport) {
    let _ = writeln!(
        page,
        "\n## Points: RMSLE, mean over origins\n\n| model | 7 days ({} origins) | cases | deaths | 28 days ({} origins) | cases \
         | deaths |\n|---|---|---|---|---|---|---|",
        week.origins.len(),
        month.origins.len()
    );
    for model in &week.models {
        let _ = write!(page, "| {}", model.model);
        for model in [Some(model), find(month, &model.model)].into_iter().flatten() {
            for score in [model.rmsle, model.rmsle_cases, model.rmsle_deaths] {
                let _ = write!(page, " | {}", score.map_or_else(|| "exploded".into(), |score| format!("{score:.4}")));
            }
        }
        page.push_str(" |\n");
    }
}

fn wis(page: &mut String, month: &BacktestReport) {
    page.push_str(
        "\n## Weekly new counts, 1 to 4 weeks ahead: WIS as a share of that of `hub-baseline`\n\n\
        | model | cases | on ln(1+x) | deaths | on ln(1+x) |\n|---|---|---|---|---|\n",
    );
    for model in &month.models {
        let _ = write!(page, "| {}", model.model);
        for target in Target::ALL {
            let row = all(month, &model.model, Measure::WeeklyNew, target);
            for ratio in row.map_or([None; 2], |row| row.wis_to_hub_baseline.map_or([None; 2], |both| both.map(Some))) {
                let _ = write!(page, " | {}", ratio.map_or("exploded".to_owned(), |ratio| format!("{ratio:.3}")));
            }
        }
        page.push_str(" |\n");
    }
    page.push_str("\nThe sums of WIS over all origins, places and weeks of `hub-baseline`, and as `hub_baseline.py` computes them:\n\n\
        | | here | reference | here, ln(1+x) | reference |\n|---|---|---|---|---|\n");
    for (target, [natural, log]) in Target::ALL.into_iter().zip([[2.589e8, 25_880.0], [1.776e6, 12_180.0]]) {
        if let Some(row) = all(month, "hub-baseline", Measure::WeeklyNew, target) {
            let sum = |mean: f64| mean * row.forecasts as f64;
            let (here, here_log) = (sum(row.wis), sum(row.wis_log));
            let _ = writeln!(page, "| {target} | {here:.4e} | {natural:.4e} | {here_log:.0} | {log:.0} |");
        }
    }
}

fn calibration(page: &mut String, month: &BacktestReport) {
    let _ = writeln!(
        page,
        "\n## Calibration of `ensemble`\n\nShares of actual counts within the central intervals, and the largest \
        departure: of share(y < q) above, or share(y <= q) below, its level. Allowed over all origins is {ALLOWED}.\n\n\
        | measure | target | days ahead | 50 % | 80 % | 95 % | departure | |\n|---|---|---|---|---|---|---|---|"
    );
    rows(page, month, of_a_whole_week, ALLOWED);
}

fn of_a_whole_week(row: &ScoreRow) -> bool {
    row.by == Grouping::Horizon && row.group.parse().is_ok_and(|days: usize| days.is_multiple_of(7))
}

fn every_model(page: &mut String, month: &BacktestReport) {
    let _ = writeln!(
        page,
        "\n## Calibration of every model\n\nThe largest departure 1 to 4 whole weeks ahead, and how many of the sixteen rows of \
        the table above are beyond {ALLOWED}. The weekly quantiles of `hub-baseline` are what the hubs' definition makes them. \
        `polynomial` explodes at some origins, which are not in here.\n\n\
        | model | cumulative cases | cumulative deaths | weekly new cases | weekly new deaths | rows beyond |\n\
        |---|---|---|---|---|---|"
    );
    for model in &month.models {
        let rows = || model.scores.iter().filter(|row| of_a_whole_week(row));
        let _ = write!(page, "| {}", model.model);
        for measure in [Measure::Cumulative, Measure::WeeklyNew] {
            for target in Target::ALL {
                let of = rows().filter(|row| row.measure == measure && row.target == target);
                let _ = write!(page, " | {:.3}", of.map(|row| row.miscalibration).fold(0.0, f64::max));
            }
        }
        let _ = writeln!(page, " | {} |", rows().filter(|row| row.miscalibration > ALLOWED).count());
    }
}

fn groups(page: &mut String, month: &BacktestReport) {
    let _ = writeln!(
        page,
        "\n## By size of the series and by quarter of the origin\n\nAll days ahead together; hoped for is \
        {ALLOWED_IN_A_GROUP}.\n\n| measure | target | group | 50 % | 80 % | 95 % | departure | |\n|---|---|---|---|---|---|---|---|"
    );
    rows(page, month, |row| matches!(row.by, Grouping::Size | Grouping::Quarter), ALLOWED_IN_A_GROUP);
}

/// A row a group, a column a week: the shares within the intervals, and the departure.
fn groups_by_week(page: &mut String, month: &BacktestReport) {
    const DAYS: [&str; 4] = ["7", "14", "21", "28"];
    let Some(model) = find(month, "ensemble") else { return };
    let _ = writeln!(
        page,
        "\n## By size or quarter, and by days ahead\n\nShares within the 50, 80 and 95 % intervals, and the departure; \
        beyond {ALLOWED_IN_A_GROUP} it is bold.\n\n\
        | measure | target | group | 7 days | 14 days | 21 days | 28 days |\n|---|---|---|---|---|---|---|"
    );
    let by_week =
        model.scores.iter().filter(|row| matches!(row.by, Grouping::QuarterAndHorizon | Grouping::SizeAndHorizon));
    for row in by_week {
        let Some((group, days)) = row.group.rsplit_once(' ') else { continue };
        if days == DAYS[0] {
            let _ = write!(page, "| {} | {} | {group}", row.measure.name(), row.target);
        }
        let [half, most, nearly] = row.coverage;
        let bold = if row.miscalibration <= ALLOWED_IN_A_GROUP { "" } else { "**" };
        let _ = write!(page, " | {half:.2} {most:.2} {nearly:.2}, {bold}{:.3}{bold}", row.miscalibration);
        if days == DAYS[3] {
            page.push_str(" |\n");
        }
    }
}

fn sums(page: &mut String, measured: &Measured) {
    page.push_str(
        "\n## Sums over places, cumulative\n\nShares of actual sums within the central intervals, by `ensemble` at the same \
        origins: `World`, and the countries that report by province (Australia, Canada, China, ...). World has few forecasts, so \
        its shares are known to a tenth or so; its intervals for deaths are somewhat too wide.\n\n\
        | | target | days ahead | forecasts | 50 % | 80 % | 95 % |\n|---|---|---|---|---|---|---|\n",
    );
    for score in &measured.sums {
        let [half, most, nearly] = score.covered.map(|covered| covered as f64 / score.forecasts as f64);
        let SumScore { what, target, ahead, forecasts, .. } = score;
        let _ = writeln!(page, "| {what} | {target} | {ahead} | {forecasts} | {half:.2} | {most:.2} | {nearly:.2} |");
    }
}

fn rows(page: &mut String, report: &BacktestReport, wanted: impl Fn(&ScoreRow) -> bool, allowed: f64) {
    let Some(model) = find(report, "ensemble") else { return };
    for row in model.scores.iter().filter(|row| wanted(row)) {
        let [half, most, nearly] = row.coverage;
        let verdict = if row.miscalibration <= allowed { "" } else { "**beyond**" };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {half:.3} | {most:.3} | {nearly:.3} | {:.3} | {verdict} |",
            row.measure.name(),
            row.target,
            row.group,
            row.miscalibration
        );
    }
}

fn find<'a>(report: &'a BacktestReport, model: &str) -> Option<&'a ModelScore> {
    report.models.iter().find(|scored| scored.model == model)
}

fn all<'a>(report: &'a BacktestReport, model: &str, measure: Measure, target: Target) -> Option<&'a ScoreRow> {
    let wanted = |row: &&ScoreRow| row.measure == measure && row.target == target && row.by == Grouping::All;
    find(report, model)?.scores.iter().find(wanted)
}
