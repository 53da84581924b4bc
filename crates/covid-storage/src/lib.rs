#![doc = include_str!("../README.md")]

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod folder;
mod key;
mod memory;
mod s3;
mod store;
mod uri;

pub use error::StorageError;
pub use folder::FolderStore;
pub use key::{check_key, check_key_part};
pub use memory::MemoryStore;
pub use s3::{S3Error, S3Fault, S3Store};
pub use store::{ETag, ListPage, Object, ObjectMeta, ObjectStore, PAGE_SIZE, PutMode, list_all};
pub use uri::{StoreUri, resolve};
