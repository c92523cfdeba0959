//! Components that do as a test tells them.
//!
//! Factories are plain functions, so what a test shares with its components lives in a [`World`] of the test's own thread.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_component::config::Role;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    AuthError, Batch, Book, BuildContext, BuildError, BuildInfo, Catalog, ClientAuth, Component, Connector,
    ConnectorFactory, ConsumeError, Consumer, Exporter, ExporterFactory, Extension, ExtensionFactory,
    Failures, Host, Layer, Ledger, MemoryBudget, OutgoingRequest, Outputs, PipelineId, Processor,
    ProcessorFactory, Receiver, ReceiverFactory, ServiceInfo, ShutdownError, Signal, Sockets, Stability,
    StartError, Validate, Verdict, Violations,
};
use weir_config::{Config, Sources, System};
use weir_telemetry::Metrics;
use weir_testkit::{Sink, batches};

use crate::{Running, Runtime, Settings};

pub(super) const RECEIVER: ReceiverFactory = ReceiverFactory::of::<Source>("source", Stability::Stable);
pub(super) const STEP: ProcessorFactory = ProcessorFactory::layer::<Step>("step", Stability::Stable);
pub(super) const FILTER: ProcessorFactory = ProcessorFactory::of::<Filter>("filter", Stability::Stable);
pub(super) const EXPORTER: ExporterFactory = ExporterFactory::of::<Target>("target", Stability::Stable);
pub(super) const CONNECTOR: ConnectorFactory = ConnectorFactory::of::<Bridge>(
    "bridge",
    Stability::Stable,
    &[
        (Signal::Traces, Signal::Metrics),
        (Signal::Traces, Signal::Traces),
        (Signal::Metrics, Signal::Metrics),
    ],
);
pub(super) const EXTENSION: ExtensionFactory = ExtensionFactory::of::<Beside>("beside", Stability::Stable);

/// What a test and the components on its thread share.
#[derive(Clone, Default)]
pub(super) struct World(Arc<Shared>);

#[derive(Default)]
struct Shared {
    log: Mutex<Vec<String>>,
    sinks: Mutex<BTreeMap<String, Sink>>,
    outputs: Mutex<BTreeMap<String, Outputs>>,
    failures: Mutex<Option<Failures>>,
    service: Mutex<Option<Arc<ServiceInfo>>>,
}

thread_local! {
    static WORLD: World = World::default();
}

/// Returns the world of this thread's test.
pub(super) fn world() -> World {
    WORLD.with(Clone::clone)
}

impl World {
    fn note(&self, what: impl Into<String>) {
        self.0.log.lock().unwrap().push(what.into());
    }

    /// Returns what happened since the last call, in order.
    pub(super) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.0.log.lock().unwrap())
    }

    /// Returns the sink behind an exporter, by `signal id`.
    pub(super) fn sink(&self, name: &str) -> Sink {
        self.0
            .sinks
            .lock()
            .unwrap()
            .entry(name.to_owned())
            .or_default()
            .clone()
    }

    /// Returns what a receiver feeds with a signal.
    pub(super) fn output(&self, receiver: &str, signal: Signal) -> Consumer {
        let outputs = self.0.outputs.lock().unwrap();
        outputs[receiver]
            .of(signal)
            .expect("the signal has a pipeline")
            .clone()
    }

    /// Returns the description of the last graph that was started.
    pub(super) fn service(&self) -> Arc<ServiceInfo> {
        self.0
            .service
            .lock()
            .unwrap()
            .clone()
            .expect("a graph was started")
    }

    /// Returns where the components of the last graph report that they cannot go on.
    pub(super) fn failures(&self) -> Failures {
        self.0
            .failures
            .lock()
            .unwrap()
            .clone()
            .expect("a graph was built")
    }
}

/// Decodes and checks a configuration of fakes.
pub(super) fn config(yaml: &str) -> Config {
    let sources = Sources {
        configs: vec![format!("yaml:{yaml}")],
        sets: Vec::new(),
        ..Sources::default()
    };
    let document = weir_config::load(&sources, &System).unwrap_or_else(|report| panic!("{report}"));
    let catalog = Catalog::new([
        RECEIVER.into(),
        STEP.into(),
        FILTER.into(),
        EXPORTER.into(),
        CONNECTOR.into(),
        EXTENSION.into(),
    ]);
    weir_config::read(&document, &catalog)
        .unwrap_or_else(|report| panic!("{report}"))
        .0
}

pub(super) fn settings() -> Settings {
    Settings {
        metrics: Metrics::default(),
        tracer: weir_telemetry::Tracer::default(),
        ledger: Ledger::default(),
        budget: MemoryBudget::unlimited(),
        build_info: BuildInfo::default(),
        sockets: Sockets::default(),
        feature_gates: Vec::new(),
    }
}

/// Builds and starts a graph.
pub(super) async fn run(yaml: &str) -> Running {
    let runtime =
        Runtime::build(&config(yaml), settings()).unwrap_or_else(|failures| panic!("{failures:#?}"));
    runtime
        .start()
        .await
        .unwrap_or_else(|failure| panic!("{failure}"))
}

/// Asserts that every step has accounted for all items.
pub(super) fn assert_balanced(ledger: &Ledger) {
    for account in ledger.accounts() {
        assert_eq!((account.imbalance(), account.in_flight), (0, 0), "{account:#?}");
    }
}

// === the components ===

/// Options of all fakes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Options {
    trouble: Trouble,
    /// The extension that authenticates it.
    authenticator: String,
    /// Whether, as an extension, it authenticates others.
    authenticates: bool,
}

impl Validate for Options {
    fn validate(&self, found: &mut Violations) {
        if !self.authenticator.is_empty() {
            found.names_extension("authenticator", &self.authenticator, Role::ClientAuth);
        }
    }
}

