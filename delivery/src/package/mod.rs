//! `package`: all that is handed over, in one folder.
//!
//! The folder is made beside its place and moved there when it is whole.

mod contents;
mod error;
mod files;
mod licences;
mod sbom;

use std::{
    env,
    env::consts::EXE_SUFFIX,
    fs, io,
    path::{Path, PathBuf, absolute},
};

use covid_cli::{DEFAULTS, Session};
use covid_core::Fault;
use covid_pipeline::{
    Settings,
    commands::{DeploymentDocument, Wishes, deployments},
};
use serde::Serialize;
use serde_saphyr::ser_options;
use tempfile::TempDir;

use self::contents::Parts;
pub(crate) use self::{error::PackageError, files::PackagedFile};

/// The stage programs.
const PROGRAMS: [&str; 5] = ["eda", "exp-track-mod-reg", "deployment", "monitoring", "delivery"];
const VERSION: &str = env!("CARGO_PKG_VERSION");
const README: &str = include_str!("README.md");
const OWN_LICENCES: [(&str, &str); 2] = [
    ("LICENSE-APACHE", include_str!("../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("../../../LICENSE-MIT")),
];
const SUMS: &str = "SHA256SUMS";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder to make; if it is there, it must be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The checkout that the programs were built from [default: the one above this program, else above the current folder]
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    #[command(flatten)]
    wishes: Wishes,
}

/// What was made.
#[derive(Debug, Serialize)]
pub(crate) struct Package {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Its files, sorted; the checksums last.
    pub(crate) files: Vec<PackagedFile>,
    /// The sum of their sizes, in bytes.
    pub(crate) size: u64,
}

/// Makes a package of the programs that lie beside the running one.
pub(crate) fn package(args: &Args, session: &Session, settings: Settings) -> Result<Package, Fault> {
    // Of a path like `.` nobody knows what lies beside it.
    let out = absolute(&args.out).map_err(PackageError::io("find", &args.out))?;
    check_is_free(&out)?;
    let programs = programs()?;
    let workspace = contents::find_workspace(args.workspace.as_deref())?;
    let documents = deployments(session, settings, &args.wishes)?;
    let parts = contents::parts(&workspace)?;

    let made = folder_beside(&out)?;
    let folder = made.path();
    copy_programs(&programs, folder)?;
    write_documents(folder, &documents, &parts, &session.clock.now().to_string())?;
    let mut files = files::below(folder)?;
    files::write(folder, SUMS, &files::sums(&files))?;
    files.push(PackagedFile::of(folder, SUMS.to_owned())?);
    move_to(made, &out)?;
    Ok(Package { folder: args.out.clone(), size: files.iter().map(|file| file.size).sum(), files })
}

fn check_is_free(out: &Path) -> Result<(), PackageError> {
    let taken = || PackageError::Taken { out: out.to_owned() };
    match fs::read_dir(out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(taken()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(taken()),
        Err(error) => Err(PackageError::io("read the folder", out)(error)),
    }
}

/// The files of the stage programs.
fn programs() -> Result<Vec<PathBuf>, PackageError> {
    let this = env::current_exe().map_err(PackageError::io("find the file of", "delivery"))?;
    let folder = this.parent().unwrap_or(Path::new("."));
    let file = |program| {
        let program = format!("{program}{EXE_SUFFIX}");
        let path = folder.join(&program);
        if path.is_file() { Ok(path) } else { Err(PackageError::MissingProgram { program, folder: folder.to_owned() }) }
    };
    PROGRAMS.into_iter().map(file).collect()
}

/// A folder on the same file system as the place to which it is to be moved; it goes if nobody moves it.
fn folder_beside(out: &Path) -> Result<TempDir, PackageError> {
    let above = out.parent().unwrap_or(out);
    fs::create_dir_all(above).map_err(PackageError::io("make the folder", above))?;
    let name = format!(".{}-", out.file_name().unwrap_or_default().to_string_lossy());
    let mut builder = tempfile::Builder::new();
    // A package is for others, too.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    builder.prefix(&name).tempdir_in(above).map_err(PackageError::io("make a folder in", above))
}

fn copy_programs(programs: &[PathBuf], folder: &Path) -> Result<(), PackageError> {
    let bin = folder.join("bin");
    fs::create_dir(&bin).map_err(PackageError::io("make the folder", &bin))?;
    for program in programs {
        let copy = bin.join(program.file_name().unwrap_or_default());
        fs::copy(program, copy).map_err(PackageError::io("copy", program))?;
    }
    Ok(())
}

fn write_documents(
    folder: &Path,
    documents: &[DeploymentDocument],
    parts: &Parts,
    now: &str,
) -> Result<(), PackageError> {
    files::write(folder, "README.md", &README.replace("{version}", VERSION))?;
    files::write(folder, "config/default.toml", DEFAULTS)?;
    for document in documents {
        let name = format!("deployments/{}.yaml", document.flow);
        files::write(folder, &name, &yaml(document)?)?;
    }
    let bom = serde_json::to_string_pretty(&sbom::document(parts, now));
    let bom = bom.map_err(|error| unwritten("the bill of materials", error))?;
    files::write(folder, "sbom.cdx.json", &format!("{bom}\n"))?;
    files::write(folder, "LICENSES.txt", &licences::list(parts))?;
    files::write(folder, licences::TEXTS, &licences::texts(parts)?)?;
    OWN_LICENCES.iter().try_for_each(|(name, text)| files::write(folder, name, text))
}

fn yaml(document: &DeploymentDocument) -> Result<String, PackageError> {
    let what = || format!("the deployment of `{}`", document.flow);
    // No line is broken: whoever copies the command has all of it.
    let options = ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(document, options).map_err(|error| unwritten(what(), error))
}

fn unwritten(what: impl Into<String>, error: impl std::error::Error) -> PackageError {
    PackageError::Unwritten { what: what.into(), reason: error.to_string() }
}

fn move_to(made: TempDir, out: &Path) -> Result<(), PackageError> {
    // Some systems move no folder over another, be it empty.
    match fs::remove_dir(out) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            return Err(PackageError::Taken { out: out.to_owned() });
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(PackageError::io("replace the empty folder", out)(error));
        }
        _ => {}
    }
    fs::rename(made.path(), out).map_err(PackageError::io("move the package to", out))?;
    // It is no longer where it would be removed.
    let _ = made.keep();
    Ok(())
}
