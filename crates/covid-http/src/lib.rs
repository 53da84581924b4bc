#![doc = include_str!("../README.md")]

mod call;
mod client;
mod credentials;
mod download;
mod error;
mod headers;
mod retry;
mod said;
mod settings;
mod url;

pub use call::Call;
pub use client::Client;
pub use credentials::{Credentials, Secret};
pub use download::{Download, Downloaded, Held, Sink, Validators};
pub use error::{HttpError, HttpFault};
pub use retry::Tries;
pub use said::Said;
pub use settings::HttpSettings;
pub use url::HttpUrl;
