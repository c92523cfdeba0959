//! `file` exporter: writes what reaches it to files, as lines of OTLP/JSON or as length-prefixed protobuf.
//!
//! Owns the files: their records, their rotation, which resource goes to which. A batch is acknowledged when the operating system has
//! it; the disk has it after `flush_interval`. A file never holds half a record: what could not be written whole is taken back, and
//! what a crash left half-written is put aside at the next start.

mod backups;
mod config;
mod exporter;
mod groups;
mod metrics;
mod output;
mod record;
mod target;

pub use config::{Compression, Config, Format, GroupBy, Rotation};

use weir_component::{ExporterFactory, Stability};

/// What a binary lists to offer this exporter.
pub const FACTORY: ExporterFactory = ExporterFactory::of::<exporter::FileExporter>("file", Stability::Alpha);

/// Reason of dropped items: their resource has no text attribute that names a file.
pub const NO_PATH_SEGMENT: &str = "no_path_segment";
