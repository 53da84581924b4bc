//! A client from the environment, as every AWS tool sets itself up.

use std::time::Duration;

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
use aws_types::service_config::ServiceConfigKey;

/// How long a server may take to begin its answer, which it does after it has the whole request.
const READ_TIMEOUT: Duration = Duration::from_secs(120);
/// The region that servers other than AWS are told if none is set; they do not care.
const ANY_REGION: &str = "us-east-1";

/// The usual chain. This is the one place where a library lets the environment be read: who uses S3 expects it.
pub(super) async fn by_environment() -> Client {
    let http = http_client();
    // Whether there is an endpoint is to be known before a region is asked for.
    let elsewhere = has_endpoint(&loader(&http).region(Region::from_static(ANY_REGION)).load().await);
    let chain = if elsewhere { loader(&http).region(region_elsewhere()) } else { loader(&http) };
    let shared = chain.load().await;
    // A server elsewhere has no name for each bucket.
    let config = aws_sdk_s3::config::Builder::from(&shared).force_path_style(elsewhere);
    Client::from_conf(config.build())
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
        .http_client(http_client())
        .timeout_config(timeouts())
        .endpoint_url(endpoint)
        .force_path_style(true)
        .region(Region::from_static(ANY_REGION))
        .credentials_provider(Credentials::new(access_key, secret, None, None, "given"));
    Client::from_conf(config.build())
}

/// TLS by rustls with ring, as in covid-http, and the proxy of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
fn http_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector =
            Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.build()
    })
}

/// Whether an endpoint is set, for S3 or for every service; looked up where aws-sdk-s3 does.
fn has_endpoint(shared: &SdkConfig) -> bool {
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let for_s3 = key.ok().and_then(|key| shared.service_config()?.load_config(key));
    for_s3.is_some() || shared.endpoint_url().is_some()
}
