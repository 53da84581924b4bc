#![doc = include_str!("../README.md")]

mod axis;
mod chart;
mod explorer;
mod heat;
mod html;
mod numbers;
mod table;

pub use chart::{Band, Chart, LineChart, ReportError, Scale, Series, line_chart};
pub use explorer::Explorer;
pub use heat::HeatMap;
pub use html::HtmlPage;
pub use numbers::{count, score, sparkline};
pub use table::{Column, Table};
