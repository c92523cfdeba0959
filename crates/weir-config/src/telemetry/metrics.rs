//! What own metrics are kept, how they are changed, and who reads them.

use std::time::Duration;

use serde::{Serialize, Serializer};
use weir_component::schemars::{self, JsonSchema};

use super::{Exporter, printed};

/// How own metrics are kept and offered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// How much is measured. Default: `normal`.
    pub level: MetricsLevel,
    /// Who reads; none if the level is `none`. Default: an endpoint to scrape at `localhost:8888`.
    pub readers: Vec<MetricReader>,
    /// Changes to what is shown. Only at the level `detailed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<View>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            level: MetricsLevel::Normal,
            readers: vec![MetricReader::Pull(PrometheusReader::default())],
            views: Vec::new(),
        }
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricsLevel {
    /// Nothing, and no port is opened.
    None,
    /// What is needed to see loss.
    Basic,
    /// The default.
    Normal,
    /// Everything.
    Detailed,
}

/// Who reads own metrics.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricReader {
    /// Whoever scrapes an endpoint.
    Pull(PrometheusReader),
    /// Weir itself, which pushes them.
    Periodic(PeriodicReader),
}

impl Serialize for MetricReader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Pull<'a> {
            exporter: Prometheus<'a>,
        }
        #[derive(Serialize)]
        struct Prometheus<'a> {
            prometheus: &'a PrometheusReader,
        }
        match self {
            Self::Pull(prometheus) => {
                let exporter = Prometheus { prometheus };
                printed::one(serializer, "pull", &Pull { exporter })
            }
            Self::Periodic(periodic) => printed::one(serializer, "periodic", periodic),
        }
    }
}

/// An endpoint for Prometheus to scrape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrometheusReader {
    /// Name or address to listen on.
    pub host: String,
    /// Port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Leaves out the scope's labels. Default: true.
    pub without_scope_info: bool,
    /// Leaves units out of names. Default: true.
    pub without_units: bool,
    /// Leaves `_total` and the like out of names. Default: true.
    pub without_type_suffix: bool,
    /// Which resource attributes become labels of every metric. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_resource_constant_labels: Option<Selection>,
}

impl Default for PrometheusReader {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 8888,
            without_scope_info: true,
            without_units: true,
            without_type_suffix: true,
            with_resource_constant_labels: None,
        }
    }
}

/// Pushes own metrics from time to time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeriodicReader {
    /// Time from one push to the next. Default: 60 s.
    #[serde(serialize_with = "printed::millis")]
    pub interval: Duration,
    /// Longest time for a push. Default: 30 s.
    #[serde(serialize_with = "printed::millis")]
    pub timeout: Duration,
    /// Where they go.
    pub exporter: Exporter,
}

/// A choice of names, `*` and `?` standing for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// Names to take; empty for all.
    pub included: Vec<String>,
    /// Names not to take after all.
    pub excluded: Vec<String>,
}

/// Changes how some of the own metrics are shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// Which ones.
    pub selector: ViewSelector,
    /// What becomes of them.
    pub stream: ViewStream,
}

/// Which metrics a view is for: those that fit all of it. At least one key is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ViewSelector {
    /// Name, `*` and `?` standing for any characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instrument_name: Option<String>,
    /// Kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instrument_type: Option<InstrumentType>,
    /// Unit, as UCUM writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Name of the instrumentation scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter_name: Option<String>,
}

/// How something is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstrumentType {
    /// Counts what happens.
    Counter,
    /// A figure of the moment.
    Gauge,
    /// A distribution.
    Histogram,
    /// A count that is kept elsewhere.
    ObservableCounter,
    /// A figure of the moment that is kept elsewhere.
    ObservableGauge,
    /// A count of things in and out that is kept elsewhere.
    ObservableUpDownCounter,
    /// Counts things in and out.
    UpDownCounter,
}

/// What becomes of metrics that a view is for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ViewStream {
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is made of what is recorded.
    pub aggregation: Aggregation,
    /// Which labels are kept; series that differ in others only become one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute_keys: Option<Selection>,
}

/// What is made of what is recorded.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Aggregation {
    /// What the metric is made for.
    #[default]
    Default,
    /// Nothing.
    Drop,
    /// The sum, of counters and histograms.
    Sum,
    /// The last value, of gauges.
    LastValue,
    /// A histogram with these buckets, of histograms.
    ExplicitBucketHistogram(Buckets),
}

/// Buckets of a histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Buckets {
    /// Upper bounds, ascending. Default: those that the metric has anyway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boundaries: Option<Vec<f64>>,
    /// Shows the least and the greatest value as well. Default: true.
    pub record_min_max: bool,
}

impl Serialize for Aggregation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nothing = &printed::NOTHING;
        match self {
            Self::Default => printed::one(serializer, "default", nothing),
            Self::Drop => printed::one(serializer, "drop", nothing),
            Self::Sum => printed::one(serializer, "sum", nothing),
            Self::LastValue => printed::one(serializer, "last_value", nothing),
            Self::ExplicitBucketHistogram(buckets) => {
                printed::one(serializer, "explicit_bucket_histogram", buckets)
            }
        }
    }
}
