use std::path::Path;

use covid_core::{Explain as _, FaultKind};
use covid_registry::{MlflowSettings, RegistryUri, resolve};

#[test]
fn embedded() {
    for path in ["./store/tracking.db", "/abs/a b:c%20.db", "tracking.db"] {
        let uri: RegistryUri = format!("embedded:{path}").parse().unwrap();
        assert_eq!(uri.embedded(), Some(Path::new(path)));
    }
}

#[test]
fn remote() {
    let uri: RegistryUri = "https://user:secret@mlflow.example:5000/a@b".parse().unwrap();
    assert_eq!(uri.embedded(), None);
    assert!(!format!("{uri:?}").contains("secret"), "{uri:?}");
    let RegistryUri::Remote(address) = uri else { panic!("a server: {uri:?}") };
    assert_eq!(address.to_string(), "https://<redacted>@mlflow.example:5000/a@b");
}

#[tokio::test]
async fn refused() {
    let neither = "it is neither `embedded:PATH` nor an `http(s)://` address";
    let mlflow = "that is a store of MLflow's own, which only MLflow may write to";
    let cases = [
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db", mlflow),
        ("file:./mlruns", "file:./mlruns", mlflow),
        ("SQLite:a", "SQLite:a", mlflow),
        ("postgresql://user:se/cret@host/db", "postgresql://<redacted>@host/db", neither),
        ("postgresql://h/db?password=secret", "postgresql://h/db?<redacted>", neither),
        ("me:secret@host:5000", "<redacted>@host:5000", neither),
        ("./tracking.db", "./tracking.db", neither),
        ("", "", neither),
        ("embedded:", "embedded:", "it names no file"),
        ("embedded:store/", "embedded:store/", "it names no file"),
        ("embedded:~/a.db", "embedded:~/a.db", "`~` is not expanded here"),
        ("embedded::memory:", "embedded::memory:", "that is not the path of a file"),
    ];
    for (uri, shown, reason) in cases {
        let error = resolve(uri, &MlflowSettings::default()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("`{shown}` cannot be used as a tracker: {reason}"));
        assert_eq!(error.kind(), FaultKind::Usage);
        assert!(error.hint().is_some_and(|hint| hint.len() > 10 && !hint.contains("secret")), "{uri}");
    }
}
