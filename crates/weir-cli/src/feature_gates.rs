//! The Collector's feature gates: which ids are understood, and what they mean here.
//!
//! Weir has no gates of its own. Two of the Collector's are honoured, for they change what a configuration means. The others ask
//! for what Weir does anyway, or for something that Weir does not have; that is said at start, so that no gate is without effect
//! in silence. Unknown ids are errors, as in the Collector.

use std::fmt::Write as _;

use anyhow::{bail, ensure};
use weir_component::FeatureGate;
use weir_config::Gates;

/// What Weir does about a gate.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    /// Weir behaves as if the gate were on.
    Always,
    /// Weir behaves as if the gate were off.
    Never,
    /// Weir does as it is told.
    Honoured(fn(&mut Gates, bool)),
}

/// How far a gate has come in the Collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Off unless enabled.
    Alpha,
    /// On unless disabled.
    Beta,
    /// On; disabling it is an error.
    Stable,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Alpha => "Alpha",
            Self::Beta => "Beta",
            Self::Stable => "Stable",
        }
    }
}

#[derive(Debug)]
struct Gate {
    id: &'static str,
    stage: Stage,
    meaning: Meaning,
    /// What it does, with a word on Weir.
    description: &'static str,
}

const fn gate(id: &'static str, stage: Stage, meaning: Meaning, description: &'static str) -> Gate {
    Gate {
        id,
        stage,
        meaning,
        description,
    }
}

use Meaning::{Always, Honoured, Never};
use Stage::{Alpha, Beta, Stable};

/// All gates, sorted by id. Core: Collector 0.159; the rest: contrib 0.159.
#[rustfmt::skip]
static GATES: [Gate; 30] = [
    gate("confmap.enableMergeAppendOption", Alpha, Honoured(|gates, on| gates.merge_append = on), "puts `service::extensions` and the receivers and exporters of pipelines together when sources are merged"),
    gate("connector.routing.defaultErrorModeIgnore", Alpha, Never, "default error mode of the routing connector; see its `error_mode`"),
    gate("connector.spanmetrics.excludeResourceMetrics", Beta, Never, "resource attributes of the spanmetrics connector; see its `add_resource_attributes`"),
    gate("connector.spanmetrics.useSecondAsDefaultMetricsUnit", Alpha, Never, "default unit of the spanmetrics connector; see its `histogram::unit`"),
    gate("exporter.kafka.useRequestType", Alpha, Never, "inner form of requests of the kafka exporter; changes nothing for users"),
    gate("exporter.prometheusexporter.DisableAddMetricSuffixes", Beta, Never, "takes `add_metric_suffixes` from the prometheus exporter; see its `translation_strategy`"),
    gate("exporter.prometheusremotewrite.DisableResourceToTelemetryConversion", Alpha, Never, "forbids `resource_to_telemetry_conversion`; Weir allows it"),
    gate("exporter.prometheusremotewritexporter.EnableMultipleWorkers", Alpha, Always, "sends from several workers; Weir does, in order per series"),
    gate("exporter.prometheusremotewritexporter.RetryOn429", Alpha, Always, "retries after status 429; Weir does, and heeds Retry-After"),
    gate("exporter.prometheusremotewritexporter.enableSendingRW2", Alpha, Always, "allows remote write 2.0; Weir always does"),
    gate("exporter.prometheusremotewritexporter.removeTopLevelHTTPSettings", Alpha, Never, "forbids HTTP settings outside of `http`; Weir allows them"),
    gate("extension.healthcheck.useComponentStatus", Alpha, Never, "health by component status; Weir answers so with `use_v2: true`"),
    gate("filelog.allowFileDeletion", Alpha, Never, "allows `delete_after_read` of the file_log receiver"),
    gate("filelog.allowHeaderMetadataParsing", Beta, Never, "allows `header` of the file_log receiver"),
    gate("filelog.mtimeSortType", Alpha, Never, "allows the sort type `mtime` of the file_log receiver"),
    gate("pkg.exporterhelper.queueBatchEnabled", Alpha, Never, "batches in sending queues by default; Weir batches where the configuration says so"),
    gate("pkg.translator.prometheus.NormalizeName", Stable, Always, "adds units and types to metric names; Weir does, by `translation_strategy`"),
    gate("pkg.translator.prometheus.PermissiveLabelSanitization", Alpha, Never, "keeps labels that begin with `_`; Weir prefixes them with `key`"),
    gate("receiver.prometheusreceiver.EnableCreatedTimestampZeroIngestion", Alpha, Never, "adds samples of zero at start times in the prometheus receiver"),
    gate("receiver.prometheusreceiver.EnableNativeHistograms", Stable, Always, "takes native histograms in the prometheus receiver"),
    gate("receiver.prometheusreceiver.EnableReportExtraScrapeMetrics", Alpha, Never, "adds metrics about scrapes in the prometheus receiver; see its `report_extra_scrape_metrics`"),
    gate("receiver.prometheusreceiver.IgnoreScopeInfoMetric", Beta, Always, "takes scopes from labels and not from `otel_scope_info` in the prometheus receiver"),
    gate("receiver.prometheusreceiver.RemoveStartTimeAdjustment", Stable, Always, "leaves start times alone in the prometheus receiver; see the `metric_start_time` processor"),
    gate("receiver.prometheusreceiver.UseCreatedMetric", Alpha, Never, "start times from `_created` metrics in the prometheus receiver"),
    gate("receiverhelper.newReceiverMetrics", Alpha, Always, "counts refused and failed items apart; Weir does"),
    gate("service.AllowNoPipelines", Alpha, Honoured(|gates, on| gates.allow_no_pipelines = on), "allows configurations that have extensions only"),
    gate("service.partialReload", Alpha, Never, "reloads parts of the graph; Weir reloads all of it, and keeps its sockets open"),
    gate("service.partialReloadReceivers", Beta, Never, "reloads receivers alone; Weir reloads the whole graph, and keeps its sockets open"),
    gate("service.profilesSupport", Alpha, Never, "allows pipelines of profiles; Weir has metrics, traces and logs"),
    gate("telemetry.newPipelineTelemetry", Alpha, Never, "counts items per component under other names; see Weir's own `weir_edge_items_total`"),
];

