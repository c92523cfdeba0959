//! Starting and stopping a built graph.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::timeout_at;
use weir_component::{
    Account, Component, ComponentId, ComponentStatus, Extension, Failures, Host, Ledger, ShutdownError,
    StartError, StatusReporter,
};

/// How long the runtime waits for a component that overruns its deadline before it leaves it behind.
const GRACE: Duration = Duration::from_millis(500);

/// What part of the time that is left each stage of a shutdown may use: receivers, processors, exporters, extensions.
const SHARES: [f64; 4] = [0.3, 0.4, 0.9, 1.0];

/// How long components that had started may take to stop when a later one could not start.
const FAILED_START_TIME: Duration = Duration::from_secs(5);

/// A component that can be started, with the name to report it by.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) id: ComponentId,
    pub(crate) kind: &'static str,
    pub(crate) component: Arc<dyn Component>,
    /// Where its stages of life are reported.
    pub(crate) status: StatusReporter,
}

/// All components of a graph by stage.
#[derive(Default)]
pub(crate) struct Stages {
    pub(crate) extensions: Vec<Node>,
    pub(crate) exporters: Vec<Node>,
    /// Processors and connectors by level. A step feeds lower levels only, so the steps of one level do not depend on each other.
    pub(crate) steps: Vec<Vec<Node>>,
    pub(crate) receivers: Vec<Node>,
}

impl Stages {
    /// Returns the stages with only the first `count` components in the order of starting.
    fn first(&self, mut count: usize) -> Self {
        let mut take = |nodes: &Vec<Node>| {
            let taken = count.min(nodes.len());
            count -= taken;
            nodes[..taken].to_vec()
        };
        Self {
            extensions: take(&self.extensions),
            exporters: take(&self.exporters),
            steps: self.steps.iter().map(&mut take).collect(),
            receivers: take(&self.receivers),
        }
    }

    /// Adds a processor or connector; `level` counts from 1.
    pub(crate) fn add_step(&mut self, level: usize, node: Node) {
        if self.steps.len() < level {
            self.steps.resize_with(level, Vec::new);
        }
        self.steps[level - 1].push(node);
    }

    /// Returns the nodes in the order of starting: what others need first, receivers last.
    fn in_start_order(&self) -> impl Iterator<Item = &Node> {
        self.extensions
            .iter()
            .chain(&self.exporters)
            .chain(self.steps.iter().flatten())
            .chain(&self.receivers)
    }
}

/// A component that could not start.
#[derive(Debug, thiserror::Error)]
#[error("failed to start {kind} `{id}`")]
pub struct StartFailure {
    kind: &'static str,
    id: ComponentId,
    source: StartError,
}

/// A graph that takes data.
pub struct Running {
    stages: Stages,
    listeners: Vec<Arc<dyn Extension>>,
    ledger: Ledger,
    failures: Failures,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

/// Starts all components. If one cannot start, those that did are stopped again.
pub(crate) async fn start(
    stages: Stages,
    host: &Host,
    listeners: Vec<Arc<dyn Extension>>,
    ledger: Ledger,
    failures: Failures,
) -> Result<Running, StartFailure> {
    for (index, node) in stages.in_start_order().enumerate() {
        tracing::debug!(component = %node.id, kind = node.kind, "starting");
        node.status.stage(ComponentStatus::Starting);
        if let Err(source) = Arc::clone(&node.component).start(&host.of(&node.id)).await {
            node.status.permanent(&source);
            let failure = StartFailure {
                kind: node.kind,
                id: node.id.clone(),
                source,
            };
            stop(
                &stages.first(index),
                tokio::time::Instant::now().into_std() + FAILED_START_TIME,
            )
            .await;
            return Err(failure);
        }
        // Unless it has reported something else already.
        if node.status.event().status == ComponentStatus::Starting {
            node.status.ok();
        }
    }
    listeners
        .iter()
        .for_each(|listener| listener.pipelines_ready(true));
    Ok(Running {
        stages,
        listeners,
        ledger,
        failures,
    })
}

/// What a shutdown left behind.
#[derive(Debug, Default)]
pub struct ShutdownReport {
    /// Components that did not stop as they should.
    pub errors: Vec<String>,
    /// Steps that still hold items, or whose books do not balance.
    pub leftovers: Vec<Leftover>,
}

/// A step whose account was not settled at the end.
#[derive(Debug)]
pub struct Leftover {
    /// The account.
    pub account: Account,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = &self.account;
        write!(
            f,
            "{}: {} held, {} in flight",
            account.node, account.held, account.in_flight
        )?;
        if account.imbalance() != 0 {
            write!(f, ", out of balance by {}", account.imbalance())?;
        }
        Ok(())
    }
}

