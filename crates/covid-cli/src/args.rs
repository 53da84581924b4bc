//! The arguments that every stage program takes, before or after its subcommand.

use std::path::PathBuf;

use toml::Value;

/// Named on each argument, for a heading of the whole struct would go on over the stage's own arguments.
const HEADING: &str = "Common options";

/// How a result is written to stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Tables and sentences for people.
    #[default]
    Text,
    /// One JSON document for programs.
    Json,
}

/// The common arguments. Flatten them into a stage's own:
/// `#[command(flatten)] common: covid_cli::CommonArgs`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct CommonArgs {
    /// Where the data come from: `sample`, `jhu` (downloaded), or a path: files of JHU or Kaggle, dated vintages, a table of your own
    /// [default: sample]
    #[arg(long, global = true, help_heading = HEADING, value_name = "SOURCE")]
    pub source: Option<String>,

    /// Name under which data, predictions and models live [default: after the source]
    #[arg(long, global = true, help_heading = HEADING, value_name = "NAME")]
    pub dataset: Option<String>,

    /// As-of date: no later data are used [default: the last date of the source]
    #[arg(long, global = true, help_heading = HEADING, value_name = "YYYY-MM-DD")]
    pub as_of: Option<String>,

    /// Where predictions and scores are kept: `file:PATH` or `s3://BUCKET/PREFIX` [default: file:./store]
    #[arg(long, global = true, help_heading = HEADING, value_name = "URI")]
    pub store: Option<String>,

    /// Where experiments and models are kept: `embedded:PATH` or `http(s)://HOST` [default: inside the store]
    #[arg(long, global = true, help_heading = HEADING, value_name = "URI")]
    pub tracking: Option<String>,

    /// Keep counties apart where a source has them, instead of adding them up to their province
    #[arg(long, global = true, help_heading = HEADING)]
    pub by_county: bool,

    /// Column of cumulative cases in a table of your own [default: ConfirmedCases]
    #[arg(long, global = true, help_heading = HEADING, value_name = "NAME")]
    pub cases_column: Option<String>,

    /// Column of cumulative deaths in a table of your own; a table may have none [default: Fatalities]
    #[arg(long, global = true, help_heading = HEADING, value_name = "NAME")]
    pub deaths_column: Option<String>,

    /// What to do about cumulative counts that fall: `monotone` or `none` [default: monotone]
    #[arg(long, global = true, help_heading = HEADING, value_name = "METHOD")]
    pub repair: Option<String>,

    /// File of settings, laid over the defaults, below environment variables and flags
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How to write the result
    #[arg(long, global = true, help_heading = HEADING, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: Format,

    /// Show no progress bars
    #[arg(long, global = true, help_heading = HEADING)]
    pub no_progress: bool,

    /// Say more on stderr; twice for every detail
    #[arg(short, long, global = true, help_heading = HEADING, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,

    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, help_heading = HEADING)]
    pub quiet: bool,
}

impl CommonArgs {
    /// The settings given as flags: key and value.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let texts = [
            ("source", &self.source),
            ("dataset", &self.dataset),
            ("as_of", &self.as_of),
            ("store", &self.store),
            ("tracking", &self.tracking),
            ("cases_column", &self.cases_column),
            ("deaths_column", &self.deaths_column),
            ("repair", &self.repair),
        ];
        let texts = texts.into_iter().filter_map(|(key, text)| Some((key, Value::String(text.clone()?))));
        texts.chain(self.by_county.then_some(("by_county", Value::Boolean(true))))
    }
}

/// A number of days as an argument: `28`, or `28d`.
///
/// # Errors
/// A sentence, if it is none.
pub fn days_arg(text: &str) -> Result<usize, String> {
    text.strip_suffix('d').unwrap_or(text).parse().map_err(|_| "give a number of days, such as 28 or 28d".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Stage {
        #[command(flatten)]
        common: CommonArgs,
        #[command(subcommand)]
        command: Option<Command>,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Command {
        Show,
    }

    #[test]
    fn every_common_argument_goes_before_and_after_a_subcommand() {
        for line in ["stage --store file:x -vv --format json show", "stage show --store file:x -vv --format json"] {
            let stage = Stage::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(stage.common.store.as_deref(), Some("file:x"), "{line}");
            assert_eq!((stage.common.verbose, stage.common.format), (2, Format::Json), "{line}");
            assert!(matches!(stage.command, Some(Command::Show)));
        }
        let common = Stage::command();
        let common = common.get_arguments().filter(|arg| arg.get_help_heading() == Some(HEADING));
        for arg in common {
            assert!(arg.is_global_set(), "{arg}");
        }
    }

    #[test]
    fn quiet_and_verbose_exclude_each_other() {
        assert!(Stage::try_parse_from(["stage", "-q", "-v"]).is_err());
    }
}
