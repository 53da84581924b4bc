//! Counts in the text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};

use covid_core::Timestamp;

use super::board::Known;

pub(super) fn text(known: &Known) -> String {
    let mut text = Text(String::new());
    text.metric("covid_flow_runs_total", "counter", "Flow runs that ended, by flow and state.");
    for (flow, counts) in &known.flows {
        for (state, count) in &counts.ended {
            text.value("covid_flow_runs_total", &[("flow", flow), ("state", state.name())], count);
        }
    }
    text.metric("covid_flow_runs_running", "gauge", "Flow runs at work.");
    for (flow, counts) in &known.flows {
        text.value("covid_flow_runs_running", &[("flow", flow)], counts.running);
    }
    text.metric("covid_flow_run_duration_seconds", "summary", "How long the flow runs took that ended.");
    for (flow, counts) in &known.flows {
        text.value("covid_flow_run_duration_seconds_sum", &[("flow", flow)], counts.seconds);
        text.value("covid_flow_run_duration_seconds_count", &[("flow", flow)], counts.timed);
    }
    text.metric("covid_flow_last_success_timestamp_seconds", "gauge", "When a flow run was last Completed.");
    for (flow, counts) in &known.flows {
        text.instant("covid_flow_last_success_timestamp_seconds", ("flow", flow), counts.last_success);
    }
    text.metric("covid_schedule_next_timestamp_seconds", "gauge", "The next time of a schedule.");
    for (name, schedule) in &known.schedules {
        text.instant("covid_schedule_next_timestamp_seconds", ("schedule", name), schedule.next);
    }
    text.metric("covid_schedule_last_success_timestamp_seconds", "gauge", "When a schedule's run was last Completed.");
    for (name, schedule) in &known.schedules {
        text.instant("covid_schedule_last_success_timestamp_seconds", ("schedule", name), schedule.last_success);
    }
    text.metric("covid_schedule_missed_total", "counter", "Times of a schedule that nothing was run for.");
    for (name, schedule) in &known.schedules {
        text.value("covid_schedule_missed_total", &[("schedule", name)], schedule.missed);
    }
    text.0
}

struct Text(String);

// Writing to a string does not fail.
impl Text {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let _ = writeln!(self.0, "{name}{{{}}} {value}", labels.join(","));
    }

    fn instant(&mut self, name: &str, label: (&str, &str), instant: Option<Timestamp>) {
        if let Some(instant) = instant {
            self.value(name, &[label], instant.as_second());
        }
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
