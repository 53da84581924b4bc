//! The monitoring report in a real browser.

use std::path::PathBuf;

use covid_core::Target;
use covid_pipeline::monitoring_page::MonitoringPage;
use covid_report::{Explorer, FanExplorer, HtmlPage};
use covid_testing::{Browser, Sandbox, chromium};
use serde_json::{Value, json};

use crate::example::{AS_OF, HOSTILE, PLACES, example};

const CAPTION: &str = "document.getElementById('fans-caption').textContent";
const READING: &str = "document.getElementById('fans-reading').textContent";
const STATUS: &str = "document.getElementById('fans-status').textContent";
const BAND: &str = "document.querySelector('#fans-plot path.band').getAttribute('d')";

/// The page as a file, and a browser that has opened it on a screen so wide.
fn opened(page: &MonitoringPage, width: u32) -> Option<(Sandbox, PathBuf, Browser)> {
    let chromium = chromium()?;
    let sandbox = Sandbox::new();
    sandbox.write("report.html", page.to_html().unwrap());
    let file = sandbox.path().join("report.html");
    let mut browser = Browser::start(&chromium, sandbox.path());
    browser.call("Network.enable", json!({}));
    browser.resize(width, 900);
    browser.open(&file, "");
    Some((sandbox, file, browser))
}

#[test]
fn it_fits_a_desktop_and_a_phone_and_asks_the_network_for_nothing() {
    for width in [1280, 390] {
        for page in [example(), MonitoringPage::new("sample", AS_OF, "simulated", "Nothing was due.")] {
            let Some((_sandbox, file, mut browser)) = opened(&page, width) else { return };
            assert_eq!(browser.value("innerWidth"), width);
            assert_eq!(browser.outside(), [] as [String; 0], "at {width}");
            assert_eq!(browser.text("document.body.innerText.split('\\n')[0]"), page.verdict);
            let address = format!("file://{}", file.display());
            assert_eq!(browser.requests(), [address], "nothing but the page is loaded");
            assert_eq!(browser.complaints(), [] as [Value; 0]);
        }
    }
}

#[test]
fn every_chart_has_a_name_and_a_size() {
    let Some((_sandbox, _, mut browser)) = opened(&example(), 1280) else { return };
    let charts = "[...document.querySelectorAll('main svg')].map(svg => \
                  svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label') !== '' && svg.clientHeight > 200)";
    assert_eq!(browser.value(charts), json!([true, true, true, true, true]));
    let labels = "(() => { const boxes = [...document.querySelectorAll('#fans-plot text:not(.value)')]\
                  .map(label => label.getBoundingClientRect()); \
                  return boxes.slice(1).every((box, at) => box.left > boxes[at].right + 2); })()";
    for width in [1280, 800, 390, 320] {
        browser.resize(width, 900);
        browser.wait_until(&format!("document.querySelector('#fans-plot svg').viewBox.baseVal.width < {width}"));
        assert_eq!(browser.value(labels), true, "labels of dates overlap at {width}");
    }
}

