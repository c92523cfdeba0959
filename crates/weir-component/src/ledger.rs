//! The books: of every step, `in + added = out + dropped + held`, counted in items.
//!
//! An edge counts what was offered to a step and what became of it. A step's own book counts what the step delivered to the outside,
//! what it holds after it said "safe", what it dropped, by reason, what it made beside what it took, and what went on although the caller
//! was told to send it again. [`Ledger::accounts`] puts the two together per step; the imbalance of a step at rest is zero, or data went
//! missing unseen.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use weir_pdata::Signal;
use weir_telemetry::{Def, Metrics};

use crate::{ComponentId, ComponentKind, ConsumeError, PipelineId};

const EDGE_ITEMS: Def = Def::new(
    "weir_edge_items_total",
    "Items that reached the edge between two steps, by outcome.",
);
const IN_FLIGHT: Def = Def::new("weir_edge_in_flight_items", "Items whose hand-over is under way.");
const DELIVERED: Def = Def::new(
    "weir_component_delivered_items_total",
    "Items that left Weir through this component.",
);
const DROPPED: Def = Def::new(
    "weir_component_dropped_items_total",
    "Items that this component gave up, by reason.",
);
const REPEATED: Def = Def::new(
    "weir_component_repeated_items_total",
    "Items that went on although the caller was told to send them again: the destination may see them twice.",
);
const ADDED: Def = Def::new(
    "weir_component_added_items_total",
    "Items that this component made beside those that it took.",
);
const HELD: Def = Def::new(
    "weir_component_held_items",
    "Items that this component took over and still has.",
);
const IMBALANCE: Def = Def::new(
    "weir_ledger_imbalance_items",
    "in + added - out - dropped - held of a step; anything but 0 at rest is a defect.",
);

/// One step of the graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey {
    /// Kind of the component.
    pub kind: ComponentKind,
    /// Its id.
    pub id: ComponentId,
    /// Its signal.
    pub signal: Option<Signal>,
    /// Its pipeline, if it is a processor.
    pub pipeline: Option<PipelineId>,
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// All books of a process. Clones are the same ledger.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    shared: Arc<Mutex<Shared>>,
}

/// Grows with the steps and edges of the configurations that a process had; what a reload took away stays, settled.
#[derive(Debug, Default)]
struct Shared {
    edges: BTreeMap<Edge, EdgeBooks>,
    books: BTreeMap<NodeKey, Book>,
}

/// Whose accounts the counters of an edge belong to.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: NodeKey,
    /// None for the trunk of a fan-out.
    to: Option<NodeKey>,
    /// False for the branches of a fan-out: what its sender handed on is counted once, on the trunk.
    counts_for_sender: bool,
}

impl Ledger {
    /// Opens the book of a step, or returns the one it has.
    pub fn book(&self, node: NodeKey) -> Book {
        self.lock().books.entry(node).or_default().clone()
    }

    /// Opens the counters of an edge between two steps, or returns those it has: after a reload they go on.
    pub fn edge(&self, from: NodeKey, to: NodeKey) -> EdgeBooks {
        self.open(from, Some(to), true)
    }

    /// Opens the counters of a fan-out: those of the trunk, to be decided by the branches' joint answer, and those of the branches.
    ///
    /// What the sender handed on is what the trunk says; what each target took is what its branch says.
    pub fn fan_out(
        &self,
        from: &NodeKey,
        targets: impl IntoIterator<Item = NodeKey>,
    ) -> (EdgeBooks, Vec<EdgeBooks>) {
        let trunk = self.open(from.clone(), None, true);
        (
            trunk,
            targets
                .into_iter()
                .map(|to| self.open(from.clone(), Some(to), false))
                .collect(),
        )
    }

    fn open(&self, from: NodeKey, to: Option<NodeKey>, counts_for_sender: bool) -> EdgeBooks {
        let edge = Edge {
            from,
            to,
            counts_for_sender,
        };
        self.lock().edges.entry(edge).or_default().clone()
    }

    /// Returns the account of every processor and exporter.
    ///
    /// The counters are read one after the other, so while data flows an account may be off by what moves at that moment.
    pub fn accounts(&self) -> Vec<Account> {
        let shared = self.lock();
        let checked = |kind| matches!(kind, ComponentKind::Processor | ComponentKind::Exporter);
        shared
            .books
            .iter()
            .filter(|(node, _)| checked(node.kind))
            .map(|(node, book)| shared.account(node, book))
            .collect()
    }

