//! Own metrics: those of the Collector's exporter, and what it does not tell.

use metrics::{Counter, Histogram};
use weir_component::BuildContext;
use weir_prom::outcome::Counts;
use weir_prom::{DropUnit, Drops};
use weir_telemetry::{Def, Metrics};

const CONSUMERS: Def = Def::new(
    "otelcol_exporter_prometheusremotewrite_consumers",
    "Requests that may be in flight at the same time.",
);
const FAILED_TRANSLATIONS: Def = Def::new(
    "otelcol_exporter_prometheusremotewrite_failed_translations",
    "Batches of which something could not be translated.",
);
const SENT_BATCHES: Def = Def::new(
    "otelcol_exporter_prometheusremotewrite_sent_batches",
    "Requests sent, each attempt counted.",
);
const TRANSLATED_SERIES: Def = Def::new(
    "otelcol_exporter_prometheusremotewrite_translated_time_series",
    "Series that came out of the translation.",
);
const WRITTEN: [Def; 3] = [
    Def::new(
        "otelcol_exporter_prometheusremotewrite_written_samples",
        "Samples that the receiver says it wrote (remote write 2.0).",
    ),
    Def::new(
        "otelcol_exporter_prometheusremotewrite_written_histograms",
        "Native histograms that the receiver says it wrote (remote write 2.0).",
    ),
    Def::new(
        "otelcol_exporter_prometheusremotewrite_written_exemplars",
        "Exemplars that the receiver says it wrote (remote write 2.0).",
    ),
];
const UNWRITTEN: Def = Def::new(
    "weir_exporter_remote_write_unwritten_total",
    "What receivers did not write although they reported success, by kind (remote write 2.0).",
);
const LEFT_OUT: Def = Def::new(
    "weir_exporter_remote_write_left_out_total",
    "Metrics without points, exemplars and single series that were not sent, by reason; no data point was lost with them.",
);
const RESPONSES: Def = Def::new(
    "weir_exporter_remote_write_responses_total",
    "Answers of the receiver, by status.",
);
const FAILED_REQUESTS: Def = Def::new(
    "weir_exporter_remote_write_failed_requests_total",
    "Attempts that ended without an answer.",
);
const SPLITS: Def = Def::new(
    "weir_exporter_remote_write_splits_total",
    "Requests that were cut in two because they were too large.",
);
const FALLBACKS: Def = Def::new(
    "weir_exporter_remote_write_fallbacks_total",
    "Times that a receiver turned out not to know remote write 2.0.",
);
const SENT_BYTES: Def = Def::new(
    "weir_exporter_remote_write_sent_bytes_total",
    "Bytes of requests sent, compressed.",
);
const REQUEST_SECONDS: Def = Def::new(
    "weir_exporter_remote_write_request_seconds",
    "Time from a request to its answer.",
);
const TRANSLATION_SECONDS: Def = Def::new(
    "weir_exporter_remote_write_translation_seconds",
    "Time to translate and compress a batch.",
);

const STALE_MARKERS: Def = Def::new(
    "weir_exporter_remote_write_stale_markers_total",
    "Stale markers delivered for series that had fallen silent.",
);
const CONFLICTS: Def = Def::new(
    "weir_exporter_remote_write_conflicts_total",
    "Series that turned out to have several writers.",
);

/// Opens the counters of those who look after series: markers delivered, and conflicts found. `endpoint` must be free of credentials.
pub(crate) fn watching(context: &BuildContext, endpoint: &str) -> (Counter, Counter) {
    let id = context.id.to_string();
    let labels = [("exporter", id.as_str()), ("endpoint", endpoint)];
    (
        context.metrics.counter(&STALE_MARKERS, &labels),
        context.metrics.counter(&CONFLICTS, &labels),
    )
}

/// Handles of one exporter.
pub(crate) struct RemoteWriteMetrics {
    registry: Metrics,
    id: String,
    endpoint: String,
    pub(crate) failed_translations: Counter,
    pub(crate) sent_batches: Counter,
    pub(crate) translated_series: Counter,
    written: [Counter; 3],
    unwritten: [Counter; 3],
    pub(crate) failed_requests: Counter,
    pub(crate) splits: Counter,
    pub(crate) fallbacks: Counter,
    pub(crate) sent_bytes: Counter,
    pub(crate) request_seconds: Histogram,
    pub(crate) translation_seconds: Histogram,
}

impl RemoteWriteMetrics {
    /// Opens the metrics. `endpoint` must be free of credentials.
    pub(crate) fn new(context: &BuildContext, endpoint: &str, parallelism: usize) -> Self {
        let (registry, id) = (context.metrics.clone(), context.id.to_string());
        let labels = [("exporter", id.as_str()), ("endpoint", endpoint)];
        let counter = |def: &Def| registry.counter(def, &labels);
        registry.gauge(&CONSUMERS, &labels).set(parallelism as f64);
        let unwritten = ["samples", "histograms", "exemplars"]
            .map(|kind| registry.counter(&UNWRITTEN, &[labels[0], labels[1], ("kind", kind)]));
        Self {
            failed_translations: counter(&FAILED_TRANSLATIONS),
            sent_batches: counter(&SENT_BATCHES),
            translated_series: counter(&TRANSLATED_SERIES),
            written: std::array::from_fn(|kind| counter(&WRITTEN[kind])),
            unwritten,
            failed_requests: counter(&FAILED_REQUESTS),
            splits: counter(&SPLITS),
            fallbacks: counter(&FALLBACKS),
            sent_bytes: counter(&SENT_BYTES),
            request_seconds: registry.histogram(&REQUEST_SECONDS, &labels),
            translation_seconds: registry.histogram(&TRANSLATION_SECONDS, &labels),
            endpoint: endpoint.to_owned(),
            registry,
            id,
        }
    }

    /// Counts an answer. The label set is bounded: statuses have three digits.
    pub(crate) fn response(&self, status: u16) {
        let labels = [
            ("exporter", self.id.as_str()),
            ("endpoint", self.endpoint.as_str()),
            ("status", &status.to_string()),
        ];
        self.registry.counter(&RESPONSES, &labels).increment(1);
    }

    /// Counts what a receiver says it wrote.
    pub(crate) fn written(&self, counts: Counts) {
        add(&self.written, counts);
    }

    /// Counts what a receiver did not write although it reported success.
    pub(crate) fn unwritten(&self, counts: Counts) {
        add(&self.unwritten, counts);
    }

    /// Counts what a translation left out beside data points, which are in the books.
    pub(crate) fn left_out(&self, drops: &Drops) {
        if drops.iter().any(|(reason, _)| !reason.is_intended()) {
            self.failed_translations.increment(1);
        }
        for (reason, count) in drops
            .iter()
            .filter(|(reason, _)| reason.unit() != DropUnit::Points)
        {
            let labels = [
                ("exporter", self.id.as_str()),
                ("endpoint", self.endpoint.as_str()),
                ("reason", reason.as_str()),
            ];
            self.registry.counter(&LEFT_OUT, &labels).increment(count);
        }
    }
}

fn add(counters: &[Counter; 3], counts: Counts) {
    for (counter, count) in counters
        .iter()
        .zip([counts.samples, counts.histograms, counts.exemplars])
    {
        counter.increment(count);
    }
}
