//! One configuration in the place of another, while the process goes on.
//!
//! What is checked before anything stops: the sources, the configuration, every component's build, the files of the logs, the
//! endpoint of own metrics. What only the start can tell ends with the old configuration running again.

use std::mem;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use weir_config::Config;
use weir_runtime::{Outcome, Plan, Settings, ShutdownReport, Switch};
use weir_telemetry::{Def, Metrics, Unit};

use crate::App;
use crate::gateway::{self, Gateway, GatewayError, Graph};
use crate::own_telemetry::{OwnTelemetry, OwnTelemetryError};

/// Why a gateway does not run the new configuration.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// It cannot be built, or its own telemetry cannot be opened: the old graph was not touched.
    #[error(transparent)]
    Refused(GatewayError),
    /// It could not start. The old configuration runs again, in a new graph.
    #[error("the new configuration could not start, the old one runs again")]
    RolledBack(#[source] GatewayError),
    /// It could not start, and then the old one could not either. Nothing runs.
    #[error("the new configuration could not start ({cause}), and the old one cannot start again")]
    Lost {
        /// Why the new configuration does not run.
        cause: GatewayError,
        /// Why the old one does not.
        #[source]
        rollback: GatewayError,
    },
    /// The process was told to stop meanwhile. Nothing runs.
    #[error("told to stop during the reload")]
    Stopped,
}

impl Gateway {
    /// Puts `config` in the place of the running configuration: receivers stop first, the old graph drains until `deadline` at
    /// most, the new graph starts. Listening sockets that both have stay open all the time. Returns what the old graph left behind.
    ///
    /// `stopping` is asked when the old graph has drained: if it says true, nothing is started any more.
    ///
    /// # Errors
    ///
    /// See [`ReloadError`], which says what runs.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the gateway is left with parts of either graph.
    pub async fn reload(
        &mut self,
        app: &App,
        config: &Config,
        deadline: Instant,
        stopping: impl Fn() -> bool,
    ) -> Result<ShutdownReport, ReloadError> {
        gateway::build_unopened(app, config).map_err(ReloadError::Refused)?;
        let keeping = self.settings.sockets.keep();
        let own = self.own_for(app, config).await;
        let own = own.map_err(|error| ReloadError::Refused(error.into()))?;
        let settings = self.settings_with(own.as_ref());

        let graph = mem::replace(&mut self.graph, Graph::Down(ShutdownReport::default()));
        let running = match graph {
            Graph::Up(running) => running,
            Graph::Down(report) => {
                self.graph = Graph::Down(report);
                return Err(ReloadError::Stopped);
            }
        };
        let switch = Switch {
            from: Plan {
                config: &self.config,
                settings: &self.settings,
            },
            to: Plan {
                config,
                settings: &settings,
            },
            keeping: &keeping,
            deadline,
        };
        let switched = switch.run(running, stopping).await;
        let (answer, unused) = match switched.outcome {
            Outcome::New(running) => {
                self.graph = Graph::Up(running);
                self.config = config.clone();
                self.settings = settings;
                let before = own.map(|new| mem::replace(&mut self.own, new));
                (Ok(switched.drained), before)
            }
            Outcome::Old { running, cause } => {
                self.graph = Graph::Up(running);
                let cause = GatewayError::of(cause, config);
                (Err(ReloadError::RolledBack(cause)), own)
            }
            Outcome::Stopped => {
                self.graph = Graph::Down(switched.drained);
                (Err(ReloadError::Stopped), own)
            }
            Outcome::Neither { cause, rollback } => {
                self.graph = Graph::Down(switched.drained);
                let cause = GatewayError::of(cause, config);
                let rollback = GatewayError::of(rollback, &self.config);
                (Err(ReloadError::Lost { cause, rollback }), own)
            }
        };
        if let Some(unused) = unused {
            unused.shutdown(deadline).await;
        }
        answer
    }

