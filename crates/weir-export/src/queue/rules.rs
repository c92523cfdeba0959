//! How a queue is bounded and what its workers make of what waits.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Batch, Context};

use super::waiting::Size;
use crate::{MergeLimits, merge};

/// What sizes are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sizer {
    /// Batches as they came.
    #[default]
    Requests,
    /// Data points, spans or log records.
    Items,
    /// Bytes of OTLP protobuf, uncompressed.
    Bytes,
}

impl Sizer {
    /// Returns the size of one request.
    pub(super) const fn of(self, size: Size) -> usize {
        match self {
            Self::Requests => 1,
            Self::Items => size.items,
            Self::Bytes => size.bytes,
        }
    }
}

/// A queue that delivers in order and merges neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// Most requests in the queue, those being delivered included.
    pub requests: NonZeroUsize,
    /// Deliveries at the same time. With 1, batches are delivered strictly in order.
    pub workers: NonZeroUsize,
    /// How much may be merged into one delivery.
    pub merge: MergeLimits,
}

/// Everything that a queue can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRules {
    /// Most that the queue holds, what is being delivered included, counted by `sizer`.
    pub size: NonZeroUsize,
    /// What `size` is counted in.
    pub sizer: Sizer,
    /// Deliveries at the same time.
    pub workers: NonZeroUsize,
    /// A full queue lets callers wait instead of refusing them.
    pub block_on_overflow: bool,
    /// Callers wait for the verdict of their delivery instead of a place in the queue.
    pub wait_for_result: bool,
    /// What is delivered together.
    pub assembly: Assembly,
}

/// What is delivered together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assembly {
    /// What waits is delivered at once and in order; neighbours that may mix are merged within these limits.
    InOrder(MergeLimits),
    /// What waits is kept until there is enough of it.
    Batches(Batching),
}

/// How batches are made of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batching {
    /// What the sizes are counted in; by requests, a batch is one request.
    pub sizer: Sizer,
    /// A batch of this size is delivered at once.
    pub min: usize,
    /// No batch is larger than this. Requests that are larger by themselves are cut.
    pub max: Option<NonZeroUsize>,
    /// Longest time that a request waits for a batch to fill while a worker is idle.
    pub flush_timeout: Duration,
    /// Client metadata, in lower case, whose values keep batches apart and survive merging.
    pub metadata_keys: Vec<String>,
}

impl From<QueueSettings> for QueueRules {
    fn from(settings: QueueSettings) -> Self {
        Self {
            size: settings.requests,
            sizer: Sizer::Requests,
            workers: settings.workers,
            block_on_overflow: false,
            wait_for_result: false,
            assembly: Assembly::InOrder(settings.merge),
        }
    }
}

impl Assembly {
    /// Returns the context that all batches have with which one of `context` may be merged, whoever comes between.
    pub(super) fn partition(&self, context: &Context) -> Context {
        match self {
            Self::InOrder(_) => Context::default(),
            Self::Batches(batching) => merge::common(context, &batching.metadata_keys),
        }
    }

    /// Cuts a batch that is larger than any delivery may be.
    pub(super) fn cut(&self, batch: Batch) -> Vec<Batch> {
        match self {
            Self::Batches(Batching {
                sizer,
                max: Some(max),
                ..
            }) => match sizer {
                Sizer::Requests => vec![batch],
                Sizer::Items => batch.split_items(*max),
                Sizer::Bytes => batch.split_bytes(*max),
            },
            Self::InOrder(_) | Self::Batches(_) => vec![batch],
        }
    }

    /// Returns whether this much need not wait for more.
    pub(super) const fn is_enough(&self, size: Size) -> bool {
        match self {
            Self::InOrder(_) => true,
            Self::Batches(batching) => batching.sizer.of(size) >= batching.min,
        }
    }

    /// Returns whether `more` may still be merged into what has `size`.
    pub(super) fn has_room(&self, size: Size, more: Size) -> bool {
        let merged = size + more;
        match self {
            Self::InOrder(limits) => merged.items <= limits.items.get() && merged.bytes <= limits.bytes.get(),
            Self::Batches(Batching {
                sizer: Sizer::Requests,
                ..
            }) => false,
            Self::Batches(Batching {
                sizer,
                max: Some(max),
                ..
            }) => sizer.of(merged) <= max.get(),
            // Without a maximum a batch ends where it is enough, or a backlog would become one delivery.
            Self::Batches(_) => !self.is_enough(size),
        }
    }

    /// Returns the longest time that something waits although it is not enough.
    pub(super) const fn patience(&self) -> Duration {
        match self {
            Self::InOrder(_) => Duration::ZERO,
            Self::Batches(batching) => batching.flush_timeout,
        }
    }
}
