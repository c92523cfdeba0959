//! The registry of own metrics and its Prometheus exposition.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

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

/// The declaration of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Def {
    /// Name as exposed.
    pub name: &'static str,
    /// What it counts or shows, one sentence.
    pub help: &'static str,
    /// The lowest level at which it is kept.
    pub level: Level,
}

impl Def {
    /// Declares a metric that is kept from the `basic` level on.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, level: Level::Basic }
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
    10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0, 7000.0, 8000.0, 9000.0,
    10_000.0, 20_000.0, 30_000.0, 50_000.0, 100_000.0,
];

/// Bucket bounds of histograms of sizes in bytes, as the Collector has them: powers of two from 128 B to 16 MiB.
pub const BYTE_BUCKETS: &[f64] = &[
    128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16_384.0, 32_768.0, 65_536.0, 131_072.0, 262_144.0, 524_288.0,
    1_048_576.0, 2_097_152.0, 4_194_304.0, 8_388_608.0, 16_777_216.0,
];

/// Bucket bounds of histograms of durations in seconds.
const SECOND_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// A registry of metrics. Clones are the same registry.
#[derive(Clone)]
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    level: Level,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("level", &self.level).finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Level::default())
    }
}

static METADATA: Metadata<'static> = Metadata::new(module_path!(), metrics::Level::INFO, None);

impl Metrics {
    /// Creates an empty registry that keeps metrics up to `level`.
    pub fn new(level: Level) -> Self {
        let builder = [("bytes", BYTE_BUCKETS), ("seconds", SECOND_BUCKETS), ("duration", SECOND_BUCKETS)].into_iter().fold(
            PrometheusBuilder::new().set_buckets(COUNT_BUCKETS).expect("buckets are not empty"),
            |builder, (suffix, buckets)| {
                builder.set_buckets_for_metric(Matcher::Suffix(suffix.to_owned()), buckets).expect("buckets are not empty")
            },
        );
        let recorder = builder.build_recorder();
        Self { handle: recorder.handle(), recorder: Arc::new(recorder), level }
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
        self.recorder.describe_counter(KeyName::from_const_str(def.name), None, def.help.into());
        self.recorder.register_counter(&key(def, labels), &METADATA)
    }

    /// Returns the handle of a gauge; one that does nothing if the metric is above the level.
    pub fn gauge(&self, def: &Def, labels: Labels<'_>) -> Gauge {
        if def.level > self.level {
            return Gauge::noop();
        }
        self.recorder.describe_gauge(KeyName::from_const_str(def.name), None, def.help.into());
        self.recorder.register_gauge(&key(def, labels), &METADATA)
    }

    /// Returns the handle of a histogram; one that does nothing if the metric is above the level.
    pub fn histogram(&self, def: &Def, labels: Labels<'_>) -> Histogram {
        if def.level > self.level {
            return Histogram::noop();
        }
        self.recorder.describe_histogram(KeyName::from_const_str(def.name), None, def.help.into());
        self.recorder.register_histogram(&key(def, labels), &METADATA)
    }

    /// Writes all metrics in the Prometheus text format.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Moves recorded histogram samples into their buckets. Call every few seconds: samples pile up otherwise.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn key(def: &Def, labels: Labels<'_>) -> Key {
    let labels: Vec<Label> = labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
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
    fn level_names_are_read_in_any_case() {
        assert_eq!("Detailed".parse(), Ok(Level::Detailed));
        assert!("loud".parse::<Level>().is_err());
    }
}
