//! Why a package cannot be made.

use std::{io, path::PathBuf};

use covid_core::{Explain, FaultKind};

#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    #[error("`{}` is there already, and is not an empty folder", out.display())]
    Taken { out: PathBuf },
    #[error("the program `{program}` is not beside this one in `{}`", folder.display())]
    MissingProgram { program: String, folder: PathBuf },
    #[error(
        "there is no checkout of the project at or above {looked_in}, so nobody can tell what the programs are made of"
    )]
    NoCheckout { looked_in: String },
    #[error("cannot start `cargo`, which knows what the programs are made of: {source}")]
    NoCargo { source: io::Error },
    #[error("`cargo {command}` failed in `{}`: {reason}", workspace.display())]
    CargoFailed { command: String, workspace: PathBuf, reason: String },
    #[error("what `cargo {command}` printed cannot be understood: {reason}")]
    Garbled { command: String, reason: String },
    #[error("`{}` is not the lock file of the workspace: {reason}", path.display())]
    BadLock { path: PathBuf, reason: String },
    #[error("{package} is part of the programs, but says nothing of its licence")]
    Unlicensed { package: String },
    #[error("cannot write {what} as a document: {reason}")]
    Unwritten { what: String, reason: String },
    #[error("cannot {verb} `{}`: {source}", path.display())]
    Io { verb: &'static str, path: PathBuf, source: io::Error },
}

impl PackageError {
    /// For `map_err`: what was to be done, and with which file.
    pub(crate) fn io(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { verb, path, source }
    }
}

impl Explain for PackageError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Taken { .. }
            | Self::MissingProgram { .. }
            | Self::NoCheckout { .. }
            | Self::NoCargo { .. }
            | Self::CargoFailed { .. }
            | Self::BadLock { .. } => FaultKind::Usage,
            Self::Unlicensed { .. } => FaultKind::Data,
            Self::Garbled { .. } | Self::Unwritten { .. } | Self::Io { .. } => FaultKind::Unexpected,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Taken { .. } => Some("name a folder that is not there yet, or empty this one".into()),
            Self::MissingProgram { folder, .. } => {
                let profile = if folder.ends_with("release") { " --release" } else { "" };
                Some(format!("build them all: cargo build --workspace{profile}"))
            }
            Self::NoCheckout { .. } | Self::BadLock { .. } => {
                Some("run it in the checkout that the programs were built from, or name that: --workspace DIR".into())
            }
            Self::NoCargo { .. } => Some("install Rust, or put its `cargo` on the PATH".into()),
            Self::CargoFailed { .. } => {
                Some("run `cargo fetch --locked` there, or name the checkout that was built: --workspace DIR".into())
            }
            Self::Unlicensed { .. } => {
                Some("find out under which licence it may be handed on, or do without it".into())
            }
            Self::Garbled { .. } => Some("use the version of Rust that the project was built with".into()),
            Self::Unwritten { .. } | Self::Io { .. } => None,
        }
    }
}