    /// Returns what every edge counted, sorted by the steps that they join.
    pub fn edges(&self) -> Vec<EdgeAccount> {
        let shared = self.lock();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let accounts = shared.edges.iter().map(|(edge, books)| {
            let counts = &books.counts;
            EdgeAccount {
                from: edge.from.clone(),
                to: edge.to.clone(),
                offered: read(&counts.offered),
                accepted: read(&counts.accepted),
                refused: read(&counts.refused),
                given_up: read(&counts.given_up),
                in_flight: counts.in_flight(),
            }
        });
        accounts.collect()
    }

    /// Writes the books into own metrics. Called when these are read, so that the data path pays for atomics only.
    pub fn publish(&self, metrics: &Metrics) {
        for (edge, books) in &self.lock().edges {
            let Some(to) = &edge.to else { continue };
            let (from, to_text, signal) = (
                edge.from.to_string(),
                to.to_string(),
                to.signal.map_or("", Signal::as_str),
            );
            let labels = |outcome| {
                [
                    ("from", from.as_str()),
                    ("to", to_text.as_str()),
                    ("signal", signal),
                    ("outcome", outcome),
                ]
            };
            let counts = &books.counts;
            metrics
                .counter(&EDGE_ITEMS, &labels("offered"))
                .absolute(counts.offered.load(Ordering::Relaxed));
            metrics
                .counter(&EDGE_ITEMS, &labels("accepted"))
                .absolute(counts.accepted.load(Ordering::Relaxed));
            metrics
                .counter(&EDGE_ITEMS, &labels("refused"))
                .absolute(counts.refused.load(Ordering::Relaxed));
            metrics
                .gauge(&IN_FLIGHT, &labels("")[..3])
                .set(counts.in_flight() as f64);
        }
        for account in self.accounts() {
            let node = &account.node;
            let (id, signal) = (node.id.to_string(), node.signal.map_or("", Signal::as_str));
            let pipeline = node
                .pipeline
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let labels = [
                ("component", id.as_str()),
                ("kind", node.kind.as_str()),
                ("signal", signal),
                ("pipeline", pipeline.as_str()),
            ];
            metrics.counter(&DELIVERED, &labels).absolute(account.delivered);
            metrics.counter(&REPEATED, &labels).absolute(account.repeated);
            metrics.counter(&ADDED, &labels).absolute(account.added);
            metrics.gauge(&HELD, &labels).set(account.held as f64);
            metrics.gauge(&IMBALANCE, &labels).set(account.imbalance() as f64);
            for (reason, items) in account.dropped {
                let labels = [labels[0], labels[1], labels[2], labels[3], ("reason", reason)];
                metrics.counter(&DROPPED, &labels).absolute(items);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn account(&self, node: &NodeKey, book: &Book) -> Account {
        let mut account = Account {
            node: node.clone(),
            accepted: 0,
            in_flight: 0,
            forwarded: 0,
            delivered: book.counts.delivered.load(Ordering::Relaxed),
            repeated: book.counts.repeated.load(Ordering::Relaxed),
            added: book.counts.added.load(Ordering::Relaxed),
            held: book.counts.held.load(Ordering::Relaxed),
            dropped: book
                .counts
                .dropped
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        };
        for (edge, books) in &self.edges {
            let counts = &books.counts;
            if edge.to.as_ref() == Some(node) {
                account.accepted += counts.accepted.load(Ordering::Relaxed);
                account.in_flight += counts.in_flight();
            }
            if edge.counts_for_sender && edge.from == *node {
                account.forwarded += counts.accepted.load(Ordering::Relaxed);
            }
        }
        account
    }
}

/// The account of one step, in items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The step.
    pub node: NodeKey,
    /// Taken from the steps before.
    pub accepted: u64,
    /// Offered by the steps before and not yet decided.
    pub in_flight: u64,
    /// Taken by the steps after.
    pub forwarded: u64,
    /// Delivered to the outside.
    pub delivered: u64,
    /// Handed on or delivered although the caller was told to send them again.
    pub repeated: u64,
    /// Made beside those that were taken: copies, and what is worked out of them.
    pub added: u64,
    /// Taken, and still here.
    pub held: i64,
    /// Given up, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl Account {
    /// Returns `in + added - out - dropped - held`: zero at rest.
    pub fn imbalance(&self) -> i64 {
        let out = self.forwarded + self.delivered + self.dropped.values().sum::<u64>();
        (self.accepted + self.repeated + self.added) as i64 - out as i64 - self.held
    }
}

/// What one edge counted, in items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeAccount {
    /// The step that hands over.
    pub from: NodeKey,
    /// The step that is handed to; none for the joint answer of a fan-out.
    pub to: Option<NodeKey>,
    /// Handed over, or tried to.
    pub offered: u64,
    /// Taken.
    pub accepted: u64,
    /// Not taken; the sender kept them or told its caller.
    pub refused: u64,
    /// Offered by a sender that went away before the answer.
    pub given_up: u64,
    /// Offered and not yet decided.
    pub in_flight: u64,
}

/// The counters of one edge. Clones are the same counters.
#[derive(Debug, Clone, Default)]
pub struct EdgeBooks {
    counts: Arc<EdgeCounts>,
}

#[derive(Debug, Default)]
struct EdgeCounts {
    offered: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    given_up: AtomicU64,
}

impl EdgeCounts {
    fn in_flight(&self) -> u64 {
        let decided = self.accepted.load(Ordering::Relaxed)
            + self.refused.load(Ordering::Relaxed)
            + self.given_up.load(Ordering::Relaxed);
        self.offered.load(Ordering::Relaxed).saturating_sub(decided)
    }
}

impl EdgeBooks {
    /// Counts items as offered to the step behind the edge.
    pub fn offer(&self, items: u64) -> Offer {
        self.counts.offered.fetch_add(items, Ordering::Relaxed);
        Offer {
            counts: Arc::clone(&self.counts),
            items,
            decided: false,
        }
    }
}

/// Items offered over an edge, until it is decided what became of them.
#[derive(Debug)]
#[must_use = "an offer that is dropped counts as given up by the caller"]
pub struct Offer {
    counts: Arc<EdgeCounts>,
    items: u64,
    decided: bool,
}

impl Offer {
    /// Counts the items by the step's answer. A partial refusal means that the step took all and dropped some: its book says which.
    pub fn decide(mut self, answer: &Result<(), ConsumeError>) {
        self.decided = true;
        let outcome = match answer {
            Ok(()) => &self.counts.accepted,
            Err(error) if error.is_partial() => &self.counts.accepted,
            Err(_) => &self.counts.refused,
        };
        outcome.fetch_add(self.items, Ordering::Relaxed);
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        if !self.decided {
            self.counts.given_up.fetch_add(self.items, Ordering::Relaxed);
        }
    }
}

/// What one step delivers, holds and drops, in items. Clones are the same book.
#[derive(Debug, Clone, Default)]
pub struct Book {
    counts: Arc<BookCounts>,
}

#[derive(Debug, Default)]
struct BookCounts {
    delivered: AtomicU64,
    repeated: AtomicU64,
    added: AtomicU64,
    held: AtomicI64,
    dropped: Mutex<BTreeMap<&'static str, u64>>,
}

impl Book {
    /// Counts items that left Weir through this step.
    pub fn delivered(&self, items: u64) {
        self.counts.delivered.fetch_add(items, Ordering::Relaxed);
    }

