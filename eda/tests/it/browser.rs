//! The report in a real browser.

use std::path::{Path, PathBuf};

use covid_testing::{Browser, Sandbox, chromium, visits};
use serde_json::{Value, json};

use crate::{REPORT, run, visits::SOURCE as VISITS};

const CAPTION: &str = "document.getElementById('explorer-caption').textContent";
const STATUS: &str = "document.getElementById('explorer-status').textContent";
const READING: &str = "document.getElementById('explorer-reading').textContent";
const PATH: &str = "document.querySelector('#explorer-plot path.mean').getAttribute('d')";

/// The arguments that write the report, and the report. What `eda` says as JSON, too.
fn report(sandbox: &Sandbox, args: &[&str]) -> (PathBuf, Value) {
    let output = run(sandbox, &[&["-q", "--format", "json"], args].concat());
    assert!(output.success(), "{output}");
    let page = sandbox.files().into_iter().find(|file| file.ends_with("/report.html")).unwrap();
    (sandbox.path().join(page), serde_json::from_str(&output.stdout).unwrap())
}

/// Picks a location as a person does: a click into the field, its name, and the enter key.
fn pick(browser: &mut Browser, name: &str) {
    browser.click("#explorer-location");
    browser.insert(name);
    browser.press("Enter", 13);
    browser.press("Tab", 9);
}

#[test]
fn a_location_is_picked_and_the_chart_follows() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    let (page, _) = report(&sandbox, &[]);
    assert!(page.ends_with(REPORT));
    let mut browser = Browser::start(&chromium, sandbox.path());
    browser.open(&page, "");
    assert!(browser.text(CAPTION).starts_with("World: new confirmed cases a day, up to 2021-06-04."));
    let mut paths = vec![browser.text(PATH)];

    pick(&mut browser, "Quantilia");
    let caption = browser.text(CAPTION);
    assert!(caption.starts_with("Quantilia: new confirmed cases a day"), "{caption}");
    assert_eq!(browser.text("document.querySelector('#explorer-plot svg').getAttribute('aria-label')"), caption);
    paths.push(browser.text(PATH));

    // From radio button to radio button by keyboard alone.
    browser.value("document.querySelector('[name=target]:checked').focus()");
    browser.press("ArrowRight", 39);
    assert!(browser.text(CAPTION).starts_with("Quantilia: new deaths a day"));
    paths.push(browser.text(PATH));
    browser.click("[value=cumulative]");
    assert!(browser.text(CAPTION).starts_with("Quantilia: cumulative deaths, up to"));
    paths.push(browser.text(PATH));
    browser.click("[value=log]");
    assert!(browser.text(CAPTION).starts_with("Quantilia: cumulative deaths, log scale"));
    paths.push(browser.text(PATH));
    let address = browser.text("location.hash");
    assert_eq!(address, "#location=Quantilia&measure=cumulative&target=deaths&scale=log");

    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), 5, "each choice draws another path");
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn part_of_a_name_is_enough_and_an_unknown_one_changes_nothing() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    let (page, _) = report(&sandbox, &[]);
    let mut browser = Browser::start(&chromium, sandbox.path());
    browser.open(&page, "");
    pick(&mut browser, "quantil");
    let (caption, path) = (browser.text(CAPTION), browser.text(PATH));
    assert!(caption.starts_with("Quantilia:"), "{caption}");
    pick(&mut browser, "<b>Atlantis");
    assert_eq!(browser.text(STATUS), "No location matches “<b>Atlantis”.");
    assert_eq!((browser.text(CAPTION), browser.text(PATH)), (caption, path));
    assert_eq!(browser.text("document.getElementById('explorer-location').value"), "Quantilia");
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn a_link_opens_a_location() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    let (page, _) = report(&sandbox, &[]);
    let mut browser = Browser::start(&chromium, sandbox.path());
    browser.open(&page, "location=Upper+Lassonia%2C%20Lassonia&target=deaths&measure=cumulative&scale=log");
    assert!(browser.text(CAPTION).starts_with("Upper Lassonia, Lassonia: cumulative deaths, log scale"));
    browser.value("location.hash = 'location=Rustacea&scale=linear'");
    browser.wait_until(&format!("{CAPTION}.startsWith('Rustacea: cumulative deaths, up to')"));
    browser.open(&page, "location=Atlantis&target=%00&scale=%E0%A4%A&measure=__proto__");
    assert!(browser.text(CAPTION).starts_with("World: new confirmed cases"));
    assert_eq!(browser.text(STATUS), "No location matches “Atlantis”.");
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn without_scripts_the_charts_of_the_page_are_there() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    let (page, _) = report(&sandbox, &[]);
    let mut browser = Browser::start(&chromium, sandbox.path());
    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.open(&page, "");
    let shown = browser.text("document.body.innerText");
    assert!(shown.contains("The location picker needs JavaScript"), "{shown}");
    assert_eq!(browser.value("document.getElementById('explorer').offsetHeight"), 0);
    assert_eq!(
        browser.value("[...document.querySelectorAll('figure svg')].filter(svg => svg.clientWidth > 300).length"),
        18
    );
}

