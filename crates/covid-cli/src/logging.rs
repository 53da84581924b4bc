//! What a program says on stderr while it works.

use std::{
    env, fmt,
    io::{self, IsTerminal as _, Write},
};

use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, filter_fn},
    fmt::{FmtContext, FormatEvent, FormatFields, format},
    layer::SubscriberExt as _,
    registry::LookupSpan,
};

use crate::{CommonArgs, Progress};

/// The project's own targets: the libraries by their common prefix, and the stage programs.
const OURS: [&str; 6] = ["covid", "eda", "exp_track_mod_reg", "deployment", "monitoring", "delivery"];

/// Crates that show what they send, or to whom, credentials among it, by the beginnings of their targets.
const WIRE: [&str; 6] = ["aws_", "h2", "hyper", "lettre", "reqwest", "rustls"];

/// Sends events to stderr, and to one more layer. A second call changes nothing.
pub(crate) fn init(args: &CommonArgs, progress: &Progress, also: impl Layer<Registry> + Send + Sync) {
    let rust_log = env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let filter = EnvFilter::new(rust_log.clone().unwrap_or_else(|| directives(args))).and(filter_fn(shows_no_secret));
    let progress = progress.clone();
    let stderr = tracing_subscriber::fmt::layer()
        .with_ansi(stderr_has_colours())
        .with_writer(move || AboveBars(progress.clone()));
    let told = tracing_subscriber::registry()
        .with(also.with_filter(EnvFilter::new(directives(&CommonArgs::default())).and(filter_fn(shows_no_secret))));
    // Already set only in tests, where the first is as good as the second.
    let _ = if args.verbose == 0 && rust_log.is_none() {
        tracing::subscriber::set_global_default(told.with(stderr.event_format(Sentences).with_filter(filter)))
    } else {
        tracing::subscriber::set_global_default(told.with(stderr.with_filter(filter)))
    };
}

/// Whether stderr may be coloured: it is a terminal, and `NO_COLOR` (<https://no-color.org>) does not forbid it.
pub(crate) fn stderr_has_colours() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && io::stderr().is_terminal()
}

/// Those of them that warn of a token (`AWS_CONTAINER_AUTHORIZATION_TOKEN`) by showing it. The error says what is wrong, too.
const TOKEN: [&str; 2] = ["aws_config::ecs", "aws_config::meta::credentials"];

/// Whether an event is one of those that hold no secret, whatever may be asked for: the crates of the wire are heard up to
/// `info` alone, and some of errors.
fn shows_no_secret(event: &Metadata<'_>) -> bool {
    let target = event.target();
    let is_of = |crates: &[&str]| crates.iter().any(|crates| target.starts_with(crates));
    let most = match (is_of(&TOKEN), is_of(&WIRE)) {
        (true, _) => Level::ERROR,
        (false, true) => Level::INFO,
        (false, false) => Level::TRACE,
    };
    *event.level() <= most
}

/// Other people's crates are heard one level later than ours.
fn directives(args: &CommonArgs) -> String {
    let (others, ours) = match (args.quiet, args.verbose) {
        (true, _) => ("error", "error"),
        (false, 0) => ("warn", "info"),
        (false, 1) => ("info", "debug"),
        (false, _) => ("debug", "trace"),
    };
    let levels = OURS.iter().fold(others.to_owned(), |all, target| format!("{all},{target}={ours}"));
    // Whether a machine is one of AWS is found out by asking a service that no other machine has: no news to most.
    if args.verbose == 0 { format!("{levels},aws_config::imds=error") } else { levels }
}

/// Events as sentences for people, without times and targets: what is in order stands alone, the rest says what it is.
struct Sentences;

impl<S, N> FormatEvent<S, N> for Sentences
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut out: format::Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (colour, label) = match *event.metadata().level() {
            Level::ERROR => ("31", "error"),
            Level::WARN => ("33", "warning"),
            _ => ("", ""),
        };
        match (label.is_empty(), out.has_ansi_escapes()) {
            (true, _) => {}
            (false, true) => write!(out, "\x1b[1;{colour}m{label}:\x1b[0m ")?,
            (false, false) => write!(out, "{label}: ")?,
        }
        ctx.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

/// Stderr, with the progress bars out of the way while it is written.
struct AboveBars(Progress);

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    macro_rules! for_each_target {
        ($($target:literal),*) => {
            $(
                tracing::debug!(target: $target, "secret");
                tracing::trace!(target: $target, "secret");
            )*
        };
    }

    /// What comes through of an event of each level, if everything is asked for.
    fn heard(events: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Kept(Arc<Mutex<Vec<u8>>>);
        impl Write for Kept {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).event_format(Sentences);
        let layer = layer.with_writer(move || writer.clone());
        let filter = EnvFilter::new("trace").and(filter_fn(shows_no_secret));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer.with_filter(filter)), events);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn no_level_shows_what_is_on_the_wire() {
        let heard = heard(|| {
            for_each_target!(
                "aws_smithy_runtime::client",
                "aws_sigv4",
                "hyper_util::client",
                "hyper::proto",
                "h2::codec",
                "reqwest",
                "rustls::conn",
                "lettre",
                "aws_config::ecs"
            );
            tracing::warn!(target: "aws_config::ecs", "secret");
            tracing::warn!(target: "aws_config::meta::credentials::chain", "secret");
            tracing::warn!(target: "aws_config::imds", "heard");
            tracing::info!(target: "aws_config::profile", "told");
            tracing::trace!(target: "covid_registry", "told, too");
            tracing::trace!(target: "polars", "as well");
        });
        assert_eq!(heard, "warning: heard\ntold\ntold, too\nas well\n");
    }

    #[test]
    fn verbosity_sets_the_levels() {
        let level = |verbose, quiet| directives(&CommonArgs { verbose, quiet, ..CommonArgs::default() });
        assert!(level(0, false).starts_with("warn,covid=info,eda=info"));
        assert!(level(1, false).starts_with("info,covid=debug"));
        assert!(level(9, false).starts_with("debug,covid=trace"));
        assert!(level(0, true).starts_with("error,covid=error"));
    }
}
