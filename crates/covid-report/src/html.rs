//! Self-contained HTML pages.

use std::{collections::HashSet, fmt::Write as _};

use crate::{Chart, Explorer, FanExplorer, HeatMap, Table, explorer, fans, heat::percent, script, table::Kind};

const STYLE: &str = include_str!("page.css");

/// A page that needs nothing but itself: no network, and no script but the explorers', which come from this crate.
/// Whatever text it is given is escaped; and a policy in the page forbids the browser to load anything, or to run any
/// script that is not one of those to the byte.
#[derive(Debug, Clone)]
pub struct HtmlPage {
    title: String,
    body: String,
    has_explorer: bool,
    /// The names that can be picked among the forecasts, where there are some.
    fans: Option<HashSet<String>>,
}

/// How a note is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing has to be done.
    Calm,
    /// To be looked at.
    Warning,
    /// To be looked at now.
    Alarm,
}

impl HtmlPage {
    /// A page with its title as first heading.
    pub fn new(title: &str) -> Self {
        Self::headed(title, title)
    }

    /// A page whose first heading says something else than its title, which the browser shows on the tab.
    pub fn headed(title: &str, heading: &str) -> Self {
        let body = format!("<h1>{}</h1>\n", escape(heading));
        Self { body, title: escape(title), has_explorer: false, fans: None }
    }

    /// Adds a heading.
    pub fn heading(&mut self, text: &str) -> &mut Self {
        self.push(format_args!("<h2>{}</h2>\n", escape(text)))
    }

    /// Adds a heading below the last one.
    pub fn subheading(&mut self, text: &str) -> &mut Self {
        self.push(format_args!("<h3>{}</h3>\n", escape(text)))
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.push(format_args!("<p>{}</p>\n", escape(text)))
    }

    /// Adds a paragraph that stands out by its tone; the label says the tone in words.
    pub fn note(&mut self, tone: Tone, label: &str, text: &str) -> &mut Self {
        let class = match tone {
            Tone::Calm => "note",
            Tone::Warning => "note warning",
            Tone::Alarm => "note alarm",
        };
        self.push(format_args!("<p class=\"{class}\"><strong>{}</strong> {}</p>\n", escape(label), escape(text)))
    }

