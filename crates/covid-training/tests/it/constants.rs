//! docs/forecasting.md lists every constant of the models and of their intervals, with the value that the code has.

use std::{collections::BTreeSet, fs, path::Path};

/// Sizes, buffers and look-up grids: how a thing is computed, not what is assumed.
const BOOKKEEPING: [&str; 19] = [
    "FEATURES",
    "LANES",
    "BINS",
    "NODES",
    "KEPT",
    "NOTHING",
    "CHUNK",
    "EMPTY",
    "NORMAL_WIDTH",
    "STUDENT",
    "CANDIDATES",
    "CONSTANT",
    "FORMAT_VERSION",
    "PLACES_A_PART",
    "FULL",
    "PLACES_A_TASK",
    "LEVELS",
    "SETTINGS",
    "_",
];

/// Modules whose constants are choices.
const MODULES: [&str; 7] = ["calibration", "tables", "spread", "sums", "replay", "recipe", "models"];

#[test]
fn docs_list_every_constant_with_its_value() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_to_string(crate_folder.join("../../docs/forecasting.md")).expect("docs");
    let listed: BTreeSet<String> = docs
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let (module, name, value) = (cells.next()?, cells.next()?, cells.next()?);
            Some(format!("{module} {} = {value}", name.strip_prefix('`')?.strip_suffix('`')?))
        })
        .collect();
    let in_code: BTreeSet<String> = MODULES
        .iter()
        .flat_map(|module| sources(&crate_folder.join("src").join(module)))
        .flat_map(|(module, text)| constants(&module, &text))
        .collect();
    let missing: Vec<_> = in_code.difference(&listed).collect();
    let old: Vec<_> = listed.difference(&in_code).collect();
    assert!(in_code.len() > 40, "constants are found: {}", in_code.len());
    assert!(missing.is_empty() && old.is_empty(), "not in the docs: {missing:#?}\nnot in the code: {old:#?}");
}

/// Module names and texts of `path.rs`, or of the files of the folder `path`.
fn sources(path: &Path) -> Vec<(String, String)> {
    let files = match fs::read_dir(path) {
        Ok(folder) => folder.map(|entry| entry.expect("entry").path()).collect(),
        Err(_) => vec![path.with_extension("rs")],
    };
    let read = |file: std::path::PathBuf| {
        let module = file.file_stem().expect("a name").to_string_lossy().into_owned();
        (module, fs::read_to_string(file).expect("a source file"))
    };
    files.into_iter().map(read).collect()
}

/// `module NAME = value` of each constant that is a choice; of a struct, its fields.
fn constants(module: &str, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.split("const ")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once(": ")?;
            let value = rest.split_once(" = ")?.1.split(';').next()?;
            // An array type has a `;` and a ` = ` after it.
            let value = value.strip_prefix("Self { ").and_then(|fields| fields.strip_suffix(" }")).unwrap_or(value);
            // Not the `N` of a generic.
            let named = name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            let bookkeeping = BOOKKEEPING.contains(&name) || matches!((module, name), ("recent", _) | ("paths", _));
            (named && !bookkeeping).then(|| format!("{module} {name} = {value}"))
        })
        .collect()
}
