//! The architecture, held by tests: which crate may depend on which, and who owns the heavy dependencies.

#![allow(clippy::unwrap_used)] // The configuration allows it in tests, but forgets their helpers.

mod lessons;
mod skipped;

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Dependencies that are slow to build or large in scope, and the crates that alone know them. Tracking runs and flow runs are
/// each kept in a SQLite file, by crates that know nothing of each other.
const HEAVY: [(&str, &[&str]); 8] = [
    ("aws-sdk-s3", &["covid-storage"]),
    ("croner", &["covid-flow"]),
    ("lettre", &["covid-monitoring"]),
    ("plotters", &["covid-report"]),
    ("polars", &["covid-data"]),
    ("reqwest", &["covid-http"]),
    ("rusqlite", &["covid-flow", "covid-registry"]),
    ("smartcore", &["covid-training"]),
];

/// The stage programs. They are leaves: nothing depends on them.
const STAGES: [&str; 5] = ["delivery", "deployment", "eda", "exp-track-mod-reg", "monitoring"];

/// What each library may depend on (ARCHITECTURE.md says why). A stage may depend on every library but this one.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("covid-cli", &["covid-core"]),
    ("covid-core", &[]),
    ("covid-data", &["covid-core", "covid-http"]),
    ("covid-flow", &["covid-core", "covid-http"]),
    ("covid-http", &["covid-core"]),
    (
        "covid-monitoring",
        &["covid-core", "covid-data", "covid-http", "covid-prediction", "covid-registry", "covid-storage"],
    ),
    (
        "covid-pipeline",
        &[
            "covid-cli",
            "covid-core",
            "covid-data",
            "covid-flow",
            "covid-http",
            "covid-monitoring",
            "covid-prediction",
            "covid-registry",
            "covid-report",
            "covid-storage",
            "covid-training",
        ],
    ),
    ("covid-prediction", &["covid-core", "covid-data", "covid-registry", "covid-storage", "covid-training"]),
    ("covid-registry", &["covid-core", "covid-http", "covid-storage"]),
    ("covid-report", &["covid-core"]),
    ("covid-storage", &["covid-core"]),
    ("covid-testing", &["covid-core", "covid-data", "covid-storage"]),
    ("covid-training", &["covid-core"]),
];

fn workspace() -> Metadata {
    // Without the dependencies' own manifests this needs neither network nor lock.
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .unwrap()
}

/// Names of a package's normal dependencies, sorted.
fn dependencies(package: &Package) -> BTreeSet<&str> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.as_str()).collect()
}

/// The internal edges: every member with the members that it depends on.
fn edges(workspace: &Metadata) -> BTreeMap<&str, Vec<&str>> {
    let names: BTreeSet<&str> = workspace.packages.iter().map(|package| package.name.as_str()).collect();
    let internal = |package| dependencies(package).into_iter().filter(|name| names.contains(name)).collect();
    workspace.packages.iter().map(|package| (package.name.as_str(), internal(package))).collect()
}

#[test]
fn a_new_edge_is_a_decision_somebody_reads() {
    let workspace = workspace();
    let lines: Vec<String> =
        edges(&workspace).iter().map(|(from, to)| format!("{from} -> {}", to.join(", "))).collect();
    insta::assert_snapshot!(lines.join("\n").replace("-> \n", "->\n"), @"
    covid-cli -> covid-core
    covid-core ->
    covid-data -> covid-core, covid-http
    covid-flow -> covid-core, covid-http
    covid-http -> covid-core
    covid-monitoring -> covid-core, covid-data, covid-http, covid-prediction, covid-storage
    covid-pipeline -> covid-cli, covid-core, covid-data, covid-flow, covid-monitoring, covid-prediction, covid-registry, covid-report, covid-storage, covid-training
    covid-prediction -> covid-core, covid-data, covid-registry, covid-storage, covid-training
    covid-registry -> covid-core, covid-http, covid-storage
    covid-report -> covid-core
    covid-storage -> covid-core
    covid-testing -> covid-storage
    covid-training -> covid-core
    delivery -> covid-cli, covid-core, covid-pipeline, covid-report
    deployment -> covid-cli, covid-core, covid-pipeline, covid-prediction, covid-report
    eda -> covid-cli, covid-core, covid-data, covid-pipeline, covid-report, covid-storage
    exp-track-mod-reg -> covid-cli, covid-core, covid-pipeline, covid-registry, covid-report, covid-training
    monitoring -> covid-cli, covid-pipeline
    ");
}

#[test]
fn every_edge_is_allowed() {
    let workspace = workspace();
    let allowed = BTreeMap::from(ALLOWED);
    let may = |from: &str, to: &str| match allowed.get(from) {
        Some(allowed) => allowed.contains(&to),
        None => STAGES.contains(&from) && to != "covid-testing" && !STAGES.contains(&to),
    };
    let forbidden: Vec<String> = edges(&workspace)
        .iter()
        .flat_map(|(from, to)| to.iter().filter(|to| !may(from, to)).map(move |to| format!("{from} -> {to}")))
        .collect();
    assert!(forbidden.is_empty(), "edges that the design does not allow: {}", forbidden.join(", "));
}

#[test]
fn every_member_is_known_to_the_design() {
    let workspace = workspace();
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).chain(STAGES).collect();
    let members: BTreeSet<&str> = workspace.packages.iter().map(|package| package.name.as_str()).collect();
    let unknown: Vec<_> = members.difference(&known).collect();
    assert!(unknown.is_empty(), "members without a place in the design: {unknown:?}");
}

#[test]
fn every_heavy_dependency_has_its_owners() {
    let workspace = workspace();
    for (heavy, known_to) in HEAVY {
        let owners: Vec<&str> = workspace
            .packages
            .iter()
            .filter(|package| dependencies(package).contains(heavy))
            .map(|package| package.name.as_str())
            .collect();
        assert_eq!(owners, known_to, "who knows {heavy}");
    }
}

#[test]
fn every_member_inherits_the_workspace_s_lints() {
    for package in workspace().packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
        assert_eq!(lines.next(), Some("workspace = true"), "[lints] in {}", package.manifest_path);
    }
}
