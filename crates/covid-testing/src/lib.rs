#![doc = include_str!("../README.md")]

mod real_data;
mod sandbox;
mod snapshot;
mod visits;

#[doc(hidden)]
pub use insta;
pub use real_data::real_data;
pub use sandbox::{NOW, Output, Sandbox};
pub use snapshot::filters;
pub use visits::visits;
