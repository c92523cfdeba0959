//! Own metrics of the `group_by_attrs` processor, under the Collector's names.

use metrics::{Counter, Histogram};
use weir_component::{BuildContext, Signal};
use weir_telemetry::Def;

/// The metrics of one signal.
struct Defs {
    grouped: Def,
    non_grouped: Def,
    groups: Def,
}

const METRICS: Defs = Defs {
    grouped: Def::new(
        "otelcol_processor_groupbyattrs_num_grouped_metrics",
        "Data points with attributes that moved to their resource.",
    ),
    non_grouped: Def::new(
        "otelcol_processor_groupbyattrs_num_non_grouped_metrics",
        "Data points without such attributes.",
    ),
    groups: Def::new(
        "otelcol_processor_groupbyattrs_metric_groups",
        "Resources per batch of metrics.",
    )
    .bounds(GROUPS),
};
const SPANS: Defs = Defs {
    grouped: Def::new(
        "otelcol_processor_groupbyattrs_num_grouped_spans",
        "Spans with attributes that moved to their resource.",
    ),
    non_grouped: Def::new(
        "otelcol_processor_groupbyattrs_num_non_grouped_spans",
        "Spans without such attributes.",
    ),
    groups: Def::new(
        "otelcol_processor_groupbyattrs_span_groups",
        "Resources per batch of spans.",
    )
    .bounds(GROUPS),
};
const LOGS: Defs = Defs {
    grouped: Def::new(
        "otelcol_processor_groupbyattrs_num_grouped_logs",
        "Log records with attributes that moved to their resource.",
    ),
    non_grouped: Def::new(
        "otelcol_processor_groupbyattrs_num_non_grouped_logs",
        "Log records without such attributes.",
    ),
    groups: Def::new(
        "otelcol_processor_groupbyattrs_log_groups",
        "Resources per batch of log records.",
    )
    .bounds(GROUPS),
};

/// Batches hold one resource mostly, and thousands at worst.
const GROUPS: &[f64] = &[
    0.0, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 5000.0, 10000.0,
];

/// Handles of the metrics of one signal.
pub(crate) struct Instruments {
    pub(crate) grouped: Counter,
    pub(crate) non_grouped: Counter,
    pub(crate) groups: Histogram,
}

impl Instruments {
    pub(crate) fn new(context: &BuildContext, signal: Signal) -> Self {
        let defs = match signal {
            Signal::Metrics => METRICS,
            Signal::Traces => SPANS,
            Signal::Logs => LOGS,
        };
        let id = context.id.to_string();
        let labels = [("processor", id.as_str())];
        Self {
            grouped: context.metrics.counter(&defs.grouped, &labels),
            non_grouped: context.metrics.counter(&defs.non_grouped, &labels),
            groups: context.metrics.histogram(&defs.groups, &labels),
        }
    }
}
