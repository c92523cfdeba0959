//! `forward` connector: hands what reaches it on to other pipelines of the same signal, unchanged.
//!
//! It merges pipelines (several end in it) and replicates them (it begins several).

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    Batch, BuildContext, BuildError, Component, Connector, ConnectorFactory, ConsumeError, Consumer,
    PipelineId, Signal, Stability, Validate, async_trait, joined,
};

/// Options of the `forward` connector: none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

impl Validate for Config {}

/// What a binary lists to offer this connector.
pub const FACTORY: ConnectorFactory = ConnectorFactory::of::<Forward>(
    "forward",
    Stability::Beta,
    &[
        (Signal::Metrics, Signal::Metrics),
        (Signal::Traces, Signal::Traces),
        (Signal::Logs, Signal::Logs),
    ],
);

/// The `forward` connector.
pub struct Forward {
    outputs: Vec<Consumer>,
}

impl Component for Forward {}

#[async_trait]
impl Connector for Forward {
    type Config = Config;

    fn build(
        _config: &Config,
        _context: &BuildContext,
        outputs: BTreeMap<PipelineId, Consumer>,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            outputs: outputs.into_values().collect(),
        })
    }

    /// Hands a batch to all pipelines at the same time; the answer waits for all of them, and [`joined`] says which one it is.
    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        match &self.outputs[..] {
            [only] => only.consume(batch).await,
            several => joined(join_all(several.iter().map(|output| output.consume(batch.clone()))).await),
        }
    }
}
