//! Options of the `file_storage` extension.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_storage::Options;

use crate::Compaction;

/// Options of the `file_storage` extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Directory of the files, one per component. It must exist unless `create_directory` is set. Default
    /// `/var/lib/otelcol/file_storage`, as in the Collector.
    pub directory: PathBuf,
    /// Make the directory, and those above it, if it does not exist. Default false.
    pub create_directory: bool,
    /// Permissions of a directory that is made, octal. Default `0750`.
    pub directory_permissions: String,
    /// How long to wait at start for a file that another process has open. Default 1s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub timeout: Duration,
    /// Whether a commit waits until the disk has it. Without, what is committed survives the process, but not always the machine: a
    /// power cut may damage files, which are then set aside. Default true.
    pub fsync: bool,
    /// Whether a damaged file is renamed at start and replaced by an empty one. Without, a damaged file is an error. Default true.
    pub recreate: bool,
    /// Largest size of a file in bytes. Cannot be set: files hold state that components bound themselves, and a limit here would
    /// stop them in the middle. Must be 0.
    pub max_size: u64,
    /// When files are made smaller.
    pub compaction: Compaction,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("/var/lib/otelcol/file_storage"),
            create_directory: false,
            directory_permissions: "0750".to_owned(),
            timeout: Duration::from_secs(1),
            fsync: true,
            recreate: true,
            max_size: 0,
            compaction: Compaction::default(),
        }
    }
}

impl Config {
    /// Returns the permissions of a directory that is made, if they are such.
    fn mode(&self) -> Option<u32> {
        u32::from_str_radix(&self.directory_permissions, 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
    }

    /// Returns what the options mean.
    pub(crate) fn options(&self) -> Options {
        Options {
            directory: self.directory.clone(),
            create_directory: self.mode().filter(|_| self.create_directory),
            lock_timeout: self.timeout,
            fsync: self.fsync,
            recreate: self.recreate,
            compact_on_open: self.compaction.on_start,
            rebound: self.compaction.rebound(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.directory.as_os_str().is_empty(),
            "directory",
            "required: a directory",
        );
        found.require(
            self.mode().is_some(),
            "directory_permissions",
            "must be octal permissions such as `0750`",
        );
        found.require(
            self.max_size == 0,
            "max_size",
            "cannot be set: components bound their state themselves, for example `max_bytes` of delta_to_cumulative",
        );
        found.nested("compaction", &self.compaction);
        let elsewhere = self
            .compaction
            .directory
            .as_ref()
            .is_some_and(|directory| *directory != self.directory);
        found.require(
            !elsewhere,
            "compaction::directory",
            "cannot differ from `directory`: files are compacted in place, which needs no second directory",
        );
    }
}
