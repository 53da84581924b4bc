//! The dates of a column, read all in the same order of day, month and year.

use std::collections::HashMap;

use covid_core::Date;

use crate::{
    RowFault, cell,
    date::{Order, Readings, readings},
};

/// The different texts of a column of dates. A table has many rows and few days.
#[derive(Debug, Default)]
pub(crate) struct DateTexts {
    positions: HashMap<Box<[u8]>, usize>,
    texts: Vec<DateText>,
}

#[derive(Debug)]
struct DateText {
    text: String,
    /// The row in which it is first.
    row: usize,
    readings: Readings,
}

impl DateTexts {
    /// The position of a text, without white space around it, in what [`resolve`](Self::resolve) returns.
    ///
    /// # Errors
    /// If nobody would read it as a date.
    pub(crate) fn position(
        &mut self,
        cell: &[u8],
        row: impl FnOnce() -> usize,
        column: &str,
    ) -> Result<usize, RowFault> {
        if let Some(&position) = self.positions.get(cell) {
            return Ok(position);
        }
        let row = row();
        let readings = readings(&String::from_utf8_lossy(cell));
        let text = cell::excerpt(cell);
        if readings.is_none() {
            return Err(RowFault::NotADate { row, column: column.to_owned(), text });
        }
        let position = self.texts.len();
        self.positions.insert(cell.into(), position);
        self.texts.push(DateText { text, row, readings });
        Ok(position)
    }

    /// The dates by position, and how they were read if they could be read otherwise.
    ///
    /// Of the orders in which all can be read, the one that leaves the fewest gaps between days is taken; of equal ones
    /// month before day, as JHU writes.
    ///
    /// # Errors
    /// If no order reads them all.
    pub(crate) fn resolve(&self) -> Result<(Vec<Date>, Option<String>), RowFault> {
        let mut orders: Vec<(Order, Vec<Date>)> = Vec::new();
        for order in Order::ALL {
            let dates: Option<Vec<Date>> = self.texts.iter().map(|text| text.readings.in_order(order)).collect();
            if let Some(dates) = dates.filter(|dates| orders.iter().all(|(_, others)| others != dates)) {
                orders.push((order, dates));
            }
        }
        let rivals = orders.len() > 1;
        let best = orders.into_iter().min_by_key(|(_, dates)| gaps(dates));
        let Some((order, dates)) = best else { return Err(self.mixed()) };
        let unclear = (rivals || self.is_certain_nowhere(order)).then(|| self.remark(order, &dates)).flatten();
        let remark = unclear.or_else(|| self.odd_remark(&dates));
        Ok((dates, remark))
    }

    /// Whether the order is another than the first that reads what is written in numbers alone.
    fn is_certain_nowhere(&self, order: Order) -> bool {
        order != Order::Month && self.texts.iter().any(|text| text.readings.certain().is_none())
    }

    /// How the first text that could be read otherwise was read.
    fn remark(&self, order: Order, dates: &[Date]) -> Option<String> {
        let unclear = |(text, _): &(&DateText, &Date)| text.readings.certain().is_none();
        let (text, date) = self.texts.iter().zip(dates).find(unclear)?;
        let order = match order {
            Order::Month => "month, day, year",
            Order::Day => "day, month, year",
            Order::Year => "year, month, day",
        };
        Some(format!("dates are read as {order}: `{}` in row {} stands for {date}", text.text, text.row))
    }

    /// How the first text was read that a spreadsheet may have rewritten: a day number, or written otherwise than the first.
    fn odd_remark(&self, dates: &[Date]) -> Option<String> {
        let usual = shape(&self.texts.first()?.text);
        let odd = |(text, _): &(&DateText, &Date)| text.is_day_number() || shape(&text.text) != usual;
        let (text, date) = self.texts.iter().zip(dates).find(odd)?;
        let what = if text.is_day_number() { "day numbers of a spreadsheet" } else { "written in more than one way" };
        Some(format!("dates are {what}: `{}` in row {} stands for {date}", text.text, text.row))
    }

