//! Fills the page from what monitoring left in the store and in the registry.

use std::collections::{BTreeMap, BTreeSet};

use covid_core::{Date, Fault, LEVELS, Panel, Target, Timestamp, add_days, metrics::SquaredLogError};
use covid_monitoring::{Baseline, DataReport, ScoreRow, Sums, Tally, Window, scores, tallies};
use covid_prediction::{Branch, Manifest, PredictionRow, Predictions, prediction_ledger};
use covid_registry::{ModelVersion, PromotionEvent, Registry, RegistryError};

use super::{
    Calibration, Coverage, DayScore, Drift, Fan, FanForecast, Fans, HorizonError, MonitoringPage, PlaceError,
    QualityFinding, QuantileShare, Reign,
};
use crate::{Project, serving::baseline_file};

/// Days of the rolling error, and of all other scores.
const ROLLING_DAYS: i64 = 7;
const SCORED_DAYS: usize = 28;
/// Days before the first forecast in the charts of places, and forecasts in them.
const DAYS_BEFORE: i64 = 42;
const MOST_FORECASTS: usize = 5;
/// Names of places that are shown of a fault.
const NAMES: usize = 20;

/// What the page is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    /// Whose forecasts.
    pub(crate) branch: Branch,
    /// Days of the error over time.
    pub(crate) days: usize,
    /// What is odd about the data.
    pub(crate) data: Option<&'a DataReport>,
}

impl MonitoringPage {
    /// Everything but the alerts and the comparison of a replay.
    ///
    /// # Errors
    /// If store or registry fail.
    pub(crate) async fn gather(
        project: &Project,
        registry: &dyn Registry,
        about: About<'_>,
        verdict: &str,
    ) -> Result<Self, Fault> {
        let (store, dataset, as_of) = (project.store.as_ref(), &project.dataset, project.as_of);
        let longest = about.days.max(SCORED_DAYS) + ROLLING_DAYS as usize;
        let sums = tallies(store, dataset, about.branch, as_of, longest).await?;
        let rows = scores(store, dataset, about.branch, as_of, SCORED_DAYS).await?;
        let reigns = Reigns::read(project, registry).await?;
        let recent = since(&sums, add_days(as_of, -(SCORED_DAYS as i64)));
        let window = Window::of(&recent, false);
        let mut page = Self::new(dataset, as_of, &source(project), verdict);
        page.history = history(&sums, &reigns, as_of, about.days, project.settings.monitoring.level);
        page.horizons = horizons(&window, reigns.baseline_on(as_of));
        page.calibration = calibration(&window);
        page.fans = fans(project, about.branch).await?;
        page.worst = worst(&rows, about.data, project.settings.monitoring.worst.max(20));
        page.drift = about.data.map(drift).unwrap_or_default();
        page.quality = about.data.map(quality).unwrap_or_default();
        page.champions = reigns.shown();
        Ok(page)
    }
}

fn source(project: &Project) -> String {
    let label = if project.is_revised() { "; revised data" } else { "" };
    format!("{} ({}{label})", project.source_kind, project.description)
}

fn since(tallies: &[Tally], before: Date) -> Vec<Tally> {
    tallies.iter().filter(|tally| tally.group.date > before).copied().collect()
}

/// The champions, with what the backtest of each lets expect.
struct Reigns(Vec<(PromotionEvent, ModelVersion, Option<Baseline>)>);

