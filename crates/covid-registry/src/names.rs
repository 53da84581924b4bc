//! MLflow's rules for names and values, checked here so that what one backend takes, every backend takes.
//!
//! Lengths are in characters, as MLflow counts them.

use crate::{CHAMPION, RegistryError, RunBatch};

/// Longest key of a metric, a parameter or a tag.
pub const MAX_KEY: usize = 250;
/// Longest value of a parameter.
pub const MAX_PARAM_VALUE: usize = 6000;
/// Longest value of a tag.
pub const MAX_TAG_VALUE: usize = 8000;
/// Longest name of an experiment, a run or a registered model, in bytes: it may become a folder's name.
pub const MAX_NAME: usize = 250;
/// Longest description of a registered model or a version.
pub const MAX_DESCRIPTION: usize = 5000;
/// Longest source of a version.
pub const MAX_SOURCE: usize = 500;
/// Longest alias.
pub const MAX_ALIAS: usize = 255;

/// Checks the key of a metric, parameter or tag: letters, digits, `_`, `-`, `.`, space and `/`, and no path that leads
/// elsewhere (`/a`, `a//b`, `a/../b`).
///
/// # Errors
/// [`RegistryError::BadName`]; `what` says of what it is the key.
pub fn check_key(what: &'static str, key: &str) -> Result<(), RegistryError> {
    let allowed = |c: char| c.is_alphanumeric() || "_-. /".contains(c);
    let reason = if key.is_empty() {
        "it is empty".to_owned()
    } else if key.chars().count() > MAX_KEY {
        format!("it is longer than {MAX_KEY} characters")
    } else if let Some(other) = key.chars().find(|c| !allowed(*c)) {
        format!("it may hold letters, digits, `_`, `-`, `.`, spaces and `/`, and not {other:?}")
    } else if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
        "between its slashes there must be more than nothing, `.` or `..`".to_owned()
    } else {
        return Ok(());
    };
    Err(bad_name(what, key, reason))
}

/// Checks a parameter.
///
/// # Errors
/// [`RegistryError::BadName`] for its key, [`RegistryError::BadValue`] for a value that is too long.
pub fn check_param(key: &str, value: &str) -> Result<(), RegistryError> {
    check_key("key of a parameter", key)?;
    check_length("parameter", key, value, MAX_PARAM_VALUE)
}

/// Checks a tag.
///
/// # Errors
/// [`RegistryError::BadName`] for its key, [`RegistryError::BadValue`] for a value that is too long.
pub fn check_tag(key: &str, value: &str) -> Result<(), RegistryError> {
    check_key("key of a tag", key)?;
    check_length("tag", key, value, MAX_TAG_VALUE)
}

/// Checks tags.
///
/// # Errors
/// As [`check_tag`], for the first one.
pub fn check_tags(tags: &[(String, String)]) -> Result<(), RegistryError> {
    tags.iter().try_for_each(|(key, value)| check_tag(key, value))
}

/// Checks all that is to be logged to a run in one go.
///
/// # Errors
/// As [`check_key`], [`check_param`] and [`check_tag`], for the first one.
pub fn check_batch(batch: &RunBatch) -> Result<(), RegistryError> {
    batch.metrics.iter().try_for_each(|metric| check_key("key of a metric", &metric.key))?;
    batch.params.iter().try_for_each(|(key, value)| check_param(key, value))?;
    check_tags(&batch.tags)
}

/// Checks the name of an experiment. It must do as a folder's name, too: the embedded tracker's artifacts lie in it.
///
/// # Errors
/// [`RegistryError::BadName`].
pub fn check_experiment(name: &str) -> Result<(), RegistryError> {
    const WHAT: &str = "name of an experiment";
    check_name(WHAT, name)?;
    match covid_storage::check_key_part(name) {
        Ok(()) => Ok(()),
        Err(covid_storage::StorageError::BadKey { reason, .. }) => Err(bad_name(WHAT, name, reason)),
        Err(other) => Err(bad_name(WHAT, name, other.to_string())),
    }
}

/// Checks the name of a run: any text that is not empty.
///
/// # Errors
/// [`RegistryError::BadName`].
pub fn check_run(name: &str) -> Result<(), RegistryError> {
    check_name("name of a run", name)
}

