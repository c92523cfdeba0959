//! Options of the `relabel` processor.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_relabel::RuleConfig;

/// Options of the `relabel` processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is done to the labels of every point, in order, as in Prometheus. Required: at least one rule.
    pub relabel_configs: Vec<RuleConfig>,
    /// Most bytes that remembered results may take, 64 MiB by default. A series takes about its attributes and what changes of them, and
    /// 200 bytes. With 0 nothing is remembered and the rules run for every point.
    pub max_cache_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            relabel_configs: Vec::new(),
            max_cache_bytes: 64 << 20,
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.relabel_configs.is_empty(),
            "relabel_configs",
            "required: at least one rule",
        );
        for mistake in weir_relabel::compile(&self.relabel_configs)
            .err()
            .unwrap_or_default()
        {
            found.add(&format!("relabel_configs::{}", mistake.key), mistake.message);
        }
    }
}
