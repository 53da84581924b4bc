//! Training beside a store in S3: the registry is on this machine, and says so.

use covid_testing::{S3Server, Sandbox};

use crate::run;

#[test]
fn the_embedded_registry_stays_on_this_machine_and_says_where() {
    let Some(server) = S3Server::find() else { return };
    let uri = server.new_store();
    let sandbox = server.known_in(Sandbox::new(), &server.admin);
    let first = run(&sandbox, &["--store", &uri]);
    assert!(first.success() && first.stdout.contains("is registered as version 1 of "), "{first}");
    assert!(first.stderr.contains("experiments and models are kept at embedded:./store/tracking.db"), "{first}");
    let second = run(&sandbox, &["--store", &uri, "-q"]);
    assert!(second.success() && second.stdout.contains(": nothing to do"), "{second}");
    assert!(server.objects(&uri).is_empty(), "a model belongs to the registry, not to the store");
}
