//! Options of the `batch` processor.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};

/// Options of the `batch` processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long data waits for more before it is sent. 0 sends at once, so that sizes only split. Default 200ms.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub timeout: Duration,
    /// Number of items (data points, spans, log records) that sends a batch without waiting longer. It is a trigger, not a limit.
    /// 0 sends at once. Default 8192.
    pub send_batch_size: u32,
    /// Largest batch that is sent, in items; larger ones are split. 0 (default) does not split; otherwise at least
    /// `send_batch_size`.
    pub send_batch_max_size: u32,
    /// Names of client metadata whose values keep batches apart; only these survive merging. The receiver must include metadata.
    /// Tenant and identity of the sender always keep batches apart. Default none.
    pub metadata_keys: Vec<String>,
    /// Largest number of batches kept apart at the same time; data of further combinations is refused until one had no data for a
    /// minute. 0 is unlimited. Default 1000.
    pub metadata_cardinality_limit: u32,
    /// Acknowledge data when it is in the batch instead of when the next step has taken the merged batch. What the next step then
    /// refuses is lost (and counted); without this option the sender learns of it and can send again. While a full batch waits for
    /// a slow next step, senders wait all the same. Default false.
    pub early_acknowledgement: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(200),
            send_batch_size: 8192,
            send_batch_max_size: 0,
            metadata_keys: Vec::new(),
            metadata_cardinality_limit: 1000,
            early_acknowledgement: false,
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        let max = self.send_batch_max_size;
        found.require(
            max == 0 || max >= self.send_batch_size,
            "send_batch_max_size",
            format!(
                "must be 0 or at least `send_batch_size` ({})",
                self.send_batch_size
            ),
        );
        let mut seen = BTreeSet::new();
        for (index, key) in self.metadata_keys.iter().enumerate() {
            let news = seen.insert(key.to_ascii_lowercase());
            found.require(
                news,
                &format!("metadata_keys::{index}"),
                format!("`{key}` is listed twice (case does not count)"),
            );
        }
    }
}
