//! The flow monitor: score what is due; with nothing due, a back-dated forecast. Then look at the data and at the rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use covid_core::{Date, Fault, PanelError};
use covid_monitoring::{
    Alert, Blame, DRIFT_WINDOW, DataReport, Event, Evidence, Finding, LastSeen, Monitored, Monitoring, Notice, Outcome,
    Request, Rule, Standing, Summary, Tally, Told, Window, Windows, data_scores, scores, skill, tallies,
};
use covid_prediction::{Branch, Manifest, read_vintage};
use covid_registry::{Registry, RunBatch, RunStatus};
use covid_storage::{PutMode, list_all};
use serde::Serialize;

use crate::{
    Project, Steps, TrainingReport, ensure_champion,
    monitoring_page::{About, MonitoringPage},
    predict,
    project::blocking,
    serving::Serving,
    text::alert_text,
    verdict::verdict,
};

/// What monitoring found.
#[derive(Debug, Serialize)]
pub struct MonitoringReport {
    /// Whether it scores a forecast that was made for this purpose, some days before the last date.
    pub backdated: bool,
    /// Whether nothing was due that had not been scored before.
    pub already_done: bool,
    /// The training that had to come first.
    pub trained: Option<TrainingReport>,
    /// The monitoring run.
    pub run: String,
    /// The last date that was looked at.
    pub as_of: String,
    /// The prediction runs that were scored: id and as-of date.
    pub scored: Vec<[String; 2]>,
    /// Scores that replace an older one, since the published count was revised.
    pub reopened: usize,
    /// The scores.
    pub summary: Summary,
    /// The scores of the last days; none for a back-dated forecast.
    pub rolling: Vec<Rolling>,
    /// What every rule says; none for a back-dated forecast.
    pub findings: Vec<Finding>,
    /// The alerts that stand, the worst first.
    pub alerts: Vec<Alert>,
    /// What changed since the monitoring run before.
    pub events: Vec<(Event, Alert)>,
    /// Who was told, and how that went.
    pub told: Vec<Told>,
    /// What is odd about the data; none for a back-dated forecast.
    pub data: Option<DataReport>,
    /// The verdict, a sparkline and the worst places.
    pub overview: String,
    /// Where the page is; none in a replay.
    pub page: Option<String>,
    /// Where the manifest is.
    pub manifest: String,
    /// Where the CSV is.
    pub csv: Option<String>,
}

/// The scores of the last days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rolling {
    /// How many dates.
    pub days: usize,
    /// Scores.
    pub rows: i64,
    /// Mean RMSLE of the targets.
    pub headline: Option<f64>,
    /// The same of no change.
    pub persistence_headline: Option<f64>,
    /// What the champion's backtest lets expect.
    pub expected: Option<f64>,
    /// Share of published counts in the 95 % interval.
    pub coverage95: Option<f64>,
}

/// The windows that people are shown: the last day (the capstone's one figure), a week, four weeks.
const SHOWN_DAYS: [usize; 3] = [1, 7, 28];

impl MonitoringReport {
    /// The share by which the champion's headline is better than that of no change; none without both, or where nothing
    /// changed.
    pub fn skill(&self) -> Option<f64> {
        skill(self.summary.headline?, self.summary.persistence_headline?)
    }

    /// Whether an alert stands that somebody has to look at.
    pub fn is_alarming(&self) -> bool {
        self.alerts.iter().any(Alert::is_loud)
    }
}

/// Scores the committed predictions whose dates have come, looks at the data and judges the rules. With nothing due,
/// forecasts as of some days before the as-of date and scores that, apart from the real ones and without rules.
///
/// # Errors
/// If the history is too short for a back-dated forecast, or store or registry fail.
pub async fn monitor(project: &Project, registry: &dyn Registry) -> Result<MonitoringReport, Fault> {
    let (branch, monitored, trained, judged) = match score(project, Branch::Real).await? {
        Some(monitored) => {
            let judged = judge(project, registry, &monitored.manifest).await?;
            (Branch::Real, monitored, None, Some(judged))
        }
        None => {
            let (_, trained) = ensure_champion(project, registry).await?;
            let mut before = project.clone();
            before.as_of = backdate(project)?;
            predict(&before, registry, Branch::Backdated, &Steps::alone()).await?;
            let none = PanelError::Empty("published counts after the back-dated forecast");
            let monitored = score(project, Branch::Backdated).await?.ok_or(none)?;
            (Branch::Backdated, monitored, trained, None)
        }
    };
    let mut report = report(project, monitored, trained, judged);
    if project.replay.is_none() {
        let key = page_key(project, branch);
        report.page = Some(project.place_of(&key));
        report.told = tell(project, &report).await;
        // The scores are there and people are told: a page that fails is no reason to fail.
        if let Err(error) = show(project, registry, branch, &mut report, &key).await {
            tracing::warn!("there is no page: {error}");
            report.page = None;
        }
    }
    Ok(report)
}

