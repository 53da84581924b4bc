//! Self-contained HTML pages.

use std::fmt::Write as _;

use crate::{Chart, Table};

const STYLE: &str = include_str!("page.css");

/// A page that needs nothing but itself: no network, no script. Whatever text it is given is escaped.
#[derive(Debug, Clone)]
pub struct HtmlPage {
    title: String,
    body: String,
}

impl HtmlPage {
    /// A page with its title as first heading.
    pub fn new(title: &str) -> Self {
        let title = escape(title);
        Self { body: format!("<h1>{title}</h1>\n"), title }
    }

    /// Adds a heading.
    pub fn heading(&mut self, text: &str) -> &mut Self {
        self.push(format_args!("<h2>{}</h2>\n", escape(text)))
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.push(format_args!("<p>{}</p>\n", escape(text)))
    }

    /// Adds a table; one that is wider than the screen scrolls by itself.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        self.body.push_str("<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>");
        for column in table.columns() {
            let class = class(column.is_number());
            self.push(format_args!("<th scope=\"col\"{class}>{}</th>", escape(column.title())));
        }
        self.body.push_str("</tr></thead>\n<tbody>\n");
        for row in table.rows() {
            self.body.push_str("<tr>");
            for (column, cell) in table.columns().iter().zip(row) {
                self.push(format_args!("<td{}>{}</td>", class(column.is_number()), escape(cell)));
            }
            self.body.push_str("</tr>\n");
        }
        self.push(format_args!("</tbody></table></div>\n"))
    }

    /// Adds a chart.
    pub fn chart(&mut self, chart: &Chart) -> &mut Self {
        self.push(format_args!("<figure>{}</figure>\n", chart.as_svg()))
    }

    /// The whole page.
    pub fn render(&self) -> String {
        let Self { title, body } = self;
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
        )
    }

    fn push(&mut self, html: std::fmt::Arguments<'_>) -> &mut Self {
        // Writing to a String does not fail.
        let _ = self.body.write_fmt(html);
        self
    }
}

fn class(is_number: bool) -> &'static str {
    if is_number { " class=\"number\"" } else { "" }
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
        let html = page.heading(bad).paragraph(bad).table(&table).render();
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;alert(&#39;&quot;&amp; &#39;)&lt;/script&gt;").count(), 6, "{html}");
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
