//! Options of the exporter, as the user writes them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::{OffUnlessNamed, duration};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};

/// Options of the `file` exporter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// File to write to; a relative path begins at the working directory. With `group_by` a pattern with one `*`. Required.
    pub path: String,
    /// Keeps what is in the file at start. Without, the file begins empty, unless `rotation` or `group_by` is on, which always keep
    /// it. Default false.
    pub append: bool,
    /// Begins a new file when the file is full. Default: off; on with defaults if the key is there.
    pub rotation: OffUnlessNamed<Rotation>,
    /// Form of the records. Default `json`.
    pub format: Format,
    /// Id of an extension that encodes the records. There are none yet, so it must be empty, the default: use `format`.
    pub encoding: String,
    /// Compression of each record. Default: none.
    pub compression: Compression,
    /// How often what was written is forced to the disk; 0 forces every batch before it is acknowledged. Default 1s.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub flush_interval: Duration,
    /// One file per value of a resource attribute.
    pub group_by: GroupBy,
    /// Makes the directory of the file at start, and those above it. With `group_by` directories are always made. Default false.
    pub create_directory: bool,
    /// Permissions of directories that are made, octal, less the umask of the process. Default `0755`.
    pub directory_permissions: String,
}

/// When a new file begins and what becomes of the old ones, which get the time into their names: `data.json` becomes
/// `data-2026-01-31T05-02-14.173.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// Largest size of a file in MiB; 0 is the default. A record that is larger by itself gets a file of its own. Default 100.
    pub max_megabytes: u32,
    /// Days of 24 hours after which an old file is deleted; 0 keeps it. Default 0.
    pub max_days: u32,
    /// Old files that are kept; 0 keeps all. Default 100.
    pub max_backups: u32,
    /// Names old files by local time instead of UTC. Default false.
    pub localtime: bool,
}

/// Which resources go to which file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GroupBy {
    /// Turns it on. `path` must then hold one `*`, not at its beginning, which the value of the attribute replaces. Default false.
    pub enabled: bool,
    /// Resource attribute with the text to put in place of the `*`. It may name directories and cannot leave the directory before
    /// the `*`. Resources without it are dropped and counted. Default `fileexporter.path_segment`.
    pub resource_attribute: String,
    /// Files that are open at a time, per signal; the one unused for longest is closed. Default 100.
    #[schemars(range(min = 1))]
    pub max_open_files: u32,
}

/// Form of a record, which is one export request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A line of OTLP/JSON.
    #[default]
    Json,
    /// A length, 4 bytes big-endian, and so many bytes of protobuf.
    Proto,
}

/// Compression of a record. Compressed records have a length before them, also those in JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Compression {
    /// None; written as an empty text.
    #[default]
    #[serde(rename = "")]
    None,
    /// Zstandard, each record a frame of its own.
    #[serde(rename = "zstd")]
    Zstd,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: String::new(),
            append: false,
            rotation: OffUnlessNamed::off(),
            format: Format::default(),
            encoding: String::new(),
            compression: Compression::default(),
            flush_interval: Duration::from_secs(1),
            group_by: GroupBy::default(),
            create_directory: false,
            directory_permissions: String::new(),
        }
    }
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            max_megabytes: 100,
            max_days: 0,
            max_backups: 100,
            localtime: false,
        }
    }
}

impl Rotation {
    /// Returns the largest size of a file in bytes.
    pub(crate) fn max_bytes(&self) -> u64 {
        let megabytes = match self.max_megabytes {
            0 => Self::default().max_megabytes,
            megabytes => megabytes,
        };
        u64::from(megabytes) << 20
    }
}

impl Default for GroupBy {
    fn default() -> Self {
        Self {
            enabled: false,
            resource_attribute: "fileexporter.path_segment".to_owned(),
            max_open_files: 100,
        }
    }
}

impl Config {
    /// Returns the permissions of directories that are made, `None` if they are none.
    pub(crate) fn directory_mode(&self) -> Option<u32> {
        match self.directory_permissions.as_str() {
            "" => Some(0o755),
            text => u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.path.is_empty(),
            "path",
            "required: the file to write to, such as `/var/lib/weir/data.json`",
        );
        found.require(
            self.encoding.is_empty(),
            "encoding",
            "there are no encoding extensions yet: remove it, and set `format` to `json` or `proto`",
        );
        found.require(
            !(self.append && self.rotation.is_on()),
            "append",
            "has no effect with `rotation`, which always keeps what is in the file: remove it",
        );
        found.require(
            self.directory_mode().is_some(),
            "directory_permissions",
            "must be octal permissions such as `0755`",
        );
        found.require(
            self.directory_permissions.is_empty() || self.create_directory || self.group_by.enabled,
            "directory_permissions",
            "has no effect without `create_directory: true`",
        );
        if self.group_by.enabled {
            let stars = self.path.matches('*').count();
            found.require(
                stars == 1 && !self.path.starts_with('*'),
                "path",
                "must hold one `*`, not at its beginning, when `group_by` is enabled",
            );
            found.require(
                !self.group_by.resource_attribute.is_empty(),
                "group_by::resource_attribute",
                "required: a resource attribute",
            );
            found.require(
                self.group_by.max_open_files > 0,
                "group_by::max_open_files",
                "must be at least 1",
            );
        }
    }
}
