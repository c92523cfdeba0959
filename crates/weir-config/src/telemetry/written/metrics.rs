//! `metrics`.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

use weir_component::{
    config::schema,
    schemars::{self, JsonSchema, Schema, SchemaGenerator},
};

use super::{
    push::{PUSH_TIMEOUT, Pushed, WrittenExporter, millis},
    scalar::folded,
    views::WrittenView,
};
use crate::telemetry::{
    Complaints, MetricReader, Metrics, MetricsLevel, PeriodicReader, PrometheusReader, Selection,
};

/// Metrics about Weir itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenMetrics {
    /// How much is measured: `none` (nothing, and no port is opened), `basic` (what is needed to see loss), `normal`, `detailed`.
    level: MetricsLevel,
    /// Who reads. Default: one endpoint to scrape, at `localhost:8888`.
    readers: Option<Vec<WrittenReader>>,
    /// Changes to what is shown. Only at the level `detailed`.
    views: Option<Vec<WrittenView>>,
}

impl Default for WrittenMetrics {
    fn default() -> Self {
        Self {
            level: MetricsLevel::Normal,
            readers: None,
            views: None,
        }
    }
}

/// Who reads own metrics: `pull` or `periodic`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenReader {
    /// An endpoint that others scrape.
    pull: Option<Pull>,
    /// Weir pushes from time to time.
    periodic: Option<Periodic>,
}

/// An endpoint that others scrape.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pull {
    /// The endpoint. Required.
    exporter: PullExporter,
    /// Not supported: there are no metrics of other libraries.
    #[serde(default)]
    #[schemars(with = "Option<Vec<Value>>")]
    producers: Option<Vec<IgnoredAny>>,
    /// Not supported: there are as many series as the configuration has components.
    #[serde(default)]
    #[schemars(with = "Option<Value>")]
    cardinality_limits: Option<IgnoredAny>,
}

/// The form of the endpoint.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PullExporter {
    /// In the text format of Prometheus. Required.
    prometheus: WrittenPrometheus,
}

/// An endpoint for Prometheus to scrape, at `/metrics`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenPrometheus {
    /// Name or address to listen on. Required.
    host: String,
    /// Port to listen on; 0 lets the system choose. Required.
    port: u16,
    /// Leaves out the labels of the instrumentation scope. Default: true.
    without_scope_info: Option<bool>,
    /// Leaves units out of names. Default: true.
    without_units: Option<bool>,
    /// Leaves `_total` and the like out of names. Default: true.
    without_type_suffix: Option<bool>,
    /// Which attributes of the resource become labels of every series. Default: none.
    #[serde(default)]
    with_resource_constant_labels: Option<WrittenSelection>,
}

/// Pushes own metrics from time to time.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Periodic {
    /// Milliseconds from one push to the next. Default: 60000, also for 0.
    interval: Option<u64>,
    /// Longest time for a push, in milliseconds. Default: 30000, also for 0.
    timeout: Option<u64>,
    /// Where they go. Required.
    exporter: WrittenExporter,
    /// Not supported: there are no metrics of other libraries.
    #[schemars(with = "Option<Vec<Value>>")]
    producers: Option<Vec<IgnoredAny>>,
    /// Not supported: there are as many series as the configuration has components.
    #[schemars(with = "Option<Value>")]
    cardinality_limits: Option<IgnoredAny>,
}

/// A choice of names.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenSelection {
    /// Names to take, `*` and `?` standing for any characters. Default: all.
    included: Option<Vec<String>>,
    /// Names not to take after all. Default: none.
    excluded: Option<Vec<String>>,
}

impl WrittenSelection {
    pub(super) fn understand(self, at: &str, found: &mut Complaints<'_>) -> Selection {
        let selection = Selection {
            included: self.included.unwrap_or_default(),
            excluded: self.excluded.unwrap_or_default(),
        };
        if let Some(both) = selection
            .included
            .iter()
            .find(|name| selection.excluded.contains(name))
        {
            found.error(at, format!("`{both}` is both included and excluded"), None);
        }
        selection
    }
}

