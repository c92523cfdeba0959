//! The exporter as the runtime uses it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use weir_component::{Code, Host, ParsedConfig};
use weir_exporter_file::{FACTORY, NO_PATH_SEGMENT};
use weir_pdata::{Batch, Decoded, Signal, json};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue};
use weir_testkit::{Bench, batches, contract};

const STOP_TIME: Duration = Duration::from_secs(5);

fn config(yaml: &str) -> ParsedConfig {
    contract::config(&FACTORY.meta, yaml)
}

fn path_in(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_str().expect("UTF-8").to_owned()
}

/// Sends batches through an exporter from start to stop.
async fn export(yaml: &str, batches: impl IntoIterator<Item = Batch>) {
    let batches: Vec<Batch> = batches.into_iter().collect();
    contract::exporter_balances(FACTORY, &config(yaml), batches).await;
}

fn decoded(batch: &Batch) -> Decoded {
    batch.to_decoded().expect("UTF-8")
}

/// Cuts a file of records with lengths before them.
fn records(path: &str) -> Vec<Vec<u8>> {
    let content = fs::read(path).expect("read");
    let (mut rest, mut records) = (content.as_slice(), Vec::new());
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let (record, after) = after.split_at(u32::from_be_bytes(*size) as usize);
        records.push(record.to_vec());
        rest = after;
    }
    assert!(rest.is_empty());
    records
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("folder");
    for (nth, options) in [
        "",
        "format: proto",
        "compression: zstd",
        "rotation: ",
        "flush_interval: 0s",
    ]
    .into_iter()
    .enumerate()
    {
        let yaml = format!("path: {}\n{options}", path_in(&folder, &nth.to_string()));
        let config = config(&yaml);
        contract::exporter_starts_and_stops_twice(FACTORY, &config, batches::gauge("g", 1)).await;
        for batch in [batches::gauge("g", 3), batches::spans(2), batches::logs(4)] {
            contract::exporter_balances(FACTORY, &config, vec![batch.clone(), batch]).await;
        }
    }
    contract::config_is_strict(&FACTORY.meta, "path: x");
}

#[tokio::test]
async fn json_is_a_line_per_batch_that_reads_back() {
    let folder = tempfile::tempdir().expect("folder");
    let path = path_in(&folder, "data.json");
    let (one, two) = (batches::gauge("g", 3), batches::gauge("h\nx", 1));
    export(&format!("path: {path}"), [one.clone(), two.clone()]).await;
    let text = fs::read_to_string(&path).expect("read");
    let read: Vec<Decoded> = text
        .lines()
        .map(|line| Decoded::Metrics(json::decode(line.as_bytes()).expect("OTLP/JSON")))
        .collect();
    assert_eq!(read, [decoded(&one), decoded(&two)]);
    assert!(text.ends_with('\n'));
}

#[tokio::test]
async fn protobuf_has_its_length_before_it() {
    let folder = tempfile::tempdir().expect("folder");
    let path = path_in(&folder, "data.pb");
    let batch = batches::spans(5);
    export(
        &format!("{{path: {path}, format: proto}}"),
        [batch.clone(), batch.clone()],
    )
    .await;
    for record in records(&path) {
        assert_eq!(
            Decoded::from_bytes(Signal::Traces, record.into()).expect("OTLP"),
            decoded(&batch)
        );
    }
    assert_eq!(records(&path).len(), 2);
}

#[tokio::test]
async fn compressed_records_are_frames_of_their_own() {
    let folder = tempfile::tempdir().expect("folder");
    let batch = batches::logs(50);
    for format in ["json", "proto"] {
        let path = path_in(&folder, format);
        export(
            &format!("{{path: {path}, format: {format}, compression: zstd}}"),
            [batch.clone()],
        )
        .await;
        let [record] = &records(&path)[..] else {
            panic!("one record")
        };
        let plain = zstd::decode_all(record.as_slice()).expect("zstd");
        assert!(record.len() < plain.len());
        let read = match format {
            "json" => Decoded::Logs(json::decode(&plain).expect("OTLP/JSON")),
            _ => Decoded::from_bytes(Signal::Logs, plain.into()).expect("OTLP"),
        };
        assert_eq!(read, decoded(&batch));
    }
}

#[tokio::test]
async fn a_file_begins_empty_unless_it_is_appended_to() {
    let folder = tempfile::tempdir().expect("folder");
    let path = path_in(&folder, "data.json");
    let lines = || fs::read_to_string(&path).expect("read").lines().count();
    for (options, expected) in [
        ("", 1),
        ("append: true", 2),
        ("append: true", 3),
        ("rotation: ", 4),
        ("", 1),
    ] {
        export(&format!("path: {path}\n{options}"), [batches::gauge("g", 1)]).await;
        assert_eq!(lines(), expected, "{options}");
    }
}

#[tokio::test]
async fn the_exporters_of_three_signals_share_a_file() {
    let folder = tempfile::tempdir().expect("folder");
    let path = path_in(&folder, "data.json");
    let config = config(&format!("path: {path}"));
    let sent = [batches::gauge("g", 2), batches::spans(2), batches::logs(2)];
    let benches: Vec<Bench> = sent
        .iter()
        .map(|batch| Bench::exporter(FACTORY, &config, batch.signal()))
        .collect();
    for bench in &benches {
        bench.start().await;
    }
    for _ in 0..20 {
        for (bench, batch) in benches.iter().zip(&sent) {
            bench.send(batch.clone()).await.expect("written");
        }
    }
    for bench in &benches {
        bench.shutdown(STOP_TIME).await.expect("stops");
        bench.assert_balanced();
    }
    let text = fs::read_to_string(&path).expect("read");
    for field in ["resourceMetrics", "resourceSpans", "resourceLogs"] {
        let lines = text
            .lines()
            .filter(|line| line.starts_with(&format!("{{\"{field}\"")));
        assert_eq!(lines.count(), 20, "{field}");
    }
    text.lines()
        .for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).expect("JSON")));
}

