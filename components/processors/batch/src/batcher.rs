//! The processor: finds the shard of a batch and waits for the verdict.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{
    Batch, BuildContext, BuildError, Code, Component, ConsumeError, Consumer, Context, Layer, ShutdownError,
    async_trait,
};
use weir_pdata::{ContextParts, Identity, Metadata};

use crate::Config;
use crate::metrics::BatchMetrics;
use crate::shard::{Shard, Shared};

/// What must not mix: batches that differ in any of this are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    tenant: Option<String>,
    identity: Option<(String, Vec<(String, String)>)>,
    metadata: Vec<Vec<String>>,
}

/// The batches in the making.
type Registry = Arc<Mutex<Shards>>;
type Shards = HashMap<Key, Arc<Shard>, foldhash::quality::RandomState>;

fn lock(registry: &Registry) -> MutexGuard<'_, Shards> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The `batch` processor.
pub(crate) struct Batcher {
    shared: Arc<Shared>,
    metadata_keys: Vec<String>,
    limit: usize,
    shards: Registry,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

#[async_trait]
impl Component for Batcher {
    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        {
            // Under the lock, so that whoever was let in has added its data before the workers look for the last time.
            let _shards = lock(&self.shards);
            self.stopping.cancel();
        }
        self.tasks.close();
        match timeout_at(deadline.into(), self.tasks.wait()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(ShutdownError::new(
                "batches were not taken by the next step in time",
            )),
        }
    }
}

#[async_trait]
impl Layer for Batcher {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext, next: Consumer) -> Result<Self, BuildError> {
        Ok(Self {
            shared: Arc::new(Shared {
                config: config.clone(),
                next,
                metrics: BatchMetrics::new(context),
                book: context.book.clone(),
            }),
            metadata_keys: config
                .metadata_keys
                .iter()
                .map(|key| key.to_ascii_lowercase())
                .collect(),
            limit: match config.metadata_cardinality_limit {
                0 => usize::MAX,
                limit => limit as usize,
            },
            shards: Arc::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        if batch.items() == 0 {
            return Ok(());
        }
        let ticket = {
            let mut shards = lock(&self.shards);
            if self.stopping.is_cancelled() {
                return Err(ConsumeError::shutting_down());
            }
            let key = self.key(batch.context());
            let shard = match shards.get(&key) {
                Some(shard) => shard,
                None if shards.len() >= self.limit => return Err(self.too_many()),
                None => self.open(&mut shards, key, batch.context()),
            };
            shard.add(batch, &self.shared)
        };
        match ticket {
            Some(ticket) => ticket.verdict().await,
            None => Ok(()),
        }
    }
}

impl Batcher {
    fn key(&self, context: &Context) -> Key {
        let identity = |identity: &Identity| {
            let attributes = identity
                .attributes
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()));
            (identity.subject.clone(), attributes.collect())
        };
        Key {
            tenant: context.tenant.clone(),
            identity: context.identity.as_ref().map(identity),
            metadata: self
                .metadata_keys
                .iter()
                .map(|key| context.metadata.get(key).cloned().unwrap_or_default())
                .collect(),
        }
    }

    /// Opens a shard and starts its worker.
    fn open<'s>(&self, shards: &'s mut Shards, key: Key, context: &Context) -> &'s Arc<Shard> {
        let kept = |(key, values): (&String, &Vec<String>)| (key.clone(), values.clone());
        let metadata: Metadata = context
            .metadata
            .iter()
            .filter(|(key, _)| self.metadata_keys.contains(key))
            .map(kept)
            .collect();
        let merged = Context::new(ContextParts {
            tenant: context.tenant.clone(),
            identity: context.identity.clone(),
            metadata,
            ..ContextParts::default()
        });
        let shard = Arc::new(Shard::new(merged));
        let (worker, shared, stopping) = (
            Arc::clone(&shard),
            Arc::clone(&self.shared),
            self.stopping.clone(),
        );
        let entry = Entry {
            registry: Arc::clone(&self.shards),
            key: key.clone(),
        };
        self.tasks.spawn(async move {
            while worker.run_until_idle(&shared, &stopping).await {
                // Idle for long: leave, unless a caller came in between.
                let mut shards = lock(&entry.registry);
                if worker.is_empty() {
                    shards.remove(&entry.key);
                    shared.metrics.cardinality.set(shards.len() as f64);
                    return;
                }
            }
        });
        self.shared.metrics.cardinality.set(shards.len() as f64 + 1.0);
        shards.entry(key).or_insert(shard)
    }

    fn too_many(&self) -> ConsumeError {
        let message = format!("more than {} combinations of client metadata", self.limit);
        // Idle ones leave, so there may be room later.
        ConsumeError::new(Code::ResourceExhausted, message).retry_after(Duration::from_secs(10))
    }
}

/// A worker's place in the registry. If the next step panics the place is given up: later callers get a new worker instead of
/// waiting for a dead one.
struct Entry {
    registry: Registry,
    key: Key,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.registry).remove(&self.key);
        }
    }
}
