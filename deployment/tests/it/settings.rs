//! Settings that cannot be obeyed.

use covid_testing::{HttpServer, Output, Sandbox, assert_run};

use crate::run;

#[test]
fn unknown_settings_are_errors() {
    assert_run!(run(&Sandbox::new().env("COVID_STOER", "x"), &["-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the environment variable COVID_STOER stands for no setting
    hint: did you mean COVID_STORE?
    "#);
    let sandbox = Sandbox::new();
    sandbox.write("my.toml", "[gate]\nlevle = 0.1\n");
    assert_run!(run(&sandbox, &["-q", "--config", "my.toml"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the settings file `my.toml` sets `gate.levle`, which is not a setting
    hint: did you mean `gate.level`?
    "#);
}

#[test]
fn values_outside_their_range_are_errors() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["-q", "--horizon", "61"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: horizon must be from 1 to 60 days, not 61
    hint: change horizon on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["-q", "--horizon", "0"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: horizon must be from 1 to 60 days, not 0
    hint: change horizon on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["-q", "--horizon=-1"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the command line sets `prediction.horizon` to `-1`, which it cannot be: invalid value: integer `-1`, expected usize
    hint: `prediction.horizon`: Days ahead that are predicted, 1 to 60.
    "#);
    assert_run!(run(&sandbox, &["-q", "--as-of", "2020-13-01"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the flag --as-of sets `as_of` to `2020-13-01`, which it cannot be: failed to parse two digit integer as month: parameter 'month' is not in the required range of 1..=12
    hint: `as_of`: The as-of date, YYYY-MM-DD: nothing looks past it. Not set: the last date of the source.
    "#);
    assert_run!(run(&sandbox, &["-q", "--dataset", "../elsewhere"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --dataset must be at most 100 letters, digits, `-`, `_` or `.`, the first a letter or digit, not `../elsewhere`
    hint: change --dataset on the command line or in the settings
    "#);
    assert_run!(run(&sandbox, &["-q", "--repair", "magic"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the flag --repair sets `repair` to `magic`, which it cannot be: unknown variant `magic`, expected `none` or `monotone`
    hint: `repair`: What to do about cumulative counts that fall: `monotone` (lower the earlier counts, never the latest published one) or `none`. Forecasts start from repaired counts; what models learn from past days, and scores, are of the published ones.
    ");
    assert_run!(run(&sandbox.env("COVID_GATE_LEVEL", "2"), &["-q"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: gate.level must be above 0 and at most 0.5, not 2
    hint: change gate.level on the command line or in the settings
    "#);
}

#[test]
fn stores_and_trackers_that_cannot_be_used_are_errors() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    assert_run!(run(&sandbox, &["-q", "--store", "file:file"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: file cannot be used as a store: it is not a folder
    hint: name a folder, or a path where one can be created (`--store file:PATH`)
    "#);
    assert_run!(run(&sandbox, &["-q", "--store", "file:file/store"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the database of flow runs file/store/flow.db cannot be written to: its folder cannot be created: Not a directory (os error 20)
    hint: choose a path that you may write to (`--store file:PATH`)
    ");
    assert_run!(run(&sandbox, &["-q", "--store", "s3://bucket name/prefix"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `s3://bucket name/prefix` cannot be used as a store: a bucket's name has 3 to 63 lower-case letters, digits, `-` and `.`, and begins and ends with a letter or digit
    hint: write `s3://BUCKET/PREFIX`; credentials come from the environment, such as AWS_PROFILE
    "#);
    assert_run!(run(&sandbox, &["-q", "--tracking", "sqlite:///mlflow.db"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `sqlite:///mlflow.db` cannot be used as a tracker: that is a store of MLflow's own, which only MLflow may write to
    hint: use `embedded:PATH`, or start `mlflow server` on that store and name its `http://` address
    "#);
    assert_run!(run(&sandbox, &["-q", "--tracking", "embedded:file/t.db"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the tracking database file/t.db cannot be written to: its folder cannot be created: File exists (os error 17)
    hint: choose a path that you may write to (`--store file:PATH`, or `--tracking embedded:PATH`)
    "#);
}

#[test]
fn s3_without_credentials_or_a_server_is_an_error_that_says_what_to_set() {
    // Nothing is asked of a network: not even whether this machine is one of AWS.
    let sandbox = Sandbox::new().env("AWS_EC2_METADATA_DISABLED", "true");
    let args = ["runs", "-q", "--store", "s3://bucket/prefix"];
    assert_run!(run(&sandbox, &args), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `prefix/sample/predictions/commits/*` in the S3 bucket `bucket` could not be listed: no region is set (A region must be set when sending requests to S3.)
    hint: set AWS_REGION to the region of the bucket
    "#);
    let sandbox = sandbox.env("AWS_REGION", "eu-west-1");
    assert_run!(run(&sandbox, &args), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `prefix/sample/predictions/commits/*` in the S3 bucket `bucket` could not be listed: no credentials could be had (no providers in chain provided credentials)
    hint: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role
    "#);
    let sandbox = sandbox.env("AWS_ACCESS_KEY_ID", "KEY").env("AWS_SECRET_ACCESS_KEY", "SECRET");
    let sandbox = sandbox.env("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1").env("AWS_MAX_ATTEMPTS", "1");
    assert_run!(run(&sandbox, &args), @r#"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    error: `prefix/sample/predictions/commits/*` in the S3 bucket `bucket` could not be listed: there was no answer (Connection refused (os error 111))
    hint: check the network and the endpoint (AWS_ENDPOINT_URL_S3)
    "#);
}

#[test]
fn a_proxy_is_asked_for_s3_elsewhere_but_not_for_s3_on_this_machine() {
    let server = HttpServer::start();
    let paths = |proxy: &str, endpoint: &str| {
        let sandbox = Sandbox::new().env("AWS_ACCESS_KEY_ID", "KEY").env("AWS_SECRET_ACCESS_KEY", "SECRET");
        let sandbox =
            sandbox.env("HTTP_PROXY", proxy).env("AWS_ENDPOINT_URL_S3", endpoint).env("AWS_MAX_ATTEMPTS", "1");
        // The server has no such bucket: that it is asked is enough.
        assert!(!run(&sandbox, &["runs", "-q", "--store", "s3://bucket/prefix"]).success());
        server.requests().into_iter().map(|request| request.path).collect::<Vec<_>>()
    };
    let there = paths(&server.url(""), "http://s3.example");
    assert!(there.len() == 1 && there[0].starts_with("http://s3.example/bucket"), "{there:?}");
    let here = paths("http://127.0.0.1:1", &server.url(""));
    assert!(here.len() == 1 && here[0].starts_with("/bucket"), "{here:?}");
}

/// What `runs` on S3 says, with a server for who needs one.
fn on_s3(sandbox: Sandbox, endpoint: &str, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let keys = [("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", "hush"), ("AWS_REGION", "eu-west-1")];
    let given = [("AWS_ENDPOINT_URL_S3", endpoint), ("AWS_EC2_METADATA_DISABLED", "true")];
    let sandbox =
        keys.iter().chain(&given).chain(variables).fold(sandbox, |sandbox, (name, value)| sandbox.env(name, value));
    run(&sandbox, &[&["runs", "--store", "s3://bucket/prefix"], args].concat())
}

#[test]
fn a_setting_of_aws_that_cannot_be_obeyed_is_named() {
    let server = HttpServer::start();
    assert_run!(on_s3(Sandbox::new(), &server.url(""), &[("AWS_MAX_ATTEMPTS", "abc")], &["-q"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: AWS_MAX_ATTEMPTS cannot be `abc`: it must be a whole number above 0
    hint: set AWS_MAX_ATTEMPTS to the number of tries, such as 3
    ");
    assert_run!(on_s3(Sandbox::new(), &server.url(""), &[("AWS_RETRY_MODE", "foo")], &["-q"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: AWS_RETRY_MODE cannot be `foo`: it must be `standard` or `adaptive`
    hint: set AWS_RETRY_MODE to one of them
    ");
    assert_run!(on_s3(Sandbox::new(), "127.0.0.1:8333", &[], &["-q"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: AWS_ENDPOINT_URL_S3 cannot be `<server>`: it is no address of a server
    hint: write http://HOST:PORT, or https://HOST
    ");
    assert_run!(on_s3(Sandbox::new(), "http://u:hush@127.0.0.1:8333", &[], &["-q"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: AWS_ENDPOINT_URL_S3 cannot be `http://<redacted>@<server>`: it names a user
    hint: write http://HOST:PORT, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for who asks
    ");
    assert_run!(on_s3(Sandbox::new(), &server.url(""), &[("AWS_PROFILE", "nope"), ("AWS_ACCESS_KEY_ID", "")], &["-q"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: AWS_PROFILE cannot be `nope`: there is no such profile
    hint: name a profile of ~/.aws/config or ~/.aws/credentials (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE)
    ");
    let sandbox = Sandbox::new();
    sandbox.write(".aws/config", "[default]\nmax_attempts = many\n");
    let file = sandbox.path().join(".aws/config").display().to_string();
    assert_run!(on_s3(sandbox, &server.url(""), &[("AWS_CONFIG_FILE", &file)], &["-q"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `max_attempts` of the AWS profile `default` cannot be `many`: it must be a whole number above 0
    hint: set AWS_MAX_ATTEMPTS to the number of tries, such as 3
    ");
    let sandbox = Sandbox::new();
    sandbox.write(
        "config",
        "[default]\nservices = own\nmax_attempts = 1\n[services own]\ns3 =\n  endpoint_url = localhost:1\n",
    );
    let file = sandbox.path().join("config").display().to_string();
    let sandbox = sandbox.env("AWS_CONFIG_FILE", &file).env("AWS_EC2_METADATA_DISABLED", "true");
    assert_run!(run(&sandbox, &["runs", "-q", "--store", "s3://bucket/prefix"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `endpoint_url` of the AWS profile cannot be `localhost:1`: it is no address of a server
    hint: write http://HOST:PORT, or https://HOST
    ");
    // An empty value is none: then it is AWS itself that is asked, here by a proxy that is not there.
    let proxy = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("AWS_MAX_ATTEMPTS", "1")];
    assert_run!(on_s3(Sandbox::new(), "", &proxy, &["-q"]), @"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    error: `prefix/sample/predictions/commits/*` in the S3 bucket `bucket` could not be listed: there was no answer (CONNECT tunnel failed: tunnel error: failed to create underlying connection)
    hint: check the network and the endpoint (AWS_ENDPOINT_URL_S3)
    ");
    for (name, value) in [
        ("AWS_MAX_ATTEMPTS", "0"),
        ("AWS_MAX_ATTEMPTS", "-1"),
        ("AWS_ENDPOINT_URL_S3", "localhost:8333"),
        ("AWS_ENDPOINT_URL_S3", "notaurl"),
        ("AWS_ENDPOINT_URL", "notaurl"),
    ] {
        let output = on_s3(Sandbox::new(), &server.url(""), &[(name, value)], &["-q"]);
        let is_told = output.stderr.starts_with(&format!("error: {name} cannot be `{value}`: it "))
            && !output.stderr.contains("panic");
        assert!(
            is_told && output.stderr.contains("\nhint: ") && output.to_string().starts_with("exit: 2\n"),
            "{output}"
        );
    }
    assert!(server.requests().is_empty(), "nobody is asked");
}

#[test]
fn no_verbosity_shows_what_s3_is_sent() {
    let server = HttpServer::start();
    for verbosity in [
        &[("RUST_LOG", "trace")],
        &[("RUST_LOG", "aws_smithy_runtime=trace,hyper=trace,aws_sigv4=trace")],
        &[("RUST_LOG", "")],
    ] {
        let token = [("AWS_SESSION_TOKEN", "canary-token"), ("AWS_MAX_ATTEMPTS", "1")];
        let output = on_s3(Sandbox::new(), &server.url(""), &[&token[..], verbosity].concat(), &["-vv"]);
        assert!(!output.success() && output.stderr.contains("bucket"), "{output}");
        let seen = server.requests().remove(0);
        let (sent, signature) = (&seen.headers["x-amz-security-token"], &seen.headers["authorization"]);
        assert_eq!(sent, "canary-token");
        let signature = signature.rsplit_once('=').unwrap().1;
        for secret in ["canary", "hush", signature] {
            assert!(!output.to_string().contains(secret), "{output}");
        }
    }
    let output = on_s3(Sandbox::new(), "http://u:hush@127.0.0.1:1", &[("RUST_LOG", "trace")], &["-vv"]);
    assert!(!output.to_string().contains("hush"), "{output}");
    let of_a_task = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary\n"),
    ];
    let output = on_s3(Sandbox::new(), &server.url(""), &of_a_task, &[]);
    assert!(output.code == Some(2) && output.stderr.contains("failed to parse header value"), "{output}");
    assert!(!output.to_string().contains("canary"), "{output}");
}
