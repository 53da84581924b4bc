//! Heat maps: tables of shares whose cells are shaded.

/// The strongest shade, in percent of the page's accent colour: any stronger and the number in it is hard to read.
const DARKEST: f64 = 55.0;

/// A map of smaller shares than this has no darkest cell: it is even.
const LEAST_LARGEST: f64 = 0.5;

/// Shares by row and column, for [`HtmlPage::heat_map`](crate::HtmlPage::heat_map). A table rather than a picture, so that
/// it can be read aloud, copied and searched.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<Option<f64>>)>,
}

impl HeatMap {
    /// A heat map without rows; the title stands above the rows' names.
    pub fn new<C: Into<String>>(title: &str, columns: impl IntoIterator<Item = C>) -> Self {
        Self { title: title.to_owned(), columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row: one share a column, 0.25 for 25 %. Missing ones are blank, further ones are left out.
    pub fn row(&mut self, name: &str, shares: impl IntoIterator<Item = Option<f64>>) -> &mut Self {
        let mut shares: Vec<_> = shares.into_iter().map(|share| share.filter(|share| share.is_finite())).collect();
        shares.resize(self.columns.len(), None);
        self.rows.push((name.to_owned(), shares));
        self
    }

    /// How dark each share is, from 0 to the darkest, which is the largest share of the whole map, or a half.
    pub(crate) fn shade(&self, share: f64) -> u32 {
        let shares = self.rows.iter().flat_map(|(_, shares)| shares).flatten();
        let largest = shares.copied().fold(LEAST_LARGEST, f64::max);
        (share / largest * DARKEST).clamp(0.0, DARKEST).round() as u32
    }
}

/// `25 %`, and nothing for what is missing.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| format!("{:.0} %", share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_share_is_the_darkest() {
        let mut map = HeatMap::new("Location", ["Mon", "Tue", "Wed"]);
        map.row("a", [Some(0.1), Some(0.8)]).row("b", [Some(f64::NAN), Some(0.2), Some(-1.0), Some(9.0)]);
        assert_eq!(map.rows[0].1, [Some(0.1), Some(0.8), None]);
        assert_eq!(map.rows[1].1, [None, Some(0.2), Some(-1.0)]);
        assert_eq!([0.0, 0.1, 0.8, -1.0, 9.0].map(|share| map.shade(share)), [0, 7, 55, 0, 55]);
    }

    #[test]
    fn an_even_map_is_not_dark() {
        let mut map = HeatMap::new("Location", ["Mon", "Tue"]);
        map.row("a", [Some(0.1), Some(0.2)]);
        assert_eq!([0.1, 0.2].map(|share| map.shade(share)), [11, 22]);
    }

    #[test]
    fn shares_are_whole_percents() {
        assert_eq!([Some(0.254), Some(0.0), None].map(percent), ["25 %", "0 %", ""]);
    }
}
