//! Configuration in the Collector's YAML: sources, merging, expansion, decoding, checks, reports.
//!
//! ```text
//! --config, --set      source.rs     read each into a tree that knows its places (yaml.rs)
//!        |             merge.rs      lay them over each other
//!        v             expand.rs     replace ${...}
//!    Document
//!        |             decode.rs     decode each component, reporting all mistakes
//!        v
//!     Config
//! ```
//!
//! [`schema`] describes files for editors and for the reference pages.
//!
//! [`load`] does the first half, [`read()`] the second. Both answer with a [`Report`] that points into the sources.
//!
//! This crate knows the grammar and the rules between components (references, signals, cycles). It knows no component:
//! their types come from a [`Catalog`](weir_component::Catalog), their keys from their own config structs. It opens no
//! socket and builds nothing.

mod components;
mod config;
mod decode;
mod document;
mod environment;
mod expand;
mod graph;
mod known;
mod merge;
mod mistake;
mod node;
mod options;
mod path;
mod pipelines;
mod print;
mod provider;
mod read;
mod removed;
mod report;
pub mod schema;
mod source;
mod suggest;
pub mod telemetry;
mod unset;
mod yaml;

pub use config::{ComponentConfig, Config, PipelineConfig, Service};
pub use document::{Document, load};
pub use environment::{Environment, System};
pub use known::names as known_types;
pub use mistake::Mistake;
pub use print::{Secrets, commented};
pub use read::read;
pub use report::{Diagnostic, Report, Severity, looks_secret};
pub use source::{Gates, Sources};
pub use telemetry::Telemetry;
