//! The grammar's rule for sections, on every component of the binary: a section that is named without a value, or as `{}`, is as if it
//! were not named, unless it is switched on by that.

mod readme;

use std::ffi::OsString;
use std::io;
use std::path::Path;

use serde_yaml::{Mapping, Value};
use weir_component::ComponentKind;
use weir_config::{Environment, Secrets, Sources};

/// Every variable has a value, and there are no files.
struct World;

impl Environment for World {
    fn variable(&self, _: &str) -> Option<OsString> {
        Some("x".into())
    }

    fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Reads one component beside a pipeline that does not use it, and returns its options as printed.
fn printed(kind: ComponentKind, name: &str, options: &Value) -> Result<Value, String> {
    let component = Mapping::from_iter([(format!("{name}/probe").into(), options.clone())]);
    let part = Value::from(Mapping::from_iter([(kind.section().into(), component.into())]));
    let rest = "{receivers: {otlp: {protocols: {grpc: }}}, exporters: {nop: }, \
                service: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}}";
    let part = serde_yaml::to_string(&part).expect("YAML");
    let sources = Sources {
        configs: vec![format!("yaml:{rest}"), format!("yaml:{part}")],
        ..Sources::default()
    };
    let report = |report: weir_config::Report| report.to_string();
    let document = weir_config::load(&sources, &World).map_err(report)?;
    let (config, _) = weir_config::read(&document, &weir::components()).map_err(report)?;
    let all = config.to_value(Secrets::Redacted).expect("serializes");
    Ok(all[kind.section()][format!("{name}/probe")].clone())
}

/// Puts a value at a path into a copy of options, if nothing is there yet.
fn with(options: &Value, path: &[String], value: &Value) -> Option<Value> {
    let (last, way) = path.split_last()?;
    let mut copy = match options {
        Value::Mapping(_) => options.clone(),
        _ => Value::Mapping(Mapping::new()),
    };
    let mut at = &mut copy;
    for key in way {
        at = at
            .as_mapping_mut()?
            .entry(key.clone().into())
            .or_insert(Value::Mapping(Mapping::new()));
    }
    let mapping = at.as_mapping_mut()?;
    if mapping.contains_key(last.as_str()) {
        return None;
    }
    mapping.insert(last.clone().into(), value.clone());
    Some(copy)
}

/// All mappings within printed options, by their paths. A section that is off has no inside.
fn sections(printed: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    for (key, value) in printed.as_mapping().into_iter().flatten() {
        let (Some(key), Some(inner)) = (key.as_str(), value.as_mapping()) else {
            continue;
        };
        if inner.len() == 1 && inner.get("enabled") == Some(&Value::Bool(false)) {
            continue;
        }
        path.push(key.to_owned());
        found.push(path.clone());
        sections(value, path, found);
        path.pop();
    }
}

#[test]
fn named_without_a_value_a_section_keeps_its_defaults() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for kind in [
        ComponentKind::Receiver,
        ComponentKind::Processor,
        ComponentKind::Exporter,
        ComponentKind::Connector,
        ComponentKind::Extension,
    ] {
        for factory in weir::components().of_kind(kind) {
            let name = factory.meta().name;
            let options = readme::example(kind, name);
            let plain =
                printed(kind, name, &options).unwrap_or_else(|report| panic!("{kind} {name}: {report}"));
            let mut paths = Vec::new();
            sections(&plain, &mut Vec::new(), &mut paths);
            for path in paths {
                for value in [Value::Null, Value::Mapping(Mapping::new())] {
                    let Some(changed) = with(&options, &path, &value) else {
                        continue;
                    };
                    checked += 1;
                    let shown = format!("{kind} {name}: {}: {value:?}", path.join("::"));
                    match printed(kind, name, &changed) {
                        Ok(found) if found == plain => {}
                        Ok(found) => wrong.push(format!(
                            "{shown}\n{}",
                            serde_yaml::to_string(&found).expect("YAML")
                        )),
                        Err(report) => wrong.push(format!("{shown}\n{report}")),
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} sections");
}
