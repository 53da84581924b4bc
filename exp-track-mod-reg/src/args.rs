//! The command line, and what each command does.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc};

use anyhow::Result;
use covid_cli::{CommonArgs, Format, Session, days_arg, print_json, print_stdout};
use covid_core::Fault;
use covid_pipeline::{
    BacktestRequest, KaggleRequest, PipelineError, Project, ProjectFlows, RunQuery, Settings, backtest, commands,
    compare_runs, kaggle, parse_date, promote, promotions, rollback, sync, tracking_runs, versions,
};
use covid_training::Recipe;

use crate::render;

/// Compare candidate models, track each as an experiment, register the best, promote it if the gate says so
#[derive(Debug, clap::Parser)]
#[command(name = "exp-track-mod-reg", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: CommonArgs,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Score models on rolling origins, each seeing nothing later than its origin
    Backtest(BacktestArgs),
    /// Answer a Kaggle competition's test file (COVID19 Global Forecasting), fitted on its training file alone
    Kaggle(KaggleArgs),
    /// List the tracking runs, the newest first, with the parameters that differ among them; or compare two
    Runs(RunsArgs),
    /// List the registered versions, the newest first: where they stand, why, and what each forecast best
    Models {
        /// List every change of champion instead, the oldest first
        #[arg(long)]
        trail: bool,
    },
    /// Make a version champion, if the gate lets it
    Promote {
        /// The version
        version: u64,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Make the champion before this one champion again, without asking the gate
    Rollback(ChangeArgs),
    /// Add to an MLflow server what it does not have yet of the embedded tracker and registry
    Sync {
        /// The server
        #[arg(long, value_name = "URL")]
        to: String,
    },
}

#[derive(Debug, clap::Args)]
struct RunsArgs {
    /// Sort by a column (run, name, status, started, ended), metric, parameter or tag; with a - from the largest down
    #[arg(long, value_name = "[-]KEY", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Only runs of which it is true: KEY=VALUE, or with != < <= > >=; may be given again
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// Show two runs side by side: each by its id or the beginning of it, an alias, a version (v2), or the name of its model
    #[arg(long, value_names = ["A", "B"], num_args = 2, conflicts_with_all = ["sort", "filter", "limit"])]
    compare: Option<Vec<String>>,
}

