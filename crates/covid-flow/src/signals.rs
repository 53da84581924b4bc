//! Signals that ask a program to stop.

use std::{
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
    iterator::Signals,
    low_level::signal_name,
};
use tokio_util::sync::CancellationToken;

use crate::FlowError;

/// A token that is cancelled at the first Ctrl-C (SIGINT) or SIGTERM; the second ends the process at once, with the exit code
/// that a shell expects (130, 143). For a `main`, once.
///
/// Neither needs the runtime: the second signal works also where every thread of it computes.
///
/// # Errors
/// If the operating system lets no handler be installed.
pub fn cancelled_by_signals() -> Result<CancellationToken, FlowError> {
    let token = CancellationToken::new();
    install(&token).map_err(|cause| FlowError::NoSignals { cause })?;
    Ok(token)
}

fn install(token: &CancellationToken) -> Result<(), std::io::Error> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down, and raises it for the second.
        flag::register_conditional_shutdown(signal, 128 + signal, asked.clone())?;
        flag::register(signal, asked.clone())?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let token = token.clone();
    thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let name = signal_name(signal).unwrap_or("a signal");
            tracing::warn!(
                "asked to stop by {name}: what is begun comes to a safe point first; a second signal ends at once"
            );
            token.cancel();
        }
    })?;
    Ok(())
}
