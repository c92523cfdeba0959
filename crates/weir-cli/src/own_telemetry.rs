//! From `service::telemetry` to the set-up of own logs and metrics.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use weir_component::BuildInfo;
use weir_config::Config;
use weir_config::telemetry::{
    AttributeValue, LogEncoding, LogLevel, LogOutput, Logs, Metrics as MetricsConfig, MetricsLevel, Resource,
    Selection,
};
use weir_telemetry::{Exposition, Level, Metrics, logs};

use crate::App;

/// Attributes of the process: what logs and metrics say about where they come from.
type Attributes = Map<String, Value>;

/// Sets up the logs that `config` asks for, for the whole process.
///
/// # Errors
///
/// See [`logs::LogError`].
pub fn install_logs(app: &App, config: &Config) -> Result<logs::LogGuard, logs::LogError> {
    let telemetry = &config.service.telemetry;
    let resource = resource(&telemetry.resource, app.build_info(), app.instance());
    logs::install(&log_settings(&telemetry.logs, &resource))
}

/// Puts the logs that `config` asks for in the place of those before, and opens their outputs again. Blocks.
///
/// # Errors
///
/// See [`logs::LogError`]: the logs go on as they were.
pub(crate) fn replace_logs(
    app: &App,
    config: &Config,
    guard: &mut logs::LogGuard,
) -> Result<(), logs::LogError> {
    let telemetry = &config.service.telemetry;
    let resource = resource(&telemetry.resource, app.build_info(), app.instance());
    guard.replace(&log_settings(&telemetry.logs, &resource))
}

/// Returns the registry of own metrics that `config` asks for.
pub(crate) fn metrics(app: &App, config: &Config) -> Metrics {
    let telemetry = &config.service.telemetry;
    let resource = resource(&telemetry.resource, app.build_info(), app.instance());
    registry(&telemetry.metrics, &resource)
}

/// Returns the default attributes with the configured ones laid over them.
fn resource(configured: &Resource, build_info: &BuildInfo, instance: u128) -> Attributes {
    let mut attributes = Attributes::from_iter([
        ("service.instance.id".to_owned(), Value::from(uuid(instance))),
        (
            "service.name".to_owned(),
            Value::from(build_info.command.as_str()),
        ),
        (
            "service.version".to_owned(),
            Value::from(build_info.version.as_str()),
        ),
    ]);
    for (name, value) in &configured.attributes {
        match value {
            Some(value) => attributes.insert(name.clone(), json(value)),
            None => attributes.remove(name),
        };
    }
    attributes
}

/// Formats random bits as a UUID of version 4 (RFC 9562, section 5.4).
fn uuid(bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Bool(value) => Value::from(*value),
        AttributeValue::Int(value) => Value::from(*value),
        AttributeValue::Double(value) => Value::from(*value),
        AttributeValue::Text(value) => Value::from(value.as_str()),
    }
}

/// Returns the set-up of logs.
fn log_settings(logs: &Logs, resource: &Attributes) -> logs::LogSettings {
    logs::LogSettings {
        level: match logs.level {
            LogLevel::Debug => logs::LogLevel::Debug,
            LogLevel::Info => logs::LogLevel::Info,
            LogLevel::Warn => logs::LogLevel::Warn,
            LogLevel::Error => logs::LogLevel::Error,
            LogLevel::Fatal => logs::LogLevel::Fatal,
        },
        encoding: match logs.encoding {
            LogEncoding::Console => logs::Encoding::Console,
            LogEncoding::Json => logs::Encoding::Json,
        },
        disable_caller: logs.disable_caller,
        outputs: logs
            .output_paths
            .iter()
            .map(|output| match output {
                LogOutput::Stdout => logs::LogOutput::Stdout,
                LogOutput::Stderr => logs::LogOutput::Stderr,
                LogOutput::File(path) => logs::LogOutput::File(path.clone()),
            })
            .collect(),
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
        resource: resource.clone(),
    }
}

/// Returns an empty registry of own metrics.
fn registry(config: &MetricsConfig, resource: &Attributes) -> Metrics {
    let level = match config.level {
        MetricsLevel::None => Level::None,
        MetricsLevel::Basic => Level::Basic,
        MetricsLevel::Normal => Level::Normal,
        MetricsLevel::Detailed => Level::Detailed,
    };
    let labels: BTreeMap<String, String> = resource
        .iter()
        .map(|(name, value)| (name.clone(), label(value)))
        .collect();
    let exposition = config
        .prometheus
        .as_ref()
        .map_or_else(Exposition::default, |reader| Exposition {
            // Either flag alone leaves suffixes on, as in the Collector.
            suffixes: !(reader.without_units && reader.without_type_suffix),
            constant_labels: labels
                .iter()
                .filter(|(name, _)| is_selected(&reader.with_resource_constant_labels, name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            resource: labels.clone(),
        });
    Metrics::with_exposition(level, &exposition)
}

/// Returns an attribute's value as the value of a label.
fn label(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_selected(selection: &Selection, name: &str) -> bool {
    let any = |patterns: &[String]| {
        patterns
            .iter()
            .any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
    };
    any(&selection.included) && !any(&selection.excluded)
}

/// Returns true if `name` fits `pattern`, in which `*` stands for any characters and `?` for one byte.
///
/// On a mismatch the last `*` takes one byte more, so the work is at most the product of the lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at_pattern, mut at_name) = (0, 0);
    let mut last_star = None;
    while at_name < name.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                last_star = Some((at_pattern + 1, at_name));
                at_pattern += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[at_name] => {
                at_pattern += 1;
                at_name += 1;
            }
            _ => {
                let Some((after_star, taken)) = last_star else {
                    return false;
                };
                (at_pattern, at_name) = (after_star, taken + 1);
                last_star = Some((after_star, taken + 1));
            }
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_attributes_are_laid_over_the_defaults() {
        let text = |text: &str| Some(AttributeValue::Text(text.to_owned()));
        let configured = Resource {
            attributes: BTreeMap::from([
                ("service.name".to_owned(), text("edge")),
                ("service.version".to_owned(), None),
                ("rack".to_owned(), Some(AttributeValue::Int(7))),
            ]),
        };
        let attributes = resource(&configured, &BuildInfo::default(), 0);
        assert_eq!(
            attributes.keys().collect::<Vec<_>>(),
            ["rack", "service.instance.id", "service.name"]
        );
        assert_eq!(
            (&attributes["service.name"], &attributes["rack"]),
            (&Value::from("edge"), &Value::from(7))
        );
    }

    #[test]
    fn uuids_carry_version_and_variant() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn patterns_select_names() {
        for (pattern, name, expect) in [
            ("service.name", "service.name", true),
            ("service.*", "service.name", true),
            ("*", "anything", true),
            ("*.name", "service.instance.name", true),
            ("s?rvice*e", "service.name", true),
            ("service.*", "host.name", false),
            ("", "a", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                expect,
                "{pattern} {name}"
            );
        }
    }
}