/// Writes the page, and takes the lines for the terminal from it.
async fn show(
    project: &Project,
    registry: &dyn Registry,
    branch: Branch,
    report: &mut MonitoringReport,
    key: &str,
) -> Result<(), Fault> {
    let about = About { branch, days: PAGE_DAYS, data: report.data.as_ref() };
    let mut page = MonitoringPage::gather(project, registry, about, &verdict(report)).await?;
    page.alerts.clone_from(&report.alerts);
    report.overview = page.summary_text(project.settings.monitoring.worst);
    // The page of a run that was judged before stays what it was: a later champion has no part in it.
    if report.already_done && !list_all(project.store.as_ref(), key).await?.is_empty() {
        return Ok(());
    }
    project.store.put(key, page.to_html()?.into(), PutMode::Overwrite).await?;
    Ok(())
}

fn page_key(project: &Project, branch: Branch) -> String {
    let tree = if branch == Branch::Backdated { "backdated/" } else { "" };
    format!("{}/{tree}monitoring/reports/as_of={}/report.html", project.dataset, project.as_of)
}

/// Tells people what stands and what is over; each of it once. Nothing that fails here fails the run.
async fn tell(project: &Project, report: &MonitoringReport) -> Vec<Told> {
    let notice = |event: Event, alert: &Alert| Notice {
        dataset: project.dataset.clone(),
        event,
        alert: alert.clone(),
        as_of: project.as_of,
        run: report.run.clone(),
        report: report.page.clone(),
    };
    let over = report.events.iter().filter(|(event, _)| *event == Event::Recovered);
    let standing = report.alerts.iter().map(|alert| notice(Event::Raised, alert));
    let notices: Vec<Notice> = standing.chain(over.map(|(event, alert)| notice(*event, alert))).collect();
    let told = covid_monitoring::tell(
        project.store.as_ref(),
        &project.settings.alerts,
        &project.dataset,
        &notices,
        project.now(),
    );
    let told = told.await;
    for alert in report.alerts.iter().filter(|alert| alert.is_loud()) {
        tracing::warn!("{}", alert_text(alert));
    }
    for (_, alert) in report.events.iter().filter(|(event, _)| *event == Event::Recovered) {
        tracing::info!("recovered: {}", alert_text(alert));
    }
    for told in &told {
        match told.outcome {
            Outcome::Sent => tracing::info!("{told}"),
            _ => tracing::warn!("{told}"),
        }
    }
    told
}

/// Days of the error over time on the page.
const PAGE_DAYS: usize = 182;

fn report(
    project: &Project,
    monitored: Monitored,
    trained: Option<TrainingReport>,
    judged: Option<Judged>,
) -> MonitoringReport {
    let work = &monitored.manifest.work;
    let manifest = project.place_of(&monitored.manifest_key);
    let csv = monitored.csv_key.as_ref().map(|key| project.place_of(key));
    let of_champion = || work.scored.iter().filter(|scored| !scored.shadow && !scored.withdrawn);
    let mut report = MonitoringReport {
        backdated: judged.is_none(),
        already_done: monitored.already_done,
        trained,
        run: monitored.manifest.run.to_string(),
        as_of: work.as_of.to_string(),
        scored: of_champion().map(|scored| [scored.run.clone(), scored.as_of.to_string()]).collect(),
        reopened: of_champion().map(|scored| scored.reopened).sum(),
        summary: monitored.summary,
        rolling: Vec::new(),
        findings: Vec::new(),
        alerts: Vec::new(),
        events: Vec::new(),
        told: Vec::new(),
        data: None,
        overview: String::new(),
        page: None,
        manifest,
        csv,
    };
    if let Some(Judged { rolling, findings, standing, events, data }) = judged {
        report.alerts = standing.alerts();
        (report.rolling, report.findings, report.events, report.data) = (rolling, findings, events, Some(data));
    }
    report
}

