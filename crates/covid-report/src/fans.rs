//! Forecasts of every location as fans, in the page itself, and a script that draws those of the one that is picked.

use std::collections::HashMap;

use covid_core::{Date, Predicted, Target};
use serde::Serialize;

use crate::{axis::days_after, code, script};

const MARKUP: &str = include_str!("fans/fans.html");
pub(crate) const SCRIPT: &str = include_str!("fans/script.js");
pub(crate) const STYLE: &str = include_str!("fans/style.css");

/// A part of a page in which a reader picks a location and sees what was forecast of its cumulative cases or deaths, with
/// the central 50, 80 and 95 % intervals, against what was published. It works without a server: the counts travel in the
/// page, delta-coded, rounded to whole numbers. The state is in the address after `#`, so that a link opens a location:
/// `report.html#fan=Italy&fan-target=deaths`.
#[derive(Debug, Clone, Serialize)]
pub struct FanExplorer {
    first: Date,
    days: usize,
    names: Vec<String>,
    /// Cases and deaths of each location, where they are forecast.
    series: Vec<[Option<Packed>; 2]>,
    #[serde(skip)]
    positions: HashMap<String, usize>,
}

#[derive(Debug, Clone, Serialize)]
struct Packed {
    actuals: String,
    /// The day after the as-of date, counted from the first date, and the coded days.
    forecasts: Vec<(usize, String)>,
}

impl FanExplorer {
    /// Charts of so many days from a first date on, still without a location.
    pub fn new(first: Date, days: usize) -> Self {
        Self { first, days, names: Vec::new(), series: Vec::new(), positions: HashMap::new() }
    }

    /// Adds a target of a location: its published cumulative counts, one a day from the first date on, and its forecasts
    /// in the order of their as-of dates, one value for each day after that date. The first location that is added is
    /// shown when the page is opened. What is not finite, or missing at the end, is a day without a count. Of a forecast
    /// only the days of the chart are shown, and none of one as of a day before the first date, or with a count that is
    /// not finite.
    pub fn series(
        &mut self,
        name: &str,
        target: Target,
        actuals: &[f64],
        forecasts: &[(Date, &[Predicted])],
    ) -> &mut Self {
        let position = *self.positions.entry(name.to_owned()).or_insert_with(|| {
            self.names.push(name.to_owned());
            self.series.push([None, None]);
            self.names.len() - 1
        });
        let forecasts = forecasts.iter().filter_map(|(as_of, days)| self.pack(*as_of, days)).collect();
        self.series[position][target.index()] = Some(Packed { actuals: code::encode(actuals, self.days), forecasts });
        self
    }

    fn pack(&self, as_of: Date, forecast: &[Predicted]) -> Option<(usize, String)> {
        let start = usize::try_from(days_after(self.first, as_of)).ok()? + 1;
        let shown = &forecast[..forecast.len().min(self.days.checked_sub(start)?)];
        if shown.is_empty() || shown.iter().any(Predicted::exploded) {
            return None;
        }
        // A row of eight a day, each number beside one like it.
        let values: Vec<f64> = shown.iter().flat_map(|day| day.quantiles.into_iter().chain([day.point])).collect();
        Some((start, code::encode(&values, values.len())))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Number of locations.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is nothing to pick, and so nothing to show.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() || self.days == 0
    }

    pub(crate) fn to_html(&self) -> String {
        if self.is_empty() { String::new() } else { format!("{MARKUP}{}", script::data("fans-data", self)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Date = Date::constant(2020, 1, 22);

    fn day(point: f64) -> Predicted {
        Predicted { point, quantiles: [0.5, 0.6, 0.7, 1.0, 1.1, 1.2, 2.0].map(|factor| factor * point) }
    }

    fn data(fans: &FanExplorer) -> serde_json::Value {
        let html = fans.to_html();
        let (_, data) = html.split_once("id=\"fans-data\">").unwrap();
        serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap()
    }

    #[test]
    fn forecasts_start_the_day_after_their_as_of_date() {
        let mut fans = FanExplorer::new(FIRST, 5);
        let forecast = [day(10.0), day(20.0), day(30.0)];
        let as_of = |day| (Date::constant(2020, 1, day), &forecast[..]);
        fans.series("a", Target::Fatalities, &[1.0, 2.0], &[as_of(21), as_of(22), as_of(24), as_of(26)]);
        let data = data(&fans);
        assert_eq!(data["series"][0][0], serde_json::Value::Null);
        let shown = &data["series"][0][1];
        assert_eq!(shown["actuals"], "CC---");
        let [code_of_three, code_of_two] = [3, 2].map(|days| {
            let rows = forecast[..days].iter().flat_map(|day| day.quantiles.into_iter().chain([day.point]));
            code::encode(&rows.collect::<Vec<_>>(), days * 8)
        });
        assert_eq!(shown["forecasts"], serde_json::json!([[1, code_of_three], [3, code_of_two]]));
    }

    #[test]
    fn an_exploded_forecast_is_left_out() {
        let mut fans = FanExplorer::new(FIRST, 5);
        fans.series("a", Target::Fatalities, &[], &[(FIRST, &[day(f64::NAN)]), (FIRST, &[day(f64::INFINITY)])]);
        assert_eq!(data(&fans)["series"][0][1]["forecasts"], serde_json::json!([]));
    }

    #[test]
    fn both_targets_of_a_location_are_one_to_pick() {
        let mut fans = FanExplorer::new(FIRST, 5);
        assert_eq!(fans.to_html(), "");
        for target in Target::ALL {
            fans.series("</script>", target, &[1.0], &[]);
        }
        assert_eq!(fans.len(), 1);
        assert_eq!(data(&fans)["names"], serde_json::json!(["</script>"]));
        assert_eq!(FanExplorer::new(FIRST, 0).series("a", Target::Fatalities, &[], &[]).to_html(), "");
    }
}
