//! The component API: what a receiver, processor, exporter, connector or extension implements, and what it is given.
//!
//! A component is a type with a configuration that implements one trait ([`Receiver`], [`Processor`], [`Exporter`],
//! [`Extension`]) and a factory constant that a binary lists. Steps that wait, hold timers or fan out implement [`Layer`] instead of
//! [`Processor`]. A [`Consumer`] is what stands between steps: a tower service of [`Batch`]es.
//!
//! This crate knows no component, no transport and no YAML.

mod auth;
mod catalog;
pub mod config;
mod consumer;
mod context;
mod error;
mod factory;
mod id;
mod joined;
mod ledger;
mod metrics;
mod middleware;
mod notes;
mod parsed;
mod processor_metrics;
mod service_info;
mod sockets;
mod status;
mod status_report;
mod storage;
mod trace;
mod traits;

pub use async_trait::async_trait;
pub use auth::{AuthError, ClientAuth, IncomingRequest, OutgoingRequest, ServerAuth};
pub use catalog::{Catalog, Factory, Found};
pub use config::{Validate, Violations};
pub use consumer::{Consumer, HandOver};
pub use context::{BuildContext, BuildInfo, Failures, Host};
pub use error::{BoxError, BuildError, ConsumeError, Extent, Refusal, Retry, ShutdownError, StartError};
pub use factory::{
    ConnectorFactory, ExporterFactory, ExtensionFactory, Meta, ProcessorFactory, ReceiverFactory, Stability,
    Step,
};
pub use id::{ComponentId, ComponentKind, InvalidId, PipelineId};
pub use joined::joined;
pub use ledger::{Account, Book, EdgeAccount, EdgeBooks, Ledger, NodeKey, Offer};
pub use metrics::ReceiverMetrics;
pub use middleware::ServerMiddleware;
pub use notes::{NoteList, Notes, NotesRead};
pub use parsed::{ComponentConfig, ParsedConfig};
pub use processor_metrics::{Processing, ProcessorMetrics};
pub use schemars;
pub use service_info::{Components, FeatureGate, PipelineInfo, ServiceInfo};
pub use sockets::{Keeping, ListeningSocket, SocketName, Sockets};
pub use status::{Code, Fault};
pub use status_report::{ComponentStatus, StatusEvent, StatusReporter};
pub use storage::{Change, Changes, Commit, Show, Storage, StorageError, Store};
pub use trace::{parent_of, trace_at, within};
pub use traits::{Component, Connector, Exporter, Extension, Layer, Outputs, Processor, Receiver, Verdict};

pub use weir_pdata::{Batch, Context, Identity, MemoryBudget, Permit, Signal};
