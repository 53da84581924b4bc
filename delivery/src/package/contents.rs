//! What the programs are made of, as cargo says it.
//!
//! `cargo tree` is asked what is compiled: `cargo metadata` adds what the features of tests would bring (436 packages where it is
//! 367), and is only asked where the packages lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf, absolute},
    process::Command,
};

use serde::Deserialize;

use super::{PROGRAMS, PackageError};

/// One line a package, its depth first: `1|serde v1.0.228|MIT OR Apache-2.0|https://github.com/serde-rs/serde`. Each is a
/// parent of those below it that are one deeper; `(*)` marks one whose dependencies were listed before.
const TREE: [&str; 11] = [
    "tree",
    "--workspace",
    "--edges",
    "normal",
    "--prefix",
    "depth",
    "--format",
    "|{p}|{l}|{r}",
    "--color",
    "never",
    "--quiet",
];

/// A package that is compiled into the programs, or writes code for them as they are compiled.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) licence: String,
    pub(super) repository: Option<String>,
    /// Where its sources are on this machine.
    pub(super) folder: PathBuf,
    /// Whether it is the project's own.
    pub(super) is_own: bool,
    /// SHA-256 of the package as the registry has it, in hexadecimal; none for what is on no registry.
    pub(super) checksum: Option<String>,
    /// The ids of the parts that it uses itself.
    pub(super) uses: BTreeSet<String>,
}