/// A request with one resource per value of an attribute; `None` is a resource without it.
fn grouped(values: &[Option<Value>]) -> Batch {
    let Decoded::Metrics(request) = decoded(&batches::gauge("g", 2)) else {
        panic!("metrics")
    };
    let template = request.resource_metrics[0].clone();
    let resource_metrics = values.iter().map(|value| {
        let mut one = template.clone();
        if let Some(value) = value {
            one.resource.get_or_insert_default().attributes.push(KeyValue {
                key: "file".to_owned(),
                value: Some(AnyValue {
                    value: Some(value.clone()),
                }),
                ..KeyValue::default()
            });
        }
        one
    });
    Batch::from_decoded(Decoded::Metrics(ExportMetricsServiceRequest {
        resource_metrics: resource_metrics.collect(),
    }))
}

fn text(value: &str) -> Option<Value> {
    Some(Value::StringValue(value.to_owned()))
}

#[tokio::test]
async fn resources_go_to_the_files_of_their_groups() {
    let folder = tempfile::tempdir().expect("folder");
    let path = path_in(&folder, "out/*.json");
    let group_by = "group_by: {enabled: true, resource_attribute: file, max_open_files: 1}";
    let bench = Bench::exporter(
        FACTORY,
        &config(&format!("path: '{path}'\n{group_by}")),
        Signal::Metrics,
    );
    bench.start().await;
    let batch = grouped(&[text("a"), text("../team/b"), text("a")]);
    for _ in 0..2 {
        bench.send(batch.clone()).await.expect("written");
    }
    let error = bench
        .send(grouped(&[text("a"), None, Some(Value::IntValue(1))]))
        .await
        .expect_err("two resources have no file");
    assert!(
        error.is_partial() && error.to_string().contains("`file`"),
        "{error}"
    );
    bench.shutdown(STOP_TIME).await.expect("stops");
    bench.assert_balanced();
    assert_eq!(bench.dropped(NO_PATH_SEGMENT), 4);
    assert_eq!(bench.account().delivered, 2 * 6 + 2);
    let resources = |name: &str| {
        let text = fs::read_to_string(folder.path().join(name)).expect(name);
        let lines = text.lines().map(|line| {
            let request: ExportMetricsServiceRequest = json::decode(line.as_bytes()).expect("OTLP/JSON");
            request.resource_metrics.len()
        });
        lines.collect::<Vec<_>>()
    };
    assert_eq!(resources("out/a.json"), [2, 2, 1]);
    assert_eq!(resources("out/team/b.json"), [1, 1]);
}

#[tokio::test]
async fn a_full_disk_refuses_batches_until_there_is_room() {
    // A device that is always full.
    let bench = Bench::exporter(FACTORY, &config("path: /dev/full"), Signal::Logs);
    bench.start().await;
    for _ in 0..2 {
        let error = bench.send(batches::logs(3)).await.expect_err("no room");
        assert_eq!(
            (error.code(), error.is_retryable(), error.is_partial()),
            (Code::Unavailable, true, false)
        );
        assert!(error.to_string().contains("/dev/full"), "{error}");
    }
    bench.stop().await;
    bench.assert_balanced();
    assert_eq!(bench.account().delivered, 0);
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_is_a_start_error() {
    for path in ["/nowhere/at/all/data.json", "/"] {
        let bench = Bench::exporter(FACTORY, &config(&format!("path: {path}")), Signal::Logs);
        let error = Arc::clone(bench.component())
            .start(&Host::default())
            .await
            .expect_err("cannot be opened");
        assert!(error.to_string().contains(path), "{error}");
    }
    assert!(!Path::new("/nowhere").exists());
}

#[test]
fn mistakes_are_explained() {
    let check = |yaml: &str, expected: &[&str]| {
        let found = contract::mistakes(&FACTORY.meta, yaml);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found.len(), expected.len(), "{yaml}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{yaml}: {found}");
        }
    };
    check("{}", &["path: required"]);
    check(
        "{path: x, encoding: otlp_encoding}",
        &["encoding: there are no encoding extensions"],
    );
    check(
        "{path: x, append: true, rotation: {}}",
        &["append: has no effect with `rotation`"],
    );
    check(
        "{path: x, directory_permissions: '0999'}",
        &[
            "directory_permissions: must be octal",
            "directory_permissions: has no effect",
        ],
    );
    check(
        "{path: x, create_directory: true, directory_permissions: '0750'}",
        &[],
    );
    for path in ["data.json", "'*.json'", "'a*b*'"] {
        check(
            &format!("{{path: {path}, group_by: {{enabled: true}}}}"),
            &["path: must hold one `*`"],
        );
    }
    check(
        "{path: 'a*', group_by: {enabled: true, resource_attribute: '', max_open_files: 0}}",
        &[
            "group_by::resource_attribute: required",
            "group_by::max_open_files: must be at least 1",
        ],
    );
    check("{path: 'a*', group_by: {resource_attribute: ''}}", &[]);
}
