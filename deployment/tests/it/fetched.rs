//! The source `jhu`, from a server on this machine.

use covid_testing::{HttpServer, Sandbox};

use crate::run;

/// The columns of `days` days from 2020-01-22, as JHU names them.
fn dates(days: usize) -> Vec<String> {
    const LENGTHS: [usize; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let year = LENGTHS.iter().enumerate().flat_map(|(month, length)| (1..=*length).map(move |day| (month + 1, day)));
    year.skip(21).take(days).map(|(month, day)| format!("{month}/{day}/20")).collect()
}

fn series(days: usize, share: usize) -> String {
    let counts =
        |size: usize| (1..=days).map(|day| (size * day * day / share).to_string()).collect::<Vec<_>>().join(",");
    let header = dates(days).join(",");
    format!(
        "Province/State,Country/Region,Lat,Long,{header}\n,Datastan,1,2,{}\n,Modelonia,3,4,{}\n",
        counts(3),
        counts(8)
    )
}

#[test]
fn a_run_says_when_its_data_were_downloaded_and_belongs_to_the_dataset_jhu() {
    let server = HttpServer::start();
    server.put("/csse_covid_19_time_series/time_series_covid19_confirmed_global.csv", series(250, 1));
    server.put("/csse_covid_19_time_series/time_series_covid19_deaths_global.csv", series(250, 50));
    let populations = "UID,Admin2,Province_State,Country_Region,Combined_Key,Population\n1,,,Datastan,Datastan,9\n";
    server.put("/UID_ISO_FIPS_LookUp_Table.csv", populations);
    let sandbox = Sandbox::new().env("COVID_FETCH_BASE_URL", &server.url("")).env("COVID_SOURCE", "jhu");
    let downloaded = run(&sandbox, &["-q"]);
    assert!(downloaded.success() && downloaded.stdout.contains("by covid-predictor 1 ("), "{downloaded}");
    server.requests();

    let sandbox = sandbox.env("COVID_NOW", "2030-01-02T20:00:00Z");
    let later = run(&sandbox, &["--horizon", "9", "-q"]);
    assert!(later.success() && server.requests().is_empty(), "{later}");
    let files = sandbox.files();
    let manifests: Vec<_> = files.iter().filter(|file| file.starts_with("store/jhu/predictions/commits/")).collect();
    assert_eq!(manifests.len(), 2, "{files:?}");
    for manifest in manifests {
        let manifest = sandbox.read(manifest);
        assert!(manifest.contains(r#""fetched_at": "2030-01-02T03:04:05Z""#), "{manifest}");
    }
}