impl Gate {
    /// Returns whether it is on, as Weir goes about it.
    fn is_on(&self, wishes: &[Wish]) -> bool {
        match self.meaning {
            Always => true,
            Never => false,
            Honoured(_) => {
                let asked = wishes.iter().rfind(|wish| wish.gate.id == self.id);
                asked.map_or(self.stage != Alpha, |wish| wish.on)
            }
        }
    }
}

/// One gate as asked for on the command line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    gate: &'static Gate,
    on: bool,
}

/// Reads the values of `--feature-gates`: ids between commas, `-id` to disable, `+id` or `id` to enable.
pub(crate) fn parse(flags: &[String]) -> anyhow::Result<Vec<Wish>> {
    let mut wishes = Vec::new();
    for element in flags.iter().flat_map(|flag| flag.split(',')) {
        let (on, id) = match element.strip_prefix('-') {
            Some(id) => (false, id),
            None => (true, element.strip_prefix('+').unwrap_or(element)),
        };
        ensure!(!id.is_empty(), "empty feature gate in `--feature-gates`");
        let gate = find(id)?;
        ensure!(
            on || gate.stage != Stable,
            "feature gate `{id}` is stable and cannot be disabled"
        );
        wishes.push(Wish { gate, on });
    }
    Ok(wishes)
}

fn find(id: &str) -> anyhow::Result<&'static Gate> {
    let Some(gate) = GATES.iter().find(|gate| gate.id == id) else {
        bail!("unknown feature gate `{id}`: see `featuregate` for the list");
    };
    Ok(gate)
}

/// Returns what the gates change about reading a configuration.
pub(crate) fn of_configuration(wishes: &[Wish]) -> Gates {
    let mut gates = Gates::default();
    for wish in wishes {
        if let Honoured(set) = wish.gate.meaning {
            set(&mut gates, wish.on);
        }
    }
    gates
}

