//! How a program ends: an exit code, and for an error one sentence and a hint.

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    process::ExitCode,
};

use covid_core::{Explain as _, Fault, FaultKind};

use crate::{ClockError, SettingsError, logging::stderr_has_colours, output::StdoutClosed};

/// Runs a program's `main` and ends as the contract says.
///
/// An error whose chain holds a [`Fault`] (or one of this crate's errors) ends with the exit code of its kind, any other
/// with 1; `error: <sentence>` and `hint: <next step>` go to stderr. A reader of stdout that has gone is no error: exit 0.
/// A panic becomes a sentence, too, and exit 1.
pub fn run(main: impl FnOnce() -> anyhow::Result<ExitCode>) -> ExitCode {
    set_panic_hook();
    // Unwind safe: nothing that `main` owned is looked at again.
    match panic::catch_unwind(AssertUnwindSafe(main)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) if error.chain().any(|cause| cause.is::<StdoutClosed>()) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            let verdict = verdict(&error);
            tracing::debug!("{error:?}");
            say(&verdict);
            exit_code(verdict.kind)
        }
        Err(_) => exit_code(FaultKind::Unexpected),
    }
}

/// A panic is one sentence; whoever asks for a backtrace gets Rust's own report, too.
fn set_panic_hook() {
    let rust_s_own = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            rust_s_own(panic);
        }
        say(&panic_verdict(panic));
    }));
}

/// The exit code of a kind of fault.
pub fn exit_code(kind: FaultKind) -> ExitCode {
    ExitCode::from(code(kind))
}

/// How a program ends that did all it was to do: with the exit code of an alert, if one stands.
pub fn ending(alert_stands: bool) -> ExitCode {
    if alert_stands { exit_code(FaultKind::Refused) } else { ExitCode::SUCCESS }
}

const fn code(kind: FaultKind) -> u8 {
    match kind {
        FaultKind::Unexpected => 1,
        FaultKind::Usage => 2,
        FaultKind::Data => 3,
        FaultKind::Remote => 4,
        FaultKind::Refused => 5,
    }
}

/// What is said about an error.
#[derive(Debug, PartialEq)]
struct Verdict {
    kind: FaultKind,
    sentence: String,
    hint: Option<String>,
}

fn verdict(error: &anyhow::Error) -> Verdict {
    let mut sentence = String::new();
    for cause in error.chain() {
        append(&mut sentence, cause);
        // An explained error says all that matters; what lies below is for `-v`.
        if let Some((kind, hint)) = explained(cause) {
            return Verdict { kind, sentence, hint };
        }
    }
    Verdict { kind: FaultKind::Unexpected, sentence, hint: None }
}

/// Adds a cause unless the sentence already has it (many errors quote their source), on one line.
fn append(sentence: &mut String, cause: &(dyn Error + 'static)) {
    let text = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    if sentence.contains(&text) {
        return;
    }
    if !sentence.is_empty() {
        sentence.push_str(": ");
    }
    sentence.push_str(&text);
}

fn explained(cause: &(dyn Error + 'static)) -> Option<(FaultKind, Option<String>)> {
    if let Some(fault) = cause.downcast_ref::<Fault>() {
        return Some((fault.kind(), fault.hint()));
    }
    if let Some(error) = cause.downcast_ref::<SettingsError>() {
        return Some((error.kind(), error.hint()));
    }
    cause.downcast_ref::<ClockError>().map(|error| (error.kind(), error.hint()))
}

fn panic_verdict(panic: &PanicHookInfo<'_>) -> Verdict {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let cause = panic.payload_as_str().unwrap_or("no reason was given");
    Verdict {
        kind: FaultKind::Unexpected,
        sentence: format!("the program met a bug at {place}: {cause}"),
        hint: Some("please report this line with the command that led to it".into()),
    }
}

/// Writes to stderr. If that fails there is nobody left to tell.
fn say(verdict: &Verdict) {
    let paint = |colour: &str, label: &str| match stderr_has_colours() {
        true => format!("\x1b[1;{colour}m{label}:\x1b[0m"),
        false => format!("{label}:"),
    };
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{} {}", paint("31", "error"), verdict.sentence);
    if let Some(hint) = &verdict.hint {
        let _ = writeln!(stderr, "{} {hint}", paint("36", "hint"));
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};
    use covid_core::Explain;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the server said no: {0}")]
    struct Refusal(#[source] io::Error);

    impl Explain for Refusal {
        fn kind(&self) -> FaultKind {
            FaultKind::Remote
        }

        fn hint(&self) -> Option<String> {
            Some("ask again".into())
        }
    }

    #[test]
    fn each_kind_has_its_code() {
        let kinds = [FaultKind::Unexpected, FaultKind::Usage, FaultKind::Data, FaultKind::Remote, FaultKind::Refused];
        assert_eq!(kinds.map(code), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_fault_is_found_below_its_context() {
        let fault = Fault::from(Refusal(io::Error::other("busy")));
        let error = anyhow::Error::new(fault).context("cannot sync").context("flow `deliver` failed");
        let expected = Verdict {
            kind: FaultKind::Remote,
            sentence: "flow `deliver` failed: cannot sync: the server said no: busy".into(),
            hint: Some("ask again".into()),
        };
        assert_eq!(verdict(&error), expected);
    }

    #[test]
    fn an_unexplained_error_is_one_line_and_says_nothing_twice() {
        let source = io::Error::other("disk\nfull");
        let error = anyhow!(Refusal(source)).context("cannot write");
        assert_eq!(verdict(&error).sentence, "cannot write: the server said no: disk full");
        assert_eq!(verdict(&error).kind, FaultKind::Unexpected);
    }

    #[test]
    fn a_reader_that_has_gone_is_found_below_its_context() {
        let error = Err::<(), _>(StdoutClosed).context("cannot show").unwrap_err();
        assert!(error.chain().any(|cause| cause.is::<StdoutClosed>()));
    }
}
