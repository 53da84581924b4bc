//! The loop and the monitor with a Prefect server (live): any stage's worker runs the flows of all.

use std::process::{Child, Stdio};

use covid_testing::{Sandbox, prefect::PrefectServer};
use serde_json::json;

use crate::run;

struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_worker_of_delivery_runs_the_flows_of_every_stage_and_an_alert_is_an_artifact() {
    let Some(server) = PrefectServer::find() else { return };
    let pool = PrefectServer::new_name("delivery");
    // The champion is of the first day; what it forecasts is judged by a rule that nothing can keep.
    let sandbox = server.known_in(Sandbox::new(), &pool).env("COVID_MONITORING_RULES_NAIVE_BELOW", "0.99");
    assert!(run(&sandbox, &["-q", "--as-of", "2021-05-20"]).success());
    let Some(monitoring) = Sandbox::beside(env!("CARGO_BIN_EXE_delivery"), "monitoring") else { return };
    let deploy = ["deploy", "-q", "--as-of", "2021-05-27", "--name", &pool];
    for (bin, flow) in [(monitoring.as_str(), "monitor"), (env!("CARGO_BIN_EXE_delivery"), "deliver")] {
        let deployed = sandbox.run(bin, &deploy);
        assert!(deployed.success() && deployed.stdout.contains(&format!("+ deployment `{flow}/{pool}`")), "{deployed}");
    }
    let refused = sandbox.run(&monitoring, &["deploy", "-q", "--shards", "3"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("--shards"), "{refused}");

    let mut command = sandbox.command(env!("CARGO_BIN_EXE_delivery"), &["worker", "--listen", "127.0.0.1:0"]);
    let _worker = Worker(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    for (flow, artifacts) in [("monitor", 1), ("deliver", 2)] {
        let id = server.trigger(&format!("{flow}/{pool}"));
        server.reaches(&id, "COMPLETED");
        let mut found = server.filter("artifacts", &json!({ "flow_runs": { "id": { "any_": [id] } } }));
        found.sort_by_key(|artifact| artifact["key"].to_string());
        assert_eq!(found.len(), artifacts, "{found:?}");
        let verdict = found.last().unwrap();
        assert_eq!(verdict["key"], "monitoring-sample");
        assert!(verdict["data"].as_str().unwrap().starts_with("- **critical, naive"), "{verdict}");
    }
}
