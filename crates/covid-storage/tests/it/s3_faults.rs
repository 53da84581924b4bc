//! The S3 backend through the real client, whose answers are scripted: what goes wrong with S3, and what is said of it.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_s3::{
    Client,
    config::{
        Config, Credentials, Region,
        http::{HttpRequest, HttpResponse},
        retry::RetryConfig,
    },
    primitives::SdkBody,
};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient, infallible_client_fn};
use bytes::Bytes;
use covid_core::{Explain as _, FaultKind};
use covid_storage::{ETag, ObjectStore as _, PutMode, S3Fault, S3Store, StorageError, list_all};

const SECRET: &str = "an-invented-secret-that-nobody-may-see";
const TOKEN: &str = "an-invented-token-that-nobody-may-see";

fn config() -> aws_sdk_s3::config::Builder {
    Config::builder()
        .behavior_version_latest()
        .region(Region::from_static("us-east-1"))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .credentials_provider(Credentials::new("AKIAINVENTED", SECRET, Some(TOKEN.to_owned()), None, "test"))
}

/// A store that hears these answers, one a request, and the client that has heard the requests.
fn store(answers: Vec<HttpResponse>) -> (S3Store, StaticReplayClient) {
    let events = answers.into_iter().map(|answer| ReplayEvent::new(HttpRequest::empty(), answer));
    let replay = StaticReplayClient::new(events.collect());
    let client = Client::from_conf(config().http_client(replay.clone()).build());
    (S3Store::new("bucket", "prefix").with_client(client), replay)
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: impl Into<SdkBody>) -> HttpResponse {
    let mut answer = HttpResponse::new(status.try_into().unwrap(), body.into());
    for (name, value) in headers {
        answer.headers_mut().insert(*name, *value);
    }
    answer
}

/// A refusal as S3 writes it. It may quote what it was sent.
fn refusal(status: u16, code: &str) -> HttpResponse {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>The message.</Message>\
         <Token-0>{TOKEN}</Token-0><StringToSign>{SECRET}</StringToSign><RequestId>1</RequestId></Error>"
    );
    answer(status, &[], body)
}

fn object(content: &'static str) -> HttpResponse {
    answer(200, &[("etag", "\"1\""), ("content-length", "5")], content)
}

fn fault(error: &StorageError) -> &S3Fault {
    match error {
        StorageError::S3(error) => error.fault(),
        other => panic!("not an error of S3: {other:?}"),
    }
}

/// Methods of the requests that were sent.
fn methods(replay: &StaticReplayClient) -> Vec<String> {
    replay.actual_requests().map(|request| request.method().to_owned()).collect()
}

fn header(replay: &StaticReplayClient, request: usize, name: &str) -> Option<String> {
    replay.actual_requests().nth(request).and_then(|request| request.headers().get(name).map(str::to_owned))
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    for trouble in [
        refusal(503, "SlowDown"),
        refusal(500, "InternalError"),
        refusal(400, "RequestTimeout"),
        refusal(400, "ThrottlingException"),
        answer(502, &[], "<html>bad gateway</html>"),
    ] {
        let said = format!("{trouble:?}");
        let (store, replay) = store(vec![trouble, refusal(503, "SlowDown"), object("whole")]);
        assert_eq!(store.get("a").await.unwrap().bytes, "whole", "{said}");
        assert_eq!(methods(&replay), ["GET"; 3]);
    }
}

#[tokio::test]
async fn a_server_that_stays_busy_is_a_remote_error() {
    let (store, replay) = store((0..3).map(|_| refusal(503, "SlowDown")).collect());
    let error = store.put("a", Bytes::from_static(b"content"), PutMode::Overwrite).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`prefix/a` in the S3 bucket `bucket` could not be written: the server was busy or out of order at every try \
         (SlowDown: The message.)"
    );
    assert_eq!(error.kind(), FaultKind::Remote);
    assert_eq!(error.hint().unwrap(), "try again later, or with more tries (AWS_MAX_ATTEMPTS)");
    assert_eq!(methods(&replay), ["PUT"; 3]);
}

