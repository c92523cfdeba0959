//! How stores are kept.

use std::path::PathBuf;
use std::time::Duration;

/// How a [`FileStorage`](crate::FileStorage) keeps its stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Directory of the files.
    pub directory: PathBuf,
    /// Make the directory, and those above it, with these permissions (Unix mode) if it does not exist.
    pub create_directory: Option<u32>,
    /// How long to wait for a file that another process has open.
    pub lock_timeout: Duration,
    /// Whether a commit waits for the disk. Without, what is committed survives the process but perhaps not the machine.
    pub fsync: bool,
    /// Whether a damaged file is set aside. Without, opening it is an error.
    pub recreate: bool,
    /// Whether files are made small when they are opened.
    pub compact_on_open: bool,
    /// When files are made small while they are open, if ever.
    pub rebound: Option<Rebound>,
}

/// When an open file is made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebound {
    /// Only a file of more than this many bytes is.
    pub needed: u64,
    /// And only if it holds less than this many bytes.
    pub trigger: u64,
    /// How often to look.
    pub interval: Duration,
}
