//! What the environment and a profile set for S3, read before the client obeys it: aws-config panics at tries that are no
//! number, and takes an endpoint that cannot be used for none.

use aws_config::profile::{self, Profile};
use aws_sdk_s3::config::retry::{RetryConfig, RetryMode};
use aws_types::os_shim_internal::{Env, Fs};
use covid_core::redact;
use http::Uri;

use crate::StorageError;

const MAX_ATTEMPTS: [&str; 2] = ["AWS_MAX_ATTEMPTS", "max_attempts"];
const RETRY_MODE: [&str; 2] = ["AWS_RETRY_MODE", "retry_mode"];
/// The endpoint of S3, and that of every service.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];

/// How often a request is made, and in which manner. The endpoints of the environment are checked on the way.
///
/// # Errors
/// [`StorageError::BadSetting`] for one that cannot be obeyed.
pub(super) async fn read(env: &Env, fs: &Fs) -> Result<RetryConfig, StorageError> {
    for name in ENDPOINTS {
        if let Some(value) = variable(env, name) {
            check_endpoint(name, &value)?;
        }
    }
    // A file that cannot be read is none: aws-config warns of it.
    let profiles = profile::load(fs, env, &Default::default(), None).await.unwrap_or_default();
    let profile = profiles.get_profile(profiles.selected_profile());
    if let Some(name) = variable(env, "AWS_PROFILE").filter(|_| profile.is_none()) {
        check_keys_without_profile(env, &name)?;
    }
    let mut retries = RetryConfig::standard();
    if let Some((name, value)) = setting(env, profile, MAX_ATTEMPTS) {
        let tries = value.trim().parse().ok().filter(|&tries: &u32| tries > 0);
        let hint = format!("set {} to the number of tries, such as 3", MAX_ATTEMPTS[0]);
        retries =
            retries.with_max_attempts(tries.ok_or(bad(&name, &value, "it must be a whole number above 0", hint))?);
    }
    if let Some((name, value)) = setting(env, profile, RETRY_MODE) {
        let mode: Option<RetryMode> = value.parse().ok();
        let hint = format!("set {} to one of them", RETRY_MODE[0]);
        retries =
            retries.with_retry_mode(mode.ok_or(bad(&name, &value, "it must be `standard` or `adaptive`", hint))?);
    }
    Ok(retries)
}

/// A variable that says something.
fn variable(env: &Env, name: &str) -> Option<String> {
    env.get(name).ok().filter(|value| !value.trim().is_empty())
}

/// A setting with its name, by the environment or else by the profile.
fn setting(env: &Env, profile: Option<&Profile>, [in_env, in_profile]: [&str; 2]) -> Option<(String, String)> {
    let of_profile = || {
        let profile = profile?;
        let value = profile.get(in_profile)?.to_owned();
        Some((format!("`{in_profile}` of the AWS profile `{}`", profile.name()), value))
    };
    variable(env, in_env).map(|value| (in_env.to_owned(), value)).or_else(of_profile)
}

/// Keys of the environment do without the profile that it names.
fn check_keys_without_profile(env: &Env, name: &str) -> Result<(), StorageError> {
    if variable(env, "AWS_ACCESS_KEY_ID").is_some() {
        return Ok(());
    }
    let hint = "name a profile of ~/.aws/config or ~/.aws/credentials (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE)";
    Err(bad("AWS_PROFILE", name, "there is no such profile", hint.into()))
}

/// Refuses an endpoint that is no address of a server, or has a user in it: S3 asks for keys, and what is in an address is
/// shown sooner or later.
pub(super) fn check_endpoint(name: &str, value: &str) -> Result<(), StorageError> {
    let refused = |reason: &str, hint: &str| Err(bad(name, &redact(value), reason, hint.into()));
    let uri = value.parse::<Uri>().ok();
    let authority =
        uri.as_ref().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https"))).and_then(Uri::authority);
    match authority {
        Some(authority) if authority.as_str().contains('@') => refused(
            "it names a user",
            "write http://HOST:PORT, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for who asks",
        ),
        // A port out of its range is none to `http`.
        Some(authority) if authority.port().is_some() || authority.as_str() == authority.host() => Ok(()),
        _ => refused("it is no address of a server", "write http://HOST:PORT, or https://HOST"),
    }
}

