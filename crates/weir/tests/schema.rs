//! The schema of configuration files: against configurations that are good, configurations that are not, and the options themselves.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::{Map, Value, json};
use weir_component::config::reveal;
use weir_config::schema::Schemas;
use weir_testkit::json_schema::mistakes;

fn schemas() -> Schemas {
    Schemas::of(&weir::components())
}

fn yaml(text: &str) -> Value {
    let mut value: serde_yaml::Value = serde_yaml::from_str(text).expect("YAML");
    value.apply_merge().expect("merge keys of mappings");
    serde_json::to_value(value).expect("JSON")
}

#[test]
fn every_example_is_accepted() {
    let file = schemas().file();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    for entry in fs::read_dir(folder).expect("configs") {
        let path = entry.expect("an entry").path();
        let example = yaml(&fs::read_to_string(&path).expect("readable"));
        assert_eq!(mistakes(&file, &example), [""; 0], "{}", path.display());
    }
}

#[test]
fn what_the_grammar_allows_is_accepted() {
    let file = schemas().file();
    for good in [
        "{receivers: {otlp: {protocols: {grpc: , http: {endpoint: '${env:HOST}:4318', cors: {allowed_origins: '*'}}}}}}",
        "{receivers: {otlp/2: {protocols: {grpc: {max_recv_msg_size_mib: '${env:SIZE}', tls: {cert_pem: '${file:c}', key_pem: x}}}}}}",
        "{exporters: {otlphttp/old: {endpoint: 'http://h', compression: none, headers: {a: b}, sending_queue: {enabled: false}}}}",
        "{exporters: {otlp: {endpoint: 'h:1', headers: [{name: a, value: b}], sending_queue: {batch: , sizer: bytes}}}}",
        "{exporters: {debug: {verbosity: DETAILED, sampling_initial: 5.0}}}",
        "{exporters: {prometheus_remote_write: {http: {endpoint: 'http://h', timeout: 1m30s}, external_labels: {a: b}}}}",
        "{processors: {batch: , memory_limiter: '${file:limits.yaml}'}, service: {pipelines: {metrics/x: {processors: 'a,b'}}}}",
        "{processors: {batch: {timeout: '0', metadata_keys: a}}, service::extensions: [health_check]}",
        "{extensions: {bearertokenauth: {tokens: [a, '${env:B}']}, headers_setter: {headers: [{key: a, action: delete}]}}}",
        "{service: {telemetry: {logs: {level: DEBUG, sampling: {enabled: false}}, metrics: {level: none}, traces: {sampler: {always_on: }}}}}",
        "{service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: '${P}'}}}}]}}}}",
        "{service: {telemetry: {resource: {service.name: gateway, attributes: [{name: a, value: [1, 2]}], detection: {detectors: [{host: }]}}}}}",
        "{service: {telemetry: {traces: {processors: [{batch: {exporter: {otlp: {protocol: grpc, headers: {a: b}}}}}]}}}}",
    ] {
        assert_eq!(mistakes(&file, &yaml(good)), [""; 0], "{good}");
    }
}

#[test]
fn wrong_keys_and_values_are_refused() {
    let file = schemas().file();
    for bad in [
        "{reciever: {}}",
        "{receivers: {oltp: }}",
        "{receivers: {otlp: {protocol: {}}}}",
        "{receivers: {otlp: {protocols: {grpc: {endpiont: x}}}}}",
        "{receivers: {otlp: {protocols: {http: {max_request_body_size: 20MiB}}}}}",
        "{receivers: {otlp: {protocols: {http: {read_timeout: 5}}}}}",
        "{receivers: {batch: }}",
        "{exporters: {otlp_http: {compression: brotli}}}",
        "{exporters: {otlp_http: {sending_queue: {num_consumers: 0}}}}",
        "{exporters: {otlp_http: {sending_queue: true}}}",
        "{exporters: {otlp_http: {retry_on_failure: {randomization_factor: 1.5}}}}",
        "{exporters: {otlp_grpc: {tls: {insecure: yes please}}}}",
        "{exporters: {otlp_grpc: {headers: [{name: a, velue: b}]}}}",
        "{exporters: {debug: {verbosity: loud}}}",
        "{exporters: {prometheus_remote_write: {protobuf_message: v2}}}",
        "{processors: {batch: {send_batch_size: -1}}}",
        "{processors: {memory_limiter: {check_interval: 1 s}}}",
        "{extensions: {headers_setter: {headers: [{key: a, action: add}]}}}",
        "{service: {pipelines: {metric: {}}}}",
        "{service: {pipelines: {metrics: {reciever: []}}}}",
        "{service: {extension: []}}",
        "{service: {telemetry: {logs: {level: loud}}}}",
        "{service: {telemetry: {metrics: {address: ':8888'}}}}",
        "{service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: a}}}}]}}}}",
    ] {
        assert_ne!(mistakes(&file, &yaml(bad)), [""; 0], "{bad}");
    }
}