/// Returns what the user should know about gates that do not do what was asked.
pub(crate) fn notices(wishes: &[Wish]) -> Vec<String> {
    wishes
        .iter()
        .filter(|wish| match wish.gate.meaning {
            Always => !wish.on,
            Never => wish.on,
            Honoured(_) => false,
        })
        .map(|Wish { gate, on }| {
            let asked = if *on { "enabled" } else { "disabled" };
            format!(
                "feature gate `{}` cannot be {asked}: {}",
                gate.id, gate.description
            )
        })
        .collect()
}

/// Returns all gates, for those who show them.
pub(crate) fn known(wishes: &[Wish]) -> Vec<FeatureGate> {
    let gates = GATES.iter().map(|gate| FeatureGate {
        id: gate.id,
        stage: gate.stage.as_str(),
        enabled: gate.is_on(wishes),
        description: gate.description,
    });
    gates.collect()
}

/// Returns a table of all gates, or what there is to say about one.
pub(crate) fn describe(id: Option<&str>) -> anyhow::Result<String> {
    let enabled = |gate: &Gate| gate.is_on(&[]);
    let mut out = String::new();
    // Writing into a string does not fail.
    match id {
        Some(id) => {
            let gate = find(id)?;
            let _ = writeln!(
                out,
                "Feature: {}\nEnabled: {}\nStage: {}\nDescription: {}",
                gate.id,
                enabled(gate),
                gate.stage.as_str(),
                gate.description
            );
        }
        None => {
            let width = GATES.iter().map(|gate| gate.id.len()).max().unwrap_or_default();
            let _ = writeln!(out, "{:width$}  Enabled  Stage  Description", "ID");
            for gate in &GATES {
                let (id, stage) = (gate.id, gate.stage.as_str());
                let _ = writeln!(
                    out,
                    "{id:width$}  {:<7}  {stage:<5}  {}",
                    enabled(gate),
                    gate.description
                );
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    #[test]
    fn ids_are_sorted_and_each_once() {
        assert!(GATES.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    #[test]
    fn gates_without_effect_are_said() {
        let text = "exporter.prometheusremotewritexporter.RetryOn429,+service.partialReload,-receiverhelper.newReceiverMetrics";
        let notices = notices(&parse(&flags(text)).expect("known gates"));
        assert_eq!(notices.len(), 2, "{notices:?}");
        assert!(
            notices[0].contains("`service.partialReload` cannot be enabled"),
            "{notices:?}"
        );
        assert!(
            notices[1].contains("`receiverhelper.newReceiverMetrics` cannot be disabled"),
            "{notices:?}"
        );
    }

    #[test]
    fn gates_about_configuration_are_honoured_and_the_last_word_counts() {
        let text = "service.AllowNoPipelines,confmap.enableMergeAppendOption,-service.AllowNoPipelines";
        let wishes = parse(&flags(text)).expect("known gates");
        let expected = Gates {
            merge_append: true,
            allow_no_pipelines: false,
        };
        assert_eq!(of_configuration(&wishes), expected);
        assert!(notices(&wishes).is_empty());
        let on: Vec<_> = known(&wishes)
            .into_iter()
            .filter(|gate| gate.enabled && gate.stage == "Alpha")
            .map(|gate| gate.id)
            .collect();
        assert!(on.contains(&"confmap.enableMergeAppendOption"), "{on:?}");
        assert!(!on.contains(&"service.AllowNoPipelines"), "{on:?}");
    }

    #[test]
    fn stable_gates_cannot_be_disabled() {
        let id = "pkg.translator.prometheus.NormalizeName";
        assert!(parse(&flags(id)).is_ok());
        let error = parse(&flags(&format!("-{id}"))).unwrap_err().to_string();
        assert!(error.contains("is stable"), "{error}");
    }

    #[test]
    fn unknown_and_empty_ids_are_errors() {
        for text in ["no.such.gate", "", "service.partialReload,", "-"] {
            assert!(parse(&flags(text)).is_err(), "{text:?}");
        }
    }
}
