//! Addresses of the web, which never show what may be a secret.

#![no_main]

use covid_fuzz::explained;
use covid_http::HttpUrl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    let Some(url) = explained(text.parse::<HttpUrl>()) else { return };
    for url in [url.clone(), url.join("a/b c?d#e")] {
        let shown = url.to_string();
        let (before, query) = shown.split_once('?').unwrap_or((&shown, ""));
        let rest = before.split_once("://").expect("a scheme").1;
        let authority = rest.split('/').next().unwrap_or_default();
        let user = authority.rsplit_once('@').map_or("<redacted>", |(user, _)| user);
        assert_eq!(user, "<redacted>", "{shown}");
        assert!(!shown.contains('#'), "{shown}");
        let values = query.split('&').filter(|pair| !pair.is_empty());
        values.for_each(|pair| assert!(pair.ends_with("<redacted>"), "{shown}"));
    }
});
