//! `health_check` extension: answers probes over HTTP, 200 while all pipelines run and 503 before and after.
//!
//! It knows when pipelines have started and when they are about to stop, and nothing about how well they do: for that there
//! are own metrics.

mod answer;
mod config;
mod health_check;

pub use config::{CheckCollectorPipeline, Config, ResponseBody, V2Only};

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory =
    ExtensionFactory::of::<health_check::HealthCheck>("health_check", Stability::Beta);