#[test]
fn a_phone_does_not_scroll_sideways() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    let (page, _) = report(&sandbox, &[]);
    does_not_scroll_sideways(&chromium, &sandbox, &page, "location=Upper+Lassonia");
    // A page with the section of revisions, and without deaths.
    let sandbox = Sandbox::new();
    sandbox.write("visits.csv", visits());
    sandbox.write("old.csv", visits().replace(",18584", ",18500"));
    let (page, _) = report(&sandbox, &[&VISITS[..], &["--compare", "old.csv"]].concat());
    does_not_scroll_sideways(&chromium, &sandbox, &page, "location=Harbour");
}

fn does_not_scroll_sideways(chromium: &Path, sandbox: &Sandbox, page: &Path, hash: &str) {
    let mut browser = Browser::start(chromium, sandbox.path());
    browser.resize(390, 844);
    browser.open(page, hash);
    assert_eq!(browser.value("innerWidth"), 390);
    assert_eq!(browser.outside(), [] as [String; 0]);
    let labels = "(() => { const boxes = [...document.querySelectorAll('#explorer-plot text:not(.value)')]\
                  .map(label => label.getBoundingClientRect()); \
                  return boxes.slice(1).every((box, at) => box.left > boxes[at].right + 2); })()";
    assert_eq!(browser.value(labels), true, "labels of dates overlap");
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn paper_is_as_wide_as_the_tables() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    let long = "Saint Helena, Ascension and Tristan da Cunha, United Kingdom";
    let table = visits().replace("Station", &format!("\"{long}\""));
    sandbox.write("old.csv", &table);
    sandbox.write("visits.csv", table.replace(",2204\n", ",1204\n"));
    let (page, _) = report(&sandbox, &[&VISITS[..], &["--compare", "old.csv"]].concat());
    let mut browser = Browser::start(&chromium, sandbox.path());
    // A4 within its margins.
    browser.resize(688, 1016);
    browser.call("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    browser.open(&page, "");
    let rows = format!("[...document.querySelectorAll('td')].filter(cell => cell.textContent === '{long}').length");
    assert_eq!(browser.value(&rows), 7);
    let outside = "[...document.querySelectorAll('table')].filter(table => table.getBoundingClientRect().right > 688)\
                   .map(table => table.innerText.slice(0, 80))";
    assert_eq!(browser.value(outside), json!([]));
}

#[test]
fn what_was_never_published_is_not_offered() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    sandbox.write("visits.csv", visits());
    let (page, _) = report(&sandbox, &VISITS);
    let mut browser = Browser::start(&chromium, sandbox.path());
    browser.open(&page, "location=Market&target=deaths&measure=cumulative");
    assert_eq!(browser.value("document.getElementById('explorer-targets').offsetHeight"), 0);
    assert_eq!(
        browser.text(CAPTION),
        "Market: cumulative confirmed cases, up to 2024-06-28. Latest: 18,584 on 2024-06-28."
    );
    browser.click("[value=new]");
    assert!(browser.text(CAPTION).starts_with("Market: new confirmed cases a day"));
    // Nor is a mark explained that the chart has not.
    assert_eq!(browser.value("document.getElementById('explorer-revised').offsetHeight"), 0);
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

/// Names that would be markup, script or the end of a string, were they not escaped.
const HOSTILE: [&str; 6] = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "\"quoted\" 'names' & &lt;entities&gt;",
    "\\u003c/script\\u003e ${alert(3)} `",
    "--><svg onload=alert(4)>",
    "__proto__",
];

