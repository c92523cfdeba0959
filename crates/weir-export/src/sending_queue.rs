//! The `sending_queue` section.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::{OffUnlessNamed, Validate, Violations, duration};
use weir_component::schemars::{self, JsonSchema};

use crate::{Assembly, Batching, MergeLimits, QueueRules, Sizer};

/// Most workers of a queue: beyond it they cost more than they bring.
const MAX_CONSUMERS: usize = 10_000;

/// Section `sending_queue`: a queue in memory between the pipeline and the destination.
///
/// Without `batch` every request is delivered by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-weir-block" = "sending_queue"))]
pub struct SendingQueue {
    /// Deliveries at the same time, 1 to 10000. With more than one the order of requests is not kept. Default: 10.
    #[schemars(range(min = 1, max = 10000))]
    pub num_consumers: usize,
    /// Most that the queue holds, what is being delivered included, in units of `sizer`; at least 1.
    #[schemars(range(min = 1))]
    pub queue_size: usize,
    /// What `queue_size` is counted in: `requests`, `items` (data points, spans, log records) or `bytes` of OTLP protobuf.
    /// Default: `requests`.
    pub sizer: Option<Sizer>,
    /// Lets senders wait while the queue is full, instead of refusing them with a retryable error. A request that is larger than the
    /// queue is refused for good either way. Default: false.
    pub block_on_overflow: bool,
    /// Answers senders with the result of the delivery instead of when the request has its place. Default: false.
    pub wait_for_result: bool,
    /// Extension that keeps the queue on disk. Not supported yet: setting it is an error.
    pub storage: Option<String>,
    /// Makes batches of what waits. Default: off.
    pub batch: OffUnlessNamed<BatchSection>,
}

/// Section `sending_queue::batch`.
///
/// Requests are merged whole. One is cut only if it is larger than `max_size` by itself, so a batch is delivered below `min_size`
/// if the next request would carry it past `max_size`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BatchSection {
    /// Longest time that a request waits for its batch to fill; more than 0.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub flush_timeout: Duration,
    /// Size at which a batch is delivered without waiting any longer. Default: 8192.
    pub min_size: usize,
    /// Largest batch, at least `min_size`. 0: no limit, and batches end with the request that reaches `min_size`.
    pub max_size: usize,
    /// What the sizes are counted in: `items` or `bytes`. Default: the queue's `sizer` if that is set, else `items`.
    // A section without keys inherits the queue's unit, one without a value does not.
    #[serde(default)]
    pub sizer: Option<Sizer>,
    /// What keeps batches apart beside tenant and identity.
    pub partition: Partition,
}

/// Section `sending_queue::batch::partition`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Partition {
    /// Keys of client metadata: requests that differ in their values are not merged, and only these keys survive merging.
    pub metadata_keys: Vec<String>,
}

impl Default for SendingQueue {
    fn default() -> Self {
        Self {
            num_consumers: 10,
            queue_size: 1000,
            sizer: None,
            block_on_overflow: false,
            wait_for_result: false,
            storage: None,
            batch: OffUnlessNamed::off(),
        }
    }
}

impl Default for BatchSection {
    fn default() -> Self {
        Self {
            flush_timeout: Duration::from_millis(200),
            min_size: 8192,
            max_size: 0,
            sizer: Some(Sizer::Items),
            partition: Partition::default(),
        }
    }
}

impl SendingQueue {
    /// Returns the rules of the queue.
    pub fn rules(&self) -> QueueRules {
        let at_least_one = |number| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN);
        QueueRules {
            size: at_least_one(self.queue_size),
            sizer: self.sizer.unwrap_or_default(),
            workers: at_least_one(self.num_consumers),
            block_on_overflow: self.block_on_overflow,
            wait_for_result: self.wait_for_result,
            assembly: match self.batch.as_ref() {
                None => Assembly::InOrder(MergeLimits::NONE),
                Some(batch) => Assembly::Batches(Batching {
                    sizer: self.batch_sizer(batch),
                    min: batch.min_size,
                    max: NonZeroUsize::new(batch.max_size),
                    flush_timeout: batch.flush_timeout,
                    metadata_keys: batch.partition.lower_case_keys(),
                }),
            },
        }
    }

    fn batch_sizer(&self, batch: &BatchSection) -> Sizer {
        batch.sizer.or(self.sizer).unwrap_or(Sizer::Items)
    }

    fn validate_batch(&self, batch: &BatchSection, found: &mut Violations) {
        let sizer = self.batch_sizer(batch);
        found.require(
            sizer != Sizer::Requests,
            "batch::sizer",
            "must be `items` or `bytes`; it follows `sizer` of the queue unless it is set",
        );
        found.require(
            !batch.flush_timeout.is_zero(),
            "batch::flush_timeout",
            "must be more than 0",
        );
        found.require(
            batch.max_size == 0 || batch.max_size >= batch.min_size,
            "batch::max_size",
            "must be 0 (no limit), or at least `min_size`",
        );
        let comparable = sizer != Sizer::Requests && sizer == self.sizer.unwrap_or_default();
        found.require(
            !comparable || batch.min_size <= self.queue_size,
            "batch::min_size",
            "must be at most `queue_size`, or the queue is full before a batch is",
        );
        let keys = batch.partition.lower_case_keys();
        for (index, key) in keys.iter().enumerate() {
            let message = format!("duplicate key `{key}`; case does not count");
            found.require(
                !keys[..index].contains(key),
                "batch::partition::metadata_keys",
                message,
            );
        }
    }
}

