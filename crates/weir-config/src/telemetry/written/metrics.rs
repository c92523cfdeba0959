//! `metrics`: one endpoint to scrape; readers that push are understood and refused.

use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{push::Periodic, scalar::folded};
use crate::telemetry::{Complaints, Metrics, MetricsLevel, PrometheusReader, Selection};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenMetrics {
    level: MetricsLevel,
    readers: Option<Vec<WrittenReader>>,
    views: Option<Vec<IgnoredAny>>,
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

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenReader {
    pull: Option<Pull>,
    periodic: Option<Periodic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pull {
    exporter: PullExporter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PullExporter {
    prometheus: WrittenPrometheus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPrometheus {
    host: String,
    port: u16,
    #[serde(default = "yes")]
    without_scope_info: bool,
    #[serde(default = "yes")]
    without_units: bool,
    #[serde(default = "yes")]
    without_type_suffix: bool,
    #[serde(default)]
    with_resource_constant_labels: WrittenSelection,
}

pub(super) fn yes() -> bool {
    true
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenSelection {
    included: Vec<String>,
    excluded: Vec<String>,
}

impl WrittenMetrics {
    pub(super) fn understand(self, found: &mut Complaints<'_>) -> Metrics {
        if self.views.is_some() {
            found.unsupported("metrics::views", "views of own metrics");
        }
        let mut prometheus = None;
        match self.readers {
            None => prometheus = Some(PrometheusReader::default()),
            Some(readers) if readers.is_empty() && self.level != MetricsLevel::None => {
                let hint = "set `level: none` to measure nothing, or remove `readers` for the default one";
                found.error("metrics::readers", "there are no readers", Some(hint));
            }
            Some(readers) => {
                for (nth, reader) in readers.into_iter().enumerate() {
                    let at = format!("metrics::readers::{nth}");
                    let Some(reader) = reader.understand(&at, found) else {
                        continue;
                    };
                    if prometheus.is_some() {
                        found.unsupported(&at, "more than one `pull` reader");
                    }
                    prometheus = Some(reader);
                }
            }
        }
        Metrics {
            level: self.level,
            prometheus: prometheus.filter(|_| self.level != MetricsLevel::None),
        }
    }
}

impl WrittenReader {
    pub(super) fn understand(self, at: &str, found: &mut Complaints<'_>) -> Option<PrometheusReader> {
        match (self.pull, self.periodic) {
            (Some(pull), None) => Some(pull.exporter.prometheus.understand(at, found)),
            (None, Some(_)) => {
                found.unsupported(
                    &format!("{at}::periodic"),
                    "`periodic` readers, which push own metrics",
                );
                None
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

impl WrittenPrometheus {
    pub(super) fn understand(self, at: &str, found: &mut Complaints<'_>) -> PrometheusReader {
        if !self.without_scope_info {
            let at = format!("{at}::pull::exporter::prometheus::without_scope_info");
            found.unsupported(&at, "labels with the scope of own metrics; there are no scopes");
        }
        let WrittenSelection { included, excluded } = self.with_resource_constant_labels;
        PrometheusReader {
            host: self.host,
            port: self.port,
            without_scope_info: self.without_scope_info,
            without_units: self.without_units,
            without_type_suffix: self.without_type_suffix,
            with_resource_constant_labels: Selection { included, excluded },
        }
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
        folded(deserializer, NAMES, &["none", "basic", "normal", "detailed"])
    }
}
