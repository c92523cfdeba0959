//! Operations that make one of several points.

use std::collections::HashSet;

use weir_proto::otlp::metrics::v1::Metric;
use weir_proto::otlp::metrics::v1::metric::Data;

use crate::labels::Labels as _;
use crate::tally::{Skip, Tally};
use crate::{Aggregation, merge, points};

/// A change of labels after which points may be the same.
#[derive(Debug)]
pub(crate) enum Regroup {
    /// Takes all labels away but these.
    Labels { keep: HashSet<String>, by: Aggregation },
    /// Gives several values of a label a common one.
    Values {
        key: String,
        values: HashSet<String>,
        new_value: String,
        by: Aggregation,
    },
}

impl Regroup {
    /// Changes a metric. Summaries stay as they are: quantiles do not add up.
    pub(crate) fn run(&self, metric: &mut Metric, tally: &mut Tally) {
        if matches!(metric.data, Some(Data::Summary(_))) {
            return tally.skip(Skip::Summary);
        }
        let by = match self {
            Self::Labels { keep, by } => {
                points::each(metric, |mut point| {
                    point.labels().retain(|label| keep.contains(&label.key))
                });
                *by
            }
            Self::Values {
                key,
                values,
                new_value,
                by,
            } => {
                points::each(metric, |mut point| {
                    let labels = point.labels();
                    if labels
                        .text(key)
                        .is_some_and(|text| values.contains(text.as_ref()))
                    {
                        labels.upsert(key, new_value);
                    }
                });
                *by
            }
        };
        merge::regroup(metric, Some(by), tally);
    }
}
