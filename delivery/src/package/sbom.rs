//! The software bill of materials, in CycloneDX 1.6 JSON.
//!
//! A library for it (`cyclonedx-bom`) would bring more packages than this document has fields.

use std::iter;

use serde_json::{Value, json};

use super::{
    PROGRAMS, VERSION,
    contents::{Part, Parts},
};

/// The whole, of which the programs are the parts.
const PRODUCT: &str = "covid-forecasts";

/// The document; `now` in RFC 3339.
pub(super) fn document(parts: &Parts, now: &str) -> Value {
    let programs = parts.values().filter(|part| is_program(part)).map(Part::id);
    let product = json!({ "ref": PRODUCT, "dependsOn": programs.collect::<Vec<_>>() });
    let uses = parts.values().map(|part| json!({ "ref": part.id(), "dependsOn": part.uses }));
    let dependencies: Vec<Value> = iter::once(product).chain(uses).collect();
    let components: Vec<Value> = parts.values().map(component).collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": now,
            "tools": { "components": [{ "type": "application", "name": "delivery package", "version": VERSION }] },
            "component": { "type": "application", "bom-ref": PRODUCT, "name": PRODUCT, "version": VERSION },
        },
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(part: &Part) -> Value {
    let mut component = json!({
        "type": if is_program(part) { "application" } else { "library" },
        "bom-ref": part.id(),
        "name": part.name,
        "version": part.version,
        "purl": purl(part),
        "licenses": [{ "expression": part.licence }],
    });
    if let Some(checksum) = &part.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if let Some(repository) = &part.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

fn is_program(part: &Part) -> bool {
    part.is_own && PROGRAMS.contains(&part.name.as_str())
}

/// The package's URL. The project's own packages are on no registry, where another may have their names.
fn purl(part: &Part) -> String {
    let kind = if part.is_own { "generic" } else { "cargo" };
    // The only character of a version that a URL needs escaped.
    format!("pkg:{kind}/{}@{}", part.name, part.version.replace('+', "%2B"))
}
