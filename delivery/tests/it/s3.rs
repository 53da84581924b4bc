//! The loop in S3: a real server, and `--store s3://...` alone.

use covid_testing::{S3Server, Sandbox};

use crate::run;

#[test]
fn the_loop_keeps_its_results_in_the_bucket_and_has_nothing_to_do_the_second_time() {
    let Some(server) = S3Server::find() else { return };
    let uri = server.new_store();
    let sandbox = server.known_in(Sandbox::new(), &server.admin);
    let first = run(&sandbox, &["--store", &uri]);
    assert!(first.success(), "{first}");
    assert!(first.stderr.contains("experiments and models are kept at embedded:./store/tracking.db"), "{first}");
    for manifest in ["backdated/monitoring", "predictions"] {
        assert!(first.stdout.contains(&format!("{uri}/sample/{manifest}/commits/as_of=2021-06-04/")), "{first}");
    }
    let written = server.objects(&uri);
    let second = run(&sandbox, &["--store", &uri, "-q"]);
    assert!(second.success() && second.stdout.contains("already done"), "{second}");
    assert_eq!(server.objects(&uri).into_keys().collect::<Vec<_>>(), written.keys().cloned().collect::<Vec<_>>());

    // The bucket has what a folder would have, and this machine nothing of it.
    let folder = Sandbox::new();
    assert!(run(&folder, &["-q"]).success());
    let files = folder.files();
    assert_eq!(written.len(), files.iter().filter(|file| file.starts_with("store/sample/")).count(), "{files:?}");
    for kind in ["/monitoring/csv/", "/predictions/csv/"] {
        let remote = written.iter().find(|(key, _)| key.contains(kind)).unwrap().1;
        let local = files.iter().find(|file| file.contains(kind)).unwrap();
        assert_eq!(String::from_utf8_lossy(remote).lines().count(), folder.read(local).lines().count(), "{kind}");
    }
    assert!(
        written.keys().any(|key| key.contains("/monitoring/reports/") && key.ends_with("/report.html")),
        "{files:?}"
    );
    assert!(!sandbox.files().iter().any(|file| file.starts_with("store/sample")), "{:?}", sandbox.files());

    let reader = server.known_in(Sandbox::new(), &server.reader);
    let refused = run(&reader, &["-q", "--store", &server.new_store()]);
    assert!(refused.code == Some(4) && refused.stderr.contains("access is denied"), "{refused}");
}
