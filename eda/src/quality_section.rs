//! What is odd with the data, on the page: a table of everything, then each kind with the worst first.

use covid_core::Date;
use covid_data::{Decrease, Jump, Quality, Repair, TargetQuality};
use covid_report::{Column, HtmlPage, Table, count};

use crate::{
    files::Files,
    page::{plain, shown},
    picture::Picture,
    report::{quality, reading},
};

/// Rows of a table at most, as many as a person reads.
const ROWS: usize = 20;
/// Rows of a table with one or two short cells beside the name.
const SHORT_ROWS: usize = 40;

pub(crate) fn show(page: &mut HtmlPage, picture: &Picture, files: &Files) {
    let found = &picture.quality;
    page.heading("Quality").table(&quality(found));
    for line in reading(found) {
        page.paragraph(&line);
    }
    for remark in &found.reading.remarks {
        page.paragraph(&remark.to_string());
    }
    negative(page, found);
    falls(page, found);
    series_that_fall(page, found, files);
    jumps(page, found, files);
    stopped(page, found, files);
    weekly(page, found, files);
    repairs(page, picture, files);
}

/// Counts below 0, and where they stand.
fn negative(page: &mut HtmlPage, quality: &Quality) {
    let all = &quality.reading.negative;
    if all.is_empty() {
        return;
    }
    page.subheading("Counts below 0");
    let rows = all.iter().take(ROWS);
    page.paragraph(&shown("As they stand in the files, whatever the as-of date", rows.len(), all.len(), None));
    let mut table =
        Table::new([Column::text("File"), Column::number("Row"), Column::text("Column"), Column::number("Count")]);
    for negative in rows {
        let file = negative.file.display().to_string();
        table.row([file, negative.row.to_string(), negative.column.clone(), count(negative.count)]);
    }
    page.table(&table);
}

/// The worst of both targets together, by a measure that is larger for worse.
fn worst<'a, T>(
    quality: &'a Quality,
    list: impl Fn(&'a TargetQuality) -> &'a [T],
    size: impl Fn(&T) -> f64,
) -> Vec<(&'a TargetQuality, &'a T)> {
    let each = quality.targets.iter().flat_map(|target| list(target).iter().map(move |item| (target, item)));
    let mut all: Vec<_> = each.collect();
    all.sort_by(|(_, a), (_, b)| size(b).total_cmp(&size(a)));
    all
}

fn falls(page: &mut HtmlPage, quality: &Quality) {
    let number: usize = quality.targets.iter().map(|target| target.decreases).sum();
    if number == 0 {
        return;
    }
    let size = |fall: &Decrease| fall.from - fall.to;
    let worst = worst(quality, |target| &target.worst_decreases, size);
    let rows = worst.iter().take(ROWS);
    page.subheading("Counts that fall");
    page.paragraph(&shown(
        "Totals that are lower than the one before them, the largest fall first",
        rows.len(),
        number,
        None,
    ));
    let columns = [Column::text("Date"), Column::number("From"), Column::number("To"), Column::number("Fall")];
    let mut table = Table::new([Column::text("Location"), Column::text("Of")].into_iter().chain(columns));
    for (target, fall) in rows {
        let (from, to, by) = (count(fall.from), count(fall.to), count(size(fall)));
        table.row([fall.location.clone(), plain(target.target).to_owned(), fall.date.to_string(), from, to, by]);
    }
    page.table(&table);
}

fn series_that_fall(page: &mut HtmlPage, quality: &Quality, files: &Files) {
    let mut series: Vec<_> = quality.series.iter().filter(|series| series.decreases > 0).collect();
    if series.is_empty() {
        return;
    }
    series.sort_by(|a, b| b.total_decrease.total_cmp(&a.total_decrease));
    let rows = series.iter().take(ROWS);
    page.subheading("Falls by location");
    page.paragraph(&shown("The largest sum of falls first", rows.len(), series.len(), files.mention("quality.csv")));
    let columns = ["Falls", "All together", "Largest"].map(Column::number);
    let columns = [Column::text("Location"), Column::text("Of")].into_iter().chain(columns);
    let mut table = Table::new(columns.chain([Column::text("On")]));
    for series in rows {
        let largest = series.largest_decrease.as_ref();
        table.row([
            series.location.clone(),
            plain(series.target).to_owned(),
            count(series.decreases as f64),
            count(series.total_decrease),
            largest.map_or_else(String::new, |fall| count(fall.from - fall.to)),
            largest.map_or_else(String::new, |fall| fall.date.to_string()),
        ]);
    }
    page.table(&table);
}