#[tokio::test]
async fn throttling_by_any_name_is_a_busy_server() {
    for code in ["ThrottlingException", "RequestLimitExceeded", "RequestThrottled", "TooManyRequestsException"] {
        let (store, _) = store((0..3).map(|_| refusal(400, code)).collect());
        let error = store.get("a").await.unwrap_err();
        assert!(matches!(&error, StorageError::S3(error) if error.fault() == &S3Fault::Busy), "{error}");
        assert!(error.may_pass() && error.to_string().ends_with(&format!("({code}: The message.)")), "{error}");
    }
}

#[tokio::test]
async fn a_content_that_is_cut_off_is_read_again() {
    let (store, replay) = store(vec![object("who"), object("whole")]);
    assert_eq!(store.get("a").await.unwrap().bytes, "whole");
    assert_eq!(methods(&replay), ["GET"; 2]);
}

#[tokio::test]
async fn a_content_that_stays_cut_off_is_an_error() {
    let (store, replay) = store((0..3).map(|_| object("who")).collect());
    let error = store.get("a").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`prefix/a` in the S3 bucket `bucket` could not be read: the content was cut off or damaged on its way at every \
         try (Invalid Content-Length: Expected 5 bytes but 3 bytes were received)"
    );
    assert_eq!(methods(&replay), ["GET"; 3]);
}

/// The checksum is that of `whole`.
#[tokio::test]
async fn a_damaged_content_is_read_again() {
    let checked = |content: &'static str| {
        answer(200, &[("etag", "\"1\""), ("content-length", "5"), ("x-amz-checksum-crc32", "xFkpTw==")], content)
    };
    let (store, replay) = store(vec![checked("whale"), checked("whole")]);
    assert_eq!(store.get("a").await.unwrap().bytes, "whole");
    assert_eq!(header(&replay, 0, "x-amz-checksum-mode").as_deref(), Some("ENABLED"));
    assert_eq!(methods(&replay), ["GET"; 2]);
}

#[tokio::test]
async fn refusals_are_told_apart_and_show_no_secret() {
    let cases = [
        (404, "NoSuchBucket", S3Fault::NoSuchBucket, "there is no such bucket"),
        (403, "AccessDenied", S3Fault::AccessDenied, "access is denied"),
        (403, "InvalidAccessKeyId", S3Fault::UnknownAccessKey, "the server does not know the access key"),
        (
            403,
            "SignatureDoesNotMatch",
            S3Fault::WrongSecret,
            "the signature does not match, so the secret access key is not that of the access key",
        ),
        (400, "ExpiredToken", S3Fault::ExpiredToken, "the session token has expired or is not valid"),
        (
            403,
            "RequestTimeTooSkewed",
            S3Fault::ClockSkew,
            "the clock of this machine and that of the server differ too much",
        ),
        (301, "PermanentRedirect", S3Fault::WrongRegion(None), "the bucket is in another region"),
        (400, "AuthorizationHeaderMalformed", S3Fault::WrongRegion(None), "the bucket is in another region"),
        (405, "MethodNotAllowed", S3Fault::Other, "the request failed"),
    ];
    for (status, code, expected, words) in cases {
        let answers = || (0..3).map(|_| refusal(status, code)).collect();
        let errors = [
            ("`prefix/a`", "read", store(answers()).0.get("a").await.map(drop).unwrap_err()),
            (
                "`prefix/a`",
                "written",
                store(answers()).0.put("a", Bytes::new(), PutMode::CreateOnly).await.map(drop).unwrap_err(),
            ),
            ("`prefix/a*`", "listed", store(answers()).0.list("a", None).await.map(drop).unwrap_err()),
            ("`prefix/a`", "removed", store(answers()).0.delete("a").await.unwrap_err()),
        ];
        for (what, action, error) in errors {
            let sentence =
                format!("{what} in the S3 bucket `bucket` could not be {action}: {words} ({code}: The message.)");
            assert_eq!(error.to_string(), sentence);
            assert_eq!(fault(&error), &expected);
            assert_eq!(error.kind(), FaultKind::Remote);
            let all = format!("{error} {error:?} {}", error.hint().unwrap());
            assert!(!all.contains(SECRET) && !all.contains(TOKEN), "{all}");
        }
    }
}

#[tokio::test]
async fn the_region_of_the_bucket_is_named_where_the_server_names_it() {
    let mut redirect = refusal(301, "PermanentRedirect");
    redirect.headers_mut().insert("x-amz-bucket-region", "eu-west-1");
    let error = store(vec![redirect]).0.get("a").await.unwrap_err();
    assert_eq!(fault(&error), &S3Fault::WrongRegion(Some("eu-west-1".to_owned())));
    assert_eq!(error.hint().unwrap(), "set AWS_REGION=eu-west-1");
}

