//! The drawing of a chart. Only this module knows plotters.

use std::ops::Range;

use plotters::{
    coord::{
        Shift,
        ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter},
    },
    prelude::*,
    style::text_anchor,
};

use super::{Area, Line};
use crate::axis::Axis;

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
/// How much of the page a band hides.
const SHADE: f64 = 0.3;

type Failed = DrawingAreaErrorKind<std::io::Error>;
type Drawn = Result<(), Failed>;

/// A chart in coordinates.
pub(super) struct Picture<'a> {
    pub(super) title: &'a str,
    pub(super) lines: Vec<Line>,
    pub(super) areas: Vec<Area>,
    /// A name and its places along the chart.
    pub(super) marks: Option<&'a (String, Vec<f64>)>,
    /// Along the chart, and of its values.
    pub(super) axes: (Axis, Axis),
}

/// A line of the legend.
struct Entry {
    name: String,
    style: ShapeStyle,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Line,
    Band,
    Mark,
}

impl Picture<'_> {
    pub(super) fn draw(&self) -> Result<String, Failed> {
        let entries = self.entries();
        let legend = legend(&entries);
        let rows = legend.last().map_or(0, |(_, row)| row + 1);
        let head = TITLE_HEIGHT + rows * LEGEND_ROW_HEIGHT;
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (WIDTH, head + PLOT_HEIGHT)).into_drawing_area();
            root.draw(&Text::new(self.title.to_owned(), (LEFT, 20), TITLE_FONT.into_font().color(&INK)))?;
            draw_legend(&root, &entries, &legend)?;
            self.draw_plot(&root.split_vertically(head).1)?;
            root.present()?;
        }
        Ok(svg.replace(INK_IN_SVG, "\"currentColor\""))
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |name: &str, style, kind| Entry { name: shortened(name), style, kind };
        let lines = self.lines.iter().zip(styles(&self.lines));
        let lines = lines.map(|(line, style)| entry(&line.name, style, Kind::Line));
        let bands = self.areas.iter().map(|area| entry(&area.name, MUTED.mix(SHADE).filled(), Kind::Band));
        let marks = self.marks.iter().map(|(name, _)| entry(name, mark_style(), Kind::Mark));
        lines.chain(bands).chain(marks).collect()
    }

    fn draw_plot(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Drawn {
        let (along, values) = &self.axes;
        let mut chart = ChartBuilder::on(area)
            .margin(20)
            // The last date's label is centred on the edge of the plot.
            .margin_right(90)
            .x_label_area_size(64)
            .y_label_area_size(110)
            .build_cartesian_2d(along.clone(), values.clone())?;
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
        for outline in self.areas.iter().flat_map(Area::outlines) {
            chart.draw_series([Polygon::new(outline, MUTED.mix(SHADE).filled())])?;
        }
        for &place in self.marks.iter().flat_map(|(_, places)| places) {
            let upright = vec![(place, values.range.start), (place, values.range.end)];
            chart.draw_series([PathElement::new(upright, mark_style())])?;
        }
        for (line, style) in self.lines.iter().zip(styles(&self.lines)) {
            for segment in &line.segments {
                if segment.len() > 1 {
                    chart.draw_series(LineSeries::new(segment.clone(), style))?;
                }
                // A line of one point would not be seen.
                if segment.len() == 1 || line.dotted {
                    chart.draw_series(segment.iter().map(|point| Circle::new(*point, 6, style.filled())))?;
                }
            }
        }
        Ok(())
    }
}

/// A style for each line; those in the background take no colour from the others.
fn styles(lines: &[Line]) -> impl Iterator<Item = ShapeStyle> {
    lines.iter().scan(0, |next, line| {
        let colour = COLOURS[*next % COLOURS.len()];
        *next += usize::from(!line.muted);
        Some(if line.muted { MUTED.stroke_width(2) } else { colour.stroke_width(4) })
    })
}

fn mark_style() -> ShapeStyle {
    INK.mix(0.35).stroke_width(2)
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

/// Where each entry stands: units from the left, and row.
fn legend(entries: &[Entry]) -> Vec<(i32, u32)> {
    let (mut x, mut row) = (LEFT, 0);
    entries
        .iter()
        .map(|entry| {
            let width = SPACE + LETTER * entry.name.chars().count() as i32;
            if x > LEFT && x + width > WIDTH as i32 {
                (x, row) = (LEFT, row + 1);
            }
            let place = (x, row);
            x += width + SPACE / 2;
            place
        })
        .collect()
}

fn draw_legend(root: &DrawingArea<SVGBackend<'_>, Shift>, entries: &[Entry], places: &[(i32, u32)]) -> Drawn {
    let font =
        FONT.into_font().color(&INK).pos(text_anchor::Pos::new(text_anchor::HPos::Left, text_anchor::VPos::Center));
    for (Entry { name, style, kind }, (x, row)) in entries.iter().zip(places) {
        let y = (TITLE_HEIGHT + row * LEGEND_ROW_HEIGHT + LEGEND_ROW_HEIGHT / 2) as i32;
        let half = LEGEND_ROW_HEIGHT as i32 / 2 - 8;
        let middle = x + SWATCH / 2;
        match kind {
            Kind::Line => {
                let swatch = vec![(*x, y), (x + SWATCH, y)];
                root.draw(&PathElement::new(swatch, style.stroke_width(2 * style.stroke_width)))?;
            }
            Kind::Band => root.draw(&Rectangle::new([(*x, y - half), (x + SWATCH, y + half)], *style))?,
            Kind::Mark => root.draw(&PathElement::new(vec![(middle, y - half), (middle, y + half)], *style))?,
        }
        root.draw(&Text::new(name.clone(), (x + SPACE - 8, y), font.clone()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_legend_takes_more_rows() {
        let entry = |name: &str| Entry { name: shortened(name), style: MUTED.filled(), kind: Kind::Line };
        let places = legend(&[entry(&"x".repeat(500)), entry("b"), entry(&"c".repeat(50))]);
        assert_eq!(places.iter().map(|(_, row)| *row).collect::<Vec<_>>(), [0, 0, 1]);
    }
}
