use std::path::{Path, PathBuf};

use covid_core::{Explain as _, FaultKind};
use covid_storage::{StorageError, StoreUri, resolve};

#[test]
fn folders() {
    let cases = [
        ("file:./store", "./store"),
        ("file:store", "store"),
        ("file:/abs/store", "/abs/store"),
        ("file:///abs/store", "/abs/store"),
        ("./store", "./store"),
        ("store", "store"),
        ("/abs/a b%20c", "/abs/a b%20c"),
        ("c:\\store", "c:\\store"),
        ("./2020:01", "./2020:01"),
    ];
    for (uri, path) in cases {
        assert_eq!(uri.parse::<StoreUri>().unwrap(), StoreUri::Folder(PathBuf::from(path)), "{uri}");
    }
}

#[test]
fn memory() {
    assert_eq!("memory:".parse::<StoreUri>().unwrap().folder(), None);
    assert_eq!(resolve("memory:").unwrap().uri(), "memory:");
}

#[test]
fn buckets() {
    let cases = [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
        ("s3://my-bucket.eu/prefix", "my-bucket.eu", "prefix"),
        ("s3://bucket/a/b c@d/", "bucket", "a/b c@d"),
    ];
    for (uri, bucket, prefix) in cases {
        let expected = StoreUri::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        assert_eq!(uri.parse::<StoreUri>().unwrap(), expected, "{uri}");
        // Opening asks nobody: there is no runtime here, let alone a network.
        assert_eq!(resolve(uri).unwrap().uri(), uri.trim_end_matches('/'));
    }
    for uri in ["s3:", "s3://", "s3:bucket", "s3:///bucket", "s3://b", "s3://-bucket", "s3://bucket/../a"] {
        assert!(matches!(resolve(uri), Err(StorageError::BadUri { .. })), "{uri}");
    }
}

#[test]
fn refused() {
    let cases = [
        (
            "s3://Bucket/prefix",
            "`s3://Bucket/prefix` cannot be used as a store: a bucket's name has 3 to 63 lower-case letters, digits, `-` and `.`, and begins and ends with a letter or digit",
        ),
        (
            "s3://bucket//prefix",
            "`s3://bucket//prefix` cannot be used as a store: its prefix cannot be that of keys: a part of it is empty",
        ),
        ("s3://KEY:SECRET@bucket/a", "`s3://...` cannot be used as a store: a bucket's name holds no `@` or `:`"),
        ("gs://bucket", "`gs://bucket` cannot be used as a store: the scheme `gs:` is not known"),
        (
            "file://host/a",
            "`file://host/a` cannot be used as a store: after `file://` comes a host, and only this machine's files can be used",
        ),
        ("file:", "`file:` cannot be used as a store: it names no folder"),
        ("", "`` cannot be used as a store: it names no folder"),
        ("~/store", "`~/store` cannot be used as a store: `~` is not expanded here"),
        ("memory:a", "`memory:a` cannot be used as a store: a store in memory has no name"),
        ("a\0b", "`a\\0b` cannot be used as a store: a path cannot contain a null byte"),
    ];
    for (uri, sentence) in cases {
        let error = resolve(uri).unwrap_err();
        assert_eq!(error.to_string(), sentence);
        assert_eq!(error.kind(), FaultKind::Usage);
        assert!(error.hint().is_some_and(|hint| hint.len() > 10), "{uri}");
    }
}

#[test]
fn a_file_is_no_store() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let error = resolve(manifest).unwrap_err();
    assert!(matches!(&error, StorageError::NotAFolder { path } if path == Path::new(manifest)), "{error:?}");
}