impl ShutdownReport {
    /// Returns true if nothing was left behind.
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty() && self.leftovers.is_empty()
    }
}

impl Running {
    /// Returns the books.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Waits until a component reports that it cannot go on.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn failed(&self) -> String {
        self.failures.reported().await
    }

    /// Stops everything, upstream first: receivers take nothing more, processors hand on what they hold, exporters deliver.
    ///
    /// Each stage gets a share of the time to `deadline`; what is not done by then is left behind and reported.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: components that were not reached keep running.
    pub async fn shutdown(self, deadline: Instant) -> ShutdownReport {
        self.listeners
            .iter()
            .for_each(|listener| listener.pipelines_ready(false));
        let errors = stop(&self.stages, deadline).await;
        let unsettled =
            |account: &Account| account.held != 0 || account.in_flight != 0 || account.imbalance() != 0;
        let leftovers = self
            .ledger
            .accounts()
            .into_iter()
            .filter(unsettled)
            .map(|account| Leftover { account })
            .collect();
        ShutdownReport { errors, leftovers }
    }
}

/// Stops the stages one after the other: receivers, steps from the highest level down, exporters, extensions. What depends on
/// nothing else in its stage stops together, so that one that hangs takes no time from the others.
async fn stop(stages: &Stages, deadline: Instant) -> Vec<String> {
    let mut errors = Vec::new();
    let [receivers, steps, exporters, extensions] = SHARES;
    errors.extend(stop_together(&stages.receivers, share(deadline, receivers)).await);
    let steps_deadline = share(deadline, steps);
    for (level, nodes) in stages.steps.iter().enumerate().rev() {
        errors.extend(stop_together(nodes, share(steps_deadline, 1.0 / (level + 1) as f64)).await);
    }
    errors.extend(stop_together(&stages.exporters, share(deadline, exporters)).await);
    errors.extend(stop_together(&stages.extensions, share(deadline, extensions)).await);
    errors
}

fn share(deadline: Instant, part: f64) -> Instant {
    let now = tokio::time::Instant::now().into_std();
    now + deadline.saturating_duration_since(now).mul_f64(part)
}

async fn stop_together(nodes: &[Node], deadline: Instant) -> Vec<String> {
    join_all(nodes.iter().map(|node| stop_one(node, deadline)))
        .await
        .into_iter()
        .flatten()
        .collect()
}

async fn stop_one(node: &Node, deadline: Instant) -> Option<String> {
    tracing::debug!(component = %node.id, kind = node.kind, "stopping");
    node.status.stage(ComponentStatus::Stopping);
    let overrun = || Err(ShutdownError::new("did not stop in time"));
    let stopped = timeout_at((deadline + GRACE).into(), node.component.shutdown(deadline))
        .await
        .unwrap_or_else(|_| overrun());
    match &stopped {
        Ok(()) => node.status.stage(ComponentStatus::Stopped),
        Err(error) => node.status.permanent(error),
    }
    stopped
        .err()
        .map(|error| format!("{} `{}`: {error}", node.kind, node.id))
}