impl Part {
    /// `serde@1.0.228`.
    pub(super) fn id(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// Every part of the programs, by id.
pub(super) type Parts = BTreeMap<String, Part>;

/// The parts of the stage programs that are built in a checkout, for this platform.
pub(super) fn parts(workspace: &Path) -> Result<Parts, PackageError> {
    let mut parts = reachable(parse(&cargo(&TREE, workspace)?)?)?;
    let lock = workspace.join("Cargo.lock");
    let (locked, folders) = (locked(&lock)?, folders(workspace)?);
    for (id, part) in &mut parts {
        let missing = || PackageError::BadLock { path: lock.clone(), reason: format!("it does not have {id}") };
        let locked = locked.get(id).ok_or_else(missing)?;
        part.is_own = locked.source.is_none();
        part.checksum.clone_from(&locked.checksum);
        part.folder.clone_from(folders.get(id).ok_or_else(missing)?);
        if part.licence.is_empty() {
            return Err(PackageError::Unlicensed { package: id.clone() });
        }
    }
    Ok(parts)
}

/// The checkout: the one that is named, else the one above the running program, else the one above the current folder.
pub(super) fn find_workspace(named: Option<&Path>) -> Result<PathBuf, PackageError> {
    let starts: Vec<PathBuf> = match named {
        // A path like `.` has nothing above it.
        Some(named) => vec![absolute(named).unwrap_or_else(|_| named.to_owned())],
        None => [env::current_exe(), env::current_dir()].into_iter().flatten().collect(),
    };
    let is_checkout =
        |folder: &&Path| folder.join("Cargo.lock").is_file() && folder.join("delivery/Cargo.toml").is_file();
    let found = starts.iter().find_map(|start| start.ancestors().find(is_checkout));
    found.map(Path::to_owned).ok_or_else(|| {
        let looked_in: Vec<_> = starts.iter().map(|start| format!("`{}`", start.display())).collect();
        PackageError::NoCheckout { looked_in: looked_in.join(" and ") }
    })
}

/// What a command of cargo prints in the checkout. Offline: what was built is there.
fn cargo(args: &[&str], workspace: &Path) -> Result<String, PackageError> {
    let output = Command::new("cargo").args(args).args(["--locked", "--offline"]).current_dir(workspace).output();
    let output = output.map_err(|source| PackageError::NoCargo { source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = said.lines().next().unwrap_or("it did not say why").trim_start_matches("error: ").to_owned();
        return Err(PackageError::CargoFailed { command: args[0].to_owned(), workspace: workspace.to_owned(), reason });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Every package of a tree, with its edges.
fn parse(tree: &str) -> Result<Parts, PackageError> {
    let mut parts = Parts::new();
    let mut above: Vec<String> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, part) = parse_line(line).ok_or_else(|| garbled("tree", format!("the line `{line}`")))?;
        let id = part.id();
        above.truncate(depth);
        if above.len() < depth {
            return Err(garbled("tree", format!("the depth of the line `{line}`")));
        }
        if let Some(parent) = above.last().and_then(|parent| parts.get_mut(parent)) {
            parent.uses.insert(id.clone());
        }
        parts.entry(id.clone()).or_insert(part);
        above.push(id);
    }
    Ok(parts)
}

fn parse_line(line: &str) -> Option<(usize, Part)> {
    let mut fields = line.strip_suffix(" (*)").unwrap_or(line).split('|');
    let depth = fields.next()?.parse().ok()?;
    let mut package = fields.next()?.split(' ');
    let (name, version) = (package.next()?.to_owned(), package.next()?.strip_prefix('v')?.to_owned());
    // What older packages write for OR.
    let licence = fields.next()?.replace('/', " OR ");
    let repository = fields.next().filter(|url| !url.is_empty()).map(str::to_owned);
    Some((depth, Part { name, version, licence, repository, ..Part::default() }))
}

fn garbled(command: &str, reason: String) -> PackageError {
    PackageError::Garbled { command: command.to_owned(), reason }
}

/// Those that the programs reach: not what is there for tests alone.
fn reachable(mut all: Parts) -> Result<Parts, PackageError> {
    let mut wanted: Vec<String> = Vec::new();
    for program in PROGRAMS {
        let id = all.values().find(|part| part.name == program).map(Part::id);
        wanted.push(id.ok_or_else(|| garbled("tree", format!("there is no package `{program}`")))?);
    }
    let mut reached = Parts::new();
    while let Some(id) = wanted.pop() {
        if let Some(part) = all.remove(&id) {
            wanted.extend(part.uses.iter().cloned());
            reached.insert(id, part);
        }
    }
    Ok(reached)
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Manifest>,
}

#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// Where the sources of each package lie, by id.
fn folders(workspace: &Path) -> Result<BTreeMap<String, PathBuf>, PackageError> {
    let version = cargo(&["version", "--verbose"], workspace)?;
    let platform = version.lines().find_map(|line| line.strip_prefix("host: "));
    let platform = platform.ok_or_else(|| garbled("version", "it names no host".to_owned()))?;
    // Those of other platforms may never have been downloaded.
    let args = ["metadata", "--format-version", "1", "--filter-platform", platform];
    let metadata: Metadata =
        serde_json::from_str(&cargo(&args, workspace)?).map_err(|error| garbled("metadata", error.to_string()))?;
    let of = |one: Manifest| {
        let folder = one.manifest_path.parent().map(Path::to_owned).unwrap_or_default();
        (format!("{}@{}", one.name, one.version), folder)
    };
    Ok(metadata.packages.into_iter().map(of).collect())
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    /// None for what lies in the workspace.
    source: Option<String>,
    checksum: Option<String>,
}

/// The packages of a lock file, by id.
fn locked(path: &Path) -> Result<BTreeMap<String, Locked>, PackageError> {
    let text = fs::read_to_string(path).map_err(PackageError::io("read", path))?;
    let bad =
        |error: toml::de::Error| PackageError::BadLock { path: path.to_owned(), reason: error.message().to_owned() };
    let lock: Lock = toml::from_str(&text).map_err(bad)?;
    Ok(lock.package.into_iter().map(|one| (format!("{}@{}", one.name, one.version), one)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
0|delivery v0.1.0 (/a)|MIT OR Apache-2.0|
1|tokio v1.0.0|MIT|https://github.com/tokio-rs/tokio
2|bytes v1.1.0|MIT/Apache-2.0|

0|deployment v0.1.0 (/a)|MIT|
1|tokio v1.0.0|MIT|https://github.com/tokio-rs/tokio (*)

0|eda v0.1.0 (/a)|MIT|

0|exp-track-mod-reg v0.1.0 (/a)|MIT|

0|monitoring v0.1.0 (/a)|MIT|

0|for-tests v0.1.0 (/a)|MIT|
1|insta v1.0.0|Apache-2.0|
";

    #[test]
    fn parts_are_what_the_programs_reach() {
        let parts = reachable(parse(SMALL).unwrap()).unwrap();
        let names: Vec<&str> = parts.keys().map(String::as_str).collect();
        let expected = ["bytes@1.1.0", "delivery@0.1.0", "deployment@0.1.0", "eda@0.1.0", "exp-track-mod-reg@0.1.0"];
        assert_eq!(names, [&expected[..], &["monitoring@0.1.0", "tokio@1.0.0"]].concat());
        assert_eq!(parts["deployment@0.1.0"].uses, BTreeSet::from(["tokio@1.0.0".to_owned()]));
        assert_eq!(parts["tokio@1.0.0"].uses, BTreeSet::from(["bytes@1.1.0".to_owned()]));
        assert_eq!(parts["tokio@1.0.0"].repository.as_deref(), Some("https://github.com/tokio-rs/tokio"));
        assert_eq!(parts["bytes@1.1.0"].licence, "MIT OR Apache-2.0");
    }

    #[test]
    fn a_tree_that_is_none_is_refused() {
        let refused = ["warning", "0|a", "0|a 1.0|MIT|", "2|a v1.0.0|MIT|"];
        for text in refused {
            assert!(matches!(parse(text), Err(PackageError::Garbled { .. })), "{text}");
        }
        assert!(matches!(reachable(parse("").unwrap()), Err(PackageError::Garbled { .. })));
    }
}
