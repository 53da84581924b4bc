#![doc = include_str!("../README.md")]

mod client;
mod download;
mod error;
mod headers;
mod retry;
mod settings;
mod url;

pub use client::Client;
pub use download::{Download, Downloaded, Held, Sink, Validators};
pub use error::{HttpError, HttpFault};
pub use settings::HttpSettings;
pub use url::HttpUrl;
