#![doc = include_str!("../README.md")]

mod axis;
mod chart;
mod code;
mod explorer;
mod fans;
mod heat;
mod html;
mod numbers;
mod script;
mod table;

pub use chart::{Band, Chart, LineChart, ReportError, Scale, Series, line_chart};
pub use explorer::Explorer;
pub use fans::FanExplorer;
pub use heat::HeatMap;
pub use html::{HtmlPage, Tone};
pub use numbers::{count, score, sparkline};
pub use table::{Column, Table};
