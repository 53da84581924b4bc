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
    flows::{DELIVER, MONITOR, PREDICT, PREDICT_SHARD},
};

#[derive(Debug, clap::Args)]
pub struct Args {
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
    if let Some(shards) = args.shards {
        if own == MONITOR {
            let (name, range) = ("--shards", "given to `deployment` or `delivery`, which predict");
            return Err(Fault::from(PipelineError::BadSetting { name, range, value: shards.to_string() }).into());
        }
        settings.prediction.shards = shards;
    }
    let settings = settings.checked()?;
    check_shared(&settings)?;
    let prefect = Prefect::of_settings(&settings.prefect).map_err(Fault::from)?;
    let deployed = deploy_all(args, session, &settings, &prefect, own).await?;
    match session.format {
        Format::Json => print_json(&document(&deployed)),
        Format::Text => print_stdout(&text(&deployed, &prefect)),
    }
}

/// A deployment, and what was changed for it.
struct Done {
    name: String,
    pool: String,
    id: String,
    changes: Vec<Change>,
}

/// Deploys the stage's flow, and that of the parts if there are several.
async fn deploy_all(
    args: &Args,
    session: &Session,
    settings: &Settings,
    prefect: &Prefect,
    own: &'static str,
) -> Result<Vec<Done>, Fault> {
    let flows = flows(session, settings)?;
    let schedule = args.cron.as_deref().map(|cron| CronSchedule::new(cron, &args.timezone)).transpose()?;
    let parameters = serde_json::to_value(Parameters::of(settings)?).map_err(PipelineError::Json)?;
    let mut asked = Vec::new();
    if settings.prediction.shards > 1 && (own == PREDICT || own == DELIVER) {
        // Each of its runs brings its own parameters. It is first: whoever runs the other one finds it.
        asked.push((PREDICT_SHARD, None, Value::Null));
    }
    asked.push((own, schedule, parameters));
    let mut done = Vec::new();
    for (flow, schedule, parameters) in asked {
        let deployment = Deployment {
            name: args.name.clone().unwrap_or_else(|| dataset(settings)),
            pool: args.pool.clone().unwrap_or_else(|| settings.prefect.pool.clone()),
            parameters,
            schedule,
            tags: args.tags.clone(),
            version: args.deployment_version.clone(),
        };
        let deployed = deploy(prefect, flows.get(flow)?, &deployment).await?;
        let name = format!("{flow}/{}", deployment.name);
        done.push(Done { name, pool: deployment.pool, id: deployed.id, changes: deployed.changes });
    }
    Ok(done)
}

/// The dataset's name, as far as it is known before the source is read.
fn dataset(settings: &Settings) -> String {
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
