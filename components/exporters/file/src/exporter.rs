//! The exporter: records are made and files are written on threads that may block.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;
use weir_component::{
    Batch, BuildContext, BuildError, Component, ConsumeError, Consumer, Exporter, Host, Refusal,
    ShutdownError, StartError, async_trait,
};
use weir_export::{Closing, Delivery, ExporterMetrics, QueueSettings};

use crate::metrics::FileMetrics;
use crate::record::{self, Shape};
use crate::target::Target;
use crate::{Config, NO_PATH_SEGMENT, groups};

/// The `file` exporter: a writer within the stack that all exporters have, without a queue.
pub(crate) struct FileExporter {
    writer: Arc<Writer>,
    delivery: Delivery,
    /// The task that forces data to the disk, from `start` to `shutdown`.
    flusher: StdMutex<JoinSet<()>>,
    /// Ends that task.
    stop: CancellationToken,
}

/// Writes batches.
struct Writer {
    config: Config,
    shape: Shape,
    /// Open from `start` to `shutdown`. Held while a record is written, so that batches take turns without holding threads.
    target: Arc<Mutex<Option<Target>>>,
    metrics: FileMetrics,
    /// The last write failed, and it was said.
    failing: AtomicBool,
}

/// Records of a batch, by group, and how many items have none.
struct Records {
    records: Vec<(String, Vec<u8>)>,
    without_group: usize,
}

#[async_trait]
impl Exporter for FileExporter {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let writer = Arc::new(Writer {
            shape: Shape::of(config),
            config: config.clone(),
            target: Arc::default(),
            metrics: FileMetrics::new(context),
            failing: AtomicBool::new(false),
        });
        let writing = Arc::clone(&writer);
        let deliver = Consumer::from_fn(move |batch| deliver(Arc::clone(&writing), batch));
        let metrics = ExporterMetrics::new(context);
        let delivery = Delivery::new(
            context,
            metrics,
            Closing::default(),
            None::<QueueSettings>,
            deliver,
        );
        Ok(Self {
            writer,
            delivery,
            flusher: StdMutex::default(),
            stop: CancellationToken::new(),
        })
    }

    async fn export(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.delivery.consume(batch).await
    }
}

#[async_trait]
impl Component for FileExporter {
    async fn start(self: Arc<Self>, _: &Host) -> Result<(), StartError> {
        let config = self.writer.config.clone();
        let opened = spawn_blocking(move || Target::open(&config, Timestamp::now())).await;
        let target = opened
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| {
                StartError::new(format!("cannot open `{}`", self.writer.config.path)).caused_by(error)
            })?;
        *self.writer.target.lock().await = Some(target);
        self.delivery.start();
        if !self.writer.config.flush_interval.is_zero() {
            let (writer, stop) = (Arc::clone(&self.writer), self.stop.clone());
            let mut flusher = self.flusher.lock().unwrap_or_else(PoisonError::into_inner);
            flusher.spawn(async move { flush(&writer, &stop).await });
        }
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        let drained = self.delivery.shutdown(deadline).await;
        self.stop.cancel();
        let mut flusher = std::mem::take(&mut *self.flusher.lock().unwrap_or_else(PoisonError::into_inner));
        while flusher.join_next().await.is_some() {}
        let closed = self.writer.close().await;
        drained?;
        closed.map_err(|error| {
            ShutdownError::new(format!(
                "cannot force `{}` to the disk: {error}",
                self.writer.config.path
            ))
        })
    }
}

/// Forces what was written to the disk, again and again.
async fn flush(writer: &Writer, stop: &CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(writer.config.flush_interval) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = writer.sync().await {
            tracing::error!(path = writer.config.path, %error, "cannot force written data to the disk");
        }
    }
}

async fn deliver(writer: Arc<Writer>, batch: Batch) -> Result<(), ConsumeError> {
    let making = Arc::clone(&writer);
    let made = spawn_blocking(move || making.records(&batch)).await;
    let Records {
        records,
        without_group,
    } = made.unwrap_or_else(|error| {
        Err(ConsumeError::permanent("making the record did not finish").caused_by(error))
    })?;
    let written = writer.write(records).await;
    writer.tell(&written);
    written.map_err(|error| {
        ConsumeError::unavailable(format!("cannot write to `{}`", writer.config.path)).caused_by(error)
    })?;
    match without_group {
        0 => Ok(()),
        items => {
            let refusal = Refusal {
                reason: NO_PATH_SEGMENT,
                items: items as u64,
            };
            let attribute = &writer.config.group_by.resource_attribute;
            let message = format!("{items} items of resources without the text attribute `{attribute}`");
            Err(ConsumeError::partial(vec![refusal], message))
        }
    }
}

impl Writer {
    /// Makes the records of a batch. Takes long.
    fn records(&self, batch: &Batch) -> Result<Records, ConsumeError> {
        if !self.config.group_by.enabled {
            let record = self.shape.of_batch(batch)?;
            return Ok(Records {
                records: vec![(String::new(), record)],
                without_group: 0,
            });
        }
        let decoded = record::decode(batch)?;
        let (groups, without_group) = groups::split(decoded, &self.config.group_by.resource_attribute);
        let records = groups
            .into_iter()
            .map(|(group, part)| self.shape.of_decoded(&part).map(|record| (group, record)));
        Ok(Records {
            records: records.collect::<Result<_, _>>()?,
            without_group: without_group.items(),
        })
    }

    /// Appends records to their files.
    async fn write(&self, records: Vec<(String, Vec<u8>)>) -> io::Result<()> {
        let mut target = Arc::clone(&self.target).lock_owned().await;
        let rotations = self.metrics.rotations.clone();
        let force = self.config.flush_interval.is_zero();
        let writing = spawn_blocking(move || {
            let target = target
                .as_mut()
                .ok_or_else(|| io::Error::other("the file is closed"))?;
            for (group, record) in &records {
                if target.append(group, record, Timestamp::now())?.rotated {
                    rotations.increment(1);
                }
            }
            if force { target.sync() } else { Ok(()) }
        });
        writing.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Counts a failure, and says in the log when failures begin and when they end.
    fn tell(&self, written: &io::Result<()>) {
        let path = self.config.path.as_str();
        match written {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(path, "the file can be written again");
                }
            }
            Err(error) => {
                self.metrics.failed(error);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(path, %error, "cannot write the file, batches are refused until it can be");
                }
            }
        }
    }

    async fn sync(&self) -> io::Result<()> {
        let mut target = Arc::clone(&self.target).lock_owned().await;
        let syncing = spawn_blocking(move || target.as_mut().map_or(Ok(()), Target::sync));
        syncing.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Forces everything to the disk and closes the files.
    async fn close(&self) -> io::Result<()> {
        let synced = self.sync().await;
        *self.target.lock().await = None;
        synced
    }
}
