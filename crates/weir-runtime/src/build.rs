//! From a configuration to a graph.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use weir_component::{
    BuildContext, BuildError, BuildInfo, Component, ComponentId, ComponentKind, Components, Consumer,
    Extension, Factory, Failures, FeatureGate, Host, Ledger, MemoryBudget, NodeKey, Outputs, ParsedConfig,
    PipelineId, ServiceInfo, Signal, Sockets, Step,
};
use weir_config::{Config, PipelineConfig};
use weir_telemetry::{Metrics, Tracer};

use crate::describe::describe;
use crate::running::{Node, Running, Stages, StartFailure, start};
use crate::{Edge, fan_out, references};

/// What the components of a graph share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Registry of own metrics.
    pub metrics: Metrics,
    /// Makes own spans, if they are wanted.
    pub tracer: Tracer,
    /// The books.
    pub ledger: Ledger,
    /// The budget of bytes in flight.
    pub budget: MemoryBudget,
    /// The running binary.
    pub build_info: BuildInfo,
    /// The listening sockets of the process.
    pub sockets: Sockets,
    /// The feature gates that the binary knows, for those who show them.
    pub feature_gates: Vec<FeatureGate>,
}

/// A component that cannot be built, or that cannot stand where the configuration puts it.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub struct BuildFailure {
    /// Keys in the configuration that lead to it, for example `exporters::debug`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it, if there is something to say.
    pub advice: Option<String>,
    pub(crate) source: Option<BuildError>,
}

/// A graph that is built and has opened nothing yet.
pub struct Runtime {
    stages: Stages,
    extensions: BTreeMap<ComponentId, Arc<dyn Extension>>,
    settings: Settings,
    failures: Failures,
    service: Arc<ServiceInfo>,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runtime")
    }
}

impl Runtime {
    /// Builds all components that pipelines and the service name, and joins them. Opens nothing.
    ///
    /// # Errors
    ///
    /// Every component that cannot be built, each with its place in the configuration.
    pub fn build(config: &Config, settings: Settings) -> Result<Self, Vec<BuildFailure>> {
        let mut builder = Builder {
            config,
            settings: &settings,
            failures: Failures::default(),
            components: Components::default(),
            stages: Stages::default(),
            exporters: BTreeMap::new(),
            connectors: BTreeMap::new(),
            heads: BTreeMap::new(),
            found: Vec::new(),
        };
        let extensions = builder.extensions();
        builder.found.extend(references::check(config, &extensions));
        for pipeline in config.service.pipelines.keys() {
            builder.pipeline(pipeline);
        }
        builder.receivers();
        if builder.found.is_empty() {
            let service = Arc::new(describe(config, &settings, &builder.components));
            let (stages, failures) = (builder.stages, builder.failures);
            Ok(Self {
                stages,
                extensions,
                settings,
                failures,
                service,
            })
        } else {
            Err(builder.found)
        }
    }

    /// Starts the components: extensions, exporters, processors, and receivers last.
    ///
    /// # Errors
    ///
    /// [`StartFailure`] of the first component that cannot start; those that did are stopped again.
    pub async fn start(self) -> Result<Running, StartFailure> {
        let listeners = self.extensions.values().cloned().collect();
        let host = Host::new(self.extensions)
            .with_sockets(self.settings.sockets)
            .with_service(self.service)
            .with_metrics(self.settings.metrics)
            .with_tracer(self.settings.tracer);
        start(self.stages, &host, listeners, self.settings.ledger, self.failures).await
    }
}

/// The first steps of a pipeline (its first processor, or its exporters if it has none): what feeds it makes an edge to each.
type Head = Vec<First>;

/// One of the first steps of a pipeline.
#[derive(Clone)]
struct First {
    node: NodeKey,
    consumer: Consumer,
    /// 0 for an exporter, otherwise one more than the highest of what the step feeds.
    level: usize,
}

/// Returns the level of a step that feeds `head`.
fn level_above(head: &Head) -> usize {
    head.iter().map(|first| first.level + 1).max().unwrap_or(1)
}

/// Builds downstream first: whatever a step feeds exists before the step.
struct Builder<'a> {
    config: &'a Config,
    settings: &'a Settings,
    failures: Failures,
    components: Components,
    stages: Stages,
    /// One exporter per id and signal, shared by the pipelines of the signal.
    exporters: BTreeMap<(ComponentId, Signal), Consumer>,
    /// One connector per id and pair of signals.
    connectors: BTreeMap<(ComponentId, Signal, Signal), First>,
    /// Pipelines that are built.
    heads: BTreeMap<PipelineId, Head>,
    found: Vec<BuildFailure>,
}