    /// Counts items that went on, out, or away, although the caller is told that they did not (part of its data failed, or it stopped
    /// waiting). It will send them again.
    pub fn repeated(&self, items: u64) {
        self.counts.repeated.fetch_add(items, Ordering::Relaxed);
    }

    /// Counts items that the step made beside those that it took.
    pub fn added(&self, items: u64) {
        self.counts.added.fetch_add(items, Ordering::Relaxed);
    }

    /// Counts items that the step gave up. `reason` is one of the component's documented reasons.
    pub fn dropped(&self, reason: &'static str, items: u64) {
        if items > 0 {
            *self
                .counts
                .dropped
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(reason)
                .or_default() += items;
        }
    }

    /// Counts items that the step keeps although it has said that they are safe.
    pub fn hold(&self, items: u64) {
        self.counts.held.fetch_add(items as i64, Ordering::Relaxed);
    }

    /// Counts items that the step no longer keeps; what became of them is counted apart.
    pub fn release(&self, items: u64) {
        self.counts.held.fetch_sub(items as i64, Ordering::Relaxed);
    }

    /// Returns the items now held.
    pub fn held(&self) -> i64 {
        self.counts.held.load(Ordering::Relaxed)
    }

    /// Returns the items dropped, by reason.
    pub fn dropped_by_reason(&self) -> BTreeMap<&'static str, u64> {
        self.counts
            .dropped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the items delivered.
    pub fn delivered_items(&self) -> u64 {
        self.counts.delivered.load(Ordering::Relaxed)
    }

