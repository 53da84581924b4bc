#![doc = include_str!("../README.md")]

mod browser;
mod http_server;
mod live;
pub mod prefect;
mod real_data;
mod sandbox;
mod smtp_server;
mod snapshot;
mod visits;
mod world;

pub use browser::{Browser, chromium};
pub use http_server::{ALWAYS, HttpServer, Request, Trouble};
#[doc(hidden)]
pub use insta;
pub use live::{Keys, S3Server, live_server};
pub use real_data::real_data;
pub use sandbox::{NOW, Output, Sandbox};
pub use smtp_server::{Mail, SmtpServer, SmtpTrouble, Step};
pub use snapshot::filters;
pub use visits::visits;
pub use world::{PlaceDay, World};
