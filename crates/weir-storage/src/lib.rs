//! What survives the process: key-value stores on disk, one file per component.
//!
//! [`FileStorage`] opens stores in a directory. Each is a redb database with a thread of its own: whatever is put in line is committed in
//! groups, in order, and a disk that cannot be written is tried again until it can. A file that is damaged is set aside under another
//! name and replaced by an empty one. What keys and values mean is for their owners to know.
//!
//! Logs (queues that spill to disk) will stand beside this; nothing here is about them.

mod backend;
mod file_storage;
mod metrics;
mod name;
mod opening;
mod options;
mod store;
#[cfg(test)]
mod tests;
mod worker;

pub use file_storage::FileStorage;
pub use options::{Options, Rebound};
