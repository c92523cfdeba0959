//! The Collector's feature gates: which ids are understood, and what they mean here.
//!
//! Weir has no gates of its own. A gate either asks for what Weir does anyway, or for something that Weir does not have;
//! both are said at start, so that no gate is without effect in silence. Unknown ids are errors, as in the Collector.

use std::fmt::Write as _;

use anyhow::{bail, ensure};
use weir_component::FeatureGate;

/// What Weir does about a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Weir behaves as if the gate were on.
    Always,
    /// Weir behaves as if the gate were off.
    Never,
}

/// How far a gate has come in the Collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Off unless enabled.
    Alpha,
    /// On unless disabled.
    Beta,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Alpha => "Alpha",
            Self::Beta => "Beta",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
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

use Meaning::{Always, Never};
use Stage::{Alpha, Beta};

/// All gates, sorted by id. Core: Collector 0.159; the rest: contrib 0.159.
#[rustfmt::skip]
static GATES: [Gate; 16] = [
    gate("confmap.enableMergeAppendOption", Alpha, Never, "appends some lists when sources are merged; Weir replaces lists"),
    gate("connector.routing.defaultErrorModeIgnore", Alpha, Never, "default error mode of the routing connector, which Weir does not have yet"),
    gate("exporter.prometheusremotewrite.DisableResourceToTelemetryConversion", Alpha, Never, "forbids `resource_to_telemetry_conversion`; Weir allows it"),
    gate("exporter.prometheusremotewritexporter.EnableMultipleWorkers", Alpha, Always, "sends from several workers; Weir does, in order per series"),
    gate("exporter.prometheusremotewritexporter.RetryOn429", Alpha, Always, "retries after status 429; Weir does, and heeds Retry-After"),
    gate("exporter.prometheusremotewritexporter.enableSendingRW2", Alpha, Always, "allows remote write 2.0; Weir always does"),
    gate("exporter.prometheusremotewritexporter.removeTopLevelHTTPSettings", Alpha, Never, "forbids HTTP settings outside of `http`; Weir allows them"),
    gate("extension.healthcheck.useComponentStatus", Alpha, Never, "health by component status; Weir answers so with `use_v2: true`"),
    gate("pkg.exporterhelper.queueBatchEnabled", Alpha, Never, "batches in sending queues by default; Weir batches where the configuration says so"),
    gate("pkg.translator.prometheus.PermissiveLabelSanitization", Alpha, Never, "keeps labels that begin with `_`; Weir prefixes them with `key`"),
    gate("receiverhelper.newReceiverMetrics", Alpha, Always, "counts refused and failed items apart; Weir does"),
    gate("service.AllowNoPipelines", Alpha, Never, "allows configurations without pipelines; Weir needs one"),
    gate("service.partialReload", Alpha, Never, "reloads parts of the graph; Weir does not reload yet"),
    gate("service.partialReloadReceivers", Beta, Never, "reloads receivers alone; Weir does not reload yet"),
    gate("service.profilesSupport", Alpha, Never, "allows pipelines of profiles; Weir has metrics, traces and logs"),
    gate("telemetry.newPipelineTelemetry", Alpha, Never, "counts items per component under other names; see Weir's own `weir_edge_items_total`"),
];

/// One gate as asked for on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        wishes.push(Wish { gate: find(id)?, on });
    }
    Ok(wishes)
}

fn find(id: &str) -> anyhow::Result<&'static Gate> {
    let Some(gate) = GATES.iter().find(|gate| gate.id == id) else {
        bail!("unknown feature gate `{id}`: see `featuregate` for the list");
    };
    Ok(gate)
}

/// Returns what the user should know about gates that do not do what was asked.
pub(crate) fn notices(wishes: &[Wish]) -> Vec<String> {
    wishes
        .iter()
        .filter(|wish| wish.on != (wish.gate.meaning == Always))
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
pub(crate) fn known() -> Vec<FeatureGate> {
    let gates = GATES.iter().map(|gate| FeatureGate {
        id: gate.id,
        stage: gate.stage.as_str(),
        enabled: gate.meaning == Always,
        description: gate.description,
    });
    gates.collect()
}

/// Returns a table of all gates, or what there is to say about one.
pub(crate) fn describe(id: Option<&str>) -> anyhow::Result<String> {
    let enabled = |gate: &Gate| gate.meaning == Always;
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
    fn unknown_and_empty_ids_are_errors() {
        for text in ["no.such.gate", "", "service.partialReload,", "-"] {
            assert!(parse(&flags(text)).is_err(), "{text:?}");
        }
    }
}
