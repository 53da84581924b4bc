//! The report that a run writes, in a real browser.

use covid_testing::{Browser, Sandbox, chromium};

use crate::run;

#[test]
fn the_page_begins_with_the_verdict_and_fits_a_desktop_and_a_phone() {
    let Some(chromium) = chromium() else { return };
    let sandbox = Sandbox::new();
    let output = run(&sandbox, &["-q"]);
    let verdict = output.stdout.lines().next().unwrap().to_owned();
    let page = output.stdout.lines().find_map(|line| line.strip_prefix("page:")).unwrap().trim().to_owned();
    let mut browser = Browser::start(&chromium, sandbox.path());
    for width in [1280, 390] {
        browser.resize(width, 900);
        browser.open(&sandbox.path().join(&page), "");
        assert_eq!(browser.text("document.body.innerText.split('\\n')[0]"), verdict);
        assert_eq!(browser.outside(), [] as [String; 0], "at {width}");
        assert_eq!(browser.complaints(), [] as [serde_json::Value; 0]);
        assert_eq!(browser.value("document.getElementById('fans-names').options.length"), 48);
    }
}
