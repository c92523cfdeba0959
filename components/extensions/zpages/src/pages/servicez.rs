//! `servicez`: the binary, its uptime and memory, and what is configured, by id.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use weir_component::config::duration;
use weir_component::{ComponentKind, NodeKey, ServiceInfo};
use weir_telemetry::memory;

use super::{Page, time};
use crate::extension::Sources;
use crate::html::{Cell, Html};

#[derive(Debug, Serialize)]
pub(super) struct Service {
    command: String,
    description: String,
    version: String,
    start_time: String,
    uptime: String,
    memory: Memory,
    pipelines: Vec<String>,
    receivers: BTreeSet<String>,
    processors: BTreeSet<String>,
    exporters: BTreeSet<String>,
    connectors: BTreeSet<String>,
    extensions: Vec<String>,
}

/// In bytes.
#[derive(Debug, Serialize)]
struct Memory {
    resident_bytes: Option<u64>,
    /// Of data in flight.
    budget_used_bytes: u64,
    /// None: unlimited.
    budget_limit_bytes: Option<u64>,
    budget_refusals: u64,
}

impl Service {
    pub(super) fn of(sources: &Sources) -> Self {
        let (service, budget) = (&*sources.service, &sources.budget);
        let ids = |kind| ids(service, kind);
        Self {
            command: service.build_info.command.clone(),
            description: service.build_info.description.clone(),
            version: service.build_info.version.clone(),
            start_time: time(service.start_time),
            uptime: duration::format(Duration::from_secs(service.started.elapsed().as_secs())),
            memory: Memory {
                resident_bytes: memory::resident_bytes(),
                budget_used_bytes: budget.used(),
                budget_limit_bytes: Some(budget.limit()).filter(|limit| *limit < u64::MAX),
                budget_refusals: budget.refused(),
            },
            pipelines: service.pipelines.keys().map(ToString::to_string).collect(),
            receivers: ids(ComponentKind::Receiver),
            processors: ids(ComponentKind::Processor),
            exporters: ids(ComponentKind::Exporter),
            connectors: ids(ComponentKind::Connector),
            extensions: service.extensions.iter().map(ToString::to_string).collect(),
        }
    }
}

fn ids(service: &ServiceInfo, kind: ComponentKind) -> BTreeSet<String> {
    let steps = service.pipelines.values().flat_map(|pipeline| pipeline.steps());
    let of_kind = steps.filter(|node: &&NodeKey| node.kind == kind);
    of_kind.map(|node| node.id.to_string()).collect()
}

impl Page for Service {
    const TITLE: &'static str = "Service";

    fn html(&self, html: &mut Html) {
        let row = |name: &str, value: &str| vec![Cell::text(name), Cell::text(value)];
        let bytes =
            |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), |bytes| bytes.to_string());
        html.table(
            &["build", ""],
            [
                row("command", &self.command),
                row("description", &self.description),
                row("version", &self.version),
                row("start time", &self.start_time),
                row("uptime", &self.uptime),
            ],
        );
        let memory = &self.memory;
        html.table(
            &["memory", "bytes"],
            [
                row("resident set", &bytes(memory.resident_bytes)),
                row("data in flight", &bytes(Some(memory.budget_used_bytes))),
                row(
                    "limit of data in flight",
                    &memory
                        .budget_limit_bytes
                        .map_or_else(|| "none".to_owned(), |limit| limit.to_string()),
                ),
                row("refusals", &memory.budget_refusals.to_string()),
            ],
        );
        let list = |ids: &BTreeSet<String>| ids.iter().cloned().collect::<Vec<_>>().join(", ");
        html.table(
            &["configured", ""],
            [
                row("pipelines", &self.pipelines.join(", ")),
                row("receivers", &list(&self.receivers)),
                row("processors", &list(&self.processors)),
                row("exporters", &list(&self.exporters)),
                row("connectors", &list(&self.connectors)),
                row("extensions", &self.extensions.join(", ")),
            ],
        );
    }
}
