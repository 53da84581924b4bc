//! Every command of a `console` block in the project's Markdown is run, and prints what the block says.
//!
//! The blocks of a file are run in order in one empty folder, from which `../shared/data` is the real data, where there are
//! any; without them commands that name it are skipped. A line `[...]` stands for any number of lines; ids of runs and times
//! are not compared; an exit code other than 0 is a last line `[exit 5]`. `cargo run -p NAME` runs the program that is built
//! already. Other blocks (`sh`, `text`) are for commands that a test cannot run: they build, install or measure.
//!
//! `COVID_TEST_LESSONS=overwrite cargo test --workspace --test it -- lessons` writes what is printed into the files.
#![cfg(unix)]

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    thread,
};

use covid_testing::{Sandbox, real_data};
use regex::Regex;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const ANYTHING: &str = "[...]";

#[test]
fn every_command_prints_what_the_lesson_says() {
    let files: Vec<PathBuf> = markdown(Path::new(ROOT)).into_iter().filter(|file| has_commands(file)).collect();
    assert!(files.len() >= 5, "each stage has a lesson; found {files:?}");
    let data = real_data();
    let wrong: Vec<String> = thread::scope(|scope| {
        let lessons: Vec<_> = files.iter().map(|file| scope.spawn(|| lesson(file, data.as_deref()))).collect();
        lessons.into_iter().flat_map(|lesson| lesson.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} commands print something else:\n{}", wrong.len(), wrong.join("\n"));
}

/// The project's Markdown files.
fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let of_others = |path: &Path| name(path).starts_with('.') || ["target", "store"].contains(&name(path).as_str());
    let below = folders.iter().filter(|path| !of_others(path)).flat_map(|path| markdown(path));
    let mut found: Vec<PathBuf> =
        files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "md")).chain(below).collect();
    found.sort();
    found
}

fn has_commands(file: &Path) -> bool {
    fs::read_to_string(file).unwrap().lines().any(|line| line == "```console")
}

/// Runs the commands of a file, and tells which of them printed something else.
fn lesson(file: &Path, data: Option<&Path>) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let place = Classroom::new(data);
    let (mut written, mut wrong, mut lines) = (String::new(), Vec::new(), text.lines().peekable());
    let mut inside = false;
    while let Some(line) = lines.next() {
        written.push_str(&format!("{line}\n"));
        inside = if inside { !line.starts_with("```") } else { line == "```console" };
        let Some(command) = line.strip_prefix("$ ").filter(|_| inside) else { continue };
        let mut said = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ") && !line.starts_with("```")) {
            said.push(line);
        }
        let printed = place.run(command);
        let printed = printed.as_ref().map(|text| text.lines().collect::<Vec<_>>());
        let right = printed.as_ref().is_none_or(|printed| matches(&said, printed));
        let shown = if right { said.clone() } else { abridged(&said, printed.as_deref().unwrap_or_default()) };
        shown.iter().for_each(|line| written.push_str(&format!("{line}\n")));
        if !right {
            let printed = printed.unwrap_or_default().join("\n");
            wrong.push(format!(
                "{}: $ {command}\n--- says\n{}\n--- printed\n{printed}",
                file.display(),
                said.join("\n")
            ));
        }
    }
    if env::var("COVID_TEST_LESSONS").as_deref() == Ok("overwrite") && !wrong.is_empty() {
        fs::write(file, written).unwrap();
        wrong.clear();
    }
    wrong
}

/// An empty folder that looks like the top of a checkout to the commands of a lesson.
struct Classroom {
    sandbox: Sandbox,
    has_data: bool,
}

impl Classroom {
    fn new(data: Option<&Path>) -> Self {
        let sandbox = Sandbox::new();
        let programs = env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
        let cargo = format!(
            "#!/bin/sh\n[ \"$1 $2\" = 'run -p' ] || exit 97\nprogram={}/$3\nshift 3\n[ \"$1\" = -- ] && shift\n\
             exec \"$program\" \"$@\"\n",
            programs.display()
        );
        let cargo = sandbox.write("bin/cargo", cargo);
        fs::set_permissions(cargo, fs::Permissions::from_mode(0o755)).unwrap();
        let checkout = sandbox.path().join("checkout");
        fs::create_dir(&checkout).unwrap();
        symlink(Path::new(ROOT).join("config").canonicalize().unwrap(), checkout.join("config")).unwrap();
        if let Some(data) = data {
            fs::create_dir(sandbox.path().join("shared")).unwrap();
            symlink(data, sandbox.path().join("shared/data")).unwrap();
        }
        Self { sandbox, has_data: data.is_some() }
    }

    /// What a command prints, on both streams; none if it needs data that are not there.
    fn run(&self, command: &str) -> Option<String> {
        if command.contains("../shared/data") && !self.has_data {
            return None;
        }
        let path = env::var("PATH").unwrap_or_default();
        let mut shell: Command = self.sandbox.command("sh", &["-c", &format!("exec 2>&1\n{command}")]);
        shell.current_dir(self.sandbox.path().join("checkout"));
        shell.env("PATH", format!("{}/bin:{path}", self.sandbox.path().display())).env_remove("COVID_NOW");
        let output = shell.output().unwrap();
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Some(code) = output.status.code().filter(|&code| code != 0) {
            printed.push_str(&format!("[exit {code}]\n"));
        }
        Some(printed)
    }
}

/// Whether lines are those of a lesson, `[...]` being any number of them.
fn matches(said: &[&str], printed: &[&str]) -> bool {
    match said.split_first() {
        None => printed.is_empty(),
        Some((&ANYTHING, rest)) => (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..])),
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, others)| same(line, first) && matches(rest, others))
        }
    }
}

/// Whether two lines are the same but for what differs from run to run.
fn same(a: &str, b: &str) -> bool {
    static VARYING: LazyLock<Regex> = LazyLock::new(|| {
        let ids = r"\d{8}T\d{9}Z-[0-9a-f]{8}|\b[0-9a-f]{32}\b|\b[a-z-]+-[0-9a-f]{8}\b(?: \([0-9a-f-]{36}\))?";
        let times = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?(?: +\d+\.\d)?";
        let seconds = r"Completed +\d+\.\d|^seconds: \d+\.\d";
        Regex::new(&format!("{ids}|{times}|{seconds}")).unwrap()
    });
    VARYING.replace_all(a.trim_end(), "_") == VARYING.replace_all(b.trim_end(), "_")
}

/// What is printed, abridged where the lesson abridged: as many lines before the first `[...]` and after the last, and
/// between two of them as many from the first line on that begins alike.
fn abridged<'a>(said: &[&'a str], printed: &[&'a str]) -> Vec<&'a str> {
    let parts: Vec<&[&str]> = said.split(|&line| line == ANYTHING).collect();
    let [first, middle @ .., last] = parts.as_slice() else { return printed.to_vec() };
    let mut at = first.len().min(printed.len());
    let end = (printed.len() - last.len().min(printed.len())).max(at);
    let mut shown = printed[..at].to_vec();
    let start = |line: &str| line.chars().take(10).collect::<String>();
    for part in middle {
        let alike = |line: &&str| part.first().is_some_and(|first| start(first) == start(line));
        if let Some(found) = printed[at..end].iter().position(alike) {
            let until = (at + found + part.len()).min(end);
            shown.push(ANYTHING);
            shown.extend(&printed[at + found..until]);
            at = until;
        }
    }
    shown.push(ANYTHING);
    shown.extend(&printed[end..]);
    shown
}
