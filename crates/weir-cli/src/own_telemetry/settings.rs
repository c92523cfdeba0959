//! From configuration to the settings of the registry and of the logs.

use weir_config::telemetry as config;
use weir_telemetry::{
    Aggregation, Exposition, InstrumentKind, Level, Metrics, Selection, View, ViewSelector, logs,
};

use super::resource::{OwnResource, json};

/// Returns an empty registry of own metrics.
pub(super) fn registry(metrics: &config::Metrics) -> Metrics {
    let level = match metrics.level {
        config::MetricsLevel::None => Level::None,
        config::MetricsLevel::Basic => Level::Basic,
        config::MetricsLevel::Normal => Level::Normal,
        config::MetricsLevel::Detailed => Level::Detailed,
    };
    Metrics::with_views(level, metrics.views.iter().map(view).collect())
}

fn view(view: &config::View) -> View {
    let config::View { selector, stream } = view;
    View {
        selector: ViewSelector {
            name: selector.instrument_name.clone(),
            kind: selector.instrument_type.map(instrument_kind),
            unit: selector.unit.clone(),
            scope: selector.meter_name.clone(),
        },
        name: stream.name.clone(),
        description: stream.description.clone(),
        aggregation: match &stream.aggregation {
            config::Aggregation::Default => Aggregation::Default,
            config::Aggregation::Drop => Aggregation::Drop,
            config::Aggregation::Sum => Aggregation::Sum,
            config::Aggregation::LastValue => Aggregation::LastValue,
            config::Aggregation::ExplicitBucketHistogram(buckets) => Aggregation::Buckets {
                bounds: buckets.boundaries.clone(),
                extremes: buckets.record_min_max,
            },
        },
        keys: stream.attribute_keys.as_ref().map(selection).unwrap_or_default(),
    }
}

const fn instrument_kind(kind: config::InstrumentType) -> InstrumentKind {
    use config::InstrumentType as Type;
    match kind {
        Type::Counter => InstrumentKind::Counter,
        Type::Gauge => InstrumentKind::Gauge,
        Type::Histogram => InstrumentKind::Histogram,
        Type::ObservableCounter => InstrumentKind::ObservableCounter,
        Type::ObservableGauge => InstrumentKind::ObservableGauge,
        Type::ObservableUpDownCounter => InstrumentKind::ObservableUpDownCounter,
        Type::UpDownCounter => InstrumentKind::UpDownCounter,
    }
}

/// Returns a choice of names.
pub(super) fn selection(selection: &config::Selection) -> Selection {
    Selection {
        included: selection.included.clone(),
        excluded: selection.excluded.clone(),
    }
}

/// Returns how an endpoint shows own metrics.
pub(super) fn exposition(reader: &config::PrometheusReader, resource: &OwnResource) -> Exposition {
    let labels = resource.to_labels();
    let constant = reader.with_resource_constant_labels.as_ref().map(selection);
    let constant_labels = constant.map(|taken| {
        let taken = labels.iter().filter(|(name, _)| taken.takes(name));
        taken.map(|(name, value)| (name.clone(), value.clone())).collect()
    });
    Exposition {
        // Either flag alone leaves suffixes on, as in the Collector.
        suffixes: !(reader.without_units && reader.without_type_suffix),
        scope_version: (!reader.without_scope_info).then(|| resource.version.clone()),
        constant_labels: constant_labels.unwrap_or_default(),
        resource: labels,
    }
}

/// Returns the set-up of logs.
pub(super) fn logs(logs: &config::Logs, resource: &OwnResource) -> logs::LogSettings {
    logs::LogSettings {
        level: match logs.level {
            config::LogLevel::Debug => logs::LogLevel::Debug,
            config::LogLevel::Info => logs::LogLevel::Info,
            config::LogLevel::Warn => logs::LogLevel::Warn,
            config::LogLevel::Error => logs::LogLevel::Error,
            config::LogLevel::Fatal => logs::LogLevel::Fatal,
        },
        encoding: match logs.encoding {
            config::LogEncoding::Console => logs::Encoding::Console,
            config::LogEncoding::Json => logs::Encoding::Json,
        },
        disable_caller: logs.disable_caller,
        development: logs.development,
        disable_stacktrace: logs.disable_stacktrace,
        outputs: outputs(&logs.output_paths),
        error_outputs: outputs(&logs.error_output_paths),
        initial_fields: logs
            .initial_fields
            .iter()
            .map(|(name, value)| (name.clone(), json(value)))
            .collect(),
        sampling: logs.sampling.map(|sampling| logs::Sampling {
            tick: sampling.tick,
            initial: sampling.initial,
            thereafter: sampling.thereafter,
        }),
        resource: match logs.disable_zap_resource {
            true => serde_json::Map::new(),
            false => resource.to_json(),
        },
        records: None,
    }
}

fn outputs(outputs: &[config::LogOutput]) -> Vec<logs::LogOutput> {
    let outputs = outputs.iter().map(|output| match output {
        config::LogOutput::Stdout => logs::LogOutput::Stdout,
        config::LogOutput::Stderr => logs::LogOutput::Stderr,
        config::LogOutput::File(path) => logs::LogOutput::File(path.clone()),
    });
    outputs.collect()
}