fn jumps(page: &mut HtmlPage, quality: &Quality, files: &Files) {
    page.subheading("Jumps");
    let [cases, deaths] = quality.targets.each_ref().map(|target| count(target.least_jump));
    page.paragraph(&format!(
        "Days with more new counts than three times the largest of the four weeks before them, and at least {cases} cases \
         or {deaths} deaths. The largest week is taken so that neither growth nor weekly reports are jumps; days without \
         four weeks of counts before them are not judged. A jump is a place that catches up or counts in another way."
    ));
    let number: usize = quality.targets.iter().map(|target| target.jumps).sum();
    if number == 0 {
        page.paragraph("There is none.");
        return;
    }
    // In sizes of the weeks before, so that deaths are seen beside cases.
    let times = |jump: &Jump| jump.new / jump.largest_week.max(1.0);
    let worst = worst(quality, |target| &target.worst_jumps, times);
    let rows = worst.iter().take(ROWS);
    let what = "Those that are most beyond the weeks before them";
    page.paragraph(&shown(what, rows.len(), number, files.mention("quality.csv")));
    let columns = [Column::text("Date"), Column::number("New on the day"), Column::number("Largest week before")];
    let mut table = Table::new([Column::text("Location"), Column::text("Of")].into_iter().chain(columns));
    for (target, jump) in rows {
        let (new, week) = (count(jump.new), count(jump.largest_week));
        table.row([jump.location.clone(), plain(target.target).to_owned(), jump.date.to_string(), new, week]);
    }
    page.table(&table);
}

fn stopped(page: &mut HtmlPage, quality: &Quality, files: &Files) {
    page.subheading("Locations without news for 14 days");
    if quality.stopped.is_empty() {
        page.paragraph("There is none.");
        return;
    }
    let rows = quality.stopped.iter().take(SHORT_ROWS);
    let what = "Neither cases nor deaths have changed; the longest silent first";
    page.paragraph(&shown(what, rows.len(), quality.stopped.len(), files.mention("quality.csv")));
    let mut table = Table::new([Column::text("Location"), Column::text("Last change"), Column::number("Days since")]);
    for stopped in rows {
        let since = |date: Date| date.until(quality.last_date).map_or(0, |span| span.get_days());
        let (date, days) = match stopped.last_change {
            Some(date) => (date.to_string(), count(f64::from(since(date)))),
            None => ("never".to_owned(), String::new()),
        };
        table.row([stopped.location.clone(), date, days]);
    }
    page.table(&table);
}

fn weekly(page: &mut HtmlPage, quality: &Quality, files: &Files) {
    page.subheading("Locations that report weekly");
    if quality.weekly_reporters.is_empty() {
        page.paragraph("There is none.");
        return;
    }
    let rows = quality.weekly_reporters.iter().take(SHORT_ROWS);
    let what = "In the last 8 weeks cases changed at least three times, and always on the same day of the week";
    page.paragraph(&shown(what, rows.len(), quality.weekly_reporters.len(), files.mention("quality.csv")));
    let mut table = Table::new(["Location", "Day", "Since"].map(Column::text));
    for weekly in rows {
        let day = format!("{:?}", weekly.since.weekday());
        table.row([weekly.location.clone(), day, weekly.since.to_string()]);
    }
    page.table(&table);
}

fn repairs(page: &mut HtmlPage, picture: &Picture, files: &Files) {
    page.subheading("What repair changes");
    let rule = match picture.repair {
        Repair::None => "Repair is switched off: models see the counts as published.",
        Repair::Monotone => {
            "Rule `monotone`: where a later count is lower, the earlier ones are lowered to it, so that models see totals \
             that never fall. The latest published count stays as it is, and scores are against published counts."
        }
    };
    page.paragraph(rule);
    if picture.repairs.is_empty() {
        return;
    }
    let rows = picture.repairs.iter().take(ROWS);
    let what = "Series by the number of counts that are lowered";
    page.paragraph(&shown(what, rows.len(), picture.repairs.len(), files.mention("repairs.csv")));
    let columns = [Column::number("Counts"), Column::text("First"), Column::text("Last"), Column::number("At most by")];
    let mut table = Table::new([Column::text("Location"), Column::text("Of")].into_iter().chain(columns));
    for series in rows {
        table.row([
            series.location.clone(),
            plain(series.target).to_owned(),
            count(series.counts as f64),
            series.first.to_string(),
            series.last.to_string(),
            count(series.largest),
        ]);
    }
    page.table(&table);
}
