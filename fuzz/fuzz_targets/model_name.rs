//! Names of models and recipes, which stand for themselves.

#![no_main]

use std::{fmt::Display, str::FromStr};

use covid_core::Explain;
use covid_fuzz::explained;
use covid_training::{Recipe, Spec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    comes_back::<Spec>(text);
    comes_back::<Recipe>(text);
});

fn comes_back<T: FromStr<Err: Explain> + Display + PartialEq>(text: &str) {
    if let Some(found) = explained(text.parse::<T>()) {
        let name = found.to_string();
        let again = name.parse::<T>().unwrap_or_else(|error| panic!("{text:?} is {name:?}, which is none: {error}"));
        assert!(again == found, "{text:?} is {name:?}, which is something else");
    }
}
