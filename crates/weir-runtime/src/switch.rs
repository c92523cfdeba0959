//! One graph in the place of another, while the process goes on.
//!
//! The two never run at the same time: exporters keep the order of series, queues own their files. So the old graph drains
//! completely before the new one starts; meanwhile the kernel queues connections on the sockets that are kept. If the new
//! graph cannot start, the old configuration is built and started again.

use std::time::Instant;

use weir_component::Keeping;
use weir_config::Config;

use crate::{GraphError, Running, Runtime, Settings, ShutdownReport};

/// A configuration, and what its graph shares with the rest of the process.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// What is shared. Both plans of a switch name the same budget, ledger and sockets.
    pub settings: &'a Settings,
}

/// A switch between two graphs.
#[derive(Debug)]
pub struct Switch<'a> {
    /// What runs now.
    pub from: Plan<'a>,
    /// What is to run.
    pub to: Plan<'a>,
    /// The sockets that stay open between the two.
    pub keeping: &'a Keeping,
    /// When the old graph must have drained; what is left by then is left behind and reported.
    pub deadline: Instant,
}

/// What became of a [`Switch`].
#[derive(Debug)]
pub struct Switched {
    /// What the old graph left behind.
    pub drained: ShutdownReport,
    /// What runs now.
    pub outcome: Outcome,
}

/// What runs after a [`Switch`].
#[derive(Debug)]
pub enum Outcome {
    /// The new configuration.
    New(Running),
    /// The old configuration again, because the new one could not start.
    Old {
        /// Its graph, a new one.
        running: Running,
        /// Why the new configuration does not run.
        cause: GraphError,
    },
    /// Nothing: the process was told to stop while the old graph drained.
    Stopped,
    /// Nothing: neither of the two could start.
    Neither {
        /// Why the new configuration does not run.
        cause: GraphError,
        /// Why the old one does not either.
        rollback: GraphError,
    },
}

impl Switch<'_> {
    /// Stops `old` and starts the new graph, or one of the old configuration if that fails. `stopping` is asked when the old
    /// graph has drained: if it says true, nothing is started any more.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the process is left with parts of either graph.
    pub async fn run(self, old: Running, stopping: impl Fn() -> bool) -> Switched {
        let drained = old.shutdown(self.deadline).await;
        let outcome = self.start(stopping).await;
        Switched { drained, outcome }
    }

    async fn start(self, stopping: impl Fn() -> bool) -> Outcome {
        if stopping() {
            return Outcome::Stopped;
        }
        let cause = match self.to.start().await {
            Ok(running) => return Outcome::New(running),
            Err(cause) => cause,
        };
        self.keeping.offer_again();
        match self.from.start().await {
            Ok(running) => Outcome::Old { running, cause },
            Err(rollback) => Outcome::Neither { cause, rollback },
        }
    }
}

impl Plan<'_> {
    async fn start(&self) -> Result<Running, GraphError> {
        // A limit is set by the components of a graph, so it goes with them.
        self.settings.budget.set_limit(u64::MAX);
        let runtime = Runtime::build(self.config, self.settings.clone()).map_err(GraphError::Build)?;
        Ok(runtime.start().await?)
    }
}