/// Checks the name of a registered model: not empty, without `/` and `:`, which separate it from a version in a URI.
///
/// # Errors
/// [`RegistryError::BadName`].
pub fn check_registered_model(name: &str) -> Result<(), RegistryError> {
    const WHAT: &str = "name of a registered model";
    check_name(WHAT, name)?;
    match name.chars().find(|c| "/:".contains(*c)) {
        Some(other) => Err(bad_name(WHAT, name, format!("it contains a `{other}`"))),
        None => Ok(()),
    }
}

/// Checks an alias: letters, digits, `_` and `-`; `latest` and what looks like a version (`v1`) are MLflow's own.
///
/// # Errors
/// [`RegistryError::BadName`].
pub fn check_alias(alias: &str) -> Result<(), RegistryError> {
    let number = alias.strip_prefix(['v', 'V']);
    let reason = if alias.is_empty() {
        "it is empty".to_owned()
    } else if alias.chars().count() > MAX_ALIAS {
        format!("it is longer than {MAX_ALIAS} characters")
    } else if let Some(other) = alias.chars().find(|c| !(c.is_alphanumeric() || "_-".contains(*c))) {
        format!("it may hold letters, digits, `_` and `-`, and not {other:?}")
    } else if alias.eq_ignore_ascii_case("latest") {
        "that word is reserved for the newest version".to_owned()
    } else if number.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit())) {
        "it looks like the number of a version".to_owned()
    } else {
        return Ok(());
    };
    Err(bad_name("alias of a model version", alias, reason))
}

/// Checks an alias that a caller wants to set or delete: [`CHAMPION`] moves with a promotion or a rollback only.
///
/// # Errors
/// [`RegistryError::BadName`], [`RegistryError::ChampionIsManaged`].
pub fn check_free_alias(name: &str, alias: &str) -> Result<(), RegistryError> {
    check_alias(alias)?;
    // In any case of letters: two champions that differ by a capital would be two champions to a reader.
    if alias.eq_ignore_ascii_case(CHAMPION) {
        return Err(RegistryError::ChampionIsManaged { name: name.to_owned() });
    }
    Ok(())
}

/// Checks the description of a registered model or a version; `name` is the model's.
///
/// # Errors
/// [`RegistryError::BadValue`] if it is too long.
pub fn check_description(name: &str, description: &str) -> Result<(), RegistryError> {
    check_length("description of", name, description, MAX_DESCRIPTION)
}

/// Checks where a version's files are; `name` is the model's.
///
/// # Errors
/// [`RegistryError::BadValue`] if it is empty or too long.
pub fn check_source(name: &str, source: &str) -> Result<(), RegistryError> {
    const WHAT: &str = "source of a version of";
    if source.is_empty() {
        let reason = "it is empty".to_owned();
        return Err(RegistryError::BadValue { what: WHAT, name: name.to_owned(), reason });
    }
    check_length(WHAT, name, source, MAX_SOURCE)
}

/// Checks the evidence of a promotion, which a backend may keep as a tag; `name` is the model's.
///
/// # Errors
/// [`RegistryError::BadValue`] if it is too long.
pub fn check_evidence(name: &str, evidence: &str) -> Result<(), RegistryError> {
    check_length("evidence of a promotion of", name, evidence, MAX_TAG_VALUE)
}

fn check_name(what: &'static str, name: &str) -> Result<(), RegistryError> {
    let reason = if name.trim().is_empty() {
        "it is empty".to_owned()
    } else if name.len() > MAX_NAME {
        format!("it is longer than {MAX_NAME} bytes")
    } else if name.contains(char::is_control) {
        "it contains a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(bad_name(what, name, reason))
}

fn check_length(what: &'static str, key: &str, value: &str, max: usize) -> Result<(), RegistryError> {
    let length = value.chars().count();
    if length > max {
        let reason = format!("it has {length} characters, and {max} are allowed");
        return Err(RegistryError::BadValue { what, name: key.to_owned(), reason });
    }
    Ok(())
}

fn bad_name(what: &'static str, name: &str, reason: String) -> RegistryError {
    RegistryError::BadName { what, name: name.to_owned(), reason }
}
