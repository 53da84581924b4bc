//! URIs of trackers, which show no password, and the names that a tracker keeps.

#![no_main]

use covid_core::REDACTED;
use covid_fuzz::explained;
use covid_registry::{RegistryUri, names};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    match explained(text.parse::<RegistryUri>()) {
        Some(RegistryUri::Embedded(path)) => assert!(text.ends_with(path.to_str().expect("text"))),
        Some(RegistryUri::Remote(uri)) => {
            let user = authority(&uri.to_string()).rsplit_once('@').map(|(user, _)| user.to_owned());
            assert!(user.is_none_or(|user| user == REDACTED), "{uri} shows a user");
        }
        None => {}
    }
    explained(names::check_key("key", text));
    explained(names::check_param("key", text));
    explained(names::check_tag("key", text));
    explained(names::check_experiment(text));
    explained(names::check_run(text));
    explained(names::check_registered_model(text));
    explained(names::check_alias(text));
    explained(names::check_free_alias("model", text));
    explained(names::check_description("model", text));
    explained(names::check_source("model", text));
    explained(names::check_evidence("model", text));
});

/// What stands between `://` and the path.
fn authority(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}
