//! The licences of the parts: a list for people, and the texts, most of which are to go with the programs.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use super::{
    PackageError, VERSION,
    contents::{Part, Parts},
};

/// The file of the texts.
pub(super) const TEXTS: &str = "LICENSE-TEXTS.txt";
/// What the names of their files begin with.
const NAMES: [&str; 6] = ["license", "licence", "unlicense", "copying", "copyright", "notice"];

/// Every part that is not the project's own, with its licence and where it comes from.
pub(super) fn list(parts: &Parts) -> String {
    let foreign: Vec<&Part> = parts.values().filter(|part| !part.is_own).collect();
    let mut text = format!(
        "The programs in bin/, version {VERSION}, are under MIT OR Apache-2.0 at your choice: LICENSE-MIT, LICENSE-APACHE.\n\
         They are compiled with {} packages of others, whose licences and repositories follow;\n\
         {TEXTS} has the texts.\n\n",
        foreign.len()
    );
    let names: Vec<String> = foreign.iter().map(|part| format!("{} {}", part.name, part.version)).collect();
    let width = |texts: &mut dyn Iterator<Item = &str>| texts.map(str::len).max().unwrap_or_default();
    let (name_width, licence_width) =
        (width(&mut names.iter().map(String::as_str)), width(&mut foreign.iter().map(|part| part.licence.as_str())));
    for (name, part) in names.iter().zip(&foreign) {
        let from = part.repository.as_deref().unwrap_or("https://crates.io/");
        let _ = writeln!(text, "{name:name_width$}  {:licence_width$}  {from}", part.licence);
    }
    text
}

/// The texts that the parts of others bring, each once.
pub(super) fn texts(parts: &Parts) -> Result<String, PackageError> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without = Vec::new();
    for part in parts.values().filter(|part| !part.is_own) {
        let files = files(&part.folder)?;
        if files.is_empty() {
            without.push(part.id());
        }
        for file in files {
            let text = fs::read(&file).map_err(PackageError::io("read", &file))?;
            let text = String::from_utf8_lossy(&text).replace('\r', "").trim_end().to_owned();
            let from = format!("{} {}", part.id(), file.strip_prefix(&part.folder).unwrap_or(&file).display());
            texts.entry(text).or_default().push(from);
        }
    }
    // In the order of the list, by the first that brings a text.
    let mut texts: Vec<(String, Vec<String>)> = texts.into_iter().collect();
    texts.sort_by(|(_, a), (_, b)| a.cmp(b));
    let rule = "=".repeat(80);
    let mut document =
        format!("Without a text of their own, their licence being named alone: {}\n", without.join(", "));
    for (text, from) in texts {
        let _ = write!(document, "\n{rule}\n{}\n{rule}\n\n{text}\n", from.join("\n"));
    }
    Ok(document)
}

/// The files of a package that have licences, sorted; also those in a folder of such a name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, PackageError> {
    let mut found = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| is_of_licences(path)) {
        match path.is_dir() {
            true => found.extend(entries(&path)?.into_iter().filter(|path| path.is_file())),
            false => found.push(path),
        }
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, PackageError> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    entries.map_err(PackageError::io("read the folder", folder))
}

fn is_of_licences(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    // A source file of that name is none: `licenses.rs`.
    NAMES.iter().any(|beginning| name.starts_with(beginning)) && !name.ends_with(".rs")
}
