//! What is selected, held against the plainest reading of the configuration on decoded messages.

use weir_component::{Batch, Signal, Validate, Violations};
use weir_pdata::Decoded;
use weir_pdata::rewrite::{Answer, Editor, LogEdit, MetricEdit, ResourceEdit, ScopeEdit, SpanEdit};
use weir_pdata::view::{LogRecord, Metric, Resource, Scope, Span};
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use weir_proto::otlp::logs::v1::{LogRecord as OtlpLog, ResourceLogs, ScopeLogs};
use weir_proto::otlp::metrics::v1::{Metric as OtlpMetric, ResourceMetrics, ScopeMetrics};
use weir_proto::otlp::resource::v1::Resource as OtlpResource;
use weir_proto::otlp::trace::v1::{ResourceSpans, ScopeSpans, Span as OtlpSpan};

use super::*;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, text: &str) -> KeyValue {
    attribute(key, Value::StringValue(text.to_owned()))
}

fn resource(name: &str) -> Option<OtlpResource> {
    (!name.is_empty()).then(|| OtlpResource {
        attributes: vec![
            text("service.name", name),
            attribute("replica", Value::IntValue(1)),
        ],
        ..OtlpResource::default()
    })
}

fn scope(name: &str, version: &str) -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: name.to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    })
}

/// Two resources, the second without attributes, each with two scopes, each with two spans.
fn traces() -> Batch {
    let spans = |resource: &str, scope: &str| {
        [("get", 2), ("put", 3)].map(|(name, kind)| OtlpSpan {
            name: format!("{name} {resource}{scope}"),
            kind,
            attributes: vec![
                text("method", name),
                attribute("ok", Value::BoolValue(true)),
                attribute("load", Value::DoubleValue(1.5e22)),
            ],
            ..OtlpSpan::default()
        })
    };
    let resource_spans = |name: &str| ResourceSpans {
        resource: resource(name),
        scope_spans: vec![
            ScopeSpans {
                scope: scope("lib", "1.0"),
                spans: spans(name, "1").to_vec(),
                ..ScopeSpans::default()
            },
            ScopeSpans {
                scope: scope("other", ""),
                spans: spans(name, "2").to_vec(),
                ..ScopeSpans::default()
            },
        ],
        ..ResourceSpans::default()
    };
    wire(&Decoded::Traces(ExportTraceServiceRequest {
        resource_spans: vec![resource_spans("shop"), resource_spans("")],
    }))
}

fn logs() -> Batch {
    let record = |body: Value, severity: i32, word: &str| OtlpLog {
        body: Some(AnyValue { value: Some(body) }),
        severity_number: severity,
        severity_text: word.to_owned(),
        ..OtlpLog::default()
    };
    wire(&Decoded::Logs(ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: resource("shop"),
            scope_logs: vec![ScopeLogs {
                scope: scope("lib", "1.0"),
                log_records: vec![
                    record(Value::StringValue("started".to_owned()), 9, "INFO"),
                    record(Value::IntValue(7), 17, "error"),
                    record(Value::StringValue("odd".to_owned()), 0, ""),
                ],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }))
}

fn metrics() -> Batch {
    let metric = |name: &str| OtlpMetric {
        name: name.to_owned(),
        ..OtlpMetric::default()
    };
    let group = |name: &str| ResourceMetrics {
        resource: resource(name),
        scope_metrics: vec![ScopeMetrics {
            metrics: vec![metric("cpu.time"), metric("cpu.count"), metric("mem")],
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    };
    wire(&Decoded::Metrics(ExportMetricsServiceRequest {
        resource_metrics: vec![group("shop"), group("web")],
    }))
}

fn wire(decoded: &Decoded) -> Batch {
    Batch::from_wire(decoded.signal(), decoded.to_bytes()).unwrap()
}

/// Writes down what is selected, by asking at every level, and checks that early answers agree with late ones.
struct Ask<'s> {
    selecting: Selecting<'s>,
    expected: [Selected; 2],
    resource: String,
    found: Vec<String>,
}

impl Ask<'_> {
    fn note(&mut self, name: String, selected: bool) -> Answer {
        for early in self.expected {
            assert!(early != Selected::All || selected, "{name}: not all");
            assert!(early != Selected::Nothing || !selected, "{name}: not nothing");
        }
        if selected {
            self.found.push(name);
        }
        Answer::Keep
    }
}

impl Editor for Ask<'_> {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        self.expected[0] = self.selecting.resource(resource);
        self.resource = match resource.attributes.iter().next().map(|first| first.value()) {
            Some(weir_pdata::view::AnyValue::String(text)) => text.to_str().unwrap().to_owned(),
            _ => String::new(),
        };
        Answer::Enter
    }

    fn scope(&mut self, scope: &Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        self.expected[1] = self.selecting.scope(scope);
        Answer::Enter
    }

    fn metric(&mut self, metric: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        let name = format!("{}/{}", self.resource, metric.name.to_str().unwrap());
        self.note(name, self.selecting.metric(metric))
    }

    fn span(&mut self, span: &Span<'_>, _: &mut SpanEdit<'_>) -> Answer {
        self.note(span.name.to_str().unwrap().to_owned(), self.selecting.span(span))
    }

    fn log(&mut self, record: &LogRecord<'_>, _: &mut LogEdit<'_>) -> Answer {
        self.note(
            record.severity_text.to_str().unwrap().to_owned(),
            self.selecting.log(record),
        )
    }
}

