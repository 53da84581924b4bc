//! The report in S3: a real server, and `--store s3://...` alone.

use covid_testing::{S3Server, Sandbox};

use crate::run;

#[test]
fn report_and_lists_are_those_of_a_folder() {
    let Some(server) = S3Server::find() else { return };
    let uri = server.new_store();
    let sandbox = server.known_in(Sandbox::new(), &server.admin);
    let output = run(&sandbox, &["--store", &uri]);
    assert!(output.success(), "{output}");
    assert!(output.stdout.contains(&format!("report: {uri}/sample/eda/as_of=2021-06-04/report.html")), "{output}");
    assert_eq!(sandbox.files(), Vec::<String>::new(), "nothing is written on this machine");

    let folder = Sandbox::new();
    assert!(run(&folder, &["-q"]).success());
    let objects = server.objects(&uri);
    assert!(objects.keys().any(|key| key.ends_with("/report.html")), "{:?}", objects.keys());
    for (key, content) in objects {
        assert!(content == folder.read(&format!("store/{key}")), "`{key}` is that of a folder");
    }
}