#[tokio::test]
async fn an_answer_without_a_code_is_judged_by_its_status() {
    for (status, expected) in [(301, S3Fault::WrongRegion(None)), (403, S3Fault::AccessDenied), (418, S3Fault::Other)] {
        let error = store(vec![answer(status, &[], "")]).0.get("a").await.unwrap_err();
        assert_eq!(fault(&error), &expected);
        assert!(error.to_string().ends_with(&format!("(HTTP {status})")), "{error}");
    }
}

#[tokio::test]
async fn writes_carry_their_condition_and_a_checksum() {
    let (store, replay) = store((0..3).map(|_| answer(200, &[("etag", "\"2\"")], "")).collect());
    let content = Bytes::from_static(b"whole");
    store.put("a", content.clone(), PutMode::Overwrite).await.unwrap();
    store.put("a", content.clone(), PutMode::CreateOnly).await.unwrap();
    let etag = store.put("a", content, PutMode::IfMatch(ETag("\"1\"".to_owned()))).await.unwrap();
    assert_eq!(etag, ETag("\"2\"".to_owned()));
    let headers = |name| [0, 1, 2].map(|request| header(&replay, request, name));
    assert_eq!(headers("if-none-match"), [None, Some("*".to_owned()), None]);
    assert_eq!(headers("if-match"), [None, None, Some("\"1\"".to_owned())]);
    assert_eq!(headers("x-amz-checksum-crc32"), [(); 3].map(|()| Some("xFkpTw==".to_owned())));
}

#[tokio::test]
async fn conditions_that_do_not_hold_are_no_faults_of_s3() {
    let other = || answer(200, &[("etag", "\"9\""), ("x-amz-meta-covid-write", "somebody else's")], "");
    let seen = || PutMode::IfMatch(ETag("\"1\"".to_owned()));
    for (mode, refused) in [
        (PutMode::CreateOnly, refusal(412, "PreconditionFailed")),
        (seen(), refusal(412, "PreconditionFailed")),
        (seen(), refusal(404, "NoSuchKey")),
    ] {
        let (store, replay) = store(vec![refused, other()]);
        let error = store.put("a", Bytes::new(), mode.clone()).await.unwrap_err();
        match mode {
            PutMode::CreateOnly => assert!(matches!(error, StorageError::AlreadyExists { .. }), "{error:?}"),
            _ => assert!(matches!(error, StorageError::Changed { .. }), "{error:?}"),
        }
        assert_eq!(methods(&replay), ["PUT", "HEAD"]);
    }
}

#[tokio::test]
async fn a_write_of_which_nobody_can_say_whose_it_is_is_a_fault_of_s3() {
    for mode in [PutMode::CreateOnly, PutMode::IfMatch(ETag("\"1\"".to_owned()))] {
        let lost = [refusal(500, "InternalError"), refusal(412, "PreconditionFailed")];
        let (store, replay) = store(lost.into_iter().chain((0..3).map(|_| answer(503, &[], ""))).collect());
        let error = store.put("a", Bytes::new(), mode).await.unwrap_err();
        assert_eq!(fault(&error), &S3Fault::Busy);
        assert!(
            error.to_string().starts_with("`prefix/a` in the S3 bucket `bucket` could not be written: "),
            "{error}"
        );
        assert_eq!(methods(&replay), ["PUT", "PUT", "HEAD", "HEAD", "HEAD"]);
    }
}

#[tokio::test]
async fn a_write_that_was_refused_and_whose_object_is_gone_is_refused() {
    let (store, _) = store(vec![refusal(412, "PreconditionFailed"), answer(404, &[], "")]);
    let error = store.put("a", Bytes::new(), PutMode::CreateOnly).await.unwrap_err();
    assert!(matches!(error, StorageError::AlreadyExists { .. }), "{error:?}");
}

