//! What a candidate's tracking run keeps for people: the scores of its backtest as a table, and a page that shows them.

use std::fmt::Write as _;

use covid_core::{Date, Target};
use covid_report::{Column, HtmlPage, Scale, Series, Table, line_chart, score};
use covid_training::{Backtest, Model, OriginScore, Recipe};

use crate::Project;

/// The scores by origin, target and day ahead, as CSV.
pub(crate) const BACKTEST_ARTIFACT: &str = "backtest.csv";
/// The same for monitoring, which takes from it what is usual.
pub(crate) const BASELINE_ARTIFACT: &str = "baseline.json";
/// The page.
pub(crate) const REPORT_ARTIFACT: &str = "report.html";

/// The table: a row for every origin, target and day ahead; without an RMSLE where the forecast exploded or nothing was
/// published.
pub(crate) fn backtest_csv(tested: &Backtest) -> String {
    let mut text = "origin,model,target,horizon,rmsle\n".to_owned();
    for origin in &tested.origins {
        for target in Target::ALL {
            for ahead in 1..=origin.horizon {
                let rmsle = rmsle_at(origin, target, ahead).map_or_else(String::new, |rmsle| rmsle.to_string());
                let _ = writeln!(text, "{},{},{target},{ahead},{rmsle}", origin.origin, origin.spec);
            }
        }
    }
    text
}

/// The page about one candidate among those that were compared with it.
pub(crate) fn report(project: &Project, all: &[Backtest], tested: &Backtest, model: &Model) -> String {
    let mut page = HtmlPage::new(&format!("{} on {}", model.spec(), project.dataset));
    page.paragraph(&format!(
        "Trained as of {} and compared with the other candidates on {} origins, {} days ahead. Repair of the counts: {}. \
         Vintage: {}.",
        model.trained_as_of(),
        tested.origins.len(),
        tested.horizon,
        project.repair,
        project.panel.digest(),
    ));
    page.heading("Among the candidates").table(&candidates(all));
    page.heading("By origin");
    if let Some(chart) = by_origin(all, tested) {
        page.chart(&chart);
    }
    page.heading("By day ahead").table(&by_day(tested));
    page.render()
}

fn candidates(all: &[Backtest]) -> Table {
    let numbers = ["RMSLE", "of cases", "of deaths", "Exploded origins"].map(Column::number);
    let mut table = Table::new([Column::text("Candidate")].into_iter().chain(numbers));
    let mut all: Vec<&Backtest> = all.iter().collect();
    all.sort_by(|a, b| a.mean_loss().total_cmp(&b.mean_loss()));
    for tested in all {
        let losses = [tested.mean_loss()].into_iter().chain(Target::ALL.map(|target| tested.mean_rmsle(target)));
        let exploded = tested.exploded().len().to_string();
        table.row([tested.recipe.to_string()].into_iter().chain(losses.map(shown)).chain([exploded]));
    }
    table
}

/// The headline at every origin, before that of no change and of the others; none where no origin can be scored.
fn by_origin(all: &[Backtest], tested: &Backtest) -> Option<covid_report::Chart> {
    let dates: Vec<Date> = tested.origins.iter().map(|origin| origin.origin).collect();
    let line = |tested: &Backtest| Series::new(tested.recipe.to_string(), tested.losses());
    let persistence = all.iter().find(|other| other.recipe == Recipe::Persistence && other.recipe != tested.recipe);
    let series: Vec<Series> = [line(tested)].into_iter().chain(persistence.map(|other| line(other).muted())).collect();
    line_chart("RMSLE, mean of both targets", &dates, &series, Scale::Linear).ok()
}

fn by_day(tested: &Backtest) -> Table {
    let numbers = ["Days ahead", "RMSLE of cases", "of deaths"].map(Column::number);
    let mut table = Table::new(numbers);
    for ahead in 1..=tested.horizon {
        let scores = Target::ALL.map(|target| shown(tested.mean_rmsle_at(target, ahead)));
        table.row([ahead.to_string()].into_iter().chain(scores));
    }
    table
}

fn shown(loss: f64) -> String {
    if loss.is_finite() { score(loss) } else { "-".to_owned() }
}

fn rmsle_at(origin: &OriginScore, target: Target, ahead: usize) -> Option<f64> {
    origin.errors.as_ref()?.by_day[target.index()].get(ahead - 1)?.rmsle()
}
