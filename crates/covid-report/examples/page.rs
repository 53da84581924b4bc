//! Writes a sample report to stdout: `cargo run -p covid-report --example page > report.html`, to see how pages look.

use std::{error::Error, io::Write as _};

use covid_core::Date;
use covid_report::{Column, HtmlPage, Scale, Series, Table, count, line_chart, score, sparkline};

fn main() -> Result<(), Box<dyn Error>> {
    let days: Vec<Date> = Date::constant(2020, 1, 22).series(jiff::Span::new().days(1)).take(1143).collect();
    let waves = |height: f64, start: f64| -> Vec<f64> {
        let day =
            |day: usize| height / (1.0 + (-(day as f64 - start) / 60.0).exp()) + (day as f64 / 40.0).sin().max(0.0);
        (0..days.len()).map(day).collect()
    };
    let names = ["Castellmar, Dataland", "Northport", "The Isle of Quite a Long Name, Dataland"];
    let series: Vec<Series> = names
        .iter()
        .zip([1.1e6, 4e5, 9e4])
        .zip([300.0, 500.0, 700.0])
        .map(|((n, h), s)| Series::new(*n, waves(h, s)))
        .collect();
    let recent: Vec<Series> = series.iter().map(|s| Series::new(s.name.clone(), &s.values[1100..1114])).collect();
    let scores = Series::new("RMSLE", (0..40).map(|i| 0.05 + 0.02 * f64::from(i).sin()).collect::<Vec<_>>());

    let columns = ["Confirmed cases", "Fatalities", "RMSLE", "RMSLE of persistence"].map(Column::number);
    let mut table =
        Table::new([Column::text("Location")].into_iter().chain(columns).chain([Column::text("Last weeks")]));
    for series in &series {
        let last = series.values.last().copied().unwrap_or(f64::NAN);
        let trend = sparkline(&series.values[1100..1114]);
        table.row([series.name.clone(), count(last), count(last / 70.0), score(0.0612), score(0.0768), trend]);
    }
    let mut page = HtmlPage::new("Quality of `sample`, 2020-01-22 to 2023-03-09");
    page.paragraph(
        "Three places that no one can take for real ones. A paragraph says what to look at, and why it matters.",
    )
    .heading("Places")
    .table(&table)
    .heading("Confirmed cases")
    .chart(&line_chart("Cumulative confirmed cases", &days, &series, Scale::Linear)?)
    .chart(&line_chart("Cumulative confirmed cases, log scale", &days, &series, Scale::Log)?)
    .chart(&line_chart("The last two weeks", &days[1100..1114], &recent, Scale::Linear)?)
    .heading("Scores")
    .chart(&line_chart("RMSLE by origin", &days[..40], &[scores], Scale::Linear)?);
    std::io::stdout().write_all(page.render().as_bytes())?;
    Ok(())
}