fn properties(json: &str) -> MatchProperties {
    let properties: MatchProperties = serde_json::from_str(json).unwrap();
    let mut found = Violations::default();
    properties.validate(&mut found);
    assert_eq!(found.into_found(), [], "{json}");
    properties
}

fn select(batch: &Batch, include: Option<&str>, exclude: &[&str]) -> String {
    let matcher = |json: &str| Matcher::new(&properties(json), batch.signal()).unwrap();
    let selection = Selection::new(
        include.map(matcher),
        exclude.iter().map(|json| matcher(json)).collect(),
    );
    let mut ask = Ask {
        selecting: selection.begin(),
        expected: [Selected::Part; 2],
        resource: String::new(),
        found: Vec::new(),
    };
    batch.clone().rewrite(&mut ask).unwrap();
    ask.found.join(", ")
}

#[test]
fn spans_are_selected() {
    let traces = traces();
    let check =
        |include: &str, expect: &str| assert_eq!(select(&traces, Some(include), &[]), expect, "{include}");
    let all = "get shop1, put shop1, get shop2, put shop2, get 1, put 1, get 2, put 2";
    assert_eq!(select(&traces, None, &[]), all);
    let of_shop = "get shop1, put shop1, get shop2, put shop2";
    check(r#"{"match_type": "strict", "services": ["shop", "x"]}"#, of_shop);
    check(
        r#"{"match_type": "regexp", "services": ["^<nil-service-name>$"]}"#,
        "get 1, put 1, get 2, put 2",
    );
    check(
        r#"{"match_type": "strict", "span_names": ["get shop1", "get 2"]}"#,
        "get shop1, get 2",
    );
    check(
        r#"{"match_type": "regexp", "span_names": ["^put .*1$"]}"#,
        "put shop1, put 1",
    );
    check(
        r#"{"match_type": "strict", "span_kinds": ["SPAN_KIND_CLIENT"]}"#,
        "put shop1, put shop2, put 1, put 2",
    );
    check(
        r#"{"match_type": "regexp", "span_kinds": ["SERV"]}"#,
        "get shop1, get shop2, get 1, get 2",
    );
    check(r#"{"resources": [{"key": "replica"}]}"#, of_shop);
    check(
        r#"{"match_type": "strict", "resources": [{"key": "replica", "value": 1}]}"#,
        of_shop,
    );
    check(
        r#"{"match_type": "strict", "resources": [{"key": "replica", "value": "1"}]}"#,
        "",
    );
    check(
        r#"{"match_type": "regexp", "resources": [{"key": "replica", "value": "^1$"}]}"#,
        of_shop,
    );
    check(
        r#"{"match_type": "strict", "libraries": [{"name": "lib"}, {"name": "x"}]}"#,
        "get shop1, put shop1, get 1, put 1",
    );
    check(
        r#"{"match_type": "strict", "libraries": [{"name": "other", "version": ""}]}"#,
        "get shop2, put shop2, get 2, put 2",
    );
    check(
        r#"{"match_type": "strict", "libraries": [{"name": "lib", "version": ""}]}"#,
        "",
    );
    check(
        r#"{"match_type": "regexp", "attributes": [{"key": "ok", "value": "^t"}, {"key": "load", "value": "^15000000000000000000000$"}],
            "span_names": ["1$"], "services": ["shop"]}"#,
        "get shop1, put shop1",
    );
    check(
        r#"{"match_type": "strict", "attributes": [{"key": "method", "value": "get"}, {"key": "x"}]}"#,
        "",
    );
}

#[test]
fn excluded_is_what_any_section_matches() {
    let traces = traces();
    let (shop, get) = (
        r#"{"match_type": "strict", "services": ["shop"]}"#,
        r#"{"match_type": "regexp", "span_names": ["^get"]}"#,
    );
    assert_eq!(select(&traces, Some(shop), &[get]), "put shop1, put shop2");
    assert_eq!(select(&traces, None, &[shop, get]), "put 1, put 2");
    assert_eq!(select(&traces, Some(shop), &[shop]), "");
    let both = r#"{"match_type": "regexp", "services": ["shop"], "span_names": ["^get"]}"#;
    assert_eq!(
        select(&traces, None, &[both]),
        "put shop1, put shop2, get 1, put 1, get 2, put 2"
    );
}

#[test]
fn log_records_are_selected() {
    let logs = logs();
    let check =
        |include: &str, expect: &str| assert_eq!(select(&logs, Some(include), &[]), expect, "{include}");
    check(r#"{"match_type": "strict", "log_bodies": ["7"]}"#, "error");
    check(
        r#"{"match_type": "regexp", "log_bodies": ["^start"], "regexp": {"cacheenabled": true}}"#,
        "INFO",
    );
    check(
        r#"{"match_type": "strict", "log_severity_texts": ["INFO"]}"#,
        "INFO",
    );
    check(r#"{"log_severity_number": {"min": "error"}}"#, "error");
    check(
        r#"{"log_severity_number": {"min": 10, "match_undefined": true}}"#,
        "error, ",
    );
    check(r#"{"log_severity_number": {}}"#, "INFO, error");
}

#[test]
fn metrics_are_selected() {
    let metrics = metrics();
    let check =
        |include: &str, expect: &str| assert_eq!(select(&metrics, Some(include), &[]), expect, "{include}");
    check(
        r#"{"match_type": "strict", "metric_names": ["mem"]}"#,
        "shop/mem, web/mem",
    );
    let cached = r#"{"match_type": "regexp", "regexp": {"cacheenabled": true, "cachemaxnumentries": 1},
        "metric_names": ["^cpu", "nothing"], "resources": [{"key": "service.name", "value": "^w"}]}"#;
    check(cached, "web/cpu.time, web/cpu.count");
}

#[test]
fn what_a_signal_lacks_is_refused() {
    let wrong = |json: &str, signal| Matcher::new(&properties(json), signal).unwrap_err().to_string();
    let names = r#"{"match_type": "strict", "span_names": ["a"]}"#;
    assert_eq!(
        wrong(names, Signal::Metrics),
        "`span_names` cannot be matched in a pipeline of metrics: use metric_names, resources"
    );
    assert!(wrong(names, Signal::Logs).contains("span_names"));
    assert!(
        wrong(
            r#"{"match_type": "strict", "metric_names": ["a"]}"#,
            Signal::Traces
        )
        .contains("metric_names")
    );
}

#[test]
fn mistakes_are_told_all_at_once() {
    let mistakes = |json: &str| -> Vec<String> {
        let mut found = Violations::default();
        serde_json::from_str::<MatchProperties>(json)
            .unwrap()
            .validate(&mut found);
        let found = found.into_found().into_iter();
        found
            .map(|one| format!("{}: {}", one.path.join("::"), one.message))
            .collect()
    };
    assert!(mistakes("{}")[0].starts_with(": matches nothing"));
    assert_eq!(
        mistakes(r#"{"span_names": ["a"]}"#),
        ["match_type: required: strict or regexp"]
    );
    assert_eq!(
        mistakes(r#"{"match_type": "regexp", "span_names": ["a", "("], "attributes": [{"value": 1}]}"#),
        [
            "span_names::1: not a regular expression: unclosed group",
            "attributes::0::key: required",
            "attributes::0::value: must be a text with `match_type: regexp`",
        ]
    );
    let strict =
        mistakes(r#"{"match_type": "strict", "regexp": {}, "span_kinds": ["server"], "libraries": [{}]}"#);
    assert_eq!(strict.len(), 3, "{strict:?}");
}
