//! What the monitoring report says, without a browser.

use covid_pipeline::monitoring_page::*;
use insta::assert_snapshot;

use crate::example::{AS_OF, HOSTILE, example, fans};

/// The text of a page's headings, paragraphs and charts, a line each.
fn outline(html: &str) -> String {
    let (_, body) = html.split_once("<main>").unwrap();
    let (body, _) = body.split_once("</main>").unwrap();
    let lines = body.lines().filter_map(|line| {
        let element = ["<h1>", "<h2>", "<p>", "<p class=\"note", "<section", "<thead>", "<figure><svg"];
        let known = element.iter().find(|start| line.starts_with(**start))?;
        let mut text = String::new();
        let mut inside = false;
        for c in line.chars() {
            inside = (inside || c == '<') && c != '>';
            if !inside {
                text.push(if c == '>' { ' ' } else { c });
            }
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let label = line.split_once("aria-label=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
        Some(format!("{} {text}{label}", known.trim_matches(['<', '>'])))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_parts_come_in_their_order_and_the_verdict_first() {
    assert_snapshot!(outline(&example().to_html().unwrap()), @r#"
    h1 The champion is 38 % better than no change, but 2 alerts stand: its error is above the limit, and 3 places stopped reporting.
    p Dataset jhu, as of 2022-08-09, revised data.
    h2 Alerts
    p class="note Critical, the model, since 2022-08-04: the RMSLE of 7 days is 0.0912, above 0.0703, for 5 days (rule headline-rmsle).
    p class="note Warning, the data, since 2022-08-04: 3 places have not reported for 14 days, more than 2 (rule stalled).
    p class="note Notice, the model&#39;s age, since 2022-08-04: the champion was trained 40 days ago, more than 35 (rule model-age).
    h2 Error over time
    p RMSLE, mean of both targets, of the 7 days up to each date, beside that of no change. The band reaches from the usual level, that of the champion&#39;s own backtest, to the limit above which an alert is raised.
    figure><svg RMSLE of 7 days, last 90 days
    figure><svg RMSLE of 7 days, since 2021-07-06
    h2 Error by days ahead
    figure><svg RMSLE by days ahead
    thead Days ahead Champion No change Expected
    h2 Calibration
    p Of the published counts, as many should be at or below each quantile as its level says: on the grey line. Above it the forecasts were too high there, below it too low. A count equal to the quantile is at it, so that places where nothing happens lift the line.
    figure><svg Share of published counts at or below each quantile
    thead Target Interval Counts inside Forecasts
    h2 Forecasts against what was published
    p Locations to pick from: 289.
    section Forecasts of a location
    h2 Worst locations
    p A bias above 0 means that too many were forecast. Where the data have a fault, the error need not be the model&#39;s.
    thead Location RMSLE No change Bias (log) Its data
    h2 Drift and data quality
    p The latest counts against those of the champion&#39;s training: population stability index, Kolmogorov-Smirnov statistic, and the size of the effect. With many locations every difference is significant; its size is what matters.
    thead Quantity Target PSI KS statistic Effect size Drift
    thead Data Locations Which
    h2 Champions
    thead Version Recipe Trained as of Champion from Until Why
    h2 Whether the loop pays
    p 2020-04-01 to 2023-03-09: 14 promotions, 9 alerts, 2 of them false.
    thead RMSLE of 7 days Cases Deaths Headline The loop&#39;s error is
    "#);
}

#[test]
fn what_is_not_there_is_said() {
    let page = MonitoringPage::new("sample", AS_OF, "simulated", "Nothing was due.");
    assert_snapshot!(outline(&page.to_html().unwrap()), @r#"
    h1 Nothing was due.
    p Dataset sample, as of 2022-08-09, simulated.
    h2 Alerts
    p class="note No alert stands.
    h2 Error over time
    p No forecast has been scored yet.
    h2 Error by days ahead
    p No day ahead has been scored yet.
    h2 Calibration
    p No interval has been scored yet.
    h2 Forecasts against what was published
    p There is no forecast to show yet.
    h2 Worst locations
    p No location has been scored yet.
    h2 Drift and data quality
    p Nothing was compared with the training data yet.
    p No fault of the data was found.
    h2 Champions
    p There has been no champion yet.
    "#);
    assert_eq!(page.summary_text(5), "Nothing was due.");
}

#[test]
fn scores_that_are_not_known_leave_no_chart() {
    let mut page = example();
    for day in &mut page.history {
        (day.champion, day.persistence) = (f64::NAN, f64::NAN);
        day.challenger = None;
    }
    for at in &mut page.horizons {
        (at.champion, at.persistence, at.expected) = (f64::NAN, f64::INFINITY, None);
    }
    let html = page.to_html().unwrap();
    assert!(html.contains("No forecast has been scored yet.") && html.contains("No day ahead has been scored yet."));
    assert!(!html.contains("NaN") && !html.contains("inf"), "no such number is shown");
    assert!(!page.summary_text(5).contains("RMSLE of 7 days"));
}

#[test]
fn the_loop_is_compared_with_every_other() {
    let html = example().to_html().unwrap();
    let row = |who: &str| html.lines().find(|line| line.starts_with(&format!("<tr><td>{who}</td>"))).unwrap();
    assert!(row("the first champion, frozen").contains(">25.9 % lower<"), "{html}");
    assert!(row("ensemble, refitted daily").contains(">0.2 % higher<"));
    let mut page = example();
    page.comparison.as_mut().unwrap().others[0].headline = 0.0;
    assert!(page.to_html().unwrap().contains("<td class=\"number\">0.0000</td><td class=\"number\"></td>"));
    page.comparison = None;
    assert!(!page.to_html().unwrap().contains("Whether the loop pays"));
}

#[test]
fn a_history_that_does_not_rise_is_an_error() {
    let mut page = example();
    page.history.truncate(3);
    page.history.reverse();
    let error = page.to_html().unwrap_err();
    assert!(error.to_string().starts_with("chart `RMSLE of 7 days`: 2021-07-07 does not come after"), "{error}");
}

#[test]
fn the_page_of_the_whole_world_is_small_enough_to_send() {
    let html = example().to_html().unwrap();
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    // Four times as many days ahead.
    let long = MonitoringPage { fans: fans(28), ..example() };
    let html = long.to_html().unwrap();
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
}

#[test]
fn the_page_needs_no_network_and_no_name_is_markup() {
    let html = example().to_html().unwrap();
    assert!(!html.contains(HOSTILE) && !html.contains("<img"));
    for foreign in ["http://", "https://", "<script src", "<link", "url("] {
        assert!(!html.replace("http://www.w3.org/", "").contains(foreign), "{foreign}");
    }
}

#[test]
fn the_terminal_shows_verdict_sparkline_and_the_worst() {
    assert_snapshot!(example().summary_text(5), @"
    The champion is 38 % better than no change, but 2 alerts stand: its error is above the limit, and 3 places stopped reporting.
    RMSLE of 7 days, 28 days up to 2022-08-09: ▁▁▁▁▁▁▁▂████████▇▇▇▇▆▆▆▆▆▆▆▅ 0.0641 (no change 0.0697)
    Location                RMSLE  No change  Bias (log)  Its data
    ──────────────────────────────────────────────────────────────────────────────
    Province 1, Country 1  0.6100     0.4000     +0.3000  stalled since 2022-07-20
    Province 2, Country 2  0.3050     0.2000     -0.1000  no fault seen
    Province 3, Country 3  0.2033     0.1333     +0.1000  no fault seen
    Province 4, Country 4  0.1525     0.1000     -0.0500  no fault seen
    Province 5, Country 5  0.1220     0.0800     +0.0600  no fault seen
    ");
}
