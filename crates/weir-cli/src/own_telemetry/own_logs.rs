//! Own logs: lines, and records that are pushed.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::Signal;
use weir_config::Config;
use weir_pdata::Decoded;
use weir_proto::otlp::common::v1::KeyValue;
use weir_telemetry::logs::{self, LogGuard, Record, Records, TakeRecords};

use super::otlp;
use super::push::Destination;
use super::queue::{Gathering, Queue};
use super::resource::{OwnResource, attribute, proto};
use super::{OwnTelemetryError, settings};
use crate::App;

/// The logs of the process. Dropping them writes the lines that are left, for two seconds at most, and ends them; what is left of the
/// records is only pushed by [`OwnLogs::shutdown`].
#[derive(Debug)]
#[must_use = "logs end when this is dropped"]
pub struct OwnLogs {
    guard: LogGuard,
    /// Pushes that are not under way yet: that takes a runtime, and logs begin before there is one.
    idle: Option<Pushes>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Where records are pushed.
#[derive(Debug)]
struct Pushes {
    queues: Vec<(Arc<Queue<Record>>, Destination)>,
    resource: Arc<OwnResource>,
    /// Attributes of every record.
    common: Arc<[KeyValue]>,
}

/// Gives each record to all queues.
struct All(Vec<Arc<Queue<Record>>>);

impl TakeRecords for All {
    fn take(&self, record: Record) {
        if let Some((last, others)) = self.0.split_last() {
            for queue in others {
                queue.put(record.clone());
            }
            last.put(record);
        }
    }
}

/// Returns the settings of the logs, and the pushes that they feed.
fn plan(app: &App, config: &Config) -> Result<(logs::LogSettings, Pushes), OwnTelemetryError> {
    let telemetry = &config.service.telemetry;
    let resource = Arc::new(OwnResource::of(app, &telemetry.resource));
    let queues = telemetry.logs.processors.iter().map(|processor| {
        let (gathering, exporter) = Gathering::of(processor);
        let destination = Destination::new(app, exporter, Signal::Logs);
        let destination = destination.map_err(|error| OwnTelemetryError::Push("logs", error))?;
        let queue = Queue::new(gathering, Signal::Logs, Arc::clone(app.pushes()));
        Ok((queue, destination))
    });
    let queues = queues.collect::<Result<Vec<_>, OwnTelemetryError>>()?;
    let takers: Vec<_> = queues.iter().map(|(queue, _)| Arc::clone(queue)).collect();
    let settings = logs::LogSettings {
        records: (!takers.is_empty()).then(|| Records::to(All(takers))),
        ..settings::logs(&telemetry.logs, &resource)
    };
    let common = telemetry.logs.initial_fields.iter();
    let common = common.map(|(name, value)| attribute(name, proto(value)));
    let pushes = Pushes {
        queues,
        resource,
        common: common.collect(),
    };
    Ok((settings, pushes))
}

impl OwnLogs {
    /// Sets up the logs that `config` asks for, for the whole process. Records wait until [`OwnLogs::start`].
    ///
    /// # Errors
    ///
    /// [`OwnTelemetryError::Logs`], [`OwnTelemetryError::Push`].
    pub(super) fn install(app: &App, config: &Config) -> Result<Self, OwnTelemetryError> {
        let (settings, pushes) = plan(app, config)?;
        Ok(Self {
            guard: logs::install(&settings)?,
            idle: Some(pushes),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Begins to push records, if the configuration asks for it. Must be called within a tokio runtime.
    pub fn start(&mut self) {
        let Some(Pushes {
            queues,
            resource,
            common,
        }) = self.idle.take()
        else {
            return;
        };
        for (queue, destination) in queues {
            let (resource, common) = (Arc::clone(&resource), Arc::clone(&common));
            let encode = move |records| Decoded::Logs(otlp::logs::request(records, &common, &resource));
            self.tasks
                .spawn(queue.work(destination, encode, self.stop.clone()));
        }
    }

    /// Puts the logs that `config` asks for in the place of those before, and opens their outputs again; records of before are still
    /// pushed. Blocks. Must be called within a tokio runtime if records are pushed.
    ///
    /// # Errors
    ///
    /// See [`OwnLogs::install`]: the logs go on as they were.
    pub(crate) fn replace(&mut self, app: &App, config: &Config) -> Result<(), OwnTelemetryError> {
        let (settings, pushes) = plan(app, config)?;
        self.guard.replace(&settings)?;
        std::mem::take(&mut self.stop).cancel();
        let is_started = self.idle.is_none();
        self.idle = Some(pushes);
        if is_started {
            self.start();
        }
        Ok(())
    }

    /// Pushes the records that are left. Lines go on until the logs are dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the pushes to themselves.
    pub async fn shutdown(&self, deadline: Instant) {
        self.stop.cancel();
        self.tasks.close();
        let pushed = tokio::time::timeout_at(deadline.into(), self.tasks.wait()).await;
        if pushed.is_err() {
            tracing::warn!(target: logs::QUIET, "own log records could not be pushed in time");
        }
    }
}
