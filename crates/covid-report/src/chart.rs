//! Line charts as SVG.

mod draw;

use std::ops::Range;

use covid_core::{Date, Explain, FaultKind};

use crate::{
    axis::{self, Axis},
    html::escape,
};

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// One value a position; what is not finite, or beyond 1e300, is a gap.
    pub values: Vec<f64>,
    /// Whether the line stays in the background: thin and grey.
    pub muted: bool,
    /// Whether each value has a dot, for lines of few values.
    pub dotted: bool,
}

impl Series {
    /// A named line.
    pub fn new(name: impl Into<String>, values: impl Into<Vec<f64>>) -> Self {
        Self { name: name.into(), values: values.into(), muted: false, dotted: false }
    }

    /// The same line in the background, for raw values behind their mean.
    pub fn muted(self) -> Self {
        Self { muted: true, ..self }
    }

    /// The same line with a dot at each value.
    pub fn dotted(self) -> Self {
        Self { dotted: true, ..self }
    }
}

/// The area between two lines, behind all lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Its name in the legend.
    pub name: String,
    /// Its lower edge, one value a position; where either edge is not finite, or beyond 1e300, is a gap.
    pub low: Vec<f64>,
    /// Its upper edge.
    pub high: Vec<f64>,
}

impl Band {
    /// A named area.
    pub fn new(name: impl Into<String>, low: impl Into<Vec<f64>>, high: impl Into<Vec<f64>>) -> Self {
        Self { name: name.into(), low: low.into(), high: high.into() }
    }
}

/// The scale of a chart's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps.
    #[default]
    Linear,
    /// Equal ratios; values of 0 and below are gaps.
    Log,
}

impl Scale {
    fn height(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.log10(),
        }
    }
}

/// A chart cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A line has more or fewer values than there are positions.
    #[error("chart `{chart}`: `{series}` has {found} values for {expected} positions")]
    Length {
        /// Title of the chart.
        chart: String,
        /// Name of the line or band.
        series: String,
        /// Number of dates or numbers along the chart.
        expected: usize,
        /// Number of values.
        found: usize,
    },
    /// Dates, or numbers, that do not rise.
    #[error("chart `{chart}`: {position} does not come after the one before it")]
    Order {
        /// Title of the chart.
        chart: String,
        /// The first such date or number.
        position: String,
    },
    /// Nothing to draw.
    #[error("chart `{chart}` has no value to draw")]
    Empty {
        /// Title of the chart.
        chart: String,
    },
    /// The drawing itself failed.
    #[error("chart `{chart}` cannot be drawn: {reason}")]
    Draw {
        /// Title of the chart.
        chart: String,
        /// Why.
        reason: String,
    },
}

impl Explain for ReportError {
    fn kind(&self) -> FaultKind {
        FaultKind::Unexpected
    }
}

/// A chart, drawn: an `<svg>` element that scales to the width it is given, and takes its text colour from the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart(String);

impl Chart {
    /// The `<svg>` element.
    pub fn as_svg(&self) -> &str {
        &self.0
    }
}

/// Draws lines over dates.
///
/// # Errors
/// If the dates do not rise, a line has not one value a date, or there is no value to draw.
pub fn line_chart(title: &str, dates: &[Date], series: &[Series], scale: Scale) -> Result<Chart, ReportError> {
    LineChart { series: series.to_vec(), scale, ..LineChart::over_dates(title, dates) }.draw()
}

/// Lines over dates or numbers, with bands behind them and upright marks.
#[derive(Debug, Clone, PartialEq)]
pub struct LineChart {
    title: String,
    along: Along,
    series: Vec<Series>,
    bands: Vec<Band>,
    marks: Option<(String, Vec<f64>)>,
    scale: Scale,
}

/// What the values stand over.
#[derive(Debug, Clone, PartialEq)]
enum Along {
    Dates(Vec<Date>),
    Numbers(Vec<f64>),
}

impl LineChart {
    /// A chart over dates, which have to rise; still without a line.
    pub fn over_dates(title: &str, dates: &[Date]) -> Self {
        Self::over(title, Along::Dates(dates.to_vec()))
    }

    /// A chart over numbers (days ahead, quantile levels), which have to be finite and to rise; still without a line.
    pub fn over_numbers(title: &str, numbers: &[f64]) -> Self {
        Self::over(title, Along::Numbers(numbers.to_vec()))
    }

    fn over(title: &str, along: Along) -> Self {
        Self { title: title.to_owned(), along, series: vec![], bands: vec![], marks: None, scale: Scale::Linear }
    }

