//! `deploy`.

use anyhow::Result;
use covid_cli::{Format, Session, print_json, print_stdout};
use covid_core::Fault;
use covid_flow::{
    CronSchedule,
    prefect::{Change, Deployment, Prefect, deploy},
};
use serde_json::{Value, json};

use super::{check_shared, flows};
use crate::{
    Parameters, PipelineError, Settings,
    flows::{DELIVER, PREDICT, PREDICT_SHARD},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Another flow of the project than the program's own: `train-and-promote`, say
    #[arg(long, value_name = "FLOW")]
    flow: Option<String>,
    /// The work pool, which is made if it is missing [default: the setting `prefect.pool`]
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
    /// The deployment's name [default: the name of the dataset]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// When it runs by itself; without, only when somebody asks for it
    #[arg(long, value_name = "CRON")]
    cron: Option<String>,
    /// The time zone of the schedule, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
    /// Parts into which the locations of a prediction are split, each a flow run that any worker of the pool may take
    #[arg(long, value_name = "N")]
    shards: Option<usize>,
    /// A word by which people find it; the flag may be given again
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    /// The version of what is deployed [default: that of this program]
    #[arg(long, value_name = "TEXT", default_value = env!("CARGO_PKG_VERSION"))]
    deployment_version: String,
}

pub(super) async fn execute(args: &Args, session: &Session, mut settings: Settings, own: &'static str) -> Result<()> {
    let flow = args.flow.as_deref().unwrap_or(own);
    if let Some(shards) = args.shards {
        let bad = |range| Fault::from(PipelineError::BadSetting { name: "--shards", range, value: shards.to_string() });
        if !splits(flow) {
            return Err(bad("given to `deployment` or `delivery`, which predict").into());
        }
        if covid_prediction::check_shards(shards).is_err() {
            return Err(bad("from 1 to 10000").into());
        }
        settings.prediction.shards = shards;
    }
    let settings = settings.checked()?;
    check_shared(&settings)?;
    let prefect = Prefect::of_settings(&settings.prefect).map_err(Fault::from)?;
    let deployed = deploy_all(args, session, &settings, &prefect, flow).await?;
    match session.format {
        Format::Json => print_json(&document(&deployed)),
        Format::Text => print_stdout(&text(&deployed, &prefect)),
    }
}

/// Whether a flow predicts, and so may split the locations.
fn splits(flow: &str) -> bool {
    flow == PREDICT || flow == DELIVER
}

/// A deployment, and what was changed for it.
struct Done {
    name: String,
    pool: String,
    id: String,
    changes: Vec<Change>,
}

/// Deploys a flow, and that of its parts if there are several.
async fn deploy_all(
    args: &Args,
    session: &Session,
    settings: &Settings,
    prefect: &Prefect,
    flow: &str,
) -> Result<Vec<Done>, Fault> {
    let flows = flows(session, settings)?;
    let flow = flows.get(flow)?.name();
    let deployment = Deployment {
        name: args.name.clone().unwrap_or_else(|| dataset(settings)),
        pool: args.pool.clone().unwrap_or_else(|| settings.prefect.pool.clone()),
        parameters: Parameters::of(settings)?.document()?,
        schedule: args.cron.as_deref().map(|cron| CronSchedule::new(cron, &args.timezone)).transpose()?,
        tags: args.tags.clone(),
        version: args.deployment_version.clone(),
    };
    let mut done = Vec::new();
    for (flow, deployment) in with_parts(flow, deployment, settings) {
        let deployed = deploy(prefect, flows.get(flow)?, &deployment).await?;
        let name = format!("{flow}/{}", deployment.name);
        done.push(Done { name, pool: deployment.pool, id: deployed.id, changes: deployed.changes });
    }
    Ok(done)
}

/// A flow's deployment; before it that of its parts, where the settings split them: whoever runs the other one finds it.
pub(super) fn with_parts<'a>(
    flow: &'a str,
    deployment: Deployment,
    settings: &Settings,
) -> impl Iterator<Item = (&'a str, Deployment)> + use<'a> {
    let is_split = settings.prediction.shards > 1 && splits(flow);
    // Each run of a part brings its own parameters.
    let of_parts = || Deployment { parameters: Value::Null, schedule: None, ..deployment.clone() };
    let parts = is_split.then(|| (PREDICT_SHARD, of_parts()));
    parts.into_iter().chain([(flow, deployment)])
}

/// The dataset's name, as far as it is known before the source is read.
pub(super) fn dataset(settings: &Settings) -> String {
    let of_path = || std::path::Path::new(&settings.source).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    settings.dataset.clone().or_else(of_path).unwrap_or_else(|| settings.source.clone())
}

fn text(deployed: &[Done], prefect: &Prefect) -> String {
    let mut lines = Vec::new();
    for Done { changes, .. } in deployed {
        lines.extend(changes.iter().map(Change::to_string));
    }
    if lines.is_empty() {
        lines.push("nothing to change".to_owned());
    }
    for Done { name, pool, .. } in deployed {
        lines.push(format!("deployment {name} in the work pool {pool} at {}", prefect.url()));
    }
    lines.join("\n")
}

fn document(deployed: &[Done]) -> Value {
    let one = |Done { name, pool, id, changes }: &Done| json!({ "deployment": name, "work_pool": pool, "id": id, "changes": changes });
    deployed.iter().map(one).collect()
}
