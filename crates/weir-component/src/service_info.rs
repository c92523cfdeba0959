//! What runs, for those who show it: the shape of the graph, and what is known of its components while they run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::{
    BuildInfo, ComponentId, ComponentStatus, Ledger, NodeKey, Notes, NotesRead, PipelineId, StatusEvent,
    StatusReporter,
};

/// A description of what runs. Made once per graph; only the ledger and the components change.
#[derive(Debug, Clone)]
pub struct ServiceInfo {
    /// The running binary.
    pub build_info: BuildInfo,
    /// When the graph was built, for people.
    pub start_time: SystemTime,
    /// The same, for measuring how long ago that is.
    pub started: Instant,
    /// The pipelines with their steps.
    pub pipelines: BTreeMap<PipelineId, PipelineInfo>,
    /// The extensions that run, in the order in which they start.
    pub extensions: Vec<ComponentId>,
    /// The whole configuration as JSON, defaults filled in, secrets redacted.
    pub config: String,
    /// The feature gates that the binary knows.
    pub feature_gates: Vec<FeatureGate>,
    /// The books.
    pub ledger: Ledger,
    /// What the components report.
    pub components: Components,
}

impl Default for ServiceInfo {
    fn default() -> Self {
        Self {
            build_info: BuildInfo::default(),
            start_time: SystemTime::now(),
            started: Instant::now(),
            pipelines: BTreeMap::new(),
            extensions: Vec::new(),
            config: "{}".to_owned(),
            feature_gates: Vec::new(),
            ledger: Ledger::default(),
            components: Components::default(),
        }
    }
}

/// The steps of a pipeline, by the keys under which the ledger and [`Components`] know them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipelineInfo {
    /// Receivers, and connectors that feed the pipeline.
    pub receivers: Vec<NodeKey>,
    /// Processors in the order of the data.
    pub processors: Vec<NodeKey>,
    /// Exporters, and connectors that the pipeline feeds.
    pub exporters: Vec<NodeKey>,
}

impl PipelineInfo {
    /// Returns all steps: receivers, processors, exporters.
    pub fn steps(&self) -> impl Iterator<Item = &NodeKey> {
        self.receivers
            .iter()
            .chain(&self.processors)
            .chain(&self.exporters)
    }
}

/// A switch of behaviour that users of the Collector know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureGate {
    /// Its id.
    pub id: &'static str,
    /// How far it has come, for example `Beta`.
    pub stage: &'static str,
    /// Whether the binary behaves as if it were on.
    pub enabled: bool,
    /// What it does, with a word on this binary.
    pub description: &'static str,
}

/// What the components of one graph report while they run. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Components {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// As many as the configuration names.
    reporters: Mutex<BTreeMap<NodeKey, (StatusReporter, Notes)>>,
    changes: watch::Sender<u64>,
}

impl Components {
    /// Returns where a component reports, for its build context. Opened at the first call.
    pub fn reporter(&self, node: &NodeKey) -> (StatusReporter, Notes) {
        let open = || (StatusReporter::new(self.shared.changes.clone()), Notes::default());
        self.lock().entry(node.clone()).or_insert_with(open).clone()
    }

    /// Returns how a component is doing; none if there is no such component.
    pub fn status(&self, node: &NodeKey) -> Option<StatusEvent> {
        self.lock().get(node).map(|(status, _)| status.event())
    }

    /// Returns what a component wants to be seen.
    pub fn notes(&self, node: &NodeKey) -> Vec<NotesRead> {
        let notes = self.lock().get(node).map(|(_, notes)| notes.clone());
        notes.map(|notes| notes.read()).unwrap_or_default()
    }

    /// Returns how all components are doing.
    pub fn statuses(&self) -> Vec<(NodeKey, StatusEvent)> {
        let reporters = self.lock();
        reporters
            .iter()
            .map(|(node, (status, _))| (node.clone(), status.event()))
            .collect()
    }

    /// Returns whether the graph is being stopped: some component is, or has been. Receivers are the first, so whoever misses data asks
    /// here whether there can be any.
    pub fn are_stopping(&self) -> bool {
        let reporters = self.lock();
        reporters.values().any(|(status, _)| {
            matches!(
                status.event().status,
                ComponentStatus::Stopping | ComponentStatus::Stopped
            )
        })
    }

    /// Returns a number that changes with every status that does.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeKey, (StatusReporter, Notes)>> {
        self.shared
            .reporters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ComponentKind;

    #[test]
    fn what_a_component_reports_is_seen_by_all() {
        let components = Components::default();
        let node = NodeKey {
            kind: ComponentKind::Exporter,
            id: "debug".parse().unwrap(),
            signal: None,
            pipeline: None,
        };
        assert_eq!(components.status(&node), None);
        let changes = components.changes();
        let (status, notes) = components.reporter(&node);
        status.stage(ComponentStatus::Starting);
        notes.list("offenders").put("a", "twice");
        assert!(changes.has_changed().unwrap());
        components.reporter(&node).0.stage(ComponentStatus::Ok);
        assert_eq!(components.status(&node).unwrap().status, ComponentStatus::Ok);
        assert_eq!(components.statuses().len(), 1);
        assert!(!components.are_stopping());
        components.reporter(&node).0.stage(ComponentStatus::Stopping);
        assert!(components.are_stopping());
        assert_eq!(components.notes(&node)[0].lines.len(), 1);
    }
}
