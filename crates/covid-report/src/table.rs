//! Tables, for the terminal and for HTML pages.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, TableStyle};

/// A column: its title, and on which side its cells stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    title: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Prose,
    Number,
}

impl Column {
    /// A column of text, aligned left.
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), kind: Kind::Text }
    }

    /// A column of sentences or lists, aligned left: in a page they take several lines.
    pub fn prose(title: impl Into<String>) -> Self {
        Self { title: title.into(), kind: Kind::Prose }
    }

    /// A column of numbers, aligned right.
    pub fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), kind: Kind::Number }
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
}

/// A table. Its `Display` is for the terminal: as wide as its content and no wider, whatever the terminal's width, without
/// colours, and without a line's end after the last row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row: one cell a column. Missing cells are blank, further ones are left out.
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Self {
        let mut cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
        self
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(crate) fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        let rule = LineStyle::none().fill('─');
        table.load_style(TableStyle::new().header_separator(rule));
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.columns.iter().map(|column| printable(&column.title)).collect::<Vec<_>>());
        table.add_rows(self.rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect::<Vec<_>>()));
        let last = self.columns.len().saturating_sub(1);
        for (position, (column, shown)) in self.columns.iter().zip(table.column_iter_mut()).enumerate() {
            shown.set_padding((0, if position == last { 0 } else { 2 }));
            shown.set_cell_alignment(match column.kind {
                Kind::Number => CellAlignment::Right,
                Kind::Text | Kind::Prose => CellAlignment::Left,
            });
        }
        f.write_str(&table.trim_fmt())
    }
}

/// A cell is one line: names come from files, and must not move the cursor or colour the terminal.
fn printable(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stands_left_and_numbers_right() {
        let mut table = Table::new([Column::text("Location"), Column::number("Cases"), Column::text("Trend")]);
        table.row(["Madrid, Spain", "1,234,567", "▁▂█"]).row(["Curaçao", "9", ""]);
        insta::assert_snapshot!(table, @r"
        Location           Cases  Trend
        ───────────────────────────────
        Madrid, Spain  1,234,567  ▁▂█
        Curaçao                9
        ");
    }

    #[test]
    fn a_cell_cannot_break_the_table() {
        let mut table = Table::new([Column::text("Location"), Column::number("Cases")]);
        table.row(["red\u{1b}[31m\nline", "1", "too many"]).row(["x".repeat(130)]);
        let shown = table.to_string();
        assert_eq!(shown.lines().count(), 4);
        assert!(shown.contains("red [31m line"), "{shown}");
        assert!(!shown.contains("too many"), "{shown}");
    }

    #[test]
    fn a_table_without_rows_is_its_header() {
        let table = Table::new([Column::text("Location"), Column::number("Cases")]);
        assert!(table.is_empty());
        assert_eq!(table.to_string(), "Location  Cases\n───────────────");
        assert_eq!(Table::new([]).to_string(), "");
    }
}
