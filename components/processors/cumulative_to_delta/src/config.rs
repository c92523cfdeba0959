//! Options of the `cumulative_to_delta` processor.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_edit::{MatchProperties, MatchType, RegexpOptions};
use weir_streams::Limits;

/// Options of the `cumulative_to_delta` processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Only metrics that are like this are converted. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<MetricMatch>,
    /// Metrics with one of these names, or of one of these types, are not converted, included or not. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<MetricMatch>,
    /// How long a stream may be silent before its last total is forgotten; the next point is then a first one. 0 keeps it for ever.
    /// Default 1h.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max_staleness: Duration,
    /// What becomes of the first point of a stream, which has none before it. Default `auto`.
    pub initial_value: InitialValue,
    /// Most streams at a time. Points of further streams are dropped and counted; those that are there go on. Default: as many as
    /// 63 bits count.
    pub max_streams: u64,
    /// Most bytes that last totals may take; 0 is unlimited. A stream of numbers takes less than 100. At the limit, points of
    /// further streams are dropped and counted. Default 1073741824 (1 GiB).
    pub max_bytes: u64,
}

/// What a metric must be like: one of the names and one of the types, if there are any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricMatch {
    /// Names of metrics, compared by `match_type`. Default: any name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<String>,
    /// How names are compared: `strict`, as they are, or `regexp`, found by a regular expression in RE2 syntax anywhere in the
    /// name. Required with `metrics`, and only with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_type: Option<MatchType>,
    /// Whether results of regular expressions are remembered. Only with `match_type: regexp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regexp: Option<RegexpOptions>,
    /// Types of metrics: `sum`, `histogram`, `exponentialhistogram`, in letters of any case. Default: any type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metric_types: Vec<MetricType>,
}

/// Type of a metric that can be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    /// A monotonic sum.
    Sum,
    /// A histogram with explicit bounds.
    Histogram,
    /// An exponential histogram.
    ExponentialHistogram,
}

impl<'de> Deserialize<'de> for MetricType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.to_ascii_lowercase().as_str() {
            "sum" => Ok(Self::Sum),
            "histogram" => Ok(Self::Histogram),
            "exponentialhistogram" => Ok(Self::ExponentialHistogram),
            _ => Err(D::Error::unknown_variant(
                &text,
                &["sum", "histogram", "exponentialhistogram"],
            )),
        }
    }
}

/// What becomes of the first point of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InitialValue {
    /// It goes on if it covers nothing from before the processor began: if its start time is known, not before that moment, and not
    /// its own time.
    Auto,
    /// It goes on as it came.
    Keep,
    /// It is dropped.
    Drop,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            include: None,
            exclude: None,
            max_staleness: Duration::from_secs(3600),
            initial_value: InitialValue::Auto,
            max_streams: i64::MAX as u64,
            max_bytes: 1 << 30,
        }
    }
}

impl Config {
    /// Returns the limits of the table.
    pub(crate) fn limits(&self) -> Limits {
        Limits::of(self.max_streams, self.max_bytes)
    }
}

impl MetricMatch {
    /// Returns what names must be like, if that matters.
    pub(crate) fn names(&self) -> Option<MatchProperties> {
        (!self.metrics.is_empty()).then(|| MatchProperties {
            match_type: self.match_type,
            regexp: self.regexp.clone(),
            metric_names: self.metrics.clone(),
            ..MatchProperties::default()
        })
    }
}

impl Validate for MetricMatch {
    fn validate(&self, found: &mut Violations) {
        let Some(names) = self.names() else {
            let useless = "has no effect without `metrics`";
            found.require(self.match_type.is_none(), "match_type", useless);
            found.require(self.regexp.is_none(), "regexp", useless);
            return;
        };
        let mut own = Violations::default();
        names.validate(&mut own);
        for violation in own.into_found() {
            // There the names have another key.
            let path = violation.path.join("::").replace("metric_names", "metrics");
            found.add(&path, violation.message);
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        for (section, like) in [("include", &self.include), ("exclude", &self.exclude)] {
            if let Some(like) = like {
                found.nested(section, like);
            }
        }
        found.require(
            self.max_streams <= i64::MAX as u64,
            "max_streams",
            "must be at most 9223372036854775807",
        );
    }
}
