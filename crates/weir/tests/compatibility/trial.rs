//! Tries one key.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use serde_yaml::{Mapping, Value};
use weir_component::ComponentKind;
use weir_config::{Environment, Severity, Sources};

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is taken.
    Supported,
    /// There is no such key.
    Unknown,
    /// It is refused, and this is what is said.
    Refused(String),
}

/// Variables have values, files do not exist.
struct World;

impl Environment for World {
    fn variable(&self, _: &str) -> Option<OsString> {
        Some("x".into())
    }

    fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// A configuration that runs, beside which keys are tried.
const REST: &str = "{receivers: {otlp/rest: {protocols: {grpc: }}}, exporters: {nop/rest: }, \
                    service: {pipelines: {logs: {receivers: [otlp/rest], exporters: [nop/rest]}}}}";

/// Tries a value of a key. `beside` is what the key needs to make sense, in the same section as `path` begins.
pub(crate) fn component(
    kind: ComponentKind,
    name: &str,
    base: &Value,
    path: &str,
    value: &Value,
    beside: &Value,
) -> Verdict {
    let mut options = base.clone();
    lay(&mut options, beside);
    put(&mut options, path, value);
    let component = Mapping::from_iter([(name.into(), options)]);
    let part = Value::from(Mapping::from_iter([(kind.section().into(), component.into())]));
    judge(&part, &format!("{}::{name}::{path}", kind.section()))
}

/// Tries a value of a key of `service::telemetry`.
pub(crate) fn telemetry(path: &str, value: &Value, beside: &Value) -> Verdict {
    let mut telemetry = beside.clone();
    put(&mut telemetry, path, value);
    let mut part = Value::Null;
    put(&mut part, "service::telemetry", &telemetry);
    judge(&part, &format!("service::telemetry::{path}"))
}

fn judge(part: &Value, path: &str) -> Verdict {
    let part = serde_yaml::to_string(part).expect("YAML");
    let sources = Sources {
        configs: vec![format!("yaml:{REST}"), format!("yaml:{part}")],
        ..Sources::default()
    };
    let report = weir_config::load(&sources, &World)
        .and_then(|document| weir_config::read(&document, &weir::components()))
        .err();
    let Some(report) = report else {
        return Verdict::Supported;
    };
    let errors = || {
        let all = report.diagnostics();
        all.filter(|one| one.severity() == Severity::Error)
    };
    let about = |one: &&weir_config::Diagnostic| {
        one.config_path()
            .is_some_and(|at| at == path || at.starts_with(&format!("{path}::")))
    };
    // Otherwise what the key needs beside it is refused, and the key with it.
    let error = errors()
        .find(about)
        .or_else(|| errors().next())
        .expect("an error");
    match error.message().starts_with("unknown key") {
        true => Verdict::Unknown,
        false => Verdict::Refused(error.message().to_owned()),
    }
}

/// Puts a value at a path, in place of what is there.
pub(crate) fn put(into: &mut Value, path: &str, value: &Value) {
    let mut at = into;
    for key in path.split("::").filter(|key| !key.is_empty()) {
        if !at.is_mapping() {
            *at = Value::Mapping(Mapping::new());
        }
        let mapping = at.as_mapping_mut().expect("made one");
        at = mapping.entry(key.into()).or_insert(Value::Null);
    }
    *at = value.clone();
}

/// Lays a mapping over another.
pub(crate) fn lay(into: &mut Value, over: &Value) {
    let Some(over) = over.as_mapping() else { return };
    if !into.is_mapping() {
        *into = Value::Mapping(Mapping::new());
    }
    let mapping = into.as_mapping_mut().expect("made one");
    for (key, value) in over {
        let there = mapping.entry(key.clone()).or_insert(Value::Null);
        match value.is_mapping() {
            true => lay(there, value),
            false => *there = value.clone(),
        }
        if value.as_mapping().is_some_and(Mapping::is_empty) && !there.is_mapping() {
            *there = value.clone();
        }
    }
}
