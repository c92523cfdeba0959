//! `metrics::views`.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use weir_component::schemars::{self, JsonSchema};

use super::{
    metrics::WrittenSelection,
    scalar::{Nothing, present, without_default},
};
use crate::telemetry::{
    Aggregation, Buckets, Complaints, InstrumentType, Selection, View, ViewSelector, ViewStream,
};

/// Changes how some of the own metrics are shown.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenView {
    /// Which metrics it is for: those that fit all keys. At least one key. Required.
    selector: WrittenSelector,
    /// What becomes of them.
    stream: WrittenStream,
}

/// Which metrics a view is for.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenSelector {
    /// Name, `*` and `?` standing for any characters.
    instrument_name: Option<String>,
    /// Kind of the instrument.
    instrument_type: Option<InstrumentType>,
    /// Unit, as UCUM writes it.
    unit: Option<String>,
    /// Name of the instrumentation scope.
    meter_name: Option<String>,
    /// Not supported: all scopes have one version.
    meter_version: Option<String>,
    /// Not supported: scopes have no schema.
    meter_schema_url: Option<String>,
}

/// What becomes of metrics that a view is for.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenStream {
    /// Another name; only if the view selects a single instrument by name. Default: its own.
    name: Option<String>,
    /// Another description. Default: its own.
    description: Option<String>,
    /// What is made of what is recorded, one of the keys. Default: what the metric is made for.
    aggregation: WrittenAggregation,
    /// Which labels are kept; series that differ in others only become one. Default: all.
    attribute_keys: Option<WrittenSelection>,
    /// Not supported: there are as many series as the configuration has components.
    #[schemars(with = "Option<Value>")]
    aggregation_cardinality_limit: Option<IgnoredAny>,
}

/// What is made of what is recorded. Each key takes an empty section.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenAggregation {
    /// What the metric is made for.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    default: bool,
    /// Nothing.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    drop: bool,
    /// The sum, of counters and histograms.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    sum: bool,
    /// The last value, of gauges.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    last_value: bool,
    /// A histogram with these buckets, of histograms.
    explicit_bucket_histogram: Option<WrittenBuckets>,
    /// Not supported: own histograms have fixed bounds.
    #[schemars(with = "Option<Value>")]
    base2_exponential_bucket_histogram: Option<IgnoredAny>,
}

/// Buckets of a histogram.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenBuckets {
    /// Upper bounds, ascending. Default: those that the metric has anyway.
    boundaries: Option<Vec<f64>>,
    /// Shows the least and the greatest value as well. Default: true.
    record_min_max: Option<bool>,
}

impl WrittenView {
    pub(super) fn understand(self, at: &str, found: &mut Complaints<'_>) -> Option<View> {
        let selector = self.selector.understand(&format!("{at}::selector"), found)?;
        let stream = self.stream.understand(&format!("{at}::stream"), found)?;
        // Spec: OpenTelemetry metrics SDK, "Stream configuration": a name for many instruments would make them one.
        let wide = selector
            .instrument_name
            .as_ref()
            .is_none_or(|name| name.contains(['*', '?']));
        if stream.name.is_some() && wide {
            found.error(
                &format!("{at}::stream::name"),
                "a name for more than one instrument",
                Some("name the one instrument in `selector::instrument_name`, without `*` and `?`"),
            );
        }
        if let (Some(kind), false) = (
            selector.instrument_type,
            allows(selector.instrument_type, &stream.aggregation),
        ) {
            let kind = serde_yaml::to_string(&kind).unwrap_or_default();
            let message = format!("an instrument of type `{}` has no such aggregation", kind.trim());
            found.error(&format!("{at}::stream::aggregation"), message, None);
        }
        Some(View { selector, stream })
    }
}

/// Spec: OpenTelemetry metrics SDK, "Aggregation"; histograms are made of histograms only, since other instruments do not keep what is
/// recorded apart.
fn allows(kind: Option<InstrumentType>, aggregation: &Aggregation) -> bool {
    use InstrumentType as Type;
    let Some(kind) = kind else { return true };
    let gauge = matches!(kind, Type::Gauge | Type::ObservableGauge);
    match aggregation {
        Aggregation::Default | Aggregation::Drop => true,
        Aggregation::Sum => !gauge,
        Aggregation::LastValue => gauge,
        Aggregation::ExplicitBucketHistogram(_) => kind == Type::Histogram,
    }
}

impl WrittenSelector {
    fn understand(self, at: &str, found: &mut Complaints<'_>) -> Option<ViewSelector> {
        for (key, value) in [
            ("meter_version", self.meter_version),
            ("meter_schema_url", self.meter_schema_url),
        ] {
            if value.is_some_and(|value| !value.is_empty()) {
                found.unsupported(
                    &format!("{at}::{key}"),
                    "all scopes of own metrics have one version and no schema; select by `meter_name`",
                );
            }
        }
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let selector = ViewSelector {
            instrument_name: text(self.instrument_name),
            instrument_type: self.instrument_type,
            unit: text(self.unit),
            meter_name: text(self.meter_name),
        };
        if selector == ViewSelector::default() {
            let hint = "`instrument_name: '*'` for all";
            found.error(at, "a selector that selects nothing", Some(hint));
            return None;
        }
        Some(selector)
    }
}

impl WrittenStream {
    fn understand(self, at: &str, found: &mut Complaints<'_>) -> Option<ViewStream> {
        if self.aggregation_cardinality_limit.is_some() {
            let what = "limits of series; own metrics have as many as the configuration has components";
            found.unsupported(&format!("{at}::aggregation_cardinality_limit"), what);
        }
        let keys = format!("{at}::attribute_keys");
        Some(ViewStream {
            name: self.name.filter(|name| !name.is_empty()),
            description: self.description.filter(|text| !text.is_empty()),
            aggregation: self
                .aggregation
                .understand(&format!("{at}::aggregation"), found)?,
            attribute_keys: self
                .attribute_keys
                .map(|keys_written| keys_written.understand(&keys, found))
                .filter(|keys| *keys != Selection::default()),
        })
    }
}

impl WrittenAggregation {
    fn understand(self, at: &str, found: &mut Complaints<'_>) -> Option<Aggregation> {
        if self.base2_exponential_bucket_histogram.is_some() {
            found.unsupported(
                &format!("{at}::base2_exponential_bucket_histogram"),
                "exponential histograms; own histograms are counted once, in buckets of fixed bounds, for all readers",
            );
            return None;
        }
        let mut chosen = Vec::new();
        for (is_chosen, aggregation) in [
            (self.default, Aggregation::Default),
            (self.drop, Aggregation::Drop),
            (self.sum, Aggregation::Sum),
            (self.last_value, Aggregation::LastValue),
        ] {
            if is_chosen {
                chosen.push(aggregation);
            }
        }
        if let Some(buckets) = self.explicit_bucket_histogram {
            let ascending = buckets.boundaries.as_ref().is_none_or(|bounds| {
                bounds.iter().all(|bound| bound.is_finite()) && bounds.is_sorted_by(|one, next| one < next)
            });
            if !ascending {
                let at = format!("{at}::explicit_bucket_histogram::boundaries");
                found.error(&at, "boundaries must be finite and ascend", None);
            }
            chosen.push(Aggregation::ExplicitBucketHistogram(Buckets {
                boundaries: buckets.boundaries,
                record_min_max: buckets.record_min_max.unwrap_or(true),
            }));
        }
        if chosen.len() > 1 {
            found.error(at, "more than one aggregation", Some("make two views of it"));
        }
        Some(chosen.into_iter().next().unwrap_or_default())
    }
}
