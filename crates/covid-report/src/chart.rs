//! Line charts as SVG. Only this module knows plotters.

use std::ops::Range;

use covid_core::{Date, Explain, FaultKind};
use plotters::{
    coord::{
        Shift,
        ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter},
    },
    prelude::*,
    style::text_anchor,
};

use crate::{
    axis::{self, Axis},
    html::escape,
};

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// One value a date; what is not finite, or beyond 1e300, is a gap.
    pub values: Vec<f64>,
    /// Whether the line stays in the background: thin and grey.
    pub muted: bool,
}

impl Series {
    /// A named line.
    pub fn new(name: impl Into<String>, values: impl Into<Vec<f64>>) -> Self {
        Self { name: name.into(), values: values.into(), muted: false }
    }

    /// The same line in the background, for raw values behind their mean.
    pub fn muted(self) -> Self {
        Self { muted: true, ..self }
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

/// A chart cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A line has more or fewer values than there are dates.
    #[error("chart `{chart}`: the line `{series}` has {found} values for {expected} dates")]
    Length {
        /// Title of the chart.
        chart: String,
        /// Name of the line.
        series: String,
        /// Number of dates.
        expected: usize,
        /// Number of values.
        found: usize,
    },
    /// Dates that do not rise.
    #[error("chart `{chart}`: the date {date} does not come after the one before it")]
    Order {
        /// Title of the chart.
        chart: String,
        /// The first such date.
        date: Date,
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

/// Sizes are in units of which a screen shows about half a pixel each: plotters rounds to whole ones, and steps of a
/// pixel would be seen. Letters stay readable on a phone, where the chart is a third as wide as here.
const WIDTH: u32 = 1200;
const PLOT_HEIGHT: u32 = 600;
const TITLE_HEIGHT: u32 = 72;
const TITLE_FONT: (&str, u32) = ("sans-serif", 40);
const FONT: (&str, u32) = ("sans-serif", 32);
const LEGEND_ROW_HEIGHT: u32 = 42;
const LEFT: i32 = 24;
/// Swatch and the spaces around it, before and after a name in the legend.
const SWATCH: i32 = 44;
const SPACE: i32 = 64;
/// A generous mean width of a letter of the legend.
const LETTER: i32 = 16;
/// Longer names are cut in the legend, so that each fits in a row.
const LONGEST_NAME: usize = 60;

/// Replaced by `currentColor`, which plotters cannot say: text is dark on a light page and light on a dark one.
const INK: RGBColor = RGBColor(0, 0, 0);
const INK_IN_SVG: &str = "\"#000000\"";

/// Middling colours, told apart by the colour-blind as well, and seen on light and dark pages alike.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0x2f, 0x83, 0xd6),
    RGBColor(0xe0, 0x7b, 0x00),
    RGBColor(0x12, 0x9e, 0x6f),
    RGBColor(0xd0, 0x5f, 0xa8),
    RGBColor(0x9b, 0x8a, 0x1e),
    RGBColor(0xd6, 0x4a, 0x3a),
    RGBColor(0x80, 0x80, 0x88),
];
const MUTED: RGBColor = RGBColor(0x9a, 0xa0, 0xa8);

/// Draws lines over dates.
///
/// # Errors
/// If the dates do not rise, a line has not one value a date, or there is no value to draw.
pub fn line_chart(title: &str, dates: &[Date], series: &[Series], scale: Scale) -> Result<Chart, ReportError> {
    check(title, dates, series)?;
    let lines: Vec<Line> =
        colours(series).zip(series).map(|(colour, series)| Line::new(dates, series, colour, scale)).collect();
    let axes = axes(dates, &lines, scale).ok_or_else(|| ReportError::Empty { chart: title.to_owned() })?;
    let svg = draw(title, &lines, &axes)
        .map_err(|error| ReportError::Draw { chart: title.to_owned(), reason: error.to_string() })?;
    let label = format!("<svg role=\"img\" aria-label=\"{}\" ", escape(title));
    Ok(Chart(svg.replacen("<svg ", &label, 1).replace(INK_IN_SVG, "\"currentColor\"")))
}

fn check(title: &str, dates: &[Date], series: &[Series]) -> Result<(), ReportError> {
    if let Some(pair) = dates.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(ReportError::Order { chart: title.to_owned(), date: pair[1] });
    }
    match series.iter().find(|series| series.values.len() != dates.len()) {
        Some(odd) => Err(ReportError::Length {
            chart: title.to_owned(),
            series: odd.name.clone(),
            expected: dates.len(),
            found: odd.values.len(),
        }),
        None => Ok(()),
    }
}

/// A series in the chart's coordinates, cut at its gaps.
struct Line {
    name: String,
    style: ShapeStyle,
    segments: Vec<Vec<(f64, f64)>>,
}

impl Line {
    fn new(dates: &[Date], series: &Series, colour: RGBColor, scale: Scale) -> Self {
        let height = |value: f64| match scale {
            Scale::Linear => value,
            Scale::Log => value.log10(),
        };
        let points: Vec<(f64, f64)> = dates
            .iter()
            .zip(&series.values)
            .map(|(date, value)| (f64::from(axis::days_after(dates[0], *date)), height(*value)))
            .collect();
        let segments = points.split(|(_, y)| !is_drawable(*y)).filter(|segment| !segment.is_empty());
        let style = if series.muted { MUTED.stroke_width(2) } else { colour.stroke_width(4) };
        Self { name: shortened(&series.name), style, segments: segments.map(<[_]>::to_vec).collect() }
    }

