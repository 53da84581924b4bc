//! JHU CSSE's daily reports: a folder with one file a day, `01-22-2020.csv`, one row a place or county.

mod gather;
mod report;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use covid_core::Date;

use crate::{
    DataError, Remark,
    source::{LoadOptions, Read, Source, SourceKind},
};

/// A folder of daily reports, or one of them.
pub(crate) struct JhuDailyReports;

impl Source for JhuDailyReports {
    fn kind(&self) -> SourceKind {
        SourceKind::JhuDailyReports
    }

    fn dataset(&self, _: &Path) -> String {
        "jhu".into()
    }

    /// One report is enough.
    fn recognise(&self, path: &Path) -> bool {
        if path.is_file() {
            return date_of(path).is_some();
        }
        files(path).is_ok_and(|files| files.iter().any(|file| date_of(file).is_some()))
    }

    fn read(&self, path: &Path, options: &LoadOptions) -> Result<Read, DataError> {
        if path.is_file() {
            let reports = date_of(path).map(|date| (date, path.to_owned())).into_iter().collect();
            return gather::read(&reports, options.by_county, Vec::new());
        }
        let (reports, remarks) = reports(path)?;
        gather::read(&reports, options.by_county, remarks)
    }
}

/// The reports of a folder by date, and remarks on CSV files that are none. What is no CSV file, such as a `README.md`, is
/// passed over.
fn reports(folder: &Path) -> Result<(BTreeMap<Date, PathBuf>, Vec<Remark>), DataError> {
    let mut reports = BTreeMap::new();
    let mut remarks = Vec::new();
    for file in files(folder)? {
        match date_of(&file) {
            Some(date) => {
                if let Some(first) = reports.insert(date, file.clone()) {
                    return Err(DataError::TwoReports { date, first, second: file });
                }
            }
            None if stem(&file).is_some() => {
                let text = "passed over, since its name is no date such as `01-22-2020.csv`".into();
                remarks.push(Remark { file, text });
            }
            None => {}
        }
    }
    Ok((reports, remarks))
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |source: std::io::Error| DataError::Unreadable { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let paths: Result<Vec<PathBuf>, std::io::Error> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut files: Vec<PathBuf> = paths.map_err(unreadable)?.into_iter().filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

/// The name of a CSV file without its ending.
fn stem(file: &Path) -> Option<&str> {
    let name = file.file_name()?.to_str()?;
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.strip_suffix(".csv")
}

/// The date that a report's name tells: `01-22-2020.csv`, `01-22-2020.csv.gz`.
fn date_of(file: &Path) -> Option<Date> {
    let mut parts = stem(file)?.split('-');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || !digits(month, 2) || !digits(day, 2) || !digits(year, 4) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_report_is_its_date() {
        let date = |name: &str| date_of(Path::new(name));
        assert_eq!(date("x/01-22-2020.csv"), Some(Date::constant(2020, 1, 22)));
        assert_eq!(date("01-22-2020.csv.gz"), Some(Date::constant(2020, 1, 22)));
        for name in ["2020-01-22.csv", "1-22-2020.csv", "13-22-2020.csv", "01-22-2020", "01-22-2020.txt", "README.md"] {
            assert_eq!(date(name), None, "{name}");
        }
    }
}
