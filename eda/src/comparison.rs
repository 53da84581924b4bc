//! Two vintages side by side.

use covid_core::{Date, Fault, PanelView};
use covid_data::{Listing, Loaded, Revisions, compare, revisions_to_csv};
use covid_pipeline::Project;
use serde::Serialize;

use crate::files::MOST_ROWS;

/// What changed between the source and another vintage of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    /// The older vintage, in words.
    pub(crate) old: String,
    /// The newer one.
    pub(crate) new: String,
    /// What changed from the one to the other.
    pub(crate) revisions: Revisions,
}

impl Comparison {
    /// Compares a project's counts with those of another source, and lists every count that changed. The vintage whose
    /// data end earlier is the older one; if both end on the same day, it is the other source.
    pub(crate) fn of(project: &Project, other: &Loaded) -> Result<(Self, Listing), Fault> {
        let (own, others) = (project.published()?, cut(other, project.settings.as_of)?);
        let own_words = words(&project.description, &own);
        let other_words = words(&other.description, &others);
        let [(old, old_words), (new, new_words)] = if own.as_of() < others.as_of() {
            [(own, own_words), (others, other_words)]
        } else {
            [(others, other_words), (own, own_words)]
        };
        let listing = revisions_to_csv(&old, &new, MOST_ROWS);
        Ok((Self { old: old_words, new: new_words, revisions: compare(&old, &new) }, listing))
    }
}

/// The other source up to the as-of date that was asked for, if one was and it has later dates.
fn cut(other: &Loaded, as_of: Option<Date>) -> Result<PanelView<'_>, Fault> {
    match as_of.filter(|date| *date < other.panel.last_date()) {
        Some(date) => Ok(other.panel.as_of(date)?),
        None => Ok(other.panel.view()),
    }
}

fn words(description: &str, view: &PanelView<'_>) -> String {
    let (locations, first, last) = (view.locations().len(), view.first_date(), view.as_of());
    format!("{description}: {locations} locations, {first} to {last}")
}
