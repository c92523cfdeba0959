//! The registry of own metrics and its Prometheus exposition.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// How much is measured; the Collector's `service::telemetry::metrics::level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// Nothing.
    None,
    /// What operation needs: accepted, refused, sent, failed, queue sizes.
    Basic,
    /// The default.
    #[default]
    Normal,
    /// Everything, size histograms included.
    Detailed,
}

impl Level {
    /// Returns the name used in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Normal => "normal",
            Self::Detailed => "detailed",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown level `{0}`: use none, basic, normal or detailed")]
pub struct UnknownLevel(pub String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        [Self::None, Self::Basic, Self::Normal, Self::Detailed]
            .into_iter()
            .find(|level| text.eq_ignore_ascii_case(level.as_str()))
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

/// The unit of a metric, for exposed names that carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
}

impl Unit {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Seconds => "seconds",
        }
    }
}

impl From<Unit> for metrics::Unit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Bytes => Self::Bytes,
            Unit::Seconds => Self::Seconds,
        }
    }
}

/// The declaration of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Def {
    /// Name as exposed, unless [`Exposition::suffixes`] adds to it.
    pub name: &'static str,
    /// What it counts or shows, one sentence.
    pub help: &'static str,
    /// The unit, if it has one.
    pub unit: Option<Unit>,
    /// The lowest level at which it is kept.
    pub level: Level,
}

impl Def {
    /// Declares a metric that is kept from the `basic` level on.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            unit: None,
            level: Level::Basic,
        }
    }

    /// Declares the unit.
    #[must_use]
    pub const fn unit(mut self, unit: Unit) -> Self {
        self.unit = Some(unit);
        self
    }

    /// Declares the level from which the metric is kept.
    #[must_use]
    pub const fn from_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }
}

/// Labels of a handle: names to values. The set of values must be bounded.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// Bucket bounds of histograms of counts (items, requests), as the Collector has them.
pub const COUNT_BUCKETS: &[f64] = &[
    10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0,
    7000.0, 8000.0, 9000.0, 10_000.0, 20_000.0, 30_000.0, 50_000.0, 100_000.0,
];

/// Bucket bounds of histograms of sizes in bytes, as the Collector has them: powers of two from 128 B to 16 MiB.
pub const BYTE_BUCKETS: &[f64] = &[
    128.0,
    256.0,
    512.0,
    1024.0,
    2048.0,
    4096.0,
    8192.0,
    16_384.0,
    32_768.0,
    65_536.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
];

/// Bucket bounds of histograms of durations in seconds.
const SECOND_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// How metrics are shown to those who read them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exposition {
    /// Adds the unit, then `_total` for counters, to names that do not end so already. Off by default, as in the Collector
    /// since 0.152: names are exactly those declared.
    pub suffixes: bool,
    /// Attributes of the own resource; shown as the labels of `target_info`, which is left out if there are none.
    pub resource: BTreeMap<String, String>,
    /// Labels of every series.
    pub constant_labels: BTreeMap<String, String>,
}

/// A registry of metrics. Clones are the same registry.
#[derive(Clone)]
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    /// Counters that take fractions, which the recorder has no counters for.
    totals: Arc<Mutex<BTreeMap<&'static str, (Def, f64)>>>,
    level: Level,
    suffixes: bool,
    /// Labels of every series in the text format, braces included; empty if there are none.
    constant_labels: Arc<str>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Level::default())
    }
}

const TARGET_INFO: Def = Def::new(
    "target_info",
    "Attributes of the process that exposes these metrics.",
);

static METADATA: Metadata<'static> = Metadata::new(module_path!(), metrics::Level::INFO, None);

impl Metrics {
    /// Creates an empty registry that keeps metrics up to `level`, shown in the default way.
    pub fn new(level: Level) -> Self {
        Self::with_exposition(level, &Exposition::default())
    }

    /// Creates an empty registry that keeps metrics up to `level`.
    pub fn with_exposition(level: Level, exposition: &Exposition) -> Self {
        let builder = [
            ("bytes", BYTE_BUCKETS),
            ("seconds", SECOND_BUCKETS),
            ("duration", SECOND_BUCKETS),
        ]
        .into_iter()
        .fold(
            PrometheusBuilder::new()
                .set_buckets(COUNT_BUCKETS)
                .expect("buckets are not empty"),
            |builder, (suffix, buckets)| {
                builder
                    .set_buckets_for_metric(Matcher::Suffix(suffix.to_owned()), buckets)
                    .expect("buckets are not empty")
            },
        );
        let builder = exposition
            .constant_labels
            .iter()
            .fold(builder, |builder, (name, value)| {
                builder.add_global_label(name, value)
            });
        let recorder = builder
            .with_recommended_naming(exposition.suffixes)
            .build_recorder();
        let metrics = Self {
            handle: recorder.handle(),
            recorder: Arc::new(recorder),
            totals: Arc::default(),
            level,
            suffixes: exposition.suffixes,
            constant_labels: braced(&exposition.constant_labels).into(),
        };
        if level > Level::None && !exposition.resource.is_empty() {
            metrics.show_resource(&exposition.resource);
        }
        metrics
    }

    fn show_resource(&self, resource: &BTreeMap<String, String>) {
        let labels: Vec<Label> = resource
            .iter()
            .map(|(name, value)| Label::new(name.clone(), value.clone()))
            .collect();
        self.recorder
            .describe_gauge(TARGET_INFO.name.into(), None, TARGET_INFO.help.into());
        self.recorder
            .register_gauge(&Key::from_parts(TARGET_INFO.name, labels), &METADATA)
            .set(1.0);
    }