fn bad(name: &str, value: &str, reason: &str, hint: String) -> StorageError {
    StorageError::BadSetting { name: name.to_owned(), value: value.to_owned(), reason: reason.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[default]\nmax_attempts = many\n[profile odd]\nretry_mode = odd\n[profile good]\nmax_attempts = \
                          7\nretry_mode = adaptive\n";

    async fn read_from(variables: &[(&str, &str)]) -> Result<RetryConfig, StorageError> {
        let variables: Vec<_> = [("HOME", "/home")].iter().chain(variables).copied().collect();
        read(&Env::from_slice(&variables), &Fs::from_slice(&[("/home/.aws/config", CONFIG)])).await
    }

    #[tokio::test]
    async fn the_environment_goes_before_the_profile() {
        let retries = read_from(&[("AWS_PROFILE", "good"), ("AWS_MAX_ATTEMPTS", " 2 ")]).await.unwrap();
        assert_eq!((retries.max_attempts(), retries.mode()), (2, RetryMode::Adaptive));
        let retries = read_from(&[("AWS_PROFILE", "good"), ("AWS_MAX_ATTEMPTS", ""), ("AWS_RETRY_MODE", "STANDARD")]);
        let retries = retries.await.unwrap();
        assert_eq!((retries.max_attempts(), retries.mode()), (7, RetryMode::Standard), "an empty value is none");
        let retries = read_from(&[("AWS_PROFILE", "gone"), ("AWS_ACCESS_KEY_ID", "KEY")]).await.unwrap();
        assert_eq!((retries.max_attempts(), retries.mode()), (3, RetryMode::Standard), "keys need no profile");
    }

    #[tokio::test]
    async fn what_cannot_be_obeyed_is_refused_by_its_name() {
        for (variables, sentence) in [
            (("AWS_MAX_ATTEMPTS", "abc"), "AWS_MAX_ATTEMPTS cannot be `abc`: it must be a whole number above 0"),
            (("AWS_MAX_ATTEMPTS", "0"), "AWS_MAX_ATTEMPTS cannot be `0`: it must be a whole number above 0"),
            (("AWS_MAX_ATTEMPTS", "-1"), "AWS_MAX_ATTEMPTS cannot be `-1`: it must be a whole number above 0"),
            (
                ("NONE", ""),
                "`max_attempts` of the AWS profile `default` cannot be `many`: it must be a whole number above 0",
            ),
            (
                ("AWS_PROFILE", "odd"),
                "`retry_mode` of the AWS profile `odd` cannot be `odd`: it must be `standard` or `adaptive`",
            ),
            (("AWS_PROFILE", "gone"), "AWS_PROFILE cannot be `gone`: there is no such profile"),
            (
                ("AWS_ENDPOINT_URL", "localhost:8333"),
                "AWS_ENDPOINT_URL cannot be `localhost:8333`: it is no address of a server",
            ),
        ] {
            let error = read_from(&[variables]).await.unwrap_err().to_string();
            assert_eq!(error, sentence);
        }
    }

    #[test]
    fn an_endpoint_is_an_address_without_a_user() {
        for endpoint in ["http://127.0.0.1:8333", "https://[::1]:9000/s3", "https://s3.example.com/", "HTTP://host"] {
            check_endpoint("X", endpoint).unwrap();
        }
        for endpoint in [
            "127.0.0.1:8333",
            "localhost:8333",
            "notaurl",
            "http://",
            "http:///x",
            "ftp://host",
            "http://a b",
            "http://h:99999",
        ] {
            let error = check_endpoint("X", endpoint).unwrap_err().to_string();
            assert_eq!(error, format!("X cannot be `{endpoint}`: it is no address of a server"));
        }
        for endpoint in ["http://u:hush@host:1", "u:hush@host", "https://hush@host"] {
            let error = check_endpoint("X", endpoint).unwrap_err().to_string();
            assert!(error.starts_with("X cannot be `") && !error.contains("hush"), "{error}");
        }
    }
}
