//! `health_check` extension: answers probes, in two forms.
//!
//! The first form answers over HTTP: 200 while all pipelines run, 503 before and after. The second form (`use_v2`) answers over HTTP and
//! gRPC by the status of components: for the whole, a pipeline, and in its report for each component.

mod answer;
mod condition;
mod config;
mod grpc_health;
mod health_check;
mod status_page;

pub use config::{
    CheckCollectorPipeline, ComponentHealth, Config, ConfigSection, GrpcService, HttpService, ResponseBody,
    StatusSection,
};

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory =
    ExtensionFactory::of::<health_check::HealthCheck>("health_check", Stability::Beta)
        .aliases(&["healthcheckv2"]);
