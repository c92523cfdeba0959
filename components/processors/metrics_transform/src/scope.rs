//! Transforms on their way through the decoded metrics of one scope.

use prost::Message as _;
use weir_component::{Code, ConsumeError, Retry};
use weir_proto::otlp::metrics::v1::Metric;

use crate::combine::combine;
use crate::tally::Tally;
use crate::transform::{Action, Transform};

/// Most bytes of copies in one batch, as protobuf: copies of copies would have no end.
const MAX_ADDED: usize = 64 << 20;

/// Does the transforms to the metrics of a scope, one after the other. Metrics that belong to a group move to `groups`, by its number.
///
/// # Errors
///
/// [`ConsumeError`] refuses the batch: it would grow by more than 64 MiB.
pub(crate) fn run(
    transforms: &[Transform],
    metrics: &mut Vec<Metric>,
    groups: &mut [Vec<Metric>],
    tally: &mut Tally,
) -> Result<(), ConsumeError> {
    for transform in transforms {
        let include = &transform.include;
        match transform.action {
            Action::Update => {
                metrics.retain_mut(|metric| !include.matches(metric) || transform.update(metric, tally));
            }
            Action::Insert => insert(transform, metrics, tally)?,
            Action::Combine { by, case } => combine(transform, by, case, metrics, tally),
            Action::Group(group) => metrics.retain_mut(|metric| {
                if !include.matches(metric) {
                    return true;
                }
                let (taken, all) = include.take(metric);
                groups[group].push(taken);
                !all
            }),
        }
    }
    Ok(())
}

/// Adds changed copies of metrics. Copies are not copied.
fn insert(transform: &Transform, metrics: &mut Vec<Metric>, tally: &mut Tally) -> Result<(), ConsumeError> {
    for index in 0..metrics.len() {
        let metric = &metrics[index];
        if !transform.include.matches(metric) {
            continue;
        }
        tally.added_bytes += metric.encoded_len();
        if tally.added_bytes > MAX_ADDED {
            let message = format!("`insert` adds more than {MAX_ADDED} bytes to a request");
            return Err(ConsumeError::new(Code::ResourceExhausted, message).with_retry(Retry::Never));
        }
        let copy = transform.copy(metric, tally);
        metrics.extend(copy);
    }
    Ok(())
}