/// A server whose first answer to a write is lost, and which refuses the second try as the object is there.
fn forgetful(mark_found: Option<&'static str>) -> S3Store {
    let (writes, mark) = (Mutex::new(0), Arc::new(Mutex::new(String::new())));
    let server = infallible_client_fn(move |request: http::Request<SdkBody>| {
        let answer = http::Response::builder().header("etag", "\"1\"");
        if request.method() == http::Method::HEAD {
            let mark = mark_found.map_or_else(|| mark.lock().unwrap().clone(), str::to_owned);
            return answer.header("x-amz-meta-covid-write", mark).body(SdkBody::empty()).unwrap();
        }
        let sent = request.headers().get("x-amz-meta-covid-write").and_then(|mark| mark.to_str().ok());
        *mark.lock().unwrap() = sent.unwrap_or_default().to_owned();
        *writes.lock().unwrap() += 1;
        let status = if *writes.lock().unwrap() == 1 { 500 } else { 412 };
        answer.status(status).body(SdkBody::empty()).unwrap()
    });
    S3Store::new("bucket", "").with_client(Client::from_conf(config().http_client(server).build()))
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_recognised() {
    for mode in [PutMode::CreateOnly, PutMode::IfMatch(ETag("\"0\"".to_owned()))] {
        let etag = forgetful(None).put("a", Bytes::new(), mode.clone()).await.unwrap();
        assert_eq!(etag, ETag("\"1\"".to_owned()));
        let lost = forgetful(Some("somebody else's")).put("a", Bytes::new(), mode).await;
        assert!(matches!(lost, Err(StorageError::AlreadyExists { .. } | StorageError::Changed { .. })), "{lost:?}");
    }
}

#[tokio::test]
async fn a_write_that_collides_is_tried_again() {
    let (store, replay) = store(vec![
        refusal(409, "ConditionalRequestConflict"),
        refusal(409, "ConditionalRequestConflict"),
        answer(200, &[("etag", "\"1\"")], ""),
    ]);
    store.put("a", Bytes::new(), PutMode::CreateOnly).await.unwrap();
    assert_eq!(methods(&replay), ["PUT"; 3]);
}

const STARTED: &str = "<InitiateMultipartUploadResult><UploadId>upload-1</UploadId></InitiateMultipartUploadResult>";

fn part() -> HttpResponse {
    answer(200, &[("etag", "\"part\""), ("x-amz-checksum-crc32", "AAAAAA==")], "")
}

fn completed() -> HttpResponse {
    answer(200, &[], "<CompleteMultipartUploadResult><ETag>\"whole-3\"</ETag></CompleteMultipartUploadResult>")
}

#[tokio::test]
async fn large_objects_go_in_parts() {
    let (store, replay) =
        store(vec![answer(200, &[], STARTED), part(), refusal(503, "SlowDown"), part(), part(), completed()]);
    let content = Bytes::from_static(b"0123456789");
    let etag = store.with_part_size(4).put("a", content, PutMode::CreateOnly).await.unwrap();
    assert_eq!(etag, ETag("\"whole-3\"".to_owned()));
    assert_eq!(methods(&replay), ["POST", "PUT", "PUT", "PUT", "PUT", "POST"]);
    let bodies =
        replay.actual_requests().map(|request| String::from_utf8_lossy(request.body().bytes().unwrap_or_default()));
    let mut parts: Vec<_> = bodies.filter(|body| body.len() <= 4 && !body.is_empty()).collect();
    parts.sort();
    parts.dedup();
    assert_eq!(parts, ["0123", "4567", "89"]);
    assert_eq!(header(&replay, 5, "if-none-match").as_deref(), Some("*"));
    let end = replay.actual_requests().last().unwrap();
    let end = String::from_utf8_lossy(end.body().bytes().unwrap());
    let position = |number: u8| end.find(&format!("<PartNumber>{number}</PartNumber>")).unwrap();
    assert!(position(1) < position(2) && position(2) < position(3), "{end}");
    assert_eq!(end.matches("<ChecksumCRC32>AAAAAA==</ChecksumCRC32>").count(), 3, "{end}");
}

/// A server that refuses one step of a write in parts; parts come several at a time, so it answers by what is asked.
#[tokio::test]
async fn a_write_in_parts_that_fails_is_aborted() {
    for step in ["partNumber=2", "nothing but the end"] {
        let aborted = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&aborted);
        let server = infallible_client_fn(move |request: http::Request<SdkBody>| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let answer = http::Response::builder().header("etag", "\"1\"");
            let answer = match *request.method() {
                http::Method::DELETE => {
                    *seen.lock().unwrap() = query;
                    answer.status(204).body(SdkBody::empty())
                }
                http::Method::POST if !query.contains("uploadId") => answer.body(SdkBody::from(STARTED)),
                http::Method::POST => answer.status(403).body(SdkBody::empty()),
                _ if query.contains(step) => answer.status(403).body(SdkBody::empty()),
                _ => answer.body(SdkBody::empty()),
            };
            answer.unwrap()
        });
        let client = Client::from_conf(config().http_client(server).build());
        let store = S3Store::new("bucket", "prefix").with_client(client).with_part_size(4);
        let error = store.put("a", Bytes::from_static(b"0123456789"), PutMode::Overwrite).await.unwrap_err();
        assert_eq!(fault(&error), &S3Fault::AccessDenied);
        assert!(aborted.lock().unwrap().contains("uploadId=upload-1"), "{aborted:?}");
    }
}

