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
    assert_snapshot!(outline(&example().to_html().unwrap()), @"");
}

#[test]
fn what_is_not_there_is_said() {
    let page = MonitoringPage::new("sample", AS_OF, "simulated", "Nothing was due.");
    assert_snapshot!(outline(&page.to_html().unwrap()), @"");
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
    assert_snapshot!(example().summary_text(5), @"");
}