impl Partition {
    fn lower_case_keys(&self) -> Vec<String> {
        self.metadata_keys
            .iter()
            .map(|key| key.to_ascii_lowercase())
            .collect()
    }
}

impl Validate for SendingQueue {
    fn validate(&self, found: &mut Violations) {
        found.require(
            (1..=MAX_CONSUMERS).contains(&self.num_consumers),
            "num_consumers",
            format!("must be from 1 to {MAX_CONSUMERS}"),
        );
        found.require(self.queue_size > 0, "queue_size", "must be more than 0");
        found.require(
            self.storage.is_none(),
            "storage",
            "persistent queues are not supported yet",
        );
        if let Some(batch) = self.batch.as_ref() {
            self.validate_batch(batch, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> SendingQueue {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[track_caller]
    fn check(yaml: &str, expected: &[&str]) {
        let mut found = Violations::default();
        read(yaml).validate(&mut found);
        let paths: Vec<String> = found
            .into_found()
            .into_iter()
            .map(|violation| violation.path.join("::"))
            .collect();
        assert_eq!(paths, expected, "{yaml}");
    }

    fn batching(yaml: &str) -> Batching {
        match read(yaml).rules().assembly {
            Assembly::Batches(batching) => batching,
            Assembly::InOrder(limits) => panic!("{yaml}: {limits:?}"),
        }
    }

    #[test]
    fn defaults_are_those_of_the_collector() {
        let rules = read("{}").rules();
        assert_eq!((rules.size.get(), rules.workers.get()), (1000, 10));
        assert_eq!(rules.sizer, Sizer::Requests);
        assert!(!rules.block_on_overflow && !rules.wait_for_result);
        assert_eq!(
            rules.assembly,
            Assembly::InOrder(MergeLimits::NONE),
            "requests stay apart"
        );
        let batching = batching("{batch: }");
        assert_eq!((batching.min, batching.max), (8192, None));
        assert_eq!(batching.flush_timeout, Duration::from_millis(200));
    }

    #[test]
    fn batches_inherit_the_unit_of_the_queue() {
        for (yaml, sizer) in [
            ("{batch: {}}", Sizer::Items),
            ("{sizer: bytes, batch: {min_size: 1}}", Sizer::Bytes),
            ("{sizer: bytes, batch: {min_size: 1, sizer: items}}", Sizer::Items),
            ("{sizer: bytes, batch: }", Sizer::Items),
        ] {
            assert_eq!(batching(yaml).sizer, sizer, "{yaml}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        check("{}", &[]);
        check("{batch: }", &[]);
        check(
            "{num_consumers: 0, queue_size: 0}",
            &["num_consumers", "queue_size"],
        );
        check("{storage: file_storage}", &["storage"]);
        check("{sizer: requests, batch: {}}", &["batch::sizer"]);
        check("{batch: {flush_timeout: 0s}}", &["batch::flush_timeout"]);
        check("{batch: {min_size: 10, max_size: 9}}", &["batch::max_size"]);
        check("{batch: {min_size: 10, max_size: 10}}", &[]);
        check(
            "{sizer: items, queue_size: 10, batch: {min_size: 11}}",
            &["batch::min_size"],
        );
        check(
            "{batch: {partition: {metadata_keys: [A, a]}}}",
            &["batch::partition::metadata_keys"],
        );
        check("{batch: {enabled: false, flush_timeout: 0s}}", &[]);
        assert!(serde_yaml::from_str::<SendingQueue>("{sizer: Items}").is_err());
        assert!(serde_yaml::from_str::<SendingQueue>("{batch: {timeout: 1s}}").is_err());
    }

    #[test]
    fn printed_sections_read_back() {
        for yaml in ["{}", "{batch: }", "{sizer: bytes, batch: {min_size: 1}}"] {
            let queue = read(yaml);
            assert_eq!(read(&serde_yaml::to_string(&queue).unwrap()), queue, "{yaml}");
        }
    }
}