    /// Returns the items that went on or out although the caller was told that they did not.
    pub fn repeated_items(&self) -> u64 {
        self.counts.repeated.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: ComponentKind, id: &str) -> NodeKey {
        NodeKey {
            kind,
            id: id.parse().expect("id"),
            signal: Some(Signal::Metrics),
            pipeline: None,
        }
    }

    #[test]
    fn a_step_that_loses_items_unseen_is_out_of_balance() {
        let ledger = Ledger::default();
        let (source, filter, sink) = (
            node(ComponentKind::Receiver, "otlp"),
            node(ComponentKind::Processor, "filter"),
            node(ComponentKind::Exporter, "debug"),
        );
        let (inward, outward) = (
            ledger.edge(source, filter.clone()),
            ledger.edge(filter.clone(), sink.clone()),
        );
        let (filter, sink) = (ledger.book(filter), ledger.book(sink));
        let (offer, inner) = (inward.offer(10), outward.offer(7));
        assert_eq!(ledger.accounts()[0].in_flight, 10);
        sink.delivered(7);
        inner.decide(&Ok(()));
        offer.decide(&Ok(()));
        assert_eq!(
            ledger
                .accounts()
                .iter()
                .map(Account::imbalance)
                .collect::<Vec<_>>(),
            [3, 0]
        );
        filter.dropped("filtered", 3);
        assert_eq!(
            ledger
                .accounts()
                .iter()
                .map(Account::imbalance)
                .collect::<Vec<_>>(),
            [0, 0]
        );
        inward.offer(5).decide(&Err(ConsumeError::unavailable("full")));
        drop(inward.offer(5));
        assert_eq!(ledger.accounts()[0].in_flight, 0);
        assert_eq!(ledger.accounts()[0].imbalance(), 0);
    }

    #[test]
    fn an_edge_that_is_opened_again_goes_on() {
        let ledger = Ledger::default();
        let (source, sink) = (
            node(ComponentKind::Receiver, "otlp"),
            node(ComponentKind::Exporter, "debug"),
        );
        for round in 1..=2 {
            let edge = ledger.edge(source.clone(), sink.clone());
            ledger.book(sink.clone()).delivered(5);
            edge.offer(5).decide(&Ok(()));
            let account = &ledger.accounts()[0];
            assert_eq!((account.accepted, account.imbalance()), (5 * round, 0));
        }
        let metrics = Metrics::default();
        ledger.publish(&metrics);
        let text = metrics.render();
        assert!(text.contains("outcome=\"accepted\"} 10"), "{text}");
    }

    #[test]
    fn a_fan_out_is_handed_on_once() {
        let ledger = Ledger::default();
        let processor = node(ComponentKind::Processor, "batch");
        let sinks = ["a", "b"].map(|id| node(ComponentKind::Exporter, id));
        let inward = ledger.edge(node(ComponentKind::Receiver, "otlp"), processor.clone());
        let (trunk, branches) = ledger.fan_out(&processor, sinks.clone());
        ledger.book(processor);
        let sinks = sinks.map(|sink| ledger.book(sink));
        let refused = Err(ConsumeError::unavailable("down"));
        for (first, second) in [(Ok(()), Ok(())), (Ok(()), refused.clone())] {
            let (outer, joint) = (inward.offer(10), trunk.offer(10));
            for ((branch, sink), answer) in branches.iter().zip(&sinks).zip([&first, &second]) {
                let offer = branch.offer(10);
                sink.delivered(if answer.is_ok() { 10 } else { 0 });
                offer.decide(answer);
            }
            joint.decide(&second);
            outer.decide(&second);
            let off: Vec<_> = ledger
                .accounts()
                .into_iter()
                .filter(|account| account.imbalance() != 0)
                .collect();
            assert!(off.is_empty(), "{off:?}");
        }
        assert_eq!(ledger.accounts()[0].forwarded, 10);
        let edges: Vec<_> = ledger
            .edges()
            .iter()
            .map(|edge| (edge.to.is_some(), edge.offered, edge.accepted, edge.refused))
            .collect();
        assert_eq!(
            edges,
            [
                (true, 20, 10, 10),
                (false, 20, 10, 10),
                (true, 20, 20, 0),
                (true, 20, 10, 10)
            ],
            "in, joint answer, branches"
        );
    }
}
