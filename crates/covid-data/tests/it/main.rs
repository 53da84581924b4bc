//! Integration tests: through the public interface alone.

// Helpers outside of test functions may fail as tests do, and say what they skip.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod bad_input;
mod bad_tables;
mod daily_reports;
mod damage;
mod jhu;
mod kaggle;
mod long_table;
mod populations;
mod properties;
mod quality;
mod real_data;
mod real_tables;
mod repair;
mod sample;
mod table;
mod table_properties;
mod us_counties;
mod vintage;
mod vintages;

use std::{fs, path::Path};

use covid_core::Explain;
use covid_data::{DataError, LoadOptions, Loaded, load};
use tempfile::TempDir;

/// Two locations, two days: a file that is well.
const GOOD: &str = "Province/State,Country/Region,Lat,Long,1/22/20,1/23/20\n\
                    ,Datastan,,,1,2\n\
                    North Modelonia,Modelonia,1.5,-2.5,3,4\n";

/// A folder with the two files of the JHU layout.
fn jhu_folder(confirmed: impl AsRef<[u8]>, deaths: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("time_series_covid19_confirmed_global.csv"), confirmed).unwrap();
    fs::write(folder.path().join("time_series_covid19_deaths_global.csv"), deaths).unwrap();
    folder
}

/// A folder with files of these names and contents.
fn folder_of(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn load_folder(folder: &Path) -> Result<Loaded, DataError> {
    load(folder.to_str().unwrap(), &LoadOptions::default())
}

/// Kind, sentence and hint of an error, with a folder's name made the same everywhere.
fn explained(error: &impl Explain, folder: &Path) -> String {
    let hint = error.hint().unwrap_or_default();
    format!("{:?}: {error}\nhint: {hint}", error.kind()).replace(folder.to_str().unwrap(), "DIR")
}