    /// Adds a line.
    pub fn line(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a band.
    pub fn band(mut self, band: Band) -> Self {
        self.bands.push(band);
        self
    }

    /// Marks dates by upright lines, all under one name. Those beyond the chart's first and last date are left out, and
    /// a chart over numbers has none.
    pub fn marks(mut self, name: &str, dates: &[Date]) -> Self {
        if let Along::Dates(all) = &self.along
            && let (Some(first), Some(last)) = (all.first(), all.last())
        {
            let within = dates.iter().filter(|date| (first..=last).contains(date));
            let places: Vec<f64> = within.map(|date| f64::from(axis::days_after(*first, *date))).collect();
            self.marks = (!places.is_empty()).then(|| (name.to_owned(), places));
        }
        self
    }

    /// The drawn chart.
    ///
    /// # Errors
    /// If the positions do not rise, a line or band has not one value a position, or there is no value of a line to draw.
    pub fn draw(&self) -> Result<Chart, ReportError> {
        self.check()?;
        let positions = self.along.positions();
        let lines: Vec<Line> = self.series.iter().map(|series| Line::new(&positions, series, self.scale)).collect();
        let areas: Vec<Area> = self.bands.iter().map(|band| Area::new(&positions, band, self.scale)).collect();
        let chart = || self.title.clone();
        let axes = self.axes(&lines, &areas).ok_or_else(|| ReportError::Empty { chart: chart() })?;
        let picture = draw::Picture { title: &self.title, lines, areas, marks: self.marks.as_ref(), axes };
        let svg = picture.draw().map_err(|error| ReportError::Draw { chart: chart(), reason: error.to_string() })?;
        let label = format!("<svg role=\"img\" aria-label=\"{}\" ", escape(&self.title));
        Ok(Chart(svg.replacen("<svg ", &label, 1)))
    }

    fn check(&self) -> Result<(), ReportError> {
        if let Some(position) = self.along.first_that_does_not_rise() {
            return Err(ReportError::Order { chart: self.title.clone(), position });
        }
        let expected = self.along.positions().len();
        let lines = self.series.iter().map(|line| (&line.name, line.values.len()));
        let edges = self.bands.iter().flat_map(|band| [&band.low, &band.high].map(|edge| (&band.name, edge.len())));
        match lines.chain(edges).find(|(_, found)| *found != expected) {
            Some((name, found)) => {
                Err(ReportError::Length { chart: self.title.clone(), series: name.clone(), expected, found })
            }
            None => Ok(()),
        }
    }

    /// The axes along the chart and of its values; none without a value.
    fn axes(&self, lines: &[Line], areas: &[Area]) -> Option<(Axis, Axis)> {
        lines.iter().flat_map(Line::heights).next()?;
        let heights = || lines.iter().flat_map(Line::heights).chain(areas.iter().flat_map(Area::heights));
        let low = heights().reduce(f64::min)?;
        let high = heights().reduce(f64::max)?;
        let values = match self.scale {
            Scale::Linear => axis::linear(low, high),
            Scale::Log => axis::logarithmic(low, high),
        };
        Some((self.along.axis()?, values))
    }
}

impl Along {
    /// Where each value stands: days after the first date, or the numbers themselves.
    fn positions(&self) -> Vec<f64> {
        match self {
            Self::Dates(dates) => dates.iter().map(|date| f64::from(axis::days_after(dates[0], *date))).collect(),
            Self::Numbers(numbers) => numbers.clone(),
        }
    }

    fn axis(&self) -> Option<Axis> {
        Some(match self {
            Self::Dates(dates) => axis::dates(*dates.first()?, *dates.last()?),
            Self::Numbers(numbers) => axis::numbers(numbers)?,
        })
    }

    fn first_that_does_not_rise(&self) -> Option<String> {
        match self {
            Self::Dates(dates) => dates.windows(2).find(|pair| pair[0] >= pair[1]).map(|pair| pair[1].to_string()),
            Self::Numbers(numbers) => {
                let odd = numbers.iter().find(|number| !is_drawable(**number));
                let fall = || numbers.windows(2).find(|pair| pair[0] >= pair[1]).map(|pair| &pair[1]);
                odd.or_else(fall).map(f64::to_string)
            }
        }
    }
}

/// A series in the chart's coordinates, cut at its gaps.
struct Line {
    name: String,
    muted: bool,
    dotted: bool,
    segments: Vec<Vec<(f64, f64)>>,
}

impl Line {
    fn new(positions: &[f64], series: &Series, scale: Scale) -> Self {
        let points: Vec<(f64, f64)> =
            positions.iter().zip(&series.values).map(|(x, value)| (*x, scale.height(*value))).collect();
        let segments = points.split(|(_, y)| !is_drawable(*y)).filter(|segment| !segment.is_empty());
        Self {
            name: series.name.clone(),
            muted: series.muted,
            dotted: series.dotted,
            segments: segments.map(<[_]>::to_vec).collect(),
        }
    }

