//! Command line of a Weir binary: arguments, signals, reports, exit codes.
//!
//! A distribution is a list of components and one call:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use weir_cli::{BuildInfo, Catalog, Factory};
//!
//! fn main() -> ExitCode {
//!     let components: [Factory; 0] = []; // such as `drop_key::FACTORY.into()`
//!     weir_cli::main(Catalog::new(components), BuildInfo::default())
//! }
//! ```
//!
//! [`App`] is the same in parts, for binaries with subcommands or an allocator of their own; [`Gateway`] is what runs
//! behind it. This crate knows no component.

mod app;
mod args;
mod components;
mod configuration;
mod feature_gates;
mod gateway;
mod outside;
mod own_telemetry;
mod print_config;
mod relabel;
mod reload;
mod run;
mod schema;
mod signals;
mod supervisor;
mod validate;

use std::process::ExitCode;

pub use app::{App, Subcommand};
pub use clap;
pub use configuration::read;
pub use gateway::{Gateway, GatewayError};
pub use own_telemetry::{DestinationError, OwnLogs, OwnTelemetryError, install_logs};
pub use reload::ReloadError;
pub use weir_component::{BuildInfo, Catalog, Factory};
pub use weir_config::{Config, Report, Sources};
pub use weir_runtime::ShutdownReport;
pub use weir_telemetry::Heap;
pub use weir_telemetry::logs::LogError;

/// Runs a binary that offers `catalog` and nothing of its own: arguments are those of the process, the exit code is for
/// `main` to return.
pub fn main(catalog: Catalog, build_info: BuildInfo) -> ExitCode {
    App::new(catalog, build_info).main()
}