/// A month of counts of hostile places, in JHU's layout: even growth, with a revision and a gap in
/// the last week.
fn hostile_source(sandbox: &Sandbox) {
    let header: String = (1..=30).map(|day| format!(",3/{day}/20")).collect();
    for (kind, factor) in [("confirmed", 10), ("deaths", 1)] {
        let mut file = format!("Province/State,Country/Region,Lat,Long{header}\n");
        for (name, rank) in HOSTILE.iter().zip(1..) {
            let count = |day: i32| factor * rank * (day * day + 50) - if day >= 26 { factor * rank * 300 } else { 0 };
            let cell = |day: i32| if day == 28 { ",".to_owned() } else { format!(",{}", count(day)) };
            let counts: String = (1..=30).map(cell).collect();
            file += &format!(",\"{}\",0,0{counts}\n", name.replace('"', "\"\""));
        }
        sandbox.write(&format!("hostile/time_series_covid19_{kind}_global.csv"), file);
    }
}

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    hostile_source(&sandbox);
    let (page, figures) = report(&sandbox, &["--source", "hostile"]);
    let mut browser = Browser::start(&chromium, sandbox.path());
    browser.open(&page, "");
    let clean = browser.value(
        "[document.images.length, document.scripts.length, document.querySelectorAll('[onload], [onerror]').length]",
    );
    assert_eq!(clean, json!([0, 3, 0]), "a name has become an element");
    for name in HOSTILE {
        pick(&mut browser, name);
        let caption = browser.text(CAPTION);
        assert!(caption.starts_with(&format!("{name}: new confirmed cases a day")), "{caption}");
        let address = browser.text("decodeURIComponent(location.hash.replaceAll('+', ' '))");
        assert!(address.starts_with(&format!("#location={name}&")), "{address}");
        assert!(browser.text(PATH).starts_with('M'));
        assert!(browser.text("document.body.innerText").contains(name), "{name}");

        // The script's mean is that of the report's own figures, though a revision is among the counts.
        let pace = figures["paces"].as_array().unwrap().iter().find(|pace| pace["name"] == name).unwrap();
        let reading = browser.text(READING).replace(',', "");
        let mean: f64 = reading.rsplit(' ').next().unwrap().parse().unwrap();
        assert!((mean - pace["new_cases"].as_f64().unwrap()).abs() <= 0.05, "{reading}, not {pace}");
    }
    assert!(browser.text(CAPTION).contains("a revision lowered the total"));
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}

#[test]
fn odd_counts_are_drawn() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    // A single day, a place without a count, and one with more than there are people.
    for kind in ["confirmed", "deaths"] {
        let file = "Province/State,Country/Region,Lat,Long,3/1/20\n,Blank,0,0,\n,Huge,0,0,900000000000\n";
        sandbox.write(&format!("odd/time_series_covid19_{kind}_global.csv"), file);
    }
    let (page, _) = report(&sandbox, &["--source", "odd"]);
    let mut browser = Browser::start(&chromium, sandbox.path());
    for (name, said) in [("Blank", "No count was published."), ("Huge", "Latest: 900,000,000,000 on 2020-03-01.")] {
        for scale in ["linear", "log"] {
            browser.open(&page, &format!("location={name}&measure=cumulative&scale={scale}"));
            let (caption, plot) =
                (browser.text(CAPTION), browser.text("document.getElementById('explorer-plot').innerHTML"));
            assert!(caption.starts_with(name) && caption.ends_with(said), "{caption}");
            assert!(!["NaN", "Infinity", "undefined"].iter().any(|bad| plot.contains(bad)), "{plot}");
            browser.click("[value=new]");
            assert!(browser.text(CAPTION).ends_with("No count was published."), "a first count is not a new one");
        }
    }
    assert_eq!(browser.complaints(), [] as [Value; 0]);
}