impl Reigns {
    async fn read(project: &Project, registry: &dyn Registry) -> Result<Self, Fault> {
        let mut reigns = Vec::new();
        for event in registry.promotions(&project.model_name()).await? {
            let version = match registry.get_version(&event.name, event.version).await {
                Ok(version) => version,
                // One that somebody removed is left out.
                Err(RegistryError::UnknownVersion { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let file = baseline_file(registry, &version.run_id).await?;
            let baseline = file.map(|bytes| Baseline::from_json(&bytes)).transpose()?;
            reigns.push((event, version, baseline));
        }
        Ok(Self(reigns))
    }

    /// The backtest of the champion that had been trained by a date; of the first one before that.
    fn baseline_on(&self, date: Date) -> Option<&Baseline> {
        let by_then = self.0.iter().rfind(|(_, version, _)| trained(version).is_some_and(|trained| trained <= date));
        by_then.or(self.0.first()).and_then(|(_, _, baseline)| baseline.as_ref())
    }

    /// The latest first.
    fn shown(&self) -> Vec<Reign> {
        let day = |at_ms: i64| Timestamp::from_millisecond(at_ms).ok().map(|at| at.to_string());
        let date = |event: &PromotionEvent| day(event.at_ms).and_then(|at| at.get(..10)?.parse::<Date>().ok());
        let until = self.0.iter().skip(1).map(|(event, _, _)| date(event)).chain([None]);
        let reign = |((event, version, _), until): (&(PromotionEvent, ModelVersion, _), Option<Date>)| {
            Some(Reign {
                version: version.version.to_string(),
                recipe: version.tags.get("recipe").cloned().unwrap_or_default(),
                trained_as_of: trained(version)?,
                from: date(event)?,
                until,
                reason: if event.evidence.is_empty() { event.kind.to_string() } else { event.evidence.clone() },
            })
        };
        let mut shown: Vec<Reign> = self.0.iter().zip(until).filter_map(reign).collect();
        shown.reverse();
        shown
    }
}

fn trained(version: &ModelVersion) -> Option<Date> {
    version.tags.get("trained_as_of")?.parse().ok()
}

/// The error of the seven days up to each date, from the first date that has one.
fn history(sums: &[Tally], reigns: &Reigns, as_of: Date, days: usize, level: f64) -> Vec<DayScore> {
    let mut by_date: BTreeMap<Date, Vec<Tally>> = BTreeMap::new();
    sums.iter().for_each(|tally| by_date.entry(tally.group.date).or_default().push(*tally));
    let start = add_days(as_of, 1 - days as i64);
    let Some(first) = by_date.keys().next().map(|first| (*first).max(start)) else { return Vec::new() };
    let all = std::iter::successors(Some(first), |date| Some(add_days(*date, 1))).take_while(|date| *date <= as_of);
    let score = |date: Date| {
        let week = by_date.range(add_days(date, 1 - ROLLING_DAYS)..=date).flat_map(|(_, tallies)| tallies);
        let [champion, challenger] = [false, true].map(|shadow| Window::of(week.clone(), shadow));
        let baseline = reigns.baseline_on(date);
        let most_ahead = baseline.map_or(usize::MAX, |baseline| baseline.horizon);
        DayScore {
            date,
            champion: champion.headline(most_ahead).unwrap_or(f64::NAN),
            persistence: champion.persistence_headline(most_ahead).unwrap_or(f64::NAN),
            usual: baseline.and_then(|baseline| baseline.expected_headline(&champion)),
            limit: baseline.and_then(|baseline| baseline.headline_limit(&champion, level)),
            challenger: challenger.headline(most_ahead),
        }
    };
    all.map(score).collect()
}

fn horizons(window: &Window, baseline: Option<&Baseline>) -> Vec<HorizonError> {
    let at = |horizon: usize| {
        let sums = window.horizon(horizon);
        let headline =
            |score: fn(&Sums) -> Option<f64>| covid_core::metrics::mean_of_scored([score(&sums[0]), score(&sums[1])]);
        Some(HorizonError {
            horizon,
            champion: headline(Sums::rmsle)?,
            persistence: headline(Sums::persistence_rmsle)?,
            expected: baseline.and_then(|baseline| baseline.headline_at(horizon)),
        })
    };
    window.horizons().into_iter().filter_map(at).collect()
}

fn calibration(window: &Window) -> Calibration {
    let mut calibration = Calibration::default();
    for target in Target::ALL {
        let sums = window.target(target, usize::MAX);
        if let Some((at_most, coverage)) = sums.at_most().zip(sums.coverage()) {
            let share = |(level, observed): (f64, f64)| QuantileShare { target, level, observed };
            calibration.quantiles.extend(LEVELS.into_iter().zip(at_most).map(share));
            let rows = usize::try_from(sums.rows).unwrap_or(0);
            let of = |(nominal, observed): (f64, f64)| Coverage { target, nominal, observed, rows };
            calibration.coverage.extend([0.5, 0.8, 0.95].into_iter().zip(coverage).map(of));
        }
    }
    calibration
}

/// The newest forecast, and earlier ones that end before the next begins.
async fn fans(project: &Project, branch: Branch) -> Result<Fans, Fault> {
    let ledger = prediction_ledger(project.store.as_ref(), &project.dataset, branch);
    let from = add_days(project.as_of, -(2 * covid_core::MAX_HORIZON as i64));
    let dates: BTreeSet<Date> = ledger.listed(from).await?.iter().map(|listed| listed.as_of).collect();
    let mut runs: Vec<Manifest<Predictions>> = Vec::new();
    for as_of in dates.into_iter().rev().filter(|as_of| *as_of <= project.as_of) {
        let ends_before = |run: &Manifest<Predictions>| {
            runs.last().is_none_or(|next| add_days(run.work.as_of, run.work.horizon as i64) <= next.work.as_of)
        };
        if runs.len() == MOST_FORECASTS {
            break;
        }
        if let Some(run) = ledger.current(as_of).await?.filter(ends_before) {
            runs.push(run);
        }
    }
    runs.reverse();
    let [Some(oldest), Some(newest)] = [runs.first(), runs.last()] else {
        return Ok(Fans { first: project.as_of, days: 0, series: Vec::new() });
    };
    let first = add_days(oldest.work.as_of, -DAYS_BEFORE).max(project.panel.first_date());
    let last = add_days(newest.work.as_of, newest.work.horizon as i64);
    let mut series = Series::new(first, project);
    for run in &runs {
        series.add(run.work.as_of, PredictionRow::all(&ledger.rows(run).await?)?);
    }
    let days = usize::try_from(first.until(last).map_or(0, |span| span.get_days())).unwrap_or(0) + 1;
    Ok(Fans { first, days, series: series.largest_first() })
}

/// The charts of places by name and target.
struct Series<'a> {
    first: Date,
    panel: &'a Panel,
    as_of: Date,
    fans: BTreeMap<(String, usize), Fan>,
}

impl<'a> Series<'a> {
    fn new(first: Date, project: &'a Project) -> Self {
        Self { first, panel: &project.panel, as_of: project.as_of, fans: BTreeMap::new() }
    }

    fn add(&mut self, as_of: Date, rows: Vec<PredictionRow>) {
        for row in rows {
            let place = row.location.name().to_owned();
            let target = row.target;
            let fan = self.fans.entry((place.clone(), target.index())).or_insert_with(|| Fan {
                place,
                target,
                actuals: Vec::new(),
                forecasts: Vec::new(),
            });
            if fan.forecasts.last().is_none_or(|forecast| forecast.as_of != as_of) {
                fan.forecasts.push(FanForecast { as_of, days: Vec::new() });
            }
            if let Some(forecast) = fan.forecasts.last_mut() {
                forecast.days.push(row.predicted);
            }
        }
    }

    fn largest_first(self) -> Vec<Fan> {
        let Self { first, panel, as_of, fans } = self;
        let positions: BTreeMap<&str, usize> =
            panel.locations().iter().enumerate().map(|(i, place)| (place.name(), i)).collect();
        let Some([from, until]) = panel.day(first).zip(panel.day(as_of)).map(|(from, until)| [from, until + 1]) else {
            return Vec::new();
        };
        let mut series: Vec<Fan> = fans.into_values().collect();
        for fan in &mut series {
            if let Some(&place) = positions.get(fan.place.as_str()) {
                fan.actuals = panel.counts(place, fan.target)[from..until].to_vec();
            }
        }
        let last =
            |fan: &Fan| fan.forecasts.last().and_then(|forecast| Some(forecast.days.last()?.point)).unwrap_or(0.0);
        let mut sizes: BTreeMap<String, f64> = BTreeMap::new();
        for fan in series.iter().filter(|fan| fan.target == Target::ConfirmedCases) {
            sizes.insert(fan.place.clone(), last(fan));
        }
        let size = |fan: &Fan| sizes.get(&fan.place).copied().unwrap_or(0.0);
        series.sort_by(|a, b| {
            size(b)
                .total_cmp(&size(a))
                .then_with(|| a.place.cmp(&b.place))
                .then(a.target.index().cmp(&b.target.index()))
        });
        series
    }
}

/// Places by their error over all scores, the worst first.
fn worst(rows: &[ScoreRow], data: Option<&DataReport>, most: usize) -> Vec<PlaceError> {
    #[derive(Default)]
    struct OfPlace {
        model: [SquaredLogError; 2],
        persistence: [SquaredLogError; 2],
        error: f64,
        rows: usize,
    }
    let mut places: BTreeMap<&str, OfPlace> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.shadow) {
        let place = places.entry(row.location.name()).or_default();
        place.model[row.target.index()].add(row.point, row.actual);
        place.persistence[row.target.index()].add(row.persistence, row.actual);
        place.error += row.log_error();
        place.rows += 1;
    }
    let fault = |name: &str| data.and_then(|data| fault_of(data, name));
    let shown = |(name, place): (&&str, &OfPlace)| {
        Some(PlaceError {
            place: (*name).to_owned(),
            rmsle: covid_core::metrics::headline(place.model)?,
            persistence: covid_core::metrics::headline(place.persistence)?,
            bias: place.error / place.rows as f64,
            data_fault: fault(name),
        })
    };
    let mut worst: Vec<PlaceError> = places.iter().filter_map(shown).collect();
    worst.sort_by(|a, b| b.rmsle.total_cmp(&a.rmsle).then_with(|| a.place.cmp(&b.place)));
    worst.truncate(most);
    worst
}

fn fault_of(data: &DataReport, name: &str) -> Option<String> {
    let stalled = data.stalled.iter().find(|place| place.location == name);
    let missing = data.missing.iter().find(|place| place.location == name);
    let revised = data.revised.iter().find(|place| place.location == name);
    let jumped = data.jumps.iter().find(|place| place.location == name);
    stalled
        .map(|place| format!("no change for {} days", place.days))
        .or_else(|| missing.map(|place| format!("no count for {} days", place.days)))
        .or_else(|| revised.map(|place| format!("revised downward on {}", place.date)))
        .or_else(|| jumped.map(|place| format!("a jump on {}", place.date)))
}

fn drift(data: &DataReport) -> Vec<Drift> {
    let row = |drift: &covid_monitoring::Drift| Drift {
        quantity: drift.quantity.to_string(),
        target: drift.target,
        psi: drift.stability_index,
        ks: drift.d,
        effect: drift.cliffs_delta,
        word: drift.extent.to_string(),
    };
    data.drift.iter().map(row).collect()
}

/// The faults of the data that there are, with the places.
pub(crate) fn quality(data: &DataReport) -> Vec<QualityFinding> {
    let finding = |what: &str, places: Vec<String>| {
        let count = places.len();
        QualityFinding { what: what.to_owned(), count, places: places.into_iter().take(NAMES).collect() }
    };
    let all = [
        finding(
            "renamed, as it seems",
            data.renamed.iter().map(|pair| format!("{} to {}", pair.old, pair.new)).collect(),
        ),
        finding("vanished", data.vanished.clone()),
        finding("new", data.new.iter().map(|place| place.location.clone()).collect()),
        finding("stopped reporting", data.stalled.iter().map(|place| place.location.clone()).collect()),
        finding("without a count on the last day", data.missing.iter().map(|place| place.location.clone()).collect()),
        finding("revised downward", data.revised.iter().map(|place| place.location.clone()).collect()),
        finding("with a jump", data.jumps.iter().map(|place| place.location.clone()).collect()),
    ];
    all.into_iter().filter(|finding| finding.count > 0).collect()
}