    /// Starts the own telemetry of the new configuration, unless it stays what it is.
    async fn own_for(&self, app: &App, config: &Config) -> Result<Option<OwnTelemetry>, OwnTelemetryError> {
        let (old, new) = (&self.config.service.telemetry, &config.service.telemetry);
        if old.metrics == new.metrics && old.traces == new.traces && old.resource == new.resource {
            return Ok(None);
        }
        let mut own = OwnTelemetry::new(app, config)?;
        if old.metrics.level == new.metrics.level && old.metrics.views == new.metrics.views {
            own.keep_metrics(&self.own);
        }
        // The endpoint that stays what it was is taken over.
        let _keeping = self.own_sockets.keep();
        own.start(&self.settings.ledger, &self.own_sockets).await?;
        Ok(Some(own))
    }

    /// Returns what the next graph shares: the same, save for the registry of other own telemetry.
    fn settings_with(&self, own: Option<&OwnTelemetry>) -> Settings {
        let mut settings = self.settings.clone();
        if let Some(own) = own {
            settings.metrics = own.metrics().clone();
            settings.tracer = own.tracer().clone();
            self.reloads.publish(&settings.metrics);
        }
        settings
    }

    /// Counts an attempt to reload.
    pub(crate) fn count_reload(&mut self, result: ReloadResult) {
        self.reloads.count(result);
        self.reloads.publish(&self.settings.metrics);
    }
}

const RELOADS: Def = Def::new(
    "weir_config_reloads_total",
    "Attempts to reload the configuration, by result.",
);
const LAST_SUCCESSFUL: Def = Def::new(
    "weir_config_last_reload_successful",
    "1 if the running configuration is the one last asked for, else 0.",
);
const LAST_SUCCESS: Def = Def::new(
    "weir_config_last_reload_success_timestamp_seconds",
    "When the running configuration was taken over, since 1970.",
)
.unit(Unit::Seconds);

/// What became of an attempt to reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReloadResult {
    /// The new configuration runs.
    Success,
    /// The new configuration cannot be read or built; the old one was not touched.
    Invalid,
    /// The new configuration could not start; the old one was started again.
    RolledBack,
}

impl ReloadResult {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Success, "success"),
        (Self::Invalid, "invalid"),
        (Self::RolledBack, "rolled_back"),
    ];
}

/// The attempts to reload so far.
#[derive(Debug)]
pub(crate) struct Reloads {
    /// In the order of [`ReloadResult::ALL`].
    counts: [u64; 3],
    last_successful: bool,
    last_success: SystemTime,
}

impl Reloads {
    /// None yet: what runs is what was asked for, from now on.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let reloads = Self {
            counts: [0; 3],
            last_successful: true,
            last_success: SystemTime::now(),
        };
        reloads.publish(metrics);
        reloads
    }

    fn count(&mut self, result: ReloadResult) {
        self.counts[result as usize] += 1;
        self.last_successful = result == ReloadResult::Success;
        if self.last_successful {
            self.last_success = SystemTime::now();
        }
    }

    fn publish(&self, metrics: &Metrics) {
        for ((_, result), count) in ReloadResult::ALL.iter().zip(self.counts) {
            metrics.counter(&RELOADS, &[("result", result)]).absolute(count);
        }
        metrics
            .gauge(&LAST_SUCCESSFUL, &[])
            .set(f64::from(u8::from(self.last_successful)));
        let since_1970 = self.last_success.duration_since(UNIX_EPOCH).unwrap_or_default();
        metrics.gauge(&LAST_SUCCESS, &[]).set(since_1970.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_and_the_last_one_shown() {
        let metrics = Metrics::default();
        let mut reloads = Reloads::new(&metrics);
        for (index, (result, name)) in ReloadResult::ALL.into_iter().enumerate() {
            assert_eq!(result as usize, index);
            reloads.count(result);
            reloads.publish(&metrics);
            let text = metrics.render();
            for part in [
                format!("weir_config_reloads_total{{result=\"{name}\"}} 1"),
                format!("weir_config_last_reload_successful {}", u8::from(index == 0)),
                "weir_config_last_reload_success_timestamp_seconds 1".to_owned(),
            ] {
                assert!(text.contains(&part), "{part}: {text}");
            }
        }
    }
}