    fn heights(&self) -> impl Iterator<Item = f64> {
        self.segments.iter().flatten().map(|(_, y)| *y)
    }
}

/// Sums and differences of what is drawn must stay finite.
fn is_drawable(height: f64) -> bool {
    height.abs() <= 1e300
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

/// The axes of dates and of values; none without a value.
fn axes(dates: &[Date], lines: &[Line], scale: Scale) -> Option<(Axis, Axis)> {
    let heights = || lines.iter().flat_map(Line::heights);
    let low = heights().reduce(f64::min)?;
    let high = heights().reduce(f64::max)?;
    let values = match scale {
        Scale::Linear => axis::linear(low, high),
        Scale::Log => axis::logarithmic(low, high),
    };
    Some((axis::dates(*dates.first()?, *dates.last()?), values))
}

type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

fn draw(title: &str, lines: &[Line], axes: &(Axis, Axis)) -> Result<String, DrawingAreaErrorKind<std::io::Error>> {
    let legend = legend(lines);
    let rows = legend.last().map_or(0, |(_, row)| row + 1);
    let head = TITLE_HEIGHT + rows * LEGEND_ROW_HEIGHT;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, head + PLOT_HEIGHT)).into_drawing_area();
        root.draw(&Text::new(title.to_owned(), (LEFT, 20), TITLE_FONT.into_font().color(&INK)))?;
        draw_legend(&root, lines, &legend)?;
        draw_plot(&root.split_vertically(head).1, lines, axes)?;
        root.present()?;
    }
    Ok(svg)
}

/// Where each line's name stands: units from the left, and row.
fn legend(lines: &[Line]) -> Vec<(i32, u32)> {
    let (mut x, mut row) = (LEFT, 0);
    lines
        .iter()
        .map(|line| {
            let width = SPACE + LETTER * line.name.chars().count() as i32;
            if x > LEFT && x + width > WIDTH as i32 {
                (x, row) = (LEFT, row + 1);
            }
            let place = (x, row);
            x += width + SPACE / 2;
            place
        })
        .collect()
}

