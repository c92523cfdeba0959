//! What every component must do, as functions that a component's tests call.
//!
//! They panic with a message if the component does not keep to it. Each builds its own instances.

mod beside;
mod connector;
mod exporter;
mod processor;
mod step;

use std::time::Duration;

use weir_component::config::reveal;
use weir_component::{Meta, ParsedConfig, Validate, Violations};

pub use beside::{extension_starts_and_stops_twice, receiver_starts_and_stops_twice};
pub use connector::{connector_keeps_order, connector_passes_errors_on, connector_starts_and_stops_twice};
pub use exporter::{exporter_balances, exporter_starts_and_stops_twice};
pub use processor::{
    processor_drains, processor_keeps_order, processor_passes_errors_on, processor_starts_and_stops_twice,
};

/// Time that a component gets to stop in these tests.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Reads a component's configuration from YAML.
///
/// # Panics
///
/// If it cannot be read or is not valid.
pub fn config(meta: &Meta, yaml: &str) -> ParsedConfig {
    let parsed = read(meta, yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
    let found = violations(&parsed);
    assert!(found.is_empty(), "{yaml}: {found:#?}");
    parsed
}

/// Returns what is wrong with a configuration: the reader's error, or the violations as `path: message`.
pub fn mistakes(meta: &Meta, yaml: &str) -> Vec<String> {
    match read(meta, yaml) {
        Ok(parsed) => violations(&parsed),
        Err(error) => vec![error.to_string()],
    }
}

/// Checks that unknown keys are refused, and that what is printed of a configuration, and of the defaults, reads back as the same.
///
/// # Panics
///
/// If one of these does not hold.
pub fn config_is_strict(meta: &Meta, yaml: &str) {
    let unknown = read(meta, "{no_such_key_exists: 1}")
        .expect_err("unknown keys are refused")
        .to_string();
    assert!(
        unknown.contains("no_such_key_exists"),
        "the error names the key: {unknown}"
    );
    reads_back(meta, &config(meta, yaml));
    if let Some(defaults) = meta.defaults() {
        reads_back(meta, &defaults);
    }
}

fn reads_back(meta: &Meta, config: &ParsedConfig) {
    let print = |parsed: &ParsedConfig| {
        reveal(|| serde_yaml::to_string(parsed.as_serialize())).expect("the configuration can be printed")
    };
    let printed = print(config);
    let again = read(meta, &printed)
        .unwrap_or_else(|error| panic!("printed configuration cannot be read: {error}\n{printed}"));
    assert_eq!(printed, print(&again), "printed configuration reads back");
}

fn read(meta: &Meta, yaml: &str) -> Result<ParsedConfig, String> {
    // Through a value: an empty text is null, which stands for a component without a configuration.
    let value: serde_yaml::Value = serde_yaml::from_str(yaml).map_err(|error| error.to_string())?;
    let value = if value.is_null() {
        serde_yaml::Value::Mapping(serde_yaml::Mapping::new())
    } else {
        value
    };
    meta.parse(&mut <dyn erased_serde::Deserializer<'_>>::erase(value))
        .map_err(|error| error.to_string())
}

fn violations(parsed: &ParsedConfig) -> Vec<String> {
    let mut found = Violations::default();
    parsed.validate(&mut found);
    found
        .into_found()
        .into_iter()
        .map(|violation| format!("{}: {}", violation.path.join("::"), violation.message))
        .collect()
}