    /// Returns the level up to which metrics are kept.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Returns the handle of a counter; one that does nothing if the metric is above the level.
    pub fn counter(&self, def: &Def, labels: Labels<'_>) -> Counter {
        if def.level > self.level {
            return Counter::noop();
        }
        self.recorder.describe_counter(
            KeyName::from_const_str(def.name),
            def.unit.map(Into::into),
            def.help.into(),
        );
        self.recorder.register_counter(&key(def, labels), &METADATA)
    }

    /// Returns the handle of a gauge; one that does nothing if the metric is above the level.
    pub fn gauge(&self, def: &Def, labels: Labels<'_>) -> Gauge {
        if def.level > self.level {
            return Gauge::noop();
        }
        self.recorder.describe_gauge(
            KeyName::from_const_str(def.name),
            def.unit.map(Into::into),
            def.help.into(),
        );
        self.recorder.register_gauge(&key(def, labels), &METADATA)
    }

    /// Returns the handle of a histogram; one that does nothing if the metric is above the level.
    pub fn histogram(&self, def: &Def, labels: Labels<'_>) -> Histogram {
        if def.level > self.level {
            return Histogram::noop();
        }
        self.recorder.describe_histogram(
            KeyName::from_const_str(def.name),
            def.unit.map(Into::into),
            def.help.into(),
        );
        self.recorder.register_histogram(&key(def, labels), &METADATA)
    }

    /// Sets a counter of fractions, such as seconds of CPU time. Such counters have no labels of their own.
    pub fn set_total(&self, def: &Def, value: f64) {
        if def.level <= self.level {
            self.totals
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(def.name, (*def, value));
        }
    }

    /// Writes all metrics in the Prometheus text format.
    pub fn render(&self) -> String {
        let mut text = self.handle.render();
        for (def, value) in self
            .totals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            let name = self.exposed_total(def);
            // Writing into a string does not fail.
            let _ = write!(
                text,
                "# HELP {name} {}\n# TYPE {name} counter\n{name}{} {value}\n\n",
                def.help, self.constant_labels
            );
        }
        text
    }

    /// Returns the name of a counter of fractions, by the recorder's rule: the unit, then `_total`, each unless it is there.
    fn exposed_total(&self, def: &Def) -> String {
        let mut name = def.name.to_owned();
        if self.suffixes {
            for suffix in def.unit.map(Unit::suffix).into_iter().chain(["total"]) {
                if !name.ends_with(suffix) {
                    name = format!("{name}_{suffix}");
                }
            }
        }
        name
    }

    /// Moves recorded histogram samples into their buckets. Call every few seconds: samples pile up otherwise.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn braced(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let shown = labels.iter().map(|(name, value)| {
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_");
        format!(
            "{name}=\"{}\"",
            value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n")
        )
    });
    format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
}

fn key(def: &Def, labels: Labels<'_>) -> Key {
    let labels: Vec<Label> = labels
        .iter()
        .map(|(name, value)| Label::new(*name, (*value).to_owned()))
        .collect();
    Key::from_parts(def.name, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Def = Def::new("weir_test_seen", "Things seen.");
    const FINE: Def = Def::new("weir_test_fine", "Fine things.").from_level(Level::Detailed);

    #[test]
    fn names_are_exposed_as_declared_and_levels_are_kept() {
        let metrics = Metrics::new(Level::Normal);
        metrics.counter(&SEEN, &[("receiver", "otlp/a")]).increment(3);
        metrics.counter(&FINE, &[]).increment(1);
        let text = metrics.render();
        assert!(text.contains("weir_test_seen{receiver=\"otlp/a\"} 3"), "{text}");
        assert!(!text.contains("weir_test_fine"), "{text}");
    }

    #[test]
    fn suffixes_and_labels_appear_when_asked_for() {
        let used = Def::new("weir_test_used", "Time.").unit(Unit::Seconds);
        let held = Def::new("weir_test_held", "Memory.").unit(Unit::Bytes);
        let text = |suffixes| {
            let labels = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
            let exposition = Exposition {
                suffixes,
                resource: labels("service.name", "weir"),
                constant_labels: labels("zone", "a\"b"),
            };
            let metrics = Metrics::with_exposition(Level::Normal, &exposition);
            metrics.counter(&SEEN, &[]).increment(1);
            metrics.gauge(&held, &[]).set(8.0);
            metrics.set_total(&used, 1.25);
            metrics.render()
        };
        for (suffixes, lines) in [
            (
                false,
                [
                    "weir_test_seen{zone=\"a\\\"b\"} 1",
                    "weir_test_held{zone=\"a\\\"b\"} 8",
                    "weir_test_used{zone=\"a\\\"b\"} 1.25",
                ],
            ),
            (
                true,
                [
                    "weir_test_seen_total{",
                    "weir_test_held_bytes{",
                    "weir_test_used_seconds_total{zone=\"a\\\"b\"} 1.25",
                ],
            ),
        ] {
            let text = text(suffixes);
            for line in lines.into_iter().chain(["service_name=\"weir\"} 1"]) {
                assert!(text.contains(line), "{line}: {text}");
            }
        }
    }

    #[test]
    fn level_names_are_read_in_any_case() {
        assert_eq!("Detailed".parse(), Ok(Level::Detailed));
        assert!("loud".parse::<Level>().is_err());
    }
}
