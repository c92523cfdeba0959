use weir_pdata::Batch;
use weir_testkit::batches;

use super::*;

fn metrics() -> Batch {
    batches::metrics()
        .resource("host.name", "h1")
        .gauge("temperature", &[21.5, -3.0])
        .counter("requests", &[7.0])
        .histogram("latency", &[0.5, 2.0], &[1, 2, 3])
        .exponential_histogram("size", 0, &[4, 0, 6])
        .summary("wait", &[(0.5, 1.25), (0.99, 3.0)])
        .wire()
}

#[track_caller]
fn check(name: &str, batch: &Batch) {
    let decoded = batch.to_decoded().unwrap();
    insta::with_settings!({snapshot_path => "../../testdata", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(format!("{name}_basic"), Summary::of(&decoded).to_string());
        insta::assert_snapshot!(format!("{name}_normal"), normal(&decoded));
        insta::assert_snapshot!(format!("{name}_detailed"), detailed(&decoded));
    });
}

#[test]
fn metrics_are_printed() {
    check("metrics", &metrics());
}

#[test]
fn traces_are_printed() {
    check("traces", &batches::spans(2));
}

#[test]
fn logs_are_printed() {
    check("logs", &batches::logs(2));
}

#[test]
fn values_tell_their_types() {
    use weir_proto::otlp::common::v1::any_value::Value;
    use weir_proto::otlp::common::v1::{AnyValue, ArrayValue, KeyValueList};

    let of = |value| AnyValue { value: Some(value) };
    let list = ArrayValue { values: vec![of(Value::IntValue(1)), of(Value::StringValue("a".into()))] };
    let map = KeyValueList { values: vec![batches::attribute("k", true)] };
    for (value, text) in [
        (of(Value::StringValue("a".into())), "Str(a)"),
        (of(Value::DoubleValue(1.5)), "Double(1.5)"),
        (of(Value::BoolValue(true)), "Bool(true)"),
        (of(Value::BytesValue(vec![1, 2])), "Bytes(AQI=)"),
        (of(Value::ArrayValue(list)), "Slice([1,\"a\"])"),
        (of(Value::KvlistValue(map)), "Map({\"k\":true})"),
        (AnyValue::default(), "Empty()"),
    ] {
        assert_eq!(value::typed(Some(&value)), text);
    }
}
