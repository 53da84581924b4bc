//! A place to run a real binary in.

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// The instant at which every program in a sandbox believes to run.
pub const NOW: &str = "2030-01-02T03:04:05Z";

/// Variables that some systems cannot start a program without. No setting is among them.
const NEEDED_BY_THE_SYSTEM: [&str; 4] = ["PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"];

/// A folder that is a program's working directory and home, an environment cleared but for what the system needs, and
/// a clock that stands still. The folder goes when the sandbox is dropped.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
    path: PathBuf,
    env: BTreeMap<String, String>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// An empty sandbox.
    ///
    /// # Panics
    /// If no temporary folder can be made: without one there is no test.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("covid-").tempdir().expect("a temporary folder");
        // Programs print the path without links (/tmp is one on some systems), so the redaction must know it that way.
        let path = folder.path().canonicalize().expect("the path of the temporary folder");
        let env = [("COVID_NOW", NOW), ("NO_COLOR", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { folder, path, env: env.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets an environment variable for every program that runs from now on.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes a file, with the folders above it, and gives its path.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        let above = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(above).unwrap_or_else(|error| panic!("cannot make `{}`: {error}", above.display()));
        fs::write(&path, content).unwrap_or_else(|error| panic!("cannot write `{}`: {error}", path.display()));
        path
    }

    /// Reads a text file.
    ///
    /// # Panics
    /// If there is no such file, or it is not UTF-8.
    pub fn read(&self, name: &str) -> String {
        let path = self.path.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
    }

    /// Every file below the folder, sorted, as paths from the folder with `/`.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    _ => files.push(self.name_of(&entry.path())),
                }
            }
        }
        files.sort();
        files
    }

    /// Another stage's program, built beside this one; [`None`], said in one line, where only this one was built.
    #[allow(clippy::print_stdout)] // The one line that tells a skipped test from a passed one.
    pub fn beside(bin: &str, name: &str) -> Option<String> {
        let path = Path::new(bin).with_file_name(name).with_extension(env::consts::EXE_EXTENSION);
        if !path.exists() {
            println!("skipped: {name} is not built (`cargo test --workspace`)");
            return None;
        }
        Some(path.to_string_lossy().into_owned())
    }

    /// Runs a program, `env!("CARGO_BIN_EXE_deployment")` say, and waits for its end.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn run(&self, bin: &str, args: &[&str]) -> Output {
        let output = self.command(bin, args).output().unwrap_or_else(|error| panic!("cannot start `{bin}`: {error}"));
        Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            sandbox: self.path.clone(),
        }
    }

    /// The command that [`Sandbox::run`] runs, for a test that has to feed, stop or kill it.
    pub fn command(&self, bin: &str, args: &[&str]) -> Command {
        let mut command = Command::new(bin);
        command.args(args).current_dir(&self.path).env_clear();
        command.envs(NEEDED_BY_THE_SYSTEM.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.env("HOME", &self.path).env("USERPROFILE", &self.path).env("TMPDIR", self.folder.path());
        command.envs(&self.env);
        command
    }

    fn name_of(&self, path: &Path) -> String {
        let parts = path.strip_prefix(&self.path).unwrap_or(path).components();
        parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    }
}

/// How a program ended and what it said. Its `Display` is what snapshots hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// The sandbox it ran in.
    pub sandbox: PathBuf,
}

impl Output {
    /// Whether it ended with exit code 0.
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit: {code}")?,
            None => writeln!(f, "exit: by a signal")?,
        }
        let end = if self.stdout.is_empty() || self.stdout.ends_with('\n') { "" } else { "\n" };
        write!(f, "----- stdout -----\n{}{end}", self.stdout)?;
        write!(f, "----- stderr -----\n{}", self.stderr)
    }
}
