//! Declarations: what a metric is called, means, is measured in, and from which level on it is kept.

use std::fmt;
use std::str::FromStr;

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

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Things that are counted, in braces: `{datapoints}`. Adds nothing to exposed names.
    Of(&'static str),
}

impl Unit {
    /// Returns the unit as UCUM writes it, which is how OTLP wants it.
    pub const fn ucum(self) -> &'static str {
        match self {
            Self::Bytes => "By",
            Self::Seconds => "s",
            Self::Of(things) => things,
        }
    }

    /// Returns what the unit adds to an exposed name.
    pub(super) const fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Bytes => Some("bytes"),
            Self::Seconds => Some("seconds"),
            Self::Of(_) => None,
        }
    }
}

/// The declaration of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Def {
    /// Name, exposed as it is unless [`Exposition::suffixes`](crate::Exposition::suffixes) adds to it.
    pub name: &'static str,
    /// What it counts or shows, one sentence.
    pub help: &'static str,
    /// The unit, if it has one.
    pub unit: Option<Unit>,
    /// The lowest level at which it is kept.
    pub level: Level,
    /// A gauge that counts things in and out, which may be summed up: an up-down counter.
    pub up_down: bool,
    /// Read when metrics are read, not when something happens.
    pub observed: bool,
    /// Bucket bounds, if it is a histogram and those that the unit suggests do not fit.
    pub bounds: Option<&'static [f64]>,
}

impl Def {
    /// Declares a metric that is kept from the `basic` level on.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            unit: None,
            level: Level::Basic,
            up_down: false,
            observed: false,
            bounds: None,
        }
    }

    /// Declares the unit.
    #[must_use]
    pub const fn unit(mut self, unit: Unit) -> Self {
        self.unit = Some(unit);
        self
    }

    /// Declares what is counted, in braces: `{datapoints}`.
    #[must_use]
    pub const fn of(self, things: &'static str) -> Self {
        self.unit(Unit::Of(things))
    }

    /// Declares the level from which the metric is kept.
    #[must_use]
    pub const fn from_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Declares a gauge to be an up-down counter.
    #[must_use]
    pub const fn up_down(mut self) -> Self {
        self.up_down = true;
        self
    }

    /// Declares that the metric is set from a figure kept elsewhere.
    #[must_use]
    pub const fn observed(mut self) -> Self {
        self.observed = true;
        self
    }

    /// Declares the bucket bounds of a histogram, ascending.
    #[must_use]
    pub const fn bounds(mut self, bounds: &'static [f64]) -> Self {
        self.bounds = Some(bounds);
        self
    }

    /// Returns the bucket bounds of a histogram: those declared, or what suits the unit.
    pub(super) fn bucket_bounds(&self) -> &'static [f64] {
        match (self.bounds, self.unit) {
            (Some(bounds), _) => bounds,
            (None, Some(Unit::Bytes)) => BYTE_BUCKETS,
            (None, Some(Unit::Seconds)) => SECOND_BUCKETS,
            (None, _) if self.name.ends_with("_bytes") => BYTE_BUCKETS,
            (None, _) if self.name.ends_with("_seconds") => SECOND_BUCKETS,
            (None, _) => COUNT_BUCKETS,
        }
    }
}

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

/// The instrumentation scope of a metric, by the beginning of its name: the Collector's scope for metrics that it has as well, so that
/// views written for it find them.
pub(super) fn scope(name: &str) -> &'static str {
    const SCOPES: [(&str, &str); 12] = [
        (
            "otelcol_receiver_",
            "go.opentelemetry.io/collector/receiver/receiverhelper",
        ),
        (
            "otelcol_scraper_",
            "go.opentelemetry.io/collector/scraper/scraperhelper",
        ),
        (
            "otelcol_processor_batch_",
            "go.opentelemetry.io/collector/processor/batchprocessor",
        ),
        (
            "otelcol_processor_groupbyattrs_",
            "github.com/open-telemetry/opentelemetry-collector-contrib/processor/groupbyattrsprocessor",
        ),
        (
            "otelcol_processor_memory_limiter_",
            "go.opentelemetry.io/collector/processor/memorylimiterprocessor",
        ),
        (
            "otelcol_processor_",
            "go.opentelemetry.io/collector/processor/processorhelper",
        ),
        (
            "otelcol_exporter_prometheusremotewrite_",
            "github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusremotewriteexporter",
        ),
        (
            "otelcol_exporter_",
            "go.opentelemetry.io/collector/exporter/exporterhelper",
        ),
        ("otelcol_process_", "go.opentelemetry.io/collector/service"),
        (
            "http.",
            "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
        ),
        (
            "rpc.",
            "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc",
        ),
        ("", OWN_SCOPE),
    ];
    SCOPES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map_or(OWN_SCOPE, |(_, scope)| scope)
}

/// The scope of what only Weir has.
pub const OWN_SCOPE: &str = "weir";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_names_are_read_in_any_case() {
        assert_eq!("Detailed".parse(), Ok(Level::Detailed));
        assert!("loud".parse::<Level>().is_err());
    }

    #[test]
    fn the_longest_beginning_names_the_scope() {
        for (name, end) in [
            ("otelcol_processor_batch_batch_send_size", "batchprocessor"),
            ("otelcol_processor_incoming_items", "processorhelper"),
            ("weir_edge_items_total", "weir"),
        ] {
            assert!(scope(name).ends_with(end), "{name}: {}", scope(name));
        }
    }
}