/// Holds a value of defaults, as `print-config` prints it, against the defaults in a schema.
fn same_defaults(schemas: &Schemas, section: &Value, printed: &Map<String, Value>, at: &str) {
    let properties = section["properties"].as_object().cloned().unwrap_or_default();
    let optional = section["type"].is_array();
    for (key, property) in &properties {
        if optional && key == "enabled" {
            continue;
        }
        let at = format!("{at}::{key}");
        match (property.get("default"), printed.get(key)) {
            // Left out where there is nothing to print.
            (None, None) => {}
            (Some(default), printed) => assert_eq!(Some(default), printed, "{at}"),
            (None, Some(Value::Object(map))) => same_defaults(schemas, schemas.resolve(property), map, &at),
            (None, Some(printed)) => panic!("{at}: {printed} is printed, and no default is told"),
        }
    }
    for key in printed.keys() {
        assert!(
            properties.contains_key(key),
            "{at}::{key}: is printed and not described"
        );
    }
    assert_eq!(
        section["additionalProperties"],
        json!(false),
        "{at}: other keys are refused"
    );
}

#[test]
fn defaults_are_those_that_are_printed() {
    let schemas = schemas();
    for described in schemas.components() {
        let meta = described.factory.meta();
        let defaults = meta
            .defaults()
            .unwrap_or_else(|| panic!("`{}` has no defaults", meta.name));
        let printed = reveal(|| serde_json::to_value(defaults.as_serialize())).expect("JSON");
        let printed = printed.as_object().expect("options are a mapping");
        same_defaults(&schemas, &described.options, printed, meta.name);
    }
}

/// Calls `see` with every key of a schema and its path.
fn every_key(schema: &Value, at: &str, see: &mut impl FnMut(&str, &Value)) {
    match schema {
        Value::Object(map) => {
            for (keyword, value) in map {
                if let (true, Some(properties)) = (keyword == "properties", value.as_object()) {
                    for (key, property) in properties {
                        let at = format!("{at}::{key}");
                        see(&at, property);
                        every_key(property, &at, see);
                    }
                } else {
                    every_key(value, &format!("{at}/{keyword}"), see);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| every_key(value, at, see)),
        _ => {}
    }
}

#[test]
fn every_key_is_described_for_readers() {
    let mut silent = Vec::new();
    every_key(&schemas().file(), "", &mut |at, property| {
        let text = property["description"].as_str().unwrap_or_default();
        let is_component = at.matches("::").count() == 2 && property.get("$ref").is_some();
        if text.is_empty() && !is_component {
            silent.push(at.to_owned());
        }
        assert!(!text.contains("[`") && !text.contains("::Self"), "{at}: {text}");
    });
    assert_eq!(silent, [""; 0]);
}

fn weir(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::cargo_bin("weir")
        .expect("built")
        .args(arguments)
        .output()
        .expect("ran");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn schemas_are_printed() {
    let (good, file, _) = weir(&["schema"]);
    assert!(good);
    assert_eq!(
        serde_json::from_str::<Value>(&file).expect("JSON"),
        schemas().file()
    );
    let (good, one, _) = weir(&["schema", "exporters/otlphttp"]);
    assert!(good);
    let one: Value = serde_json::from_str(&one).expect("JSON");
    assert_eq!(one["properties"]["encoding"]["default"], "proto");
    for (component, message) in [
        (
            "otlp_http",
            "`otlp_http` names no component: write `kind/type`, for example `exporter/otlp_http`",
        ),
        ("sink/otlp_http", "`sink` is no kind of component"),
        (
            "exporter/otpl",
            "this build has no exporter `otpl`; its exporters: debug, ",
        ),
    ] {
        let (good, _, error) = weir(&["schema", component]);
        assert!(!good && error.contains(message), "{component}: {error}");
    }
}