#[tokio::test]
async fn a_listing_goes_on_where_the_server_says() {
    let page = |objects: &str, rest: &str| {
        let body = format!("<ListBucketResult>{objects}{rest}</ListBucketResult>");
        answer(200, &[], body)
    };
    let entry = |key: &str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2022-08-09T01:02:03.000Z</LastModified><Size>7</Size></Contents>"
        )
    };
    let first = page(
        &[entry("prefix/b"), entry("prefix/folder/"), entry("elsewhere")].concat(),
        "<IsTruncated>true</IsTruncated><NextContinuationToken>token 2</NextContinuationToken>",
    );
    let (store, replay) = store(vec![first, page(&entry("prefix/a &amp; a"), "<IsTruncated>false</IsTruncated>")]);
    let listed = list_all(&store.with_page_size(2), "").await.unwrap();
    assert_eq!(listed.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), ["a & a", "b"]);
    assert_eq!(listed[0].size, 7);
    let uris: Vec<_> = replay.actual_requests().map(|request| request.uri().to_owned()).collect();
    assert!(uris.iter().all(|uri| uri.contains("prefix=prefix%2F") && uri.contains("max-keys=2")), "{uris:?}");
    assert!(uris[1].contains("continuation-token=token%202"), "{uris:?}");
}

#[tokio::test]
async fn a_listing_that_does_not_say_where_it_goes_on_is_an_error() {
    let page = |rest: &str| answer(200, &[], format!("<ListBucketResult>{rest}</ListBucketResult>"));
    let goes_on = |token: &str| {
        page(&format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"))
    };
    let cases = [
        (vec![page("<IsTruncated>true</IsTruncated>")], "there is more, and no token to go on from"),
        (vec![goes_on("")], "there is more, and no token to go on from"),
        (vec![goes_on("2"), goes_on("2")], "the token to go on from is that of the page before"),
    ];
    for (pages, words) in cases {
        let error = list_all(&store(pages).0, "a").await.unwrap_err();
        let sentence =
            format!("`prefix/a*` in the S3 bucket `bucket` could not be listed: the request failed ({words})");
        assert_eq!(error.to_string(), sentence);
    }
}

/// As the clients of AWS do: not every server says that a page is cut off.
#[tokio::test]
async fn a_listing_goes_on_wherever_there_is_a_token() {
    let page = |rest: &str| answer(200, &[], format!("<ListBucketResult>{rest}</ListBucketResult>"));
    let (store, replay) = store(vec![page("<NextContinuationToken>2</NextContinuationToken>"), page("")]);
    assert_eq!(list_all(&store, "").await.unwrap().len(), 0);
    assert_eq!(methods(&replay), ["GET"; 2]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    // Bound and closed again: nobody listens there now.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = config().endpoint_url(format!("http://127.0.0.1:{port}")).force_path_style(true);
    let http = aws_smithy_http_client::Builder::new().build_http();
    let store = S3Store::new("bucket", "prefix").with_client(Client::from_conf(config.http_client(http).build()));
    let error = store.get("a").await.unwrap_err();
    assert_eq!(fault(&error), &S3Fault::NoAnswer);
    assert_eq!(error.kind(), FaultKind::Remote);
    assert!(error.to_string().to_lowercase().contains("connection refused"), "{error}");
}

#[tokio::test]
async fn keys_count_the_prefix() {
    let store = S3Store::new("bucket", "p".repeat(1000));
    let error = store.get("a-key-of-thirty-characters-here").await.unwrap_err();
    assert!(matches!(error, StorageError::BadKey { .. }), "{error:?}");
}
