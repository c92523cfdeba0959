//! The processor: finds the shard of a batch and waits for the verdict.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{
    Batch, BuildContext, BuildError, Code, Component, ConsumeError, Consumer, Context, Layer, Retry, ShutdownError, async_trait,
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

/// The `batch` processor.
pub(crate) struct Batcher {
    shared: Arc<Shared>,
    metadata_keys: Vec<String>,
    limit: usize,
    shards: Arc<Mutex<HashMap<Key, Arc<Shard>>>>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

#[async_trait]
impl Component for Batcher {
    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.stopping.cancel();
        self.tasks.close();
        match timeout_at(deadline.into(), self.tasks.wait()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(ShutdownError::new("batches were not taken by the next step in time")),
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
            metadata_keys: config.metadata_keys.iter().map(|key| key.to_ascii_lowercase()).collect(),
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
        let verdict = {
            let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
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
        match verdict {
            Some(verdict) => verdict.await.unwrap_or_else(|_| Err(ConsumeError::shutting_down())),
            None => Ok(()),
        }
    }
}

impl Batcher {
    fn key(&self, context: &Context) -> Key {
        let identity = |identity: &Identity| {
            let attributes = identity.attributes.iter().map(|(name, value)| (name.clone(), value.clone()));
            (identity.subject.clone(), attributes.collect())
        };
        Key {
            tenant: context.tenant.clone(),
            identity: context.identity.as_ref().map(identity),
            metadata: self.metadata_keys.iter().map(|key| context.metadata.get(key).cloned().unwrap_or_default()).collect(),
        }
    }

    /// Opens a shard and starts its worker.
    fn open<'s>(&self, shards: &'s mut HashMap<Key, Arc<Shard>>, key: Key, context: &Context) -> &'s Arc<Shard> {
        let kept = |(key, values): (&String, &Vec<String>)| (key.clone(), values.clone());
        let metadata: Metadata =
            context.metadata.iter().filter(|(key, _)| self.metadata_keys.contains(key)).map(kept).collect();
        let merged = Context::new(ContextParts {
            tenant: context.tenant.clone(),
            identity: context.identity.clone(),
            metadata,
            ..ContextParts::default()
        });
        let shard = Arc::new(Shard::new(merged));
        let (worker, shared, stopping) = (Arc::clone(&shard), Arc::clone(&self.shared), self.stopping.clone());
        let (registry, own_key) = (Arc::clone(&self.shards), key.clone());
        self.tasks.spawn(async move {
            while worker.run_until_idle(&shared, &stopping).await {
                // Idle for long: leave, unless a caller came in between.
                let mut shards = registry.lock().unwrap_or_else(PoisonError::into_inner);
                if worker.is_empty() {
                    shards.remove(&own_key);
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
        ConsumeError::new(Code::ResourceExhausted, message).with_retry(Retry::Never)
    }
}
