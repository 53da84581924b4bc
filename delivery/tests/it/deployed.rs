//! The deployments of a package, made at a Prefect server by the commands that stand in them.
#![cfg(unix)]

use std::{os::unix::fs::symlink, path::Path};

use covid_testing::{Sandbox, prefect::PrefectServer};
use serde_json::Value;

use crate::package::{CHECKOUT, PROGRAMS, deployments, moved, shell, workshop};

#[test]
fn the_server_knows_what_the_documents_say() {
    let Some(server) = PrefectServer::find() else { return };
    let name = PrefectServer::new_name("package");
    let maker = workshop().env("COVID_PREFECT_POOL", &name).env("COVID_PREDICTION_HORIZON", "14");
    let args = ["package", "--out", "handed", "--workspace", CHECKOUT, "--dataset", &name, "--repair", "none"];
    let more =
        ["--cron", "20 12 * * *", "--cron", "predict=30 6 * * 1-5", "--timezone", "Europe/Berlin", "--tag", "it's"];
    let made = maker.run(&moved(&maker, &PROGRAMS), &[&args[..], &more].concat());
    assert!(made.success(), "{made}");

    // Nothing but the documents and the programs comes from who made the package.
    let stranger = Sandbox::new().env("PREFECT_API_URL", &server.url);
    let programs = Path::new(env!("CARGO_BIN_EXE_delivery")).parent().unwrap();
    symlink(programs, stranger.path().join("bin")).unwrap();
    for (flow, document) in deployments(&maker.path().join("handed")) {
        let output = shell(&stranger, document["command"].as_str().unwrap());
        assert!(output.success(), "{output}");
        let found = server.get(&format!("/deployments/name/{flow}/{name}")).unwrap();
        assert_same(&document, &found);
    }
}

fn assert_same(document: &Value, found: &Value) {
    let pairs = [
        ("name", "name"),
        ("description", "description"),
        ("work_pool", "work_pool_name"),
        ("version", "version"),
        ("tags", "tags"),
        ("parameter_schema", "parameter_openapi_schema"),
    ];
    for (ours, theirs) in pairs {
        assert_eq!(document[ours], found[theirs], "{ours}");
    }
    let times = &found["schedules"][0]["schedule"];
    assert_eq!(document["schedule"]["cron"], times["cron"]);
    assert_eq!(document["schedule"]["timezone"], times["timezone"]);
    // Who deploys has a store in a folder, which the document cannot know.
    let mut parameters = found["parameters"].clone();
    parameters.as_object_mut().unwrap().remove("store").unwrap();
    assert_eq!(document["parameters"], parameters);
}