/// What goes wrong with a fake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Trouble {
    #[default]
    None,
    Build,
    Start,
    Stop,
    /// Does not stop at all.
    Hang,
    /// Says that data is safe, and keeps it.
    Keep,
}

/// What all fakes do.
struct Life {
    name: String,
    trouble: Trouble,
    world: World,
}

impl Life {
    fn new(options: &Options, context: &BuildContext) -> Result<Self, BuildError> {
        let world = world();
        let signal = context
            .signal
            .map(|signal| format!("{signal} "))
            .unwrap_or_default();
        *world.0.failures.lock().unwrap() = Some(context.failures.clone());
        match options.trouble {
            Trouble::Build => Err(BuildError::new("cannot be built")),
            trouble => Ok(Self {
                name: format!("{signal}{}", context.id),
                trouble,
                world,
            }),
        }
    }

    fn start(&self, host: &Host) -> Result<(), StartError> {
        *self.world.0.service.lock().unwrap() = Some(Arc::clone(host.service()));
        let beside = "beside"
            .parse()
            .ok()
            .and_then(|id| host.extension(&id).map(|_| " with an extension"));
        self.world
            .note(format!("start {}{}", self.name, beside.unwrap_or_default()));
        match self.trouble {
            Trouble::Start => Err(StartError::new("cannot start")),
            _ => Ok(()),
        }
    }

    async fn stop(&self) -> Result<(), ShutdownError> {
        self.world.note(format!("stop {}", self.name));
        match self.trouble {
            Trouble::Stop => Err(ShutdownError::new("something was left")),
            Trouble::Hang => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

macro_rules! lives {
    ($($fake:ty),*) => {$(
        #[async_trait]
        impl Component for $fake {
            async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
                self.life.start(host)
            }

            async fn shutdown(&self, _: Instant) -> Result<(), ShutdownError> {
                self.life.stop().await
            }
        }
    )*};
}

lives!(Source, Step, Target, Bridge, Beside);

struct Source {
    life: Life,
}

impl Receiver for Source {
    type Config = Options;

    fn build(config: &Options, context: &BuildContext, outputs: Outputs) -> Result<Self, BuildError> {
        let life = Life::new(config, context)?;
        let before = life
            .world
            .0
            .outputs
            .lock()
            .unwrap()
            .insert(life.name.clone(), outputs);
        assert!(before.is_none(), "a receiver is built once");
        Ok(Self { life })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // The next graph has one of its own.
        self.life.world.0.outputs.lock().unwrap().remove(&self.life.name);
    }
}

/// Hands on what it gets.
struct Step {
    life: Life,
    next: Consumer,
}

#[async_trait]
impl Layer for Step {
    type Config = Options;

    fn build(config: &Options, context: &BuildContext, next: Consumer) -> Result<Self, BuildError> {
        Ok(Self {
            life: Life::new(config, context)?,
            next,
        })
    }

    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.next.consume(batch).await
    }
}

/// Drops batches of one item.
struct Filter {
    book: Book,
}

impl Processor for Filter {
    type Config = Options;

    fn build(_: &Options, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            book: context.book.clone(),
        })
    }

    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError> {
        if batch.items() == 1 {
            self.book.dropped("lonely", 1);
            return Ok(Verdict::Drop);
        }
        Ok(Verdict::Forward)
    }
}

/// Puts into a sink what it gets.
struct Target {
    life: Life,
    book: Book,
}

#[async_trait]
impl Exporter for Target {
    type Config = Options;

    fn build(config: &Options, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            life: Life::new(config, context)?,
            book: context.book.clone(),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        let items = batch.items() as u64;
        if self.life.trouble == Trouble::Keep {
            self.book.hold(items);
            return Ok(());
        }
        let answer = self
            .life
            .world
            .sink(&self.life.name)
            .consumer()
            .consume(batch)
            .await;
        let refused = answer
            .as_ref()
            .err()
            .map_or(0, |error| error.refused_items(items));
        if answer.as_ref().is_err_and(ConsumeError::is_partial) {
            self.book.dropped("refused", refused);
        }
        self.book.delivered(items - refused);
        answer
    }
}

/// Hands on what it gets; where the signal changes, as a gauge with a point for each item.
struct Bridge {
    life: Life,
    outputs: BTreeMap<PipelineId, Consumer>,
}

#[async_trait]
impl Connector for Bridge {
    type Config = Options;

    fn build(
        config: &Options,
        context: &BuildContext,
        outputs: BTreeMap<PipelineId, Consumer>,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            life: Life::new(config, context)?,
            outputs,
        })
    }

    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        for (pipeline, output) in &self.outputs {
            let same = pipeline.signal() == batch.signal();
            output
                .consume(if same {
                    batch.clone()
                } else {
                    batches::gauge("items", batch.items())
                })
                .await?;
        }
        Ok(())
    }
}

struct Beside {
    life: Life,
    authenticates: bool,
}

/// Adds nothing to requests.
struct Nobody;

#[async_trait]
impl ClientAuth for Nobody {
    async fn authenticate(&self, _: &mut OutgoingRequest<'_>) -> Result<(), AuthError> {
        Ok(())
    }
}

#[async_trait]
impl Extension for Beside {
    type Config = Options;

    fn build(config: &Options, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            life: Life::new(config, context)?,
            authenticates: config.authenticates,
        })
    }

    fn client_auth(&self) -> Option<Arc<dyn ClientAuth>> {
        self.authenticates
            .then(|| Arc::new(Nobody) as Arc<dyn ClientAuth>)
    }

    fn pipelines_ready(&self, ready: bool) {
        self.life.world.note(format!("ready {ready}"));
    }
}
