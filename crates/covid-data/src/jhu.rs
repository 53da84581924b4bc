//! JHU CSSE's global time series: two files, one row a location, one column a day.

mod header;
mod read;
mod write;

use std::path::Path;

pub use write::write_jhu;

use crate::{
    DataError,
    source::{LoadOptions, Read, Source, SourceKind},
};

const CONFIRMED: &str = "time_series_covid19_confirmed_global.csv";
const DEATHS: &str = "time_series_covid19_deaths_global.csv";
const PROVINCE: &str = "Province/State";
const COUNTRY: &str = "Country/Region";
/// Columns that JHU writes and nobody here needs; blank in places.
const COORDINATES: [&str; 2] = ["Lat", "Long"];

/// A folder with both files of JHU's global series.
pub(crate) struct JhuTimeSeries;

impl Source for JhuTimeSeries {
    fn kind(&self) -> SourceKind {
        SourceKind::JhuTimeSeries
    }

    fn dataset(&self, _: &Path) -> String {
        "jhu".into()
    }

    /// One of the two files is enough, so that the other can be named as missing.
    fn recognise(&self, path: &Path) -> bool {
        [CONFIRMED, DEATHS].into_iter().any(|name| path.join(name).is_file())
    }

    fn read(&self, path: &Path, _: &LoadOptions) -> Result<Read, DataError> {
        read::read_folder(path)
    }
}
