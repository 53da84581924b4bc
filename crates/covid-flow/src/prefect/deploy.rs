//! A flow made known to a Prefect server: who may run it, when, and with which parameters.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{POOL_TYPE, Prefect, PrefectError};
use crate::{AnyFlow, CronSchedule, FlowError};

/// What a pool says of itself, to people.
const POOL_DESCRIPTION: &str = "Flow runs of the COVID forecasts; `worker --pool` takes them.";

/// How a flow is to be run under Prefect.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The deployment's name; with the flow's, it is known by `flow/deployment`.
    pub name: String,
    /// The work pool whose workers run it. It is made if it is missing.
    pub pool: String,
    /// The parameters of a run for which nobody gives others, an object; `null` where each run brings its own. They are shown
    /// to everybody: no secrets.
    pub parameters: Value,
    /// When it runs, if it runs by itself.
    pub schedule: Option<CronSchedule>,
    /// Words by which people find it.
    pub tags: Vec<String>,
    /// The version of the program.
    pub version: String,
}

/// What a deployment came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// The deployment's id.
    pub id: String,
    /// What was changed at the server: nothing if all was as it is to be.
    pub changes: Vec<Change>,
}

/// Something that was made or changed at the server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What: ``work pool `laptops` ``, ``deployment `predict/daily`: tags``.
    pub what: String,
    /// How it was; none if it is new.
    pub before: Option<Value>,
    /// How it is.
    pub after: Value,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.before {
            None => write!(f, "+ {}", self.what),
            Some(before) => write!(f, "~ {}: {before} -> {}", self.what, self.after),
        }
    }
}

/// Makes a flow's deployment what it is to be, with its flow and its work pool, and says what that changed.
///
/// What people set at the server and a deployment here has no word for stays: that it is paused, say, or limits. Its schedule
/// is only replaced where its times differ, so that one which somebody switched off stays off.
///
/// # Errors
/// For parameters that do not fit the flow, a name that Prefect would refuse, a work pool of another type, and failed calls.
pub async fn deploy(prefect: &Prefect, flow: &AnyFlow, deployment: &Deployment) -> Result<Deployed, PrefectError> {
    if !deployment.parameters.is_null() {
        flow.check(&deployment.parameters)?;
    }
    check_name("name of a deployment", &deployment.name)?;
    check_name("name of a work pool", &deployment.pool)?;
    let mut changes = Vec::new();
    let flow_id = deploy_flow(prefect, flow.name(), &mut changes).await?;
    deploy_pool(prefect, &deployment.pool, &mut changes).await?;
    let id = deploy_deployment(prefect, flow, &flow_id, deployment, &mut changes).await?;
    Ok(Deployed { id, changes })
}

fn check_name(what: &'static str, name: &str) -> Result<(), FlowError> {
    if name.is_empty() || name.contains(['/', '%', '&', '>', '<']) || name.contains(char::is_control) {
        let reason = "it must be there, without `/`, `%`, `&`, `<` and `>`";
        return Err(FlowError::BadName { what, name: name.to_owned(), reason });
    }
    // Prefect keeps those that begin so for its own pools.
    if name.to_lowercase().starts_with("prefect") {
        let reason = "names that begin with `prefect` are Prefect's own";
        return Err(FlowError::BadName { what, name: name.to_owned(), reason });
    }
    Ok(())
}

async fn deploy_flow(prefect: &Prefect, name: &str, changes: &mut Vec<Change>) -> Result<String, PrefectError> {
    if let Some(id) = prefect.find_flow(name).await? {
        return Ok(id);
    }
    let id = prefect.upsert_flow(name).await?;
    changes.push(made(format!("flow `{name}`"), json!({ "name": name })));
    Ok(id)
}

async fn deploy_pool(prefect: &Prefect, pool: &str, changes: &mut Vec<Change>) -> Result<(), PrefectError> {
    let what = format!("work pool `{pool}`");
    let Some(found) = prefect.find_pool(pool).await? else {
        let document = json!({ "name": pool, "type": POOL_TYPE, "description": POOL_DESCRIPTION });
        prefect.create_pool(&document).await?;
        changes.push(made(what, document));
        return Ok(());
    };
    if found.kind != POOL_TYPE {
        return Err(PrefectError::ForeignPool { pool: pool.to_owned(), found: found.kind });
    }
    if found.description.as_deref() != Some(POOL_DESCRIPTION) {
        let after = json!({ "description": POOL_DESCRIPTION });
        prefect.change_pool(pool, &after).await?;
        let before = Some(json!({ "description": found.description }));
        changes.push(Change { what, before, after });
    }
    Ok(())
}

async fn deploy_deployment(
    prefect: &Prefect,
    flow: &AnyFlow,
    flow_id: &str,
    deployment: &Deployment,
    changes: &mut Vec<Change>,
) -> Result<String, PrefectError> {
    let (what, wanted) = (format!("deployment `{}/{}`", flow.name(), deployment.name), fields(flow, deployment));
    let Some(found) = prefect.find_deployment(flow.name(), &deployment.name).await? else {
        let mut document = wanted.clone();
        document.extend([("name".to_owned(), json!(deployment.name)), ("flow_id".to_owned(), json!(flow_id))]);
        let id = prefect.create_deployment(&document.into()).await?;
        changes.push(made(what, wanted.into()));
        return Ok(id);
    };
    let id = found["id"].as_str().unwrap_or_default().to_owned();
    let differing: Map<_, _> = wanted.into_iter().filter(|(name, value)| &seen(&found, name) != value).collect();
    if !differing.is_empty() {
        prefect.change_deployment(&id, &differing.clone().into()).await?;
    }
    changes.extend(differing.into_iter().map(|(name, after)| {
        let before = Some(seen(&found, &name));
        Change { what: format!("{what}: {name}"), before, after }
    }));
    Ok(id)
}

fn made(what: String, after: Value) -> Change {
    Change { what, before: None, after }
}

/// What is to be so at the server.
fn fields(flow: &AnyFlow, deployment: &Deployment) -> Map<String, Value> {
    let schedule = |cron: &CronSchedule| json!({ "schedule": { "cron": cron.pattern(), "timezone": cron.time_zone(), "day_or": true }, "active": true });
    let schedules: Vec<_> = deployment.schedule.iter().map(schedule).collect();
    let parameters = if deployment.parameters.is_null() { json!({}) } else { deployment.parameters.clone() };
    let mut tags = deployment.tags.clone();
    tags.sort();
    tags.dedup();
    let pairs = [
        ("description", json!(flow.description())),
        ("enforce_parameter_schema", json!(true)),
        ("parameter_openapi_schema", flow.schema().clone()),
        ("parameters", parameters),
        ("schedules", json!(schedules)),
        ("tags", json!(tags)),
        ("version", json!(deployment.version)),
        ("work_pool_name", json!(deployment.pool)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A field as the server has it, in the form of [`fields`].
fn seen(found: &Value, name: &str) -> Value {
    let mut value = found[name].clone();
    match (name, value.as_array_mut()) {
        ("tags", Some(tags)) => tags.sort_by(|a, b| a.as_str().cmp(&b.as_str())),
        ("schedules", Some(schedules)) => schedules.iter_mut().for_each(|schedule| {
            let times = schedule["schedule"].take();
            // Whether it is switched on is for the people at the server to say.
            *schedule = json!({ "schedule": times, "active": true });
        }),
        _ => {}
    }
    value
}