#[test]
fn a_location_is_picked_by_keyboard_alone() {
    let Some((_sandbox, _, mut browser)) = opened(&example(), 1280) else { return };
    let caption = browser.text(CAPTION);
    assert!(caption.starts_with("World: cumulative confirmed cases, forecast as of 2022-07-19, "), "{caption}");
    assert!(caption.contains("Of 21 published counts"), "{caption}");
    let mut bands = vec![browser.text(BAND)];
    assert_eq!(browser.value("document.getElementById('fans-names').options.length"), PLACES);

    // From the start of the page to the picker.
    for _ in 0..20 {
        browser.press("Tab", 9);
        if browser.text("document.activeElement.id") == "fans-location" {
            break;
        }
    }
    browser.insert("province 12,");
    browser.press("Enter", 13);
    assert!(browser.text(CAPTION).starts_with("Province 12, Country 12: cumulative confirmed cases"));
    assert_eq!(browser.text("document.querySelector('#fans-plot svg').ariaLabel"), browser.text(CAPTION));
    bands.push(browser.text(BAND));
    browser.press("Tab", 9);
    browser.press("ArrowRight", 39);
    assert!(browser.text(CAPTION).starts_with("Province 12, Country 12: cumulative deaths"));
    bands.push(browser.text(BAND));
    assert_eq!(browser.text("location.hash"), "#fan=Province+12%2C+Country+12&fan-target=deaths");

    // The slider reads one day after the other; it stands on the last that is forecast.
    browser.press("Tab", 9);
    assert_eq!(browser.text("document.activeElement.id"), "fans-day");
    let last = browser.text(READING);
    assert!(last.starts_with("2022-08-16: nothing published, forecast as of 2022-08-09 "), "{last}");
    for _ in 0..7 {
        browser.press("ArrowLeft", 37);
    }
    let reading = browser.text(READING);
    assert!(reading.starts_with("2022-08-09: published ") && reading.contains("as of 2022-08-02"), "{reading}");
    bands.sort();
    bands.dedup();
    assert_eq!(bands.len(), 3, "each choice draws another fan");
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn a_link_opens_a_location_and_an_unknown_one_changes_nothing() {
    let Some((_sandbox, file, mut browser)) = opened(&example(), 390) else { return };
    browser.open(&file, "fan=Province+5%2C%20Country+5&fan-target=deaths");
    assert!(browser.text(CAPTION).starts_with("Province 5, Country 5: cumulative deaths"));
    browser.open(&file, "fan=Atlantis&fan-target=__proto__");
    assert!(browser.text(CAPTION).starts_with("World: cumulative confirmed cases"));
    assert_eq!(browser.text(STATUS), "No location matches “Atlantis”.");
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn a_bad_location_is_a_link_to_its_forecasts() {
    let Some((_sandbox, _, mut browser)) = opened(&example(), 390) else { return };
    for name in [HOSTILE, "Province 12, Country 12"] {
        let link = format!("[...document.querySelectorAll('td a')].find(link => link.textContent === {name:?})");
        browser.value(&format!("{link}.focus()"));
        browser.press("Enter", 13);
        browser.wait_until(&format!("{CAPTION}.startsWith({name:?})"));
        let top = browser.value("Math.abs(document.getElementById('fans').getBoundingClientRect().top)");
        assert!(top.as_f64().unwrap() < 2.0, "the page shows the chart: {top}");
    }
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn both_explorers_share_a_page() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    let mut explorer = Explorer::new(AS_OF, 2);
    explorer.location("Here", [&[1.0, 2.0], &[0.0, 0.0]]).location("There", [&[5.0, 9.0], &[0.0, 1.0]]);
    let mut fans = FanExplorer::new(AS_OF, 2);
    for name in ["Here", "There"] {
        fans.series(name, Target::ConfirmedCases, &[1.0, 2.0], &[]);
    }
    sandbox.write("both.html", HtmlPage::new("Both").explorer(&explorer).fans(&fans).render());
    let mut browser = Browser::start(&chromium, sandbox.path());
    let file = sandbox.path().join("both.html");
    browser.open(&file, "location=There");
    assert!(browser.text(CAPTION).starts_with("Here: cumulative confirmed cases. There is no forecast."));
    assert_eq!(browser.value("document.getElementById('fans-targets').offsetHeight"), 0, "deaths are not forecast");
    browser.click("#fans-location");
    browser.insert("There");
    browser.press("Enter", 13);
    browser.click("#explorer [value=deaths]");
    assert!(browser.text("document.getElementById('explorer-caption').textContent").starts_with("There: new deaths"));
    let address = "#location=There&fan=There&fan-target=cases&measure=new&target=deaths&scale=linear";
    assert_eq!(browser.text("location.hash"), address);
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn what_is_drawn_is_what_was_forecast() {
    let page = example();
    let Some((_sandbox, file, mut browser)) = opened(&page, 1280) else { return };
    browser.open(&file, "fan=Province+3%2C%20Country+3");
    let fan = page.fans.series.iter().find(|fan| fan.place == "Province 3, Country 3").unwrap();
    let last = fan.forecasts.last().unwrap().days.last().unwrap();
    let [low, high] = [0, 6].map(|level| covid_report::count(last.quantiles[level]));
    let reading = browser.text(READING);
    assert!(reading.contains(&format!(" {} (", covid_report::count(last.point))), "{reading}");
    assert!(reading.ends_with(&format!("95 % {low} to {high})")), "{reading}");
}

#[test]
fn a_hostile_name_is_shown_and_does_nothing() {
    let Some((_sandbox, _, mut browser)) = opened(&example(), 390) else { return };
    browser.click("#fans-location");
    browser.insert(HOSTILE);
    browser.press("Enter", 13);
    let caption = browser.text(CAPTION);
    assert!(caption.starts_with(&format!("{HOSTILE}: cumulative")), "{caption}");
    assert_eq!(browser.value("[document.images.length, document.scripts.length]"), json!([0, 3]));
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn without_scripts_all_but_the_picker_is_there() {
    let Some((_sandbox, file, mut browser)) = opened(&example(), 1280) else { return };
    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.open(&file, "");
    let shown = browser.text("document.body.innerText");
    assert!(shown.contains("The forecasts of each location need JavaScript"), "{shown}");
    assert_eq!(browser.value("document.getElementById('fans').offsetHeight"), 0);
    assert_eq!(browser.value("document.querySelectorAll('main svg').length"), 4);
}

#[test]
fn paper_is_as_wide_as_the_tables() {
    let Some((_sandbox, _, mut browser)) = opened(&example(), 1280) else { return };
    // A4 within its margins.
    browser.resize(688, 1016);
    browser.call("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    let outside = "[...document.querySelectorAll('table')].filter(table => table.getBoundingClientRect().right > 688)\
                   .map(table => table.innerText.slice(0, 80))";
    assert_eq!(browser.value(outside), json!([]));
}