impl<'a> Builder<'a> {
    fn extensions(&mut self) -> BTreeMap<ComponentId, Arc<dyn Extension>> {
        let mut built = BTreeMap::new();
        for id in &self.config.service.extensions {
            let Some((Factory::Extension(factory), parsed)) = self.defined(ComponentKind::Extension, id)
            else {
                continue;
            };
            let node = NodeKey {
                kind: ComponentKind::Extension,
                id: id.clone(),
                signal: None,
                pipeline: None,
            };
            if let Some(extension) = self.keep(&node, factory.build(parsed, &self.context(&node))) {
                self.stages
                    .extensions
                    .push(self.runs(&node, Arc::clone(&extension) as Arc<dyn Component>));
                built.insert(id.clone(), extension);
            }
        }
        built
    }

    /// Builds a pipeline and all that it feeds, once.
    fn pipeline(&mut self, id: &PipelineId) -> Head {
        if let Some(head) = self.heads.get(id) {
            return head.clone();
        }
        // Placed before building, so that a cycle through connectors ends here instead of recursing; it is reported when read.
        self.heads.insert(id.clone(), Head::new());
        let Some(pipeline) = self.config.service.pipelines.get(id) else {
            return Head::new();
        };
        let mut head = self.exporters_of(id, pipeline);
        for processor in pipeline.processors.iter().rev() {
            let Some((Factory::Processor(factory), parsed)) =
                self.defined(ComponentKind::Processor, processor)
            else {
                continue;
            };
            let node = NodeKey {
                kind: ComponentKind::Processor,
                id: processor.clone(),
                signal: Some(id.signal()),
                pipeline: Some(id.clone()),
            };
            self.supported(&node, factory.meta.supports(id.signal()));
            let (next, level) = (self.feed(&node, &head), level_above(&head));
            if let Some(step) = self.keep(&node, factory.build(parsed, &self.context(&node), next)) {
                self.stages.add_step(level, self.runs(&node, step.component));
                head = vec![First {
                    node,
                    consumer: step.consumer,
                    level,
                }];
            }
        }
        self.heads.insert(id.clone(), head.clone());
        head
    }

    /// Builds what stands at the end of a pipeline.
    fn exporters_of(&mut self, id: &PipelineId, pipeline: &PipelineConfig) -> Head {
        let mut head = Head::new();
        for exporter in &pipeline.exporters {
            if self.config.connectors.contains_key(exporter) {
                head.extend(self.connector(exporter, id.signal()));
            } else if let Some(end) = self.exporter(exporter, id.signal()) {
                head.push(end);
            }
        }
        head
    }

    fn exporter(&mut self, id: &ComponentId, signal: Signal) -> Option<First> {
        let node = NodeKey {
            kind: ComponentKind::Exporter,
            id: id.clone(),
            signal: Some(signal),
            pipeline: None,
        };
        if let Some(consumer) = self.exporters.get(&(id.clone(), signal)) {
            return Some(First {
                node,
                consumer: consumer.clone(),
                level: 0,
            });
        }
        let Some((Factory::Exporter(factory), parsed)) = self.defined(ComponentKind::Exporter, id) else {
            return None;
        };
        self.supported(&node, factory.meta.supports(signal));
        let Step { consumer, component } = self.keep(&node, factory.build(parsed, &self.context(&node)))?;
        self.stages.exporters.push(self.runs(&node, component));
        self.exporters.insert((id.clone(), signal), consumer.clone());
        Some(First {
            node,
            consumer,
            level: 0,
        })
    }

    /// Builds a connector out of pipelines of `taken`, one for each signal of the pipelines that it feeds.
    fn connector(&mut self, id: &ComponentId, taken: Signal) -> Head {
        let Some((Factory::Connector(factory), parsed)) = self.defined(ComponentKind::Connector, id) else {
            return Head::new();
        };
        let mut head = Head::new();
        for given in Signal::ALL {
            let fed: Vec<PipelineId> = self
                .pipelines_from(id)
                .filter(|pipeline| pipeline.signal() == given)
                .cloned()
                .collect();
            if fed.is_empty() || !factory.pairs.contains(&(taken, given)) {
                continue;
            }
            let node = NodeKey {
                kind: ComponentKind::Connector,
                id: id.clone(),
                signal: Some(taken),
                pipeline: None,
            };
            let key = (id.clone(), taken, given);
            if let Some(built) = self.connectors.get(&key) {
                head.push(built.clone());
                continue;
            }
            let (mut outputs, mut level) = (BTreeMap::new(), 1);
            for pipeline in fed {
                let target = self.pipeline(&pipeline);
                level = level.max(level_above(&target));
                outputs.insert(pipeline, self.feed(&node, &target));
            }
            if let Some(step) = self.keep(&node, factory.build(parsed, &self.context(&node), outputs)) {
                self.stages.add_step(level, self.runs(&node, step.component));
                let built = First {
                    node,
                    consumer: step.consumer,
                    level,
                };
                self.connectors.insert(key, built.clone());
                head.push(built);
            }
        }
        if head.is_empty() {
            self.fail(
                ComponentKind::Connector,
                id,
                format!("feeds no pipeline from {taken}"),
            );
        }
        head
    }

