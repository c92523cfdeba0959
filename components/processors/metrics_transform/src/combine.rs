//! One metric of several.

use std::collections::BTreeSet;
use std::mem::discriminant;

use weir_proto::otlp::metrics::v1::Metric;
use weir_proto::otlp::metrics::v1::metric::Data;

use crate::labels::Labels as _;
use crate::tally::{Skip, Tally};
use crate::transform::Transform;
use crate::{Aggregation, SubmatchCase, merge, points};

/// Makes one metric of all that match, and puts it last. Points that do not match stay where they are.
pub(crate) fn combine(
    transform: &Transform,
    by: Option<Aggregation>,
    case: Option<SubmatchCase>,
    metrics: &mut Vec<Metric>,
    tally: &mut Tally,
) {
    let include = &transform.include;
    let matching: Vec<&Metric> = metrics.iter().filter(|metric| include.matches(metric)).collect();
    if let Err(why) = fit(&matching) {
        return tally.skip(why);
    }
    let mut combined: Option<Metric> = None;
    metrics.retain_mut(|metric| {
        if !include.matches(metric) {
            return true;
        }
        let (mut taken, all) = include.take(metric);
        let groups = include.groups(&taken.name, case);
        points::each(&mut taken, |mut point| {
            for (key, text) in &groups {
                point.labels().upsert(key, text);
            }
        });
        match &mut combined {
            Some(combined) => points::append(combined, &mut taken),
            None => combined = Some(taken),
        }
        !all
    });
    let Some(mut combined) = combined else { return };
    combined.name.clone_from(&transform.new_name);
    merge::regroup(&mut combined, by, tally);
    if transform.operate(&mut combined, None, tally) {
        metrics.push(combined);
    }
}

/// Says why metrics cannot be combined: they must be alike in all but name and values.
fn fit(metrics: &[&Metric]) -> Result<(), Skip> {
    let is_summary = |metric: &&Metric| matches!(metric.data, Some(Data::Summary(_)));
    if metrics.iter().any(is_summary) {
        return Err(Skip::Summary);
    }
    let Some((first, others)) = metrics.split_first() else {
        return Ok(());
    };
    let keys = keys(first);
    for other in others {
        if first.data.as_ref().map(discriminant) != other.data.as_ref().map(discriminant) {
            return Err(Skip::Types);
        }
        if first.unit != other.unit {
            return Err(Skip::Units);
        }
        if keys != self::keys(other) {
            return Err(Skip::Labels);
        }
        if temporality(first) != temporality(other) {
            return Err(Skip::Temporalities);
        }
    }
    Ok(())
}

/// Returns the keys of the labels of all points.
fn keys(metric: &Metric) -> BTreeSet<&str> {
    let labels = points::labels(metric).into_iter().flatten();
    labels.map(|label| label.key.as_str()).collect()
}

/// Returns what values cover, and whether they never fall.
fn temporality(metric: &Metric) -> (i32, bool) {
    match &metric.data {
        Some(Data::Sum(data)) => (data.aggregation_temporality, data.is_monotonic),
        Some(Data::Histogram(data)) => (data.aggregation_temporality, false),
        Some(Data::ExponentialHistogram(data)) => (data.aggregation_temporality, false),
        Some(Data::Gauge(_) | Data::Summary(_)) | None => (0, false),
    }
}
