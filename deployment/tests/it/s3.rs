//! Predictions in S3: a real server, `--store s3://...`, and nothing else.

use std::collections::BTreeMap;

use covid_testing::{S3Server, Sandbox};

use crate::run;

/// Keys without what differs from run to run, with how many there are.
fn folders(keys: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for key in keys {
        let folder = key.split_once("/as_of=").or(key.rsplit_once('/')).map(|(folder, _)| folder.to_owned());
        *counts.entry(folder.unwrap_or_default()).or_insert(0) += 1;
    }
    counts.into_iter().map(|(folder, count)| format!("{folder}: {count}")).collect()
}

#[test]
fn everything_works_as_in_a_folder_and_the_rows_are_the_same() {
    let Some(server) = S3Server::find() else { return };
    let uri = server.new_store();
    let sandbox = server.known_in(Sandbox::new().env("COVID_STORE", &uri), &server.admin);
    let first = run(&sandbox, &[]);
    assert!(first.success(), "{first}");
    assert!(first.stderr.contains("experiments and models are kept at embedded:./store/tracking.db"), "{first}");
    assert!(first.stdout.contains(&format!("manifest: {uri}/sample/predictions/commits/as_of=2021-06-04/")), "{first}");
    let second = run(&sandbox, &["-q"]);
    assert!(second.success() && second.stdout.contains("already done: run "), "{second}");

    assert_eq!(
        folders(server.objects(&uri).into_keys()),
        [
            "sample/predictions/commits: 1",
            "sample/predictions/csv: 1",
            "sample/predictions/data: 1",
            "sample/predictions/plans: 1",
            "sample/vintages: 1"
        ]
    );
    let local = sandbox.files();
    let kept = |file: &String| {
        ["store/artifacts/", "store/tracking.db", "store/flow.db"].iter().any(|kept| file.starts_with(kept))
    };
    assert!(local.iter().all(kept) && local.contains(&"store/tracking.db".to_owned()), "{local:?}");

    let runs = run(&sandbox, &["runs", "-q"]);
    assert!(runs.success() && runs.stdout.contains("covid-predictor-sample 1   672  yes"), "{runs}");
    let shown = run(&sandbox, &["show", "--location", "World", "-q"]);
    assert!(shown.success() && shown.stdout.starts_with("World (sum of 48 locations)"), "{shown}");
    assert!(run(&sandbox, &["export", "--data-only", "-q", "--out", "rows.csv"]).success());

    let folder = Sandbox::new();
    assert!(run(&folder, &["-q"]).success());
    assert!(run(&folder, &["export", "--data-only", "-q", "--out", "rows.csv"]).success());
    assert!(sandbox.read("rows.csv") == folder.read("rows.csv"), "S3 and a folder hold the same rows");
}

#[test]
fn a_sweep_removes_what_no_manifest_names() {
    let Some(server) = S3Server::find() else { return };
    let uri = server.new_store();
    let sandbox = server.known_in(Sandbox::new().env("COVID_STORE", &uri), &server.admin);
    assert!(run(&sandbox, &["-q"]).success());
    let before = server.objects(&uri);
    let part = before.keys().find(|key| key.contains("/part-")).unwrap();
    server.put(&uri, &part.replace(".parquet", "-left-behind.parquet"), "half");
    let swept = run(&sandbox, &["sweep", "-q"]);
    assert!(swept.success() && swept.stdout.starts_with("1 parts removed"), "{swept}");
    assert_eq!(server.objects(&uri), before, "the rest is as it was, to the byte");
}

#[test]
fn who_may_only_read_sees_runs_and_makes_none() {
    let Some(server) = S3Server::find() else { return };
    let uri = server.new_store();
    let sandbox = server.known_in(Sandbox::new().env("COVID_STORE", &uri), &server.admin);
    assert!(run(&sandbox, &["-q"]).success());
    let before = server.objects(&uri);

    let sandbox = server.known_in(sandbox, &server.reader);
    let runs = run(&sandbox, &["runs", "-q"]);
    assert!(runs.success() && runs.stdout.contains("  yes"), "{runs}");
    let refused = run(&sandbox, &["-q", "--horizon", "9"]);
    assert_eq!(refused.code, Some(4), "{refused}");
    assert!(
        refused.stderr.contains("in the S3 bucket `covid-test` could not be written: access is denied"),
        "{refused}"
    );
    assert!(refused.stderr.contains("\nhint: the credentials need s3:ListBucket on the bucket, and "), "{refused}");
    assert!(!refused.to_string().contains(&server.reader.secret), "no secret is shown");
    assert_eq!(server.objects(&uri), before, "nothing was written");
}
