//! The processor: regroups each batch by itself, and counts.

use std::collections::BTreeSet;

use weir_component::{Batch, BuildContext, BuildError, ConsumeError, Processor, Signal, Verdict};
use weir_edit::refusal;

use crate::Config;
use crate::metrics::Instruments;

/// The `group_by_attrs` processor.
pub(crate) struct GroupByAttrs {
    keys: Vec<String>,
    metrics: Instruments,
}

impl Processor for GroupByAttrs {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let mut seen = BTreeSet::new();
        let (keys, repeated): (Vec<_>, Vec<_>) = config
            .keys
            .iter()
            .cloned()
            .partition(|key| seen.insert(key.clone()));
        if !repeated.is_empty() {
            tracing::warn!(processor = %context.id, ?repeated, "some keys are listed more than once");
        }
        Ok(Self {
            keys,
            metrics: Instruments::new(context, context.signal.unwrap_or(Signal::Metrics)),
        })
    }

    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError> {
        let items = batch.items();
        let regrouped = batch.regroup(&self.keys).map_err(refusal)?;
        self.metrics.grouped.increment(regrouped.moved as u64);
        let others = items - regrouped.moved;
        self.metrics.non_grouped.increment(others as u64);
        self.metrics.groups.record(regrouped.resources as f64);
        Ok(Verdict::Forward)
    }
}