#[derive(Debug, clap::Args)]
struct ChangeArgs {
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
struct BacktestArgs {
    /// First origin [default: the first date with four weeks of history]
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<String>,
    /// Days between origins, such as 28d
    #[arg(long, value_name = "DAYS", default_value = "28d", value_parser = days_arg)]
    every: usize,
    /// Days ahead, 1 to 60
    #[arg(long, value_name = "DAYS", default_value = "7", value_parser = days_arg)]
    horizon: usize,
    /// Models, such as ensemble,polynomial (tuned at each origin) or polynomial-2,ets-90 [default: all candidates]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    models: Vec<String>,
    /// Write every forecast to a .csv or .parquet file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct KaggleArgs {
    /// The competition's train.csv: the as-of date is its last
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// The competition's test.csv
    #[arg(long, value_name = "FILE")]
    test: PathBuf,
    /// The submission, a .csv or .parquet file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Does what is asked. A submission to Kaggle has data of its own and a synchronisation needs none: these open no project.
pub(crate) async fn execute(args: &Args, session: &Session) -> Result<()> {
    let settings: Settings = session.settings(&[])?;
    if let Some(Command::Kaggle(asked)) = &args.command {
        return submit(asked, session, &settings.checked()?).await;
    }
    if let Some(Command::Sync { to }) = &args.command {
        let report = sync(&settings.checked()?, to).await?;
        return if session.format == Format::Text {
            print_stdout(&render::synced(&report))
        } else {
            print_json(&report)
        };
    }
    if args.command.is_none() {
        return train(session, &settings.checked()?).await;
    }
    let project = Project::open(settings, commands::now(session)).await?;
    execute_on(args, session, &project).await
}

async fn train(session: &Session, settings: &Settings) -> Result<()> {
    let bar = session.progress.bar("candidates", Recipe::CANDIDATES.len());
    let flows = ProjectFlows::new(settings.clone(), commands::now(session)).with_tick(Arc::new(move || bar.inc()));
    let report = commands::run_here(session, settings, &flows.train_and_promote).await?;
    match session.format {
        Format::Text => print_stdout(&render::training(&report)),
        Format::Json => print_json(&report),
    }
}

async fn submit(asked: &KaggleArgs, session: &Session, settings: &Settings) -> Result<()> {
    let KaggleArgs { train, test, out } = asked;
    let request = KaggleRequest { train: train.clone(), test: test.clone(), out: out.clone() };
    let report = kaggle(settings, request).await?;
    match session.format {
        Format::Text => print_stdout(&render::submitted(&report, out)),
        Format::Json => print_json(&report),
    }
}

async fn execute_on(args: &Args, session: &Session, project: &Project) -> Result<()> {
    let text = session.format == Format::Text;
    match &args.command {
        // Done before, without a project.
        None | Some(Command::Kaggle(_) | Command::Sync { .. }) => Ok(()),
        Some(Command::Backtest(asked)) => {
            let request = request(asked, project)?;
            let bar = session.progress.bar("origins", request.origins(project)?.len());
            let report = backtest(project, request, asked.out.as_deref(), move || bar.inc()).await?;
            if text { print_stdout(&render::backtest(&report, asked.out.as_deref())) } else { print_json(&report) }
        }
        Some(Command::Runs(RunsArgs { compare: Some(of), .. })) => {
            let of = [of[0].as_str(), of[1].as_str()];
            let comparison = compare_runs(project, project.registry().await?.as_ref(), of).await?;
            if text { print_stdout(&render::comparison(&comparison)) } else { print_json(&comparison) }
        }
        Some(Command::Runs(asked)) => {
            let query = query(asked)?;
            let runs = tracking_runs(project, project.registry().await?.as_ref(), &query).await?;
            if text { print_stdout(&render::runs(&runs, &query)) } else { print_json(&runs) }
        }
        Some(Command::Models { trail: true }) => {
            let events = promotions(project, project.registry().await?.as_ref()).await?;
            if text { print_stdout(&render::trail(&events)) } else { print_json(&events) }
        }
        Some(Command::Models { trail: false }) => {
            let versions = versions(project, project.registry().await?.as_ref()).await?;
            if text { print_stdout(&render::models(&versions)) } else { print_json(&versions) }
        }
        Some(Command::Promote { version, change }) => {
            let report = promote(project, project.registry().await?.as_ref(), *version, change.dry_run).await?;
            if text { print_stdout(&render::champion(&report)) } else { print_json(&report) }
        }
        Some(Command::Rollback(change)) => {
            let report = rollback(project, project.registry().await?.as_ref(), change.dry_run).await?;
            if text { print_stdout(&render::champion(&report)) } else { print_json(&report) }
        }
    }
}

fn query(asked: &RunsArgs) -> Result<RunQuery> {
    let filters = asked.filter.iter().map(|text| text.parse()).collect::<Result<_, PipelineError>>();
    let sort = asked.sort.as_deref().map(str::parse).transpose();
    Ok(RunQuery { filters: filters.map_err(Fault::from)?, sort: sort.map_err(Fault::from)?, limit: asked.limit })
}

fn request(asked: &BacktestArgs, project: &Project) -> Result<BacktestRequest> {
    let view = project.published()?;
    let from = match &asked.from {
        Some(text) => parse_date("--from", text)?,
        None => view.date(covid_training::MIN_DAYS - 1),
    };
    if asked.models.is_empty() {
        let recipes = Recipe::CANDIDATES.to_vec();
        return Ok(BacktestRequest { from, every: asked.every, horizon: asked.horizon, recipes });
    }
    let mut recipes: Vec<Recipe> = Vec::new();
    for name in &asked.models {
        let recipe = name.trim().parse().map_err(Fault::from)?;
        if !recipes.contains(&recipe) {
            recipes.push(recipe);
        }
    }
    Ok(BacktestRequest { from, every: asked.every, horizon: asked.horizon, recipes })
}