async fn score(project: &Project, branch: Branch) -> Result<Option<Monitored>, Fault> {
    let request = Request {
        dataset: &project.dataset,
        source_kind: project.source_kind,
        panel: &project.panel,
        as_of: project.as_of,
        branch,
        for_people: project.replay.is_none(),
    };
    let settings = &project.settings.monitoring;
    Ok(covid_monitoring::monitor(project.store.as_ref(), request, settings, project.now()).await?)
}

/// The as-of date of a back-dated forecast: the horizon before the as-of date.
fn backdate(project: &Project) -> Result<Date, Fault> {
    let view = project.published()?;
    let day = (view.days() - 1).checked_sub(project.settings.prediction.horizon);
    Ok(view.date(day.ok_or(PanelError::Empty("days before the back-dated forecast"))?))
}

/// What rules and data say.
struct Judged {
    rolling: Vec<Rolling>,
    findings: Vec<Finding>,
    standing: Standing,
    events: Vec<(Event, Alert)>,
    data: DataReport,
}

/// Judges the rules on the scores so far, and writes down what stands.
async fn judge(project: &Project, registry: &dyn Registry, manifest: &Manifest<Monitoring>) -> Result<Judged, Fault> {
    let store = project.store.as_ref();
    // One that was trained later says nothing of what could be expected then.
    let was_there = |serving: &Arc<Serving>| serving.champion.model.trained_as_of() <= project.as_of;
    let serving = Serving::find(project, registry).await?.filter(was_there);
    let rules = project.settings.monitoring.rules()?;
    let data = look_at_data(project, serving.as_deref(), manifest).await?;
    let longest = rules.iter().map(|rule| rule.days).chain(SHOWN_DAYS).max().unwrap_or(1);
    let tallies = tallies(store, &project.dataset, Branch::Real, project.as_of, longest).await?;
    let windows = windows(project, &rules, &tallies);
    let mut findings = find(project, serving.as_deref(), &rules, &windows, &data);
    blame_data(project, serving.as_deref(), &rules, &mut findings, &data).await?;
    let (standing, events) = match Standing::of(store, manifest).await? {
        Some(standing) => {
            // Who was to be told may not have been, if the run that wrote it was cut off.
            let events = standing.recovered_since(Standing::before(store, manifest).await?.as_ref());
            (standing, events)
        }
        None => {
            let before = Standing::before(store, manifest).await?;
            let run = manifest.run.as_str();
            let (standing, events) = Standing::after(before.as_ref(), &rules, &findings, project.as_of, run);
            track(project, registry, manifest, &windows).await?;
            standing.write(store, manifest).await?;
            (standing, events)
        }
    };
    let baseline = serving.as_ref().and_then(|serving| serving.baseline.as_ref());
    // Of days ahead that the backtest does not have, nothing says what is usual.
    let most_ahead = baseline.map_or(usize::MAX, |baseline| baseline.horizon);
    let rolling = SHOWN_DAYS.map(|days| {
        let window = &windows[&days].champion;
        Rolling {
            days,
            rows: window.rows(),
            headline: window.headline(most_ahead),
            persistence_headline: window.persistence_headline(most_ahead),
            expected: baseline.and_then(|baseline| baseline.expected_headline(window)),
            coverage95: window.total(most_ahead).coverage().map(|coverage| coverage[2]),
        }
    });
    Ok(Judged { rolling: rolling.to_vec(), findings, standing, events, data })
}

/// Drift and faults of the data; which places vanished is told by the newest vintage that was forecast from.
async fn look_at_data(
    project: &Project,
    serving: Option<&Serving>,
    manifest: &Manifest<Monitoring>,
) -> Result<DataReport, Fault> {
    let trained = serving.map_or(project.as_of, |serving| serving.champion.model.trained_as_of());
    let forecast_from = covid_prediction::prediction_ledger(project.store.as_ref(), &project.dataset, Branch::Real);
    let newest = manifest.work.scored.iter().map(|scored| scored.as_of).max();
    let last_seen = match newest {
        Some(as_of) => match forecast_from.current(as_of).await? {
            Some(run) if run.work.vintage != project.panel.digest() => {
                let then = read_vintage(project.store.as_ref(), &project.dataset, &run.work.vintage).await?;
                LastSeen::all(&then.as_of(as_of)?)
            }
            _ => Vec::new(),
        },
        None => Vec::new(),
    };
    let project = project.clone();
    blocking(move || Ok(DataReport::new(&project.published()?, trained, DRIFT_WINDOW, &last_seen))).await
}

