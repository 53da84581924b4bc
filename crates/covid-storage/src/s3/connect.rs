//! A client from the environment, as every AWS tool sets itself up.

use std::{net::IpAddr, time::Duration};

use aws_config::{
    BehaviorVersion, ConfigLoader, Region, SdkConfig, environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, profile::ProfileFileRegionProvider, timeout::TimeoutConfig,
};
use aws_sdk_s3::{
    Client,
    config::{Credentials, SharedHttpClient},
};
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_types::{
    os_shim_internal::{Env, Fs},
    service_config::ServiceConfigKey,
};
use http::Uri;

use super::settings;
use crate::StorageError;

/// How long a server may take to begin its answer, which it does after it has the whole request.
const READ_TIMEOUT: Duration = Duration::from_secs(120);
/// The region that servers other than AWS are told if none is set; they do not care.
const ANY_REGION: &str = "us-east-1";

/// The usual chain. This is the one place where a library lets the environment be read: who uses S3 expects it.
///
/// # Errors
/// [`StorageError::BadSetting`] for what is set and cannot be obeyed.
pub(super) async fn by_environment() -> Result<Client, StorageError> {
    let retries = settings::read(&Env::real(), &Fs::real()).await?;
    let http = http_client(ProxyConfig::from_env());
    let loader = || loader(&http).retry_config(retries.clone());
    // Whether there is an endpoint is to be known before a region is asked for.
    let endpoint = endpoint(&loader().region(Region::from_static(ANY_REGION)).load().await);
    let Some(endpoint) = endpoint else {
        let mut config = aws_sdk_s3::config::Builder::from(&loader().load().await);
        // One that is set and empty is none.
        config.set_endpoint_url(None);
        return Ok(Client::from_conf(config.build()));
    };
    settings::check_endpoint("`endpoint_url` of the AWS profile", &endpoint)?;
    let shared = loader().region(region_elsewhere()).load().await;
    // A server elsewhere has no name for each bucket.
    let config = aws_sdk_s3::config::Builder::from(&shared).force_path_style(true).endpoint_url(&endpoint);
    Ok(Client::from_conf(config.http_client(http_client(proxy_to(&endpoint))).build()))
}

fn loader(http: &SharedHttpClient) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone()).timeout_config(timeouts())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().read_timeout(READ_TIMEOUT).build()
}

/// The usual chain but for its end, at which a machine of EC2 is asked where it is: a server elsewhere takes any region, and
/// where nobody answers that question it takes seconds.
fn region_elsewhere() -> RegionProviderChain {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(Region::from_static(ANY_REGION))
}

/// No chain: a server that is no part of AWS, and one pair of keys.
pub(super) fn with_keys(endpoint: &str, access_key: &str, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .http_client(http_client(proxy_to(endpoint)))
        .timeout_config(timeouts())
        .endpoint_url(endpoint)
        .force_path_style(true)
        .region(Region::from_static(ANY_REGION))
        .credentials_provider(Credentials::new(access_key, secret, None, None, "given"));
    Client::from_conf(config.build())
}

/// TLS by rustls with ring, as in covid-http.
fn http_client(proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector =
            Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.build()
    })
}

/// The proxy of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; none to this machine, for a proxy's loopback is another one.
fn proxy_to(endpoint: &str) -> ProxyConfig {
    if is_loopback(endpoint) { ProxyConfig::disabled() } else { ProxyConfig::from_env() }
}

fn is_loopback(endpoint: &str) -> bool {
    let Ok(uri) = endpoint.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The endpoint that is set, for S3 or for every service; looked up where aws-sdk-s3 does.
fn endpoint(shared: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let for_s3 = key.ok().and_then(|key| shared.service_config()?.load_config(key));
    let is_set = |endpoint: &String| !endpoint.trim().is_empty();
    for_s3.filter(is_set).or_else(|| shared.endpoint_url().map(str::to_owned)).filter(is_set)
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_this_machine() {
        for (endpoint, expected) in [
            ("http://127.0.0.1:8333", true),
            ("http://127.1.2.3", true),
            ("https://[::1]:9000/s3", true),
            ("http://LocalHost:9000", true),
            ("http://127.0.0.1.example.com", false),
            ("https://s3.example.com/localhost", false),
            ("http://10.0.0.1:9000", false),
            ("no address", false),
        ] {
            assert_eq!(is_loopback(endpoint), expected, "{endpoint}");
        }
    }
}
