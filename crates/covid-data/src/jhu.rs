//! JHU CSSE's time series: two files, one row a location, one column a day. The global ones, and those of US counties.

mod days;
mod file;
mod header;
mod join;
mod lookup;
mod rows;
mod write;

use std::path::{Path, PathBuf};

pub use write::write_jhu;

use crate::{
    DataError,
    source::{LoadOptions, Read, Source, SourceKind},
};

/// The files of one kind of series, and the columns that name a place in them.
#[derive(Debug)]
struct Layout {
    confirmed: &'static str,
    deaths: &'static str,
    county: Option<&'static str>,
    province: &'static str,
    country: &'static str,
}

const GLOBAL: Layout = Layout {
    confirmed: "time_series_covid19_confirmed_global.csv",
    deaths: "time_series_covid19_deaths_global.csv",
    county: None,
    province: "Province/State",
    country: "Country/Region",
};

const US: Layout = Layout {
    confirmed: "time_series_covid19_confirmed_US.csv",
    deaths: "time_series_covid19_deaths_US.csv",
    county: Some("Admin2"),
    province: "Province_State",
    country: "Country_Region",
};

/// Columns that are written blank.
const COORDINATES: [&str; 2] = ["Lat", "Long"];

impl Layout {
    /// One of the two files is enough to be meant, so that the other can be named as missing.
    fn is_at(&self, path: &Path) -> bool {
        let files = [self.confirmed, self.deaths].into_iter().filter_map(|name| plain_or_gzip(folder(path), name));
        let mut names = files.filter_map(|file| file.file_name().map(ToOwned::to_owned));
        if path.is_file() { names.any(|name| path.file_name() == Some(&name)) } else { names.next().is_some() }
    }
}

/// The folder at a path, or that of the file at the path: who names one of two files means both.
fn folder(path: &Path) -> &Path {
    if path.is_file() { path.parent().unwrap_or(path) } else { path }
}

/// A file of this name, or with `.gz` after it. Where both are there, the plain one: it needs no unpacking.
fn plain_or_gzip(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
}

/// A folder with both files of JHU's global series, or one of the two.
pub(crate) struct JhuTimeSeries;

impl Source for JhuTimeSeries {
    fn kind(&self) -> SourceKind {
        SourceKind::JhuTimeSeries
    }

    fn dataset(&self, _: &Path) -> String {
        "jhu".into()
    }

    fn recognise(&self, path: &Path) -> bool {
        GLOBAL.is_at(path)
    }

    /// JHU keeps the series of counties in the same folder. They are meant when counties are asked for.
    fn yields(&self, path: &Path, options: &LoadOptions) -> bool {
        options.by_county && US.is_at(path)
    }

    fn read(&self, path: &Path, _: &LoadOptions) -> Result<Read, DataError> {
        join::read_folder(folder(path), &GLOBAL)
    }
}

/// A folder with both files of JHU's series of US counties. They are kept apart always: a state is not in these files.
pub(crate) struct JhuUsTimeSeries;

impl Source for JhuUsTimeSeries {
    fn kind(&self) -> SourceKind {
        SourceKind::JhuUsTimeSeries
    }

    fn dataset(&self, _: &Path) -> String {
        "jhu".into()
    }

    fn recognise(&self, path: &Path) -> bool {
        US.is_at(path)
    }

    fn read(&self, path: &Path, _: &LoadOptions) -> Result<Read, DataError> {
        join::read_folder(folder(path), &US)
    }
}
