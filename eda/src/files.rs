//! The files of the stage, in one folder of the store: the report, and the lists with a row for each value.

use covid_core::Fault;
use covid_data::{Listing, Quality, quality_to_csv, repairs_to_csv};
use covid_pipeline::Project;
use covid_report::count;
use covid_storage::PutMode;
use serde::Serialize;

/// Rows of a list at most, some hundred megabytes: ten times what the corrections of three thousand counties need.
pub(crate) const MOST_ROWS: usize = 2_000_000;

/// Where the files are, as a person would open them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Files {
    #[serde(skip)]
    folder: String,
    /// The page.
    pub(crate) report: String,
    /// The lists beside it.
    pub(crate) lists: Vec<List>,
}

/// A list that was written.
#[derive(Debug, Serialize)]
pub(crate) struct List {
    /// Its name, beside the page.
    pub(crate) name: &'static str,
    /// Where it is.
    pub(crate) place: String,
    /// What a row stands for.
    pub(crate) what: &'static str,
    /// Rows below the header.
    pub(crate) rows: usize,
    /// Rows that were left out, for there are too many.
    pub(crate) left_out: usize,
}

impl Files {
    /// No file yet.
    pub(crate) fn new(project: &Project) -> Self {
        let folder = format!("{}/eda/as_of={}", project.dataset, project.as_of);
        Self { report: project.place_of(&format!("{folder}/report.html")), lists: Vec::new(), folder }
    }

    /// Every count that repair changes.
    pub(crate) async fn put_repairs(&mut self, project: &Project) -> Result<(), Fault> {
        let listing = repairs_to_csv(&project.published()?, project.repair, MOST_ROWS);
        self.put_list(project, "repairs.csv", "counts", listing).await
    }

    /// Every series of which there is something to tell.
    pub(crate) async fn put_quality(&mut self, project: &Project, quality: &Quality) -> Result<(), Fault> {
        let listing = quality_to_csv(&project.published()?, quality, MOST_ROWS);
        self.put_list(project, "quality.csv", "series", listing).await
    }

    /// Every count that differs from another vintage.
    pub(crate) async fn put_revisions(&mut self, project: &Project, listing: Listing) -> Result<(), Fault> {
        self.put_list(project, "revisions.csv", "counts", listing).await
    }

    /// The page, written last: it names the lists.
    pub(crate) async fn put_report(&self, project: &Project, page: String) -> Result<(), Fault> {
        self.put(project, "report.html", page).await
    }

    /// The list of this name and its size, in words.
    pub(crate) fn mention(&self, name: &str) -> Option<String> {
        let list = self.lists.iter().find(|list| list.name == name)?;
        let left_out = match list.left_out {
            0 => String::new(),
            left_out => format!(", {} more left out", count(left_out as f64)),
        };
        Some(format!("{name} ({} {}{left_out})", count(list.rows as f64), list.what))
    }

    async fn put_list(
        &mut self,
        project: &Project,
        name: &'static str,
        what: &'static str,
        listing: Listing,
    ) -> Result<(), Fault> {
        let Listing { csv, rows, left_out } = listing;
        self.put(project, name, csv).await?;
        let place = project.place_of(&format!("{}/{name}", self.folder));
        self.lists.push(List { name, place, what, rows, left_out });
        Ok(())
    }

    async fn put(&self, project: &Project, name: &str, content: String) -> Result<(), Fault> {
        let key = format!("{}/{name}", self.folder);
        project.store.put(&key, content.into(), PutMode::Overwrite).await?;
        Ok(())
    }
}