    /// Adds a table; one that is wider than the screen scrolls by itself.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        self.push_table(table, |_, cell| escape(cell))
    }

    /// Adds a table whose first column names locations: each that can be picked among the forecasts of the page, which
    /// have to be there before, is a link to its own.
    pub fn table_of_locations(&mut self, table: &Table) -> &mut Self {
        let pickable = self.fans.clone().unwrap_or_default();
        self.push_table(table, |position, cell| {
            if position == 0 && pickable.contains(cell) {
                format!("<a href=\"#fan={}\">{}</a>", percent_encoded(cell), escape(cell))
            } else {
                escape(cell)
            }
        })
    }

    fn push_table(&mut self, table: &Table, show: impl Fn(usize, &str) -> String) -> &mut Self {
        self.body.push_str("<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>");
        for column in table.columns() {
            let class = class(column.kind());
            self.push(format_args!("<th scope=\"col\"{class}>{}</th>", escape(column.title())));
        }
        self.body.push_str("</tr></thead>\n<tbody>\n");
        for row in table.rows() {
            self.body.push_str("<tr>");
            for (position, (column, cell)) in table.columns().iter().zip(row).enumerate() {
                self.push(format_args!("<td{}>{}</td>", class(column.kind()), show(position, cell)));
            }
            self.body.push_str("</tr>\n");
        }
        self.push(format_args!("</tbody></table></div>\n"))
    }

    /// Adds a table whose cells are shaded by their shares.
    pub fn heat_map(&mut self, map: &HeatMap) -> &mut Self {
        self.body.push_str("<div class=\"scroll\" tabindex=\"0\"><table class=\"heat\">\n<thead><tr>");
        self.push(format_args!("<th scope=\"col\">{}</th>", escape(&map.title)));
        for column in &map.columns {
            self.push(format_args!("<th scope=\"col\" class=\"number\">{}</th>", escape(column)));
        }
        self.body.push_str("</tr></thead>\n<tbody>\n");
        for (name, shares) in &map.rows {
            self.push(format_args!("<tr><th scope=\"row\">{}</th>", escape(name)));
            for share in shares {
                let shade = map.shade(share.unwrap_or(0.0));
                self.push(format_args!("<td class=\"number\" style=\"--shade:{shade}\">{}</td>", percent(*share)));
            }
            self.body.push_str("</tr>\n");
        }
        self.push(format_args!("</tbody></table></div>\n"))
    }

    /// Adds a chart.
    pub fn chart(&mut self, chart: &Chart) -> &mut Self {
        self.push(format_args!("<figure>{}</figure>\n", chart.as_svg()))
    }

    /// Adds charts that are read together: side by side where the page is wide enough.
    pub fn charts(&mut self, charts: &[Chart]) -> &mut Self {
        self.body.push_str("<div class=\"charts\">\n");
        for chart in charts {
            self.chart(chart);
        }
        self.push(format_args!("</div>\n"))
    }

    /// Adds a chart and a table that are read together: side by side where the page is wide enough.
    pub fn chart_and_table(&mut self, chart: &Chart, table: &Table) -> &mut Self {
        self.body.push_str("<div class=\"charts\">\n");
        self.chart(chart).table(table);
        self.push(format_args!("</div>\n"))
    }

    /// Adds the explorer. A page has one; a second, or one without a location, is left out.
    pub fn explorer(&mut self, explorer: &Explorer) -> &mut Self {
        if self.has_explorer || explorer.is_empty() {
            return self;
        }
        self.has_explorer = true;
        self.body.push_str(&explorer.to_html());
        self
    }

    /// Adds forecasts to pick from. A page has one such part; a second, or one without a location, is left out.
    pub fn fans(&mut self, fans: &FanExplorer) -> &mut Self {
        if self.fans.is_some() || fans.is_empty() {
            return self;
        }
        self.fans = Some(fans.names().map(str::to_owned).collect());
        self.body.push_str(&fans.to_html());
        self
    }

    /// The whole page.
    pub fn render(&self) -> String {
        let Self { title, body, .. } = self;
        let scripts = self.scripts();
        let policy = script::policy(&scripts);
        let style = if scripts.is_empty() { "" } else { script::STYLE };
        let fans_style = if self.fans.is_some() { fans::STYLE } else { "" };
        // Scripts run when all they look for has been read, so they stand last.
        let scripts: String = scripts.iter().map(|script| format!("<script>{script}</script>\n")).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}{style}{fans_style}</style>\n</head>\n\
             <body>\n<main>\n{body}</main>\n{scripts}</body>\n</html>\n"
        )
    }

    /// The scripts that the page needs, in the order in which they run.
    fn scripts(&self) -> Vec<&'static str> {
        let own = [(self.has_explorer, explorer::SCRIPT), (self.fans.is_some(), fans::SCRIPT)];
        let own: Vec<&str> = own.into_iter().filter_map(|(needed, script)| needed.then_some(script)).collect();
        if own.is_empty() { own } else { [&[script::SHARED], &own[..]].concat() }
    }

    fn push(&mut self, html: std::fmt::Arguments<'_>) -> &mut Self {
        // Writing to a String does not fail.
        let _ = self.body.write_fmt(html);
        self
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "",
        Kind::Prose => " class=\"prose\"",
        Kind::Number => " class=\"number\"",
    }
}

/// Text as it may stand in an address: all but letters, digits and a few marks by their bytes.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

