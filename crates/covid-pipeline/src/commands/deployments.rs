//! The deployments of the flows as documents, for who is handed the programs: what `deploy` would make at a server, without one.

use std::iter;

use covid_cli::{CommonArgs, Session};
use covid_core::Fault;
use covid_flow::{AnyFlow, CronSchedule, prefect::Deployment};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    deploy::{dataset, with_parts},
    flows,
    serve::flow_and_pattern,
};
use crate::{
    Parameters, PipelineError, Settings,
    flows::{DELIVER, MONITOR, PREDICT, TRAIN_AND_PROMOTE},
};

/// What deployments are to be like, beside what the settings say.
#[derive(Debug, Clone, clap::Args)]
pub struct Wishes {
    /// When the loop runs by itself: minute, hour, day of the month, month, day of the week. `FLOW=CRON` is for another flow of
    /// the project, and the flag may be given again
    #[arg(long, value_name = "CRON")]
    cron: Vec<String>,
    /// The time zone of the schedules, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
    /// A word by which people find the deployments; the flag may be given again
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
}

/// A flow's deployment, for people and other programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeploymentDocument {
    /// The flow.
    pub flow: String,
    /// What it does.
    pub description: String,
    /// The deployment's name; with the flow's, it is known by `flow/name`.
    pub name: String,
    /// The work pool whose workers run it.
    pub work_pool: String,
    /// The version of the programs.
    pub version: String,
    /// Words by which people find it.
    pub tags: Vec<String>,
    /// When it runs by itself, if it does.
    pub schedule: Option<Times>,
    /// The parameters of its runs, an object. What is left out is as the settings of the worker say: a store in a folder, say.
    pub parameters: Value,
    /// The JSON schema of the parameters.
    pub parameter_schema: Value,
    /// The command that makes it at the server of `PREFECT_API_URL`, for a shell in the folder that has `bin/`.
    pub command: String,
}

/// The times of a schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Times {
    /// As cron writes them.
    pub cron: String,
    /// In which time zone.
    pub timezone: String,
}

/// The deployments that `deploy` would make of the project's flows on these settings, away from this machine.
///
/// # Errors
/// For a schedule that cannot be read or is for no flow of the project, and settings that are out of range.
pub fn deployments(session: &Session, settings: Settings, wishes: &Wishes) -> Result<Vec<DeploymentDocument>, Fault> {
    let settings = settings.checked()?;
    let flows = flows(session, &settings)?;
    let schedules = schedules(wishes, |flow| Ok(flows.get(flow)?.name()))?;
    let changed = changed_parameters(&settings)?;
    let mut documents: Vec<DeploymentDocument> = Vec::new();
    for own in [TRAIN_AND_PROMOTE, PREDICT, MONITOR, DELIVER] {
        let schedule = schedules.iter().find(|(flow, _)| *flow == own).map(|(_, times)| times.clone());
        let deployment = deployment(&settings, wishes, schedule)?;
        let command = command(own, &deployment, &changed);
        for (flow, deployment) in with_parts(own, deployment, &settings) {
            // That of the parts is there once, whoever splits.
            if documents.iter().all(|document| document.flow != flow) {
                documents.push(document(flows.get(flow)?, deployment, &command));
            }
        }
    }
    Ok(documents)
}

fn schedules<'a>(
    wishes: &Wishes,
    flow_named: impl Fn(&str) -> Result<&'a str, Fault>,
) -> Result<Vec<(&'a str, CronSchedule)>, Fault> {
    let mut schedules: Vec<(&str, CronSchedule)> = Vec::new();
    for cron in &wishes.cron {
        let (flow, pattern) = flow_and_pattern(cron, DELIVER);
        let flow = flow_named(flow)?;
        if schedules.iter().any(|(other, _)| *other == flow) || flow == crate::flows::PREDICT_SHARD {
            let (name, range) = ("--cron", "given once for a flow that runs by itself");
            return Err(PipelineError::BadSetting { name, range, value: cron.clone() }.into());
        }
        schedules.push((flow, CronSchedule::new(pattern, &wishes.timezone)?));
    }
    Ok(schedules)
}

fn deployment(settings: &Settings, wishes: &Wishes, schedule: Option<CronSchedule>) -> Result<Deployment, Fault> {
    Ok(Deployment {
        name: dataset(settings),
        pool: settings.prefect.pool.clone(),
        parameters: portable_parameters(settings)?.into(),
        schedule,
        tags: wishes.tags.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn portable_parameters(settings: &Settings) -> Result<Map<String, Value>, Fault> {
    match Parameters::of(settings)?.for_any_machine().document()? {
        Value::Object(parameters) => Ok(parameters),
        _ => Ok(Map::new()),
    }
}

/// The parameters that are not as the defaults have them.
fn changed_parameters(settings: &Settings) -> Result<Map<String, Value>, Fault> {
    let defaults: Settings = covid_cli::settings(&CommonArgs::default(), &[], iter::empty())?;
    let defaults = portable_parameters(&defaults)?;
    let parameters = portable_parameters(settings)?.into_iter();
    Ok(parameters.filter(|(name, value)| defaults.get(name) != Some(value)).collect())
}

fn document(flow: &AnyFlow, deployment: Deployment, command: &str) -> DeploymentDocument {
    let times = |schedule: CronSchedule| Times {
        cron: schedule.pattern().to_owned(),
        timezone: schedule.time_zone().to_owned(),
    };
    let parameters = if deployment.parameters.is_null() { Map::new().into() } else { deployment.parameters };
    DeploymentDocument {
        flow: flow.name().to_owned(),
        description: flow.description().to_owned(),
        name: deployment.name,
        work_pool: deployment.pool,
        version: deployment.version,
        tags: deployment.tags,
        schedule: deployment.schedule.map(times),
        parameters,
        parameter_schema: flow.schema().clone(),
        command: command.to_owned(),
    }
}

/// The command that makes a deployment, with what is not as by default.
fn command(flow: &str, deployment: &Deployment, changed: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (mut variables, mut flags) = (Vec::new(), Vec::new());
    for (name, value) in changed {
        match name.as_str() {
            // Not every program has a flag for these.
            "horizon" | "shards" => {
                variables.push(format!("COVID_PREDICTION_{}={} ", name.to_uppercase(), text(value)));
            }
            name => flags.extend([format!("--{}", name.replace('_', "-")), text(value)]),
        }
    }
    flags.extend(["--pool".to_owned(), deployment.pool.clone(), "--name".to_owned(), deployment.name.clone()]);
    if let Some(schedule) = &deployment.schedule {
        let (cron, timezone) = (schedule.pattern().to_owned(), schedule.time_zone().to_owned());
        flags.extend(["--cron".to_owned(), cron, "--timezone".to_owned(), timezone]);
    }
    flags.extend(deployment.tags.iter().flat_map(|tag| ["--tag".to_owned(), tag.clone()]));
    let flags: Vec<String> = flags.iter().map(|word| quoted(word)).collect();
    format!("{}bin/{} {}", variables.concat(), deploys(flow), flags.join(" "))
}

/// The program's command that deploys a flow.
fn deploys(flow: &str) -> String {
    match flow {
        PREDICT => "deployment deploy".to_owned(),
        MONITOR => "monitoring deploy".to_owned(),
        DELIVER => "delivery deploy".to_owned(),
        flow => format!("delivery deploy --flow {flow}"),
    }
}

/// A word as a POSIX shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word_in_a_shell() {
        assert_eq!(quoted("s3://bucket/a-b"), "s3://bucket/a-b");
        assert_eq!(quoted("30 6 * * *"), "'30 6 * * *'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