fn draw_legend(root: &DrawingArea<SVGBackend<'_>, Shift>, lines: &[Line], places: &[(i32, u32)]) -> Drawn {
    let font =
        FONT.into_font().color(&INK).pos(text_anchor::Pos::new(text_anchor::HPos::Left, text_anchor::VPos::Center));
    for (line, (x, row)) in lines.iter().zip(places) {
        let y = (TITLE_HEIGHT + row * LEGEND_ROW_HEIGHT + LEGEND_ROW_HEIGHT / 2) as i32;
        let swatch = vec![(*x, y), (x + SWATCH, y)];
        root.draw(&PathElement::new(swatch, line.style.stroke_width(2 * line.style.stroke_width)))?;
        root.draw(&Text::new(line.name.clone(), (x + SPACE - 8, y), font.clone()))?;
    }
    Ok(())
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (self.share(*value) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Light points lie between the ticks; there are none.
        if hint.weight().allow_light_points() { Vec::new() } else { self.positions() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, position: &f64) -> String {
        self.label(*position)
    }
}

fn draw_plot(area: &DrawingArea<SVGBackend<'_>, Shift>, lines: &[Line], (dates, values): &(Axis, Axis)) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(20)
        // The last date's label is centred on the edge of the plot.
        .margin_right(90)
        .x_label_area_size(64)
        .y_label_area_size(110)
        .build_cartesian_2d(dates.clone(), values.clone())?;
    let font = FONT.into_font().color(&INK);
    chart
        .configure_mesh()
        .set_all_tick_mark_size(10)
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.15))
        .axis_style(INK.mix(0.5))
        .label_style(font)
        .draw()?;
    for line in lines {
        for segment in &line.segments {
            match segment[..] {
                // A line of one point would not be seen.
                [point] => drop(chart.draw_series([Circle::new(point, 6, line.style.filled())])?),
                _ => drop(chart.draw_series(LineSeries::new(segment.clone(), line.style))?),
            }
        }
    }
    Ok(())
}

/// A colour for each line; those in the background take none from the others.
fn colours(series: &[Series]) -> impl Iterator<Item = RGBColor> {
    let taken = series.iter().scan(0, |next, series| {
        let position = *next;
        *next += usize::from(!series.muted);
        Some(position)
    });
    taken.map(|position| COLOURS[position % COLOURS.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(count: i8) -> Vec<Date> {
        (1..=count).map(|day| Date::constant(2020, 3, day)).collect()
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
        let line = Line::new(&days(7), &series[0], COLOURS[0], Scale::Linear);
        assert_eq!(line.segments, [vec![(0.0, 1.0), (1.0, 2.0)], vec![(3.0, 4.0)], vec![(5.0, 6.0), (6.0, 7.0)]]);
        let chart = line_chart("gaps", &days(7), &series, Scale::Linear).unwrap();
        assert_eq!(chart.as_svg().matches("<circle").count(), 1);
    }

    #[test]
    fn a_log_scale_leaves_out_what_it_cannot_show() {
        let series = Series::new("cases", [-1.0, 0.0, 10.0, 1000.0]);
        assert_eq!(Line::new(&days(4), &series, COLOURS[0], Scale::Log).segments, [vec![(2.0, 1.0), (3.0, 3.0)]]);
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
        assert_eq!(error.to_string(), "chart `c`: the line `s` has 1 values for 2 dates");
        let twice = [days(1), days(1)].concat();
        let error = line_chart("c", &twice, &[Series::new("s", [0.0, 1.0])], Scale::Linear).unwrap_err();
        assert_eq!(error.to_string(), "chart `c`: the date 2020-03-01 does not come after the one before it");
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
    fn a_long_legend_takes_more_rows() {
        let lines = |name: &str| Line { name: shortened(name), style: COLOURS[0].filled(), segments: Vec::new() };
        let places = legend(&[lines(&"x".repeat(500)), lines("b"), lines(&"c".repeat(50))]);
        assert_eq!(places.iter().map(|(_, row)| *row).collect::<Vec<_>>(), [0, 0, 1]);
    }
}
