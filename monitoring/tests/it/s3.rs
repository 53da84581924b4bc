//! Scores in S3: a real server, and `--store s3://...` alone.

use covid_testing::{S3Server, Sandbox};

use crate::run;

#[test]
fn scores_are_committed_and_found_again() {
    let Some(server) = S3Server::find() else { return };
    let uri = server.new_store();
    let sandbox = server.known_in(Sandbox::new(), &server.admin);
    let first = run(&sandbox, &["--store", &uri]);
    assert!(first.success(), "{first}");
    assert!(first.stderr.contains("experiments and models are kept at embedded:./store/tracking.db"), "{first}");
    let manifest = format!("manifest: {uri}/sample/backdated/monitoring/commits/as_of=2021-06-04/");
    assert!(first.stdout.contains(&manifest), "{first}");
    let second = run(&sandbox, &["--store", &uri, "-q"]);
    assert!(second.success() && second.stdout.contains("already done: run "), "{second}");

    let folder = Sandbox::new();
    assert!(run(&folder, &["-q"]).success());
    let (objects, files) = (server.objects(&uri), folder.files());
    assert_eq!(objects.len(), files.iter().filter(|file| file.starts_with("store/sample/")).count(), "{files:?}");
    let remote = objects.iter().find(|(key, _)| key.contains("/monitoring/csv/")).unwrap().1;
    let local = files.iter().find(|file| file.contains("/monitoring/csv/")).unwrap();
    assert_eq!(String::from_utf8_lossy(remote).lines().count(), folder.read(local).lines().count());
    assert!(!sandbox.files().iter().any(|file| file.starts_with("store/sample")), "{:?}", sandbox.files());
}
