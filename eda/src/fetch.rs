//! The command `fetch`: downloads JHU's files, or finds that they are the newest already.

use anyhow::Result;
use covid_cli::{Bar, Format, Progress, Session, print_json, print_stdout};
use covid_core::Fault;
use covid_data::{FetchReport, Outcome};
use covid_pipeline::Settings;
use covid_report::{Column, Table, count};

/// Characters of a SHA-256 that are enough to compare by eye.
const SHORT: usize = 12;

pub(crate) async fn fetch(session: &Session) -> Result<()> {
    let settings = session.settings::<Settings>(&[])?.checked()?.fetch;
    let mut bars = Bars { progress: &session.progress, shown: None };
    let mut show = |file: &str, done, total| bars.show(file, done, total);
    let report = covid_data::fetch(&settings, session.clock.now(), &mut show).await.map_err(Fault::from)?;
    drop(bars);
    match session.format {
        Format::Text => print_stdout(&text(&report)),
        Format::Json => print_json(&report),
    }
}

/// A bar for the file that is being downloaded.
struct Bars<'a> {
    progress: &'a Progress,
    shown: Option<(String, Bar)>,
}

impl Bars<'_> {
    fn show(&mut self, file: &str, done: u64, total: Option<u64>) {
        if self.shown.as_ref().is_none_or(|(shown, _)| shown != file) {
            // The bar of the file before goes first, so that there is one at a time.
            self.shown = None;
            self.shown = Some((file.to_owned(), self.progress.bytes(file)));
        }
        if let Some((_, bar)) = &self.shown {
            bar.set(done, total);
        }
    }
}

fn text(report: &FetchReport) -> String {
    let columns = [Column::text("File"), Column::text("How"), Column::number("Bytes"), Column::text("SHA-256")];
    let mut table = Table::new(columns);
    for file in &report.files {
        let how = match file.outcome {
            Outcome::Downloaded => "downloaded",
            Outcome::Resumed => "resumed",
            Outcome::Unchanged => "unchanged",
        };
        let digest = file.sha256.chars().take(SHORT).collect();
        table.row([file.file.clone(), how.to_owned(), count(file.bytes as f64), digest]);
    }
    format!("{table}\nfrom: {}\nfolder: {}", report.base_url, report.folder.display())
}
