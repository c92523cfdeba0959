//! The processor: two passes over a batch, and the books.

use weir_component::{Batch, BuildContext, BuildError, Code, ConsumeError, Processor, Verdict};
use weir_edit::refusal;
use weir_pdata::view::{MetricKind, Temporality};

use crate::Config;
use crate::gather::Gathered;
use crate::metrics::Instruments;
use crate::tally::Tally;
use crate::transform::{Action, Transform};
use crate::write::{Splitting, Writing};

/// The `metrics_transform` processor.
pub(crate) struct MetricsTransform {
    transforms: Vec<Transform>,
    /// By group: what is added to the attributes of its resources.
    groups: Vec<Vec<(String, String)>>,
    /// Whether a metric may need decoding.
    may_decode: bool,
    instruments: Instruments,
}

impl Processor for MetricsTransform {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let version = context.build_info.version.as_str();
        let mut groups = Vec::new();
        let mut transforms = Vec::with_capacity(config.transforms.len());
        for config in &config.transforms {
            let transform = Transform::new(config, version, groups.len())?;
            if matches!(transform.action, Action::Group(_)) {
                groups.push(
                    config
                        .group_resource_labels
                        .clone()
                        .into_iter()
                        .flatten()
                        .collect(),
                );
            }
            transforms.push(transform);
        }
        // The kind for which the least can be done on the wire.
        let histogram = MetricKind::Histogram {
            temporality: Temporality::Unspecified,
        };
        let may_decode = transforms
            .iter()
            .any(|transform| transform.edits(histogram).is_none());
        Ok(Self {
            transforms,
            groups,
            may_decode,
            instruments: Instruments::new(context),
        })
    }

    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError> {
        let (before, mut tally) = (batch.items(), Tally::default());
        let mut gathered = match self.may_decode {
            true => Gathered::of(&self.transforms, self.groups.len(), batch, &mut tally)?,
            false => Gathered::default(),
        };
        let mut parts = Vec::new();
        for (group, labels) in self.groups.iter().enumerate() {
            if gathered.has_group(group) {
                let mut part = batch.clone();
                part.rewrite(&mut Splitting::new(&mut gathered, group, labels))
                    .map_err(refusal)?;
                parts.push(part);
            }
        }
        batch
            .rewrite(&mut Writing::new(&self.transforms, &mut gathered, &mut tally))
            .map_err(refusal)?;
        for part in parts {
            batch
                .append(part)
                .map_err(|error| ConsumeError::new(Code::Internal, error.to_string()))?;
        }
        self.instruments.count(&tally);
        match before > 0 && batch.items() == 0 {
            true => Ok(Verdict::Drop),
            false => Ok(Verdict::Forward),
        }
    }
}