impl WrittenMetrics {
    pub(super) fn understand(self, found: &mut Complaints<'_>) -> Metrics {
        let readers = match self.readers {
            None => vec![MetricReader::Pull(PrometheusReader::default())],
            Some(readers) => {
                if readers.is_empty() && self.level != MetricsLevel::None {
                    let hint =
                        "set `level: none` to measure nothing, or remove `readers` for the default one";
                    found.error("metrics::readers", "there are no readers", Some(hint));
                }
                let readers = readers.into_iter().enumerate();
                readers
                    .filter_map(|(nth, reader)| reader.understand(&format!("metrics::readers::{nth}"), found))
                    .collect()
            }
        };
        if self.views.is_some() && self.level != MetricsLevel::Detailed {
            found.error(
                "metrics::views",
                "views are only allowed at the level `detailed`",
                Some("set `level: detailed`, and drop what you do not want by views"),
            );
        }
        let views = self.views.into_iter().flatten().enumerate();
        let views = views
            .filter_map(|(nth, view)| view.understand(&format!("metrics::views::{nth}"), found))
            .collect();
        Metrics {
            level: self.level,
            readers: match self.level {
                MetricsLevel::None => Vec::new(),
                _ => readers,
            },
            views,
        }
    }
}

impl WrittenReader {
    fn understand(self, at: &str, found: &mut Complaints<'_>) -> Option<MetricReader> {
        match (self.pull, self.periodic) {
            (Some(pull), None) => {
                let at = format!("{at}::pull");
                neither(&at, pull.producers, pull.cardinality_limits, found);
                let reader = pull
                    .exporter
                    .prometheus
                    .understand(&format!("{at}::exporter::prometheus"), found);
                Some(MetricReader::Pull(reader))
            }
            (None, Some(periodic)) => {
                let at = format!("{at}::periodic");
                neither(&at, periodic.producers, periodic.cardinality_limits, found);
                let exporter = format!("{at}::exporter");
                Some(MetricReader::Periodic(PeriodicReader {
                    interval: millis(periodic.interval, std::time::Duration::from_secs(60)),
                    timeout: millis(periodic.timeout, PUSH_TIMEOUT),
                    exporter: periodic.exporter.understand(&exporter, Pushed::Metrics, found)?,
                }))
            }
            (None, None) => {
                found.error(at, "a reader is either `pull` or `periodic`", None);
                None
            }
            (Some(_), Some(_)) => {
                found.error(
                    at,
                    "a reader is either `pull` or `periodic`, not both",
                    Some("make two readers of it"),
                );
                None
            }
        }
    }
}

/// Refuses what no reader of Weir has.
fn neither(
    at: &str,
    producers: Option<Vec<IgnoredAny>>,
    limits: Option<IgnoredAny>,
    found: &mut Complaints<'_>,
) {
    if producers.is_some_and(|producers| !producers.is_empty()) {
        let what = "metrics of other libraries; there are none in this process";
        found.unsupported(&format!("{at}::producers"), what);
    }
    if limits.is_some() {
        let what = "limits of series; own metrics have as many as the configuration has components";
        found.unsupported(&format!("{at}::cardinality_limits"), what);
    }
}

impl WrittenPrometheus {
    fn understand(self, at: &str, found: &mut Complaints<'_>) -> PrometheusReader {
        let labels = format!("{at}::with_resource_constant_labels");
        PrometheusReader {
            host: self.host,
            port: self.port,
            without_scope_info: self.without_scope_info.unwrap_or(true),
            without_units: self.without_units.unwrap_or(true),
            without_type_suffix: self.without_type_suffix.unwrap_or(true),
            with_resource_constant_labels: self
                .with_resource_constant_labels
                .map(|selection| selection.understand(&labels, found)),
        }
    }
}

/// The words for levels, in any case.
const LEVELS: &[&str] = &["none", "basic", "normal", "detailed"];

impl JsonSchema for MetricsLevel {
    fn schema_name() -> Cow<'static, str> {
        "MetricsLevel".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema::words_in_any_case(LEVELS)
    }
}

impl<'de> Deserialize<'de> for MetricsLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[(&str, MetricsLevel)] = &[
            ("none", MetricsLevel::None),
            ("basic", MetricsLevel::Basic),
            ("normal", MetricsLevel::Normal),
            ("detailed", MetricsLevel::Detailed),
        ];
        folded(deserializer, NAMES, LEVELS)
    }
}