    /// Two texts of which every order reads but one.
    fn mixed(&self) -> RowFault {
        let unread = |order| self.texts.iter().find(|text| text.readings.in_order(order).is_none());
        let [first, second] = [unread(Order::Day), unread(Order::Month)]
            .map(|text| text.map_or_else(|| (0, String::new()), |text| (text.row, text.text.clone())));
        let (first, second) = if first.0 <= second.0 { (first, second) } else { (second, first) };
        RowFault::MixedDates { first: first.0, first_text: first.1, second: second.0, second_text: second.1 }
    }
}

impl DateText {
    fn is_day_number(&self) -> bool {
        let digits = self.text.strip_suffix(".0").unwrap_or(&self.text);
        digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// A text with each number and each word in it made one letter: `0/0/0` of `1/22/20`.
fn shape(text: &str) -> String {
    let kind = |c: char| {
        if c.is_ascii_digit() {
            '0'
        } else if c.is_alphabetic() {
            'a'
        } else {
            c
        }
    };
    let mut shape: Vec<char> = text.chars().map(kind).collect();
    shape.dedup();
    shape.into_iter().collect()
}

/// Days between the first and the last that are not there.
fn gaps(dates: &[Date]) -> usize {
    let mut sorted = dates.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let span =
        sorted.first().zip(sorted.last()).map_or(0, |(&first, &last)| crate::density::days_between(first, last) + 1);
    span - sorted.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(texts: &[&str]) -> Result<(Vec<String>, Option<String>), RowFault> {
        let mut dates = DateTexts::default();
        for (index, text) in texts.iter().enumerate() {
            dates.position(text.as_bytes(), || index + 2, "date")?;
        }
        dates.resolve().map(|(dates, remark)| (dates.iter().map(Date::to_string).collect(), remark))
    }

    #[test]
    fn iso_needs_no_remark() {
        let (dates, remark) = resolved(&["2020-01-02", "2020-01-03"]).unwrap();
        assert_eq!((dates[0].as_str(), remark), ("2020-01-02", None));
    }

    #[test]
    fn a_day_after_the_twelfth_tells_the_order() {
        let (dates, remark) = resolved(&["01/02/2020", "13/02/2020"]).unwrap();
        assert_eq!(dates, ["2020-02-01", "2020-02-13"]);
        assert_eq!(remark.unwrap(), "dates are read as day, month, year: `01/02/2020` in row 2 stands for 2020-02-01");
        assert_eq!(resolved(&["1/2/20", "1/13/20"]).unwrap().0, ["2020-01-02", "2020-01-13"]);
        assert_eq!(resolved(&["1/2/20", "1/13/20"]).unwrap().1, None);
    }

    #[test]
    fn days_that_follow_each_other_tell_the_order() {
        let (dates, remark) = resolved(&["01.02.2020", "02.02.2020", "03.02.2020"]).unwrap();
        assert_eq!(dates, ["2020-02-01", "2020-02-02", "2020-02-03"]);
        assert!(remark.is_some());
    }

    #[test]
    fn else_the_month_comes_first_and_it_is_said() {
        let (dates, remark) = resolved(&["02/03/2020"]).unwrap();
        assert_eq!(dates, ["2020-02-03"]);
        assert_eq!(remark.unwrap(), "dates are read as month, day, year: `02/03/2020` in row 2 stands for 2020-02-03");
    }

    #[test]
    fn what_a_spreadsheet_rewrote_is_told() {
        let remark = |texts| resolved(texts).unwrap().1.unwrap();
        assert_eq!(
            remark(&["45292", "45293"]),
            "dates are day numbers of a spreadsheet: `45292` in row 2 stands for 2024-01-01"
        );
        assert_eq!(
            remark(&["1/13/2024", "01-14-2024"]),
            "dates are written in more than one way: `01-14-2024` in row 3 stands for 2024-01-14"
        );
    }

    #[test]
    fn two_orders_in_one_column_are_refused() {
        assert_eq!(
            resolved(&["1/13/20", "13/1/20"]).unwrap_err().to_string(),
            "row 2 (`1/13/20`) and row 3 (`13/1/20`) write dates in different orders"
        );
        assert_eq!(
            resolved(&["2020-01-02", "soon"]).unwrap_err().to_string(),
            "row 3, column `date` holds `soon`, which is not a date"
        );
    }
}