    fn heights(&self) -> impl Iterator<Item = f64> {
        self.segments.iter().flatten().map(|(_, y)| *y)
    }
}

/// A band in the chart's coordinates, cut at its gaps: position, and the range of its heights.
struct Area {
    name: String,
    segments: Vec<Vec<(f64, Range<f64>)>>,
}

impl Area {
    fn new(positions: &[f64], band: &Band, scale: Scale) -> Self {
        let edges = band.low.iter().zip(&band.high);
        let points: Vec<(f64, Range<f64>)> =
            positions.iter().zip(edges).map(|(x, (low, high))| (*x, scale.height(*low)..scale.height(*high))).collect();
        let segments = points.split(|(_, y)| !is_drawable(y.start) || !is_drawable(y.end));
        let segments = segments.filter(|segment| !segment.is_empty()).map(<[_]>::to_vec).collect();
        Self { name: band.name.clone(), segments }
    }

    fn heights(&self) -> impl Iterator<Item = f64> {
        self.segments.iter().flatten().flat_map(|(_, y)| [y.start, y.end])
    }

    /// Each segment's outline: along its upper edge, and back along the lower one.
    fn outlines(&self) -> impl Iterator<Item = Vec<(f64, f64)>> {
        self.segments.iter().map(|segment| {
            let upper = segment.iter().map(|(x, y)| (*x, y.end));
            upper.chain(segment.iter().rev().map(|(x, y)| (*x, y.start))).collect()
        })
    }
}

/// Sums and differences of what is drawn must stay finite.
fn is_drawable(height: f64) -> bool {
    height.abs() <= 1e300
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(count: i8) -> Vec<Date> {
        (1..=count).map(|day| Date::constant(2020, 3, day)).collect()
    }

    fn positions(count: u8) -> Vec<f64> {
        (0..count).map(f64::from).collect()
    }

    #[test]
    fn a_chart_scales_is_labelled_and_follows_the_page_s_colour() {
        let series = [Series::new("Madrid, Spain", [1.0, 20.0, 300.0]), Series::new("a < b & \"c\"", [f64::NAN; 3])];
        let chart = line_chart("Cases <script>", &days(3), &series, Scale::Linear).unwrap();
        let svg = chart.as_svg();
        assert!(svg.starts_with("<svg role=\"img\" aria-label=\"Cases &lt;script&gt;\" "), "{svg}");
        assert!(svg.contains("viewBox=\"0 0 1200 714\""), "{svg}");
        for text in ["2020-03-02", "Madrid, Spain", "a &lt; b &amp;", "300", "currentColor"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert!(!svg.contains("<script") && !svg.contains("#000000"), "{svg}");
    }

    #[test]
    fn a_gap_cuts_the_line() {
        let series = [Series::new("cases", [1.0, 2.0, f64::NAN, 4.0, f64::INFINITY, 6.0, 7.0])];
        let line = Line::new(&positions(7), &series[0], Scale::Linear);
        assert_eq!(line.segments, [vec![(0.0, 1.0), (1.0, 2.0)], vec![(3.0, 4.0)], vec![(5.0, 6.0), (6.0, 7.0)]]);
        let chart = line_chart("gaps", &days(7), &series, Scale::Linear).unwrap();
        assert_eq!(chart.as_svg().matches("<circle").count(), 1);
    }

    #[test]
    fn a_log_scale_leaves_out_what_it_cannot_show() {
        let series = Series::new("cases", [-1.0, 0.0, 10.0, 1000.0]);
        assert_eq!(Line::new(&positions(4), &series, Scale::Log).segments, [vec![(2.0, 1.0), (3.0, 3.0)]]);
        let chart = line_chart("c", &days(4), &[series], Scale::Log).unwrap();
        let labels = chart.as_svg().lines().filter(|line| ["10", "100", "1000"].contains(line));
        assert_eq!(labels.collect::<Vec<_>>(), ["10", "100", "1000"], "{}", chart.as_svg());
    }

    #[test]
    fn a_line_in_the_background_takes_no_colour() {
        let series = [Series::new("published", [1.0, 2.0]).muted(), Series::new("mean", [1.0, 1.5])];
        let svg = line_chart("c", &days(2), &series, Scale::Linear).unwrap().0;
        assert!(svg.contains("#9AA0A8") && svg.contains("#2F83D6") && !svg.contains("#E07B00"), "{svg}");
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        let empty = ReportError::Empty { chart: "c".into() };
        assert_eq!(line_chart("c", &[], &[], Scale::Linear), Err(empty.clone()));
        assert_eq!(line_chart("c", &days(1), &[Series::new("s", [0.0])], Scale::Log), Err(empty));
        let error = line_chart("c", &days(2), &[Series::new("s", [0.0])], Scale::Linear).unwrap_err();
        assert_eq!(error.to_string(), "chart `c`: `s` has 1 values for 2 positions");
        let twice = [days(1), days(1)].concat();
        let error = line_chart("c", &twice, &[Series::new("s", [0.0, 1.0])], Scale::Linear).unwrap_err();
        assert_eq!(error.to_string(), "chart `c`: 2020-03-01 does not come after the one before it");
    }

    #[test]
    fn extreme_values_are_drawn() {
        for values in [[f64::MIN, f64::MAX], [0.0, 0.0], [5e-324, 5e-324], [1e12, 1e12]] {
            for scale in [Scale::Linear, Scale::Log] {
                let drawn = line_chart("c", &days(2), &[Series::new("s", values)], scale);
                assert!(matches!(drawn, Ok(_) | Err(ReportError::Empty { .. })), "{values:?} {scale:?} {drawn:?}");
            }
        }
    }

    #[test]
    fn a_band_lies_behind_the_lines_and_is_cut_at_its_gaps() {
        let band = Band::new("usual", [1.0, 1.0, f64::NAN, 2.0, 2.0], [3.0, 4.0, 4.0, 5.0, 6.0]);
        let outlines: Vec<_> = Area::new(&positions(5), &band, Scale::Linear).outlines().collect();
        assert_eq!(
            outlines,
            [
                vec![(0.0, 3.0), (1.0, 4.0), (1.0, 1.0), (0.0, 1.0)],
                vec![(3.0, 5.0), (4.0, 6.0), (4.0, 2.0), (3.0, 2.0)]
            ]
        );
        let line = Series::new("now", [2.0; 5]);
        let chart = LineChart::over_dates("c", &days(5)).line(line).band(band.clone()).draw().unwrap();
        let svg = chart.as_svg();
        assert_eq!(svg.matches("<polygon").count(), 2, "{svg}");
        assert!(svg.rfind("<polygon") < svg.rfind("<polyline"), "{svg}");
        assert!(svg.contains("usual") && svg.contains("\n6\n"), "named, and within the axis: {svg}");
        let none = LineChart::over_dates("c", &days(5)).band(band.clone()).draw();
        assert_eq!(none, Err(ReportError::Empty { chart: "c".into() }), "a band alone says nothing");
        let short = LineChart::over_dates("c", &days(4)).line(Series::new("now", [2.0; 4])).band(band).draw();
        assert_eq!(short.unwrap_err().to_string(), "chart `c`: `usual` has 5 values for 4 positions");
    }

    #[test]
    fn a_chart_over_numbers_has_their_ticks() {
        let levels = [0.0, 0.025, 0.5, 0.975, 1.0];
        let observed = Series::new("observed", [f64::NAN, 0.1, 0.6, 0.9, f64::NAN]).dotted();
        let chart = LineChart::over_numbers("c", &levels).line(observed).draw().unwrap();
        assert_eq!(chart.as_svg().matches("<circle").count(), 3);
        assert!(chart.as_svg().contains("\n0.4\n"), "{}", chart.as_svg());
        let falling = LineChart::over_numbers("c", &[1.0, 1.0]).draw().unwrap_err();
        assert_eq!(falling.to_string(), "chart `c`: 1 does not come after the one before it");
        assert!(LineChart::over_numbers("c", &[f64::NAN]).draw().is_err());
        assert_eq!(LineChart::over_numbers("c", &[]).draw(), Err(ReportError::Empty { chart: "c".into() }));
    }

    #[test]
    fn marks_stand_within_the_dates() {
        let chart = |marks: &[Date]| {
            let line = Series::new("now", [2.0; 5]);
            LineChart::over_dates("c", &days(5)).line(line).marks("promotion", marks).draw().unwrap().0
        };
        let before = Date::constant(2020, 2, 1);
        let lines = |svg: &str| svg.matches("opacity=\"0.35\"").count();
        assert_eq!(lines(&chart(&[before])), 0);
        assert_eq!(lines(&chart(&[before, days(3)[2], days(4)[3]])), 3, "two, and one in the legend");
    }
}
