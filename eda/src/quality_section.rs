//! What is odd with the data, on the page: a table of everything, then each kind with the worst first.

use covid_core::Date;
use covid_data::{Quality, Repair, SeriesQuality, TargetQuality};
use covid_report::{Column, HtmlPage, Table, count};

use crate::{
    files::Files,
    page::{plain, sentence, short, shown},
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
        page.paragraph(&sentence(&line));
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

/// The first few of each target's list. Of both lists together, those of deaths, which are fewer, would never be seen.
fn first_of_each<'a, T>(quality: &'a Quality, list: impl Fn(&'a TargetQuality) -> Vec<T>) -> Vec<T> {
    let targets: Vec<_> = quality.targets.iter().flatten().collect();
    let each = ROWS / targets.len().max(1);
    targets.into_iter().flat_map(|target| list(target).into_iter().take(each)).collect()
}

fn falls(page: &mut HtmlPage, quality: &Quality) {
    let number: usize = quality.targets.iter().flatten().map(|target| target.decreases).sum();
    if number == 0 {
        return;
    }
    let rows = first_of_each(quality, |found| found.worst_decreases.iter().map(|fall| (found.target, fall)).collect());
    page.subheading("Counts that fall");
    let what = "Totals that are lower than the one before them, the largest fall first";
    page.paragraph(&shown(what, rows.len(), number, None));
    let columns = [Column::text("Date"), Column::number("From"), Column::number("To"), Column::number("Fall")];
    let mut table = Table::new([Column::text("Location"), Column::text("Of")].into_iter().chain(columns));
    for (target, fall) in rows {
        let (from, to, by) = (count(fall.from), count(fall.to), count(fall.from - fall.to));
        table.row([fall.location.clone(), plain(target).to_owned(), fall.date.to_string(), from, to, by]);
    }
    page.table(&table);
}

fn series_that_fall(page: &mut HtmlPage, quality: &Quality, files: &Files) {
    let number: usize = quality.targets.iter().flatten().map(|target| target.decreasing_series).sum();
    if number == 0 {
        return;
    }
    let worst = |found: &TargetQuality| {
        let falls = |series: &&SeriesQuality| series.target == found.target && series.decreases > 0;
        let mut series: Vec<_> = quality.series.iter().filter(falls).collect();
        series.sort_by(|a, b| b.total_decrease.total_cmp(&a.total_decrease));
        series
    };
    let rows = first_of_each(quality, worst);
    page.subheading("Falls by location");
    page.paragraph(&shown("The largest sum of falls first", rows.len(), number, files.mention("quality.csv")));
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
    let least = |target: &TargetQuality| format!("{} {}", count(target.least_jump), short(target.target));
    let least = quality.targets.iter().flatten().map(least).collect::<Vec<_>>().join(" or ");
    if least.is_empty() {
        return;
    }
    page.subheading("Jumps").paragraph(&format!(
        "Days with more new counts than three times the largest of the four weeks before them, and at least {least}. The \
         largest week is taken so that neither growth nor weekly reports are jumps; days without four weeks of counts \
         before them are not judged. A jump is a place that catches up or counts in another way."
    ));
    let number: usize = quality.targets.iter().flatten().map(|target| target.jumps).sum();
    if number == 0 {
        page.paragraph("There is none.");
        return;
    }
    let rows = first_of_each(quality, |found| found.worst_jumps.iter().map(|jump| (found.target, jump)).collect());
    let what = "The largest first";
    page.paragraph(&shown(what, rows.len(), number, files.mention("quality.csv")));
    let columns = [Column::text("Date"), Column::number("New on the day"), Column::number("Largest week before")];
    let mut table = Table::new([Column::text("Location"), Column::text("Of")].into_iter().chain(columns));
    for (target, jump) in rows {
        let (new, week) = (count(jump.new), count(jump.largest_week));
        table.row([jump.location.clone(), plain(target).to_owned(), jump.date.to_string(), new, week]);
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
