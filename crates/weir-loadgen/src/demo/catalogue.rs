//! What the demo sends: instruments, their aggregations, and the names that they must have on arrival.

/// Kind of an instrument, by the API that made it and the aggregation it ended in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Counter and observable counter: monotonic sum.
    Counter,
    /// Up-down counter and its observable form: sum that may fall.
    UpDownCounter,
    /// Gauge and observable gauge: last value.
    Gauge,
    /// Histogram with explicit buckets.
    Histogram,
    /// Histogram with exponential buckets.
    Exponential,
    /// Summary, as older libraries and bridges send it.
    Summary,
}

impl Kind {
    /// All kinds, in the order of the report.
    pub(super) const ALL: [Self; 6] = [
        Self::Counter,
        Self::UpDownCounter,
        Self::Gauge,
        Self::Histogram,
        Self::Exponential,
        Self::Summary,
    ];

    /// Returns the kind as a word.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::UpDownCounter => "up-down counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Exponential => "exponential histogram",
            Self::Summary => "summary",
        }
    }
}

/// One instrument.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instrument {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// Values are integers.
    pub(super) integer: bool,
    pub(super) delta: bool,
    /// Each point carries an exemplar.
    pub(super) exemplar: bool,
    /// Name on arrival, worked out by hand from the naming rules of "OTLP and Prometheus compatibility".
    pub(super) family: &'static str,
}

const fn instrument(
    kind: Kind,
    name: &'static str,
    unit: &'static str,
    integer: bool,
    family: &'static str,
) -> Instrument {
    Instrument {
        kind,
        name,
        unit,
        integer,
        delta: false,
        exemplar: false,
        family,
    }
}

impl Instrument {
    const fn with_exemplar(self) -> Self {
        Self {
            exemplar: true,
            ..self
        }
    }

    const fn as_delta(self) -> Self {
        Self { delta: true, ..self }
    }
}

use Kind::{Counter, Exponential, Gauge, Histogram, Summary, UpDownCounter};

/// Instruments of the HTTP scope.
const HTTP: &[Instrument] = &[
    instrument(Counter, "demo.requests", "{request}", true, "demo_requests_total").with_exemplar(),
    instrument(Counter, "demo.io", "By", false, "demo_io_bytes_total"),
    instrument(
        UpDownCounter,
        "demo.active.requests",
        "{request}",
        true,
        "demo_active_requests",
    ),
    instrument(
        Histogram,
        "demo.request.duration",
        "s",
        false,
        "demo_request_duration_seconds",
    )
    .with_exemplar(),
    instrument(Histogram, "demo.batch.size", "{item}", true, "demo_batch_size"),
    instrument(
        Exponential,
        "demo.payload.size",
        "By",
        true,
        "demo_payload_size_bytes",
    )
    .with_exemplar(),
];

/// Instruments of the runtime scope: mostly observed from outside.
const RUNTIME: &[Instrument] = &[
    instrument(
        Counter,
        "demo.page.faults",
        "{fault}",
        true,
        "demo_page_faults_total",
    ),
    instrument(
        Counter,
        "demo.cpu.time",
        "s",
        false,
        "demo_cpu_time_seconds_total",
    ),
    instrument(
        UpDownCounter,
        "demo.memory.usage",
        "By",
        false,
        "demo_memory_usage_bytes",
    ),
    instrument(Gauge, "demo.threads", "{thread}", true, "demo_threads"),
    instrument(Gauge, "demo.saturation", "1", false, "demo_saturation_ratio"),
    instrument(
        Gauge,
        "demo.temperature",
        "Cel",
        false,
        "demo_temperature_celsius",
    ),
    instrument(
        Exponential,
        "demo.clock.skew",
        "ms",
        false,
        "demo_clock_skew_milliseconds",
    ),
    instrument(Summary, "demo.gc.pause", "s", false, "demo_gc_pause_seconds"),
];

/// Instruments that report deltas.
const DELTA: &[Instrument] = &[
    instrument(
        Counter,
        "demo.delta.requests",
        "{request}",
        true,
        "demo_delta_requests_total",
    )
    .as_delta(),
    instrument(
        Histogram,
        "demo.delta.duration",
        "s",
        false,
        "demo_delta_duration_seconds",
    )
    .as_delta(),
    instrument(
        Exponential,
        "demo.delta.size",
        "By",
        false,
        "demo_delta_size_bytes",
    )
    .as_delta(),
];

/// Returns scopes (name, version) with their instruments.
pub(super) fn scopes(delta: bool) -> Vec<(&'static str, &'static str, &'static [Instrument])> {
    let mut scopes = vec![("demo.http", "1.2.0", HTTP), ("demo.runtime", "0.9.1", RUNTIME)];
    if delta {
        scopes.push(("demo.delta", "1.0.0", DELTA));
    }
    scopes
}

/// Resources: service namespace, service name, instance.
pub(super) const RESOURCES: [[&str; 3]; 3] = [
    ["shop", "checkout", "checkout-0"],
    ["shop", "checkout", "checkout-1"],
    ["", "billing", "billing-0"],
];

/// Attribute sets of each instrument: route and method.
pub(super) const ATTRIBUTES: [[&str; 2]; 2] = [["/cart", "GET"], ["/pay", "POST"]];

/// Bounds of the explicit histograms.
pub(super) const BOUNDS: [f64; 4] = [0.25, 0.5, 1.0, 4.0];
/// Quantiles of the summary.
pub(super) const QUANTILES: [f64; 2] = [0.5, 0.99];