    /// Builds the receivers, each once for all signals, feeding all its pipelines.
    fn receivers(&mut self) {
        for id in self.config.receivers.keys() {
            let mut outputs = Outputs::default();
            let Some((Factory::Receiver(factory), parsed)) = self.defined(ComponentKind::Receiver, id) else {
                continue;
            };
            let node = NodeKey {
                kind: ComponentKind::Receiver,
                id: id.clone(),
                signal: None,
                pipeline: None,
            };
            let mut used = false;
            for signal in Signal::ALL {
                let mut head = Head::new();
                for pipeline in self
                    .pipelines_from(id)
                    .filter(|pipeline| pipeline.signal() == signal)
                    .cloned()
                    .collect::<Vec<_>>()
                {
                    head.extend(self.pipeline(&pipeline));
                    used = true;
                }
                if !head.is_empty() {
                    self.supported(
                        &NodeKey {
                            signal: Some(signal),
                            ..node.clone()
                        },
                        factory.meta.supports(signal),
                    );
                    outputs.set(signal, self.feed(&node, &head));
                }
            }
            if used
                && let Some(component) =
                    self.keep(&node, factory.build(parsed, &self.context(&node), outputs))
            {
                self.stages.receivers.push(self.runs(&node, component));
            }
        }
    }

    /// Returns the pipelines that name a receiver (or a connector as one).
    fn pipelines_from(&self, id: &ComponentId) -> impl Iterator<Item = &PipelineId> {
        let pipelines = &self.config.service.pipelines;
        pipelines
            .iter()
            .filter(|(_, pipeline)| pipeline.receivers.contains(id))
            .map(|(id, _)| id)
    }

    /// Makes the consumer with which `from` feeds the first steps of one or more pipelines.
    fn feed(&self, from: &NodeKey, head: &Head) -> Consumer {
        let ledger = &self.settings.ledger;
        if let [first] = head.as_slice() {
            return Consumer::new(Edge::new(
                ledger.edge(from.clone(), first.node.clone()),
                first.consumer.clone(),
            ));
        }
        let (trunk, branches) = ledger.fan_out(from, head.iter().map(|first| first.node.clone()));
        let edges = branches
            .into_iter()
            .zip(head)
            .map(|(books, first)| Consumer::new(Edge::new(books, first.consumer.clone())));
        Consumer::new(Edge::new(trunk, fan_out(edges.collect())))
    }

    fn context(&self, node: &NodeKey) -> BuildContext {
        let (status, notes) = self.components.reporter(node);
        BuildContext {
            id: node.id.clone(),
            kind: node.kind,
            signal: node.signal,
            pipeline: node.pipeline.clone(),
            metrics: self.settings.metrics.clone(),
            tracer: self.settings.tracer.clone(),
            book: self.settings.ledger.book(node.clone()),
            budget: self.settings.budget.clone(),
            build_info: self.settings.build_info.clone(),
            failures: self.failures.of(status.clone()),
            status,
            notes,
        }
    }

    /// Returns the factory and the configuration of a component. References were checked when the configuration was read.
    fn defined(&self, kind: ComponentKind, id: &ComponentId) -> Option<(Factory, &'a ParsedConfig)> {
        let section = match kind {
            ComponentKind::Receiver => &self.config.receivers,
            ComponentKind::Processor => &self.config.processors,
            ComponentKind::Exporter => &self.config.exporters,
            ComponentKind::Connector => &self.config.connectors,
            ComponentKind::Extension => &self.config.extensions,
        };
        section
            .get(id)
            .map(|component| (component.factory, &component.config))
    }

    /// Returns a component with what is needed to start, stop and report it.
    fn runs(&self, node: &NodeKey, component: Arc<dyn Component>) -> Node {
        Node {
            id: node.id.clone(),
            kind: node.kind.as_str(),
            component,
            status: self.components.reporter(node).0,
        }
    }

    fn supported(&mut self, node: &NodeKey, supported: bool) {
        if !supported {
            let signal = node.signal.map_or("", Signal::as_str);
            self.fail(node.kind, &node.id, format!("does not support {signal}"));
        }
    }

    fn keep<T>(&mut self, node: &NodeKey, built: Result<T, BuildError>) -> Option<T> {
        built
            .map_err(|source| {
                self.found
                    .push(failure(node.kind, &node.id, source.to_string(), Some(source)))
            })
            .ok()
    }

    fn fail(&mut self, kind: ComponentKind, id: &ComponentId, message: String) {
        self.found.push(failure(kind, id, message, None));
    }
}

fn failure(
    kind: ComponentKind,
    id: &ComponentId,
    message: String,
    source: Option<BuildError>,
) -> BuildFailure {
    BuildFailure {
        place: format!("{}::{id}", kind.section()),
        message,
        advice: None,
        source,
    }
}
