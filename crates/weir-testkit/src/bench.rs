//! One component between counted edges.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_component::{
    Account, BuildContext, Component, ComponentId, ComponentKind, ConnectorFactory, ConsumeError, Consumer,
    EdgeBooks, ExporterFactory, Host, Ledger, NodeKey, ParsedConfig, ProcessorFactory, ShutdownError, Step,
};
use weir_pdata::{Batch, Signal};

use crate::Sink;

/// One component, an edge in front of it and, if it has a next step, an edge behind it.
///
/// Made like the runtime makes it, so that the books of the component can be checked. Clones are the same bench.
#[derive(Debug, Clone)]
pub struct Bench {
    /// What the component was built with.
    pub context: BuildContext,
    ledger: Ledger,
    step: Step,
    edge: EdgeBooks,
}

impl Bench {
    /// Builds an exporter.
    ///
    /// # Panics
    ///
    /// If it cannot be built.
    pub fn exporter(factory: ExporterFactory, config: &ParsedConfig, signal: Signal) -> Self {
        Self::new(
            ComponentKind::Exporter,
            factory.meta.name,
            signal,
            |context, _| factory.build(config, context).expect("the exporter can be built"),
        )
    }

    /// Builds a processor in front of a sink.
    ///
    /// # Panics
    ///
    /// If it cannot be built.
    pub fn processor(factory: ProcessorFactory, config: &ParsedConfig, signal: Signal, sink: &Sink) -> Self {
        Self::new(
            ComponentKind::Processor,
            factory.meta.name,
            signal,
            |context, behind| {
                factory
                    .build(config, context, counted(sink, behind))
                    .expect("the processor can be built")
            },
        )
    }

    /// Builds a connector between pipelines of a signal and one pipeline, of a signal that it gives for that, which ends in a sink.
    ///
    /// # Panics
    ///
    /// If it cannot be built, or does not take the signal.
    pub fn connector(factory: ConnectorFactory, config: &ParsedConfig, signal: Signal, sink: &Sink) -> Self {
        let given = factory.pairs.iter().find(|(taken, _)| *taken == signal);
        let (_, given) = given.expect("the connector takes the signal");
        let pipeline = format!("{given}/test").parse().expect("a valid id");
        Self::new(
            ComponentKind::Connector,
            factory.meta.name,
            signal,
            |context, behind| {
                let outputs = BTreeMap::from([(pipeline, counted(sink, behind))]);
                factory
                    .build(config, context, outputs)
                    .expect("the connector can be built")
            },
        )
    }

    fn new(
        kind: ComponentKind,
        name: &str,
        signal: Signal,
        build: impl FnOnce(&BuildContext, EdgeBooks) -> Step,
    ) -> Self {
        let ledger = Ledger::default();
        let key = |kind, name: &str| NodeKey {
            kind,
            id: id(name),
            signal: Some(signal),
            pipeline: None,
        };
        let node = key(kind, name);
        let edge = ledger.edge(key(ComponentKind::Receiver, "test"), node.clone());
        let behind = ledger.edge(node.clone(), key(ComponentKind::Exporter, "sink"));
        let book = ledger.book(node);
        let context = BuildContext {
            book,
            ..BuildContext::standalone(id(name), kind, Some(signal))
        };
        let step = build(&context, behind);
        Self {
            context,
            ledger,
            step,
            edge,
        }
    }

    /// Starts the component in an empty host.
    ///
    /// # Panics
    ///
    /// If it cannot start.
    pub async fn start(&self) {
        self.start_in(&Host::default()).await;
    }

    /// Starts the component in a host with extensions.
    ///
    /// # Panics
    ///
    /// If it cannot start.
    pub async fn start_in(&self, host: &Host) {
        Arc::clone(&self.step.component)
            .start(host)
            .await
            .expect("the component starts");
    }

    /// Stops the component with `time` to finish.
    ///
    /// # Errors
    ///
    /// [`ShutdownError`] of the component.
    pub async fn shutdown(&self, time: Duration) -> Result<(), ShutdownError> {
        self.step
            .component
            .shutdown(tokio::time::Instant::now().into_std() + time)
            .await
    }

    /// Stops the component with time enough, and looks at its books.
    ///
    /// # Panics
    ///
    /// If something was left at the deadline, or the books do not balance.
    pub async fn stop(&self) {
        self.shutdown(Duration::from_secs(10))
            .await
            .expect("everything is delivered or dropped before the deadline");
        self.assert_balanced();
    }

    /// Stops the component with a deadline.
    ///
    /// # Errors
    ///
    /// [`ShutdownError`] of the component.
    pub async fn shutdown_by(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.step.component.shutdown(deadline).await
    }

    /// Hands over a batch and counts it on the edge in front of the component.
    ///
    /// # Errors
    ///
    /// [`ConsumeError`] of the component.
    pub async fn send(&self, batch: Batch) -> Result<(), ConsumeError> {
        let offer = self.edge.offer(batch.items() as u64);
        let answer = self.step.consumer.consume(batch).await;
        offer.decide(&answer);
        answer
    }

    /// Returns the component itself.
    pub fn component(&self) -> &Arc<dyn Component> {
        &self.step.component
    }

    /// Returns the account of the component, which is no connector.
    ///
    /// # Panics
    ///
    /// If it is one.
    pub fn account(&self) -> Account {
        self.ledger
            .accounts()
            .into_iter()
            .next()
            .expect("the component has a book")
    }

    /// Returns the number of items dropped for a reason.
    pub fn dropped(&self, reason: &str) -> u64 {
        self.account().dropped.get(reason).copied().unwrap_or(0)
    }

    /// Fails unless the component holds nothing and has accounted for every item that it took. Connectors have no account, since they may
    /// hand on an item several times or make others of it: of them nothing may be in flight.
    ///
    /// # Panics
    ///
    /// If the books do not balance.
    pub fn assert_balanced(&self) {
        for edge in self.ledger.edges() {
            assert_eq!(edge.in_flight, 0, "{edge:#?}");
        }
        for account in self.ledger.accounts() {
            assert_eq!(
                (account.held, account.in_flight, account.imbalance()),
                (0, 0, 0),
                "the books of {account:#?}"
            );
        }
    }
}

/// Returns the consumer that feeds a sink over an edge.
fn counted(sink: &Sink, edge: EdgeBooks) -> Consumer {
    let sink = sink.consumer();
    Consumer::from_fn(move |batch: Batch| {
        let (sink, offer) = (sink.clone(), edge.offer(batch.items() as u64));
        async move {
            let answer = sink.consume(batch).await;
            offer.decide(&answer);
            answer
        }
    })
}

fn id(name: &str) -> ComponentId {
    name.parse().expect("a valid id")
}