/// Text as it may stand in an element or in an attribute. Control characters, which HTML forbids, become blanks.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    #[test]
    fn every_text_is_escaped() {
        let bad = "<script>alert('\"&\u{0}')</script>";
        let mut table = Table::new([Column::text(bad), Column::number("n")]);
        table.row([bad, "1"]);
        let mut page = HtmlPage::new(bad);
        let html = page.heading(bad).subheading(bad).paragraph(bad).table(&table).render();
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;alert(&#39;&quot;&amp; &#39;)&lt;/script&gt;").count(), 7, "{html}");
    }

    #[test]
    fn the_policy_allows_our_scripts_alone() {
        assert!(HtmlPage::new("Report").render().contains("script-src 'none'"));
        let html = HtmlPage::new("Report").explorer(&explorer()).explorer(&explorer()).render();
        assert_eq!(html.matches("'sha256-").count(), 2);
        assert_eq!(html.matches("id=\"explorer-data\"").count(), 1, "a page has one explorer");
        let html = HtmlPage::new("Report").explorer(&explorer()).fans(&fans()).fans(&fans()).render();
        assert_eq!(html.matches("'sha256-").count(), 3, "one for each script");
        assert_eq!(html.matches("<script>").count(), 3, "what both build on is there once");
        assert_eq!(html.matches("id=\"fans-data\"").count(), 1);
    }

    #[test]
    fn a_location_with_forecasts_is_a_link_to_them() {
        let mut table = Table::new([Column::text("Location"), Column::text("<b>")]);
        table.row(["<b>", "<b>"]).row(["c", ""]);
        let html = HtmlPage::new("Report").fans(&fans()).table_of_locations(&table).render();
        assert!(html.contains("<td><a href=\"#fan=%3Cb%3E\">&lt;b&gt;</a></td><td>&lt;b&gt;</td>"), "{html}");
        assert!(html.contains("<td>c</td>"));
        assert!(
            !HtmlPage::new("Report").table_of_locations(&table).render().contains("<a "),
            "there is nothing to pick"
        );
        assert_eq!(percent_encoded("Cura\u{e7}ao, 1-2"), "Cura%C3%A7ao%2C%201-2");
    }

    #[test]
    fn a_note_says_its_tone_in_words_too() {
        let html = HtmlPage::headed("Title", "Heading").note(Tone::Alarm, "<b>", "<i>").render();
        assert!(html.contains("<p class=\"note alarm\"><strong>&lt;b&gt;</strong> &lt;i&gt;</p>"), "{html}");
        assert!(html.contains("<title>Title</title>") && html.contains("<main>\n<h1>Heading</h1>"), "{html}");
    }

    #[test]
    fn a_heat_map_is_a_shaded_table() {
        let mut map = HeatMap::new("<i>", ["Mon"]);
        map.row("<b>", [Some(0.5)]).row("c", [None]);
        let html = HtmlPage::new("Report").heat_map(&map).render();
        let row = "<tr><th scope=\"row\">&lt;b&gt;</th><td class=\"number\" style=\"--shade:55\">50 %</td></tr>";
        assert!(html.contains(row), "{html}");
        assert!(html.contains("style=\"--shade:0\"></td>") && html.contains("&lt;i&gt;"), "{html}");
    }

    fn explorer() -> Explorer {
        let mut explorer = Explorer::new(covid_core::Date::constant(2020, 1, 22), 1);
        explorer.location("<b>", [&[1.0], &[0.0]]);
        explorer
    }

    fn fans() -> FanExplorer {
        let mut fans = FanExplorer::new(covid_core::Date::constant(2020, 1, 22), 1);
        fans.series("<b>", covid_core::Target::Fatalities, &[1.0], &[]);
        fans
    }

    #[test]
    fn a_page_needs_no_network() {
        let html = HtmlPage::new("Report").render();
        for outside in ["http:", "https:", "//", "@import", "url(", "<script", "<link"] {
            assert!(!html.contains(outside), "{outside}");
        }
    }

    #[test]
    fn numbers_stand_right_in_a_box_that_scrolls() {
        let mut table = Table::new([Column::text("Location"), Column::number("Cases")]);
        table.row(["Spain", "1,234"]);
        let html = HtmlPage::new("Report").table(&table).render();
        assert!(html.contains("<div class=\"scroll\" tabindex=\"0\"><table>"));
        assert!(html.contains("<tr><td>Spain</td><td class=\"number\">1,234</td></tr>"));
    }
}