/// Scores by the number of dates that rules and people ask for.
fn windows(project: &Project, rules: &[Rule], tallies: &[Tally]) -> BTreeMap<usize, Windows> {
    let asked: BTreeSet<usize> = rules.iter().map(|rule| rule.days).chain(SHOWN_DAYS).collect();
    let of = |days: usize| {
        let before = covid_core::add_days(project.as_of, -(days as i64));
        let recent: Vec<Tally> = tallies.iter().filter(|tally| tally.group.date > before).copied().collect();
        (days, Windows::of(&recent))
    };
    asked.into_iter().map(of).collect()
}

fn find(
    project: &Project,
    serving: Option<&Serving>,
    rules: &[Rule],
    windows: &BTreeMap<usize, Windows>,
    data: &DataReport,
) -> Vec<Finding> {
    let age = serving.map(|serving| days_between(serving.champion.model.trained_as_of(), project.as_of));
    let data = serving.map(|serving| data_scores(data, &serving.usual)).unwrap_or_default();
    let evidence = Evidence {
        baseline: serving.and_then(|serving| serving.baseline.as_ref()),
        level: project.settings.monitoring.level,
        windows,
        age: age.filter(|days| *days >= 0),
        data: &data,
    };
    rules.iter().map(|rule| rule.judge(&evidence)).collect()
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

/// A rule about the model that is broken by the places alone whose data are at fault says something of the data.
async fn blame_data(
    project: &Project,
    serving: Option<&Serving>,
    rules: &[Rule],
    findings: &mut [Finding],
    data: &DataReport,
) -> Result<(), Fault> {
    let against_model = |finding: &Finding| finding.blame == Blame::Model && finding.broken == Some(true);
    let broken = rules.iter().zip(findings.iter()).filter(|(_, finding)| against_model(finding));
    let Some(days) = broken.map(|(rule, _)| rule.days).max() else { return Ok(()) };
    let flagged = data.flagged();
    if flagged.is_empty() {
        return Ok(());
    }
    let rows = scores(project.store.as_ref(), &project.dataset, Branch::Real, project.as_of, days).await?;
    let sound = Tally::of(rows.iter().filter(|row| !flagged.contains(row.location.name())), []);
    let without = find(project, serving, rules, &windows(project, rules, &sound), data);
    for (finding, without) in findings.iter_mut().zip(without) {
        if against_model(finding) && without.broken == Some(false) {
            finding.blame = Blame::Data;
            let places = flagged.len();
            finding.sentence =
                format!("{}; without the {places} places whose data are at fault it is kept", finding.sentence);
        }
    }
    Ok(())
}

/// Logs the scores as metrics of a tracking run of their own.
async fn track(
    project: &Project,
    registry: &dyn Registry,
    manifest: &Manifest<Monitoring>,
    windows: &BTreeMap<usize, Windows>,
) -> Result<(), Fault> {
    if project.replay.is_some() {
        return Ok(());
    }
    let (experiment, now) = (project.model_name(), project.now().as_millisecond());
    registry.get_or_create_experiment(&experiment).await?;
    let tags = [("covid.monitoring_run", manifest.run.to_string()), ("mlflow.source.name", "monitoring".to_owned())];
    let tags = tags.map(|(key, value)| (key.to_owned(), value));
    let run = registry.create_run(&experiment, &format!("monitoring {}", project.as_of), now, &tags).await?;
    let mut batch =
        RunBatch::new().param("as_of", project.as_of.to_string()).param("vintage", manifest.work.vintage.clone());
    for days in SHOWN_DAYS {
        for (key, value) in metrics(&windows[&days].champion) {
            batch = batch.metric(format!("{key}_{days}d"), value, 0, now);
        }
    }
    registry.log_batch(&run.run_id, &batch).await?;
    Ok(registry.finish_run(&run.run_id, RunStatus::Finished, project.now().as_millisecond()).await?)
}

fn metrics(window: &Window) -> Vec<(&'static str, f64)> {
    let total = window.total(usize::MAX);
    let coverage = total.coverage();
    let all = [
        ("rmsle", window.headline(usize::MAX)),
        ("rmsle_persistence", window.persistence_headline(usize::MAX)),
        ("skill", window.skill(usize::MAX)),
        ("bias", total.bias()),
        ("wis_log", total.wis_log()),
        ("coverage50", coverage.map(|coverage| coverage[0])),
        ("coverage80", coverage.map(|coverage| coverage[1])),
        ("coverage95", coverage.map(|coverage| coverage[2])),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}
