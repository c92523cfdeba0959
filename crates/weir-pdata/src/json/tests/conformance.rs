//! Every rule of the module's table, accepted and refused.

use weir_proto::otlp::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use weir_proto::otlp::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use weir_proto::otlp::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use weir_proto::otlp::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint, number_data_point};
use weir_proto::otlp::trace::v1::Span;

use prost::Message;

use crate::json::{FULL_SUCCESS, JsonError, decode, encode};

fn metric(members: &str) -> Result<Metric, JsonError> {
    let text = format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{{members}}}]}}]}}]}}"#);
    let mut request = decode::<ExportMetricsServiceRequest>(text.as_bytes())?;
    Ok(request
        .resource_metrics
        .remove(0)
        .scope_metrics
        .remove(0)
        .metrics
        .remove(0))
}

fn point(members: &str) -> Result<NumberDataPoint, JsonError> {
    match metric(&format!(r#""gauge":{{"dataPoints":[{{{members}}}]}}"#))?.data {
        Some(Data::Gauge(mut gauge)) => Ok(gauge.data_points.remove(0)),
        other => panic!("not a gauge: {other:?}"),
    }
}

fn histogram_point(members: &str) -> Result<HistogramDataPoint, JsonError> {
    match metric(&format!(r#""histogram":{{"dataPoints":[{{{members}}}]}}"#))?.data {
        Some(Data::Histogram(mut histogram)) => Ok(histogram.data_points.remove(0)),
        other => panic!("not a histogram: {other:?}"),
    }
}

fn span(members: &str) -> Result<Span, JsonError> {
    let text = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{members}}}]}}]}}]}}"#);
    let mut request = decode::<ExportTraceServiceRequest>(text.as_bytes())?;
    Ok(request
        .resource_spans
        .remove(0)
        .scope_spans
        .remove(0)
        .spans
        .remove(0))
}

fn log(members: &str) -> Result<LogRecord, JsonError> {
    let text = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{members}}}]}}]}}]}}"#);
    let mut request = decode::<ExportLogsServiceRequest>(text.as_bytes())?;
    Ok(request
        .resource_logs
        .remove(0)
        .scope_logs
        .remove(0)
        .log_records
        .remove(0))
}

fn body(value: &str) -> Result<Option<AnyValue>, JsonError> {
    log(&format!(r#""body":{value}"#)).map(|record| record.body)
}

fn value(members: &str) -> Result<Option<Value>, JsonError> {
    body(&format!("{{{members}}}")).map(|body| body.unwrap().value)
}

/// Asserts that the text is refused with a message that contains `why`.
#[track_caller]
fn refuse<T: std::fmt::Debug>(result: Result<T, JsonError>, why: &str) {
    let error = result.expect_err("must be refused");
    assert!(error.message().contains(why), "`{error}` does not say `{why}`");
}

// === Names ===

#[test]
fn names_are_camel_case_or_those_of_the_definition() {
    assert_eq!(span(r#""traceState":"a=b""#), span(r#""trace_state":"a=b""#));
    assert_eq!(span(r#""traceState":"a=b""#).unwrap().trace_state, "a=b");
    assert_eq!(
        span(r#""\u0074raceState":"a=b""#).unwrap().trace_state,
        "a=b",
        "a name may hold escapes"
    );
    assert_eq!(
        span(r#""TraceState":"a=b","trace-state":"a=b","tracestate":"x""#),
        Ok(Span::default())
    );
}

#[test]
fn field_may_appear_once() {
    refuse(span(r#""name":"a","name":"a""#), "field appears twice");
    refuse(span(r#""traceState":"","trace_state":"""#), "field appears twice");
    refuse(span(r#""name":null,"name":"a""#), "field appears twice");
    refuse(span(r#""kind":1,"kind":1"#), "field appears twice");
    refuse(span(r#""events":[],"events":[]"#), "field appears twice");
    assert!(
        span(r#""what":1,"what":2"#).is_ok(),
        "unknown fields are not looked at"
    );
}

#[test]
fn unknown_fields_are_skipped_whatever_they_hold() {
    for unknown in [
        "1",
        "-1.5e9999",
        "true",
        "null",
        r#""x\ud83d\ude00""#,
        "[]",
        "{}",
        r#"[{"a":[1,{}]}]"#,
    ] {
        let record = log(&format!(
            r#""before":{unknown},"severityText":"a","after":{unknown}"#
        ));
        assert_eq!(record.unwrap().severity_text, "a", "{unknown}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(log(&format!(r#""deep":{deep}"#)).is_ok());
    refuse(log(r#""unknown":[1,}"#), "expected value");
    refuse(log(r#""unknown":tru"#), "expected ident");
}

#[test]
fn null_is_an_absent_field() {
    assert_eq!(
        log(concat!(
            r#""timeUnixNano":null,"severityNumber":null,"severityText":null,"body":null,"attributes":null,"#,
            r#""flags":null,"traceId":null,"spanId":null"#
        )),
        Ok(LogRecord::default())
    );
    assert_eq!(
        histogram_point(r#""sum":null,"bucketCounts":null,"exemplars":null"#),
        Ok(Default::default())
    );
    assert_eq!(metric(r#""gauge":null"#), Ok(Metric::default()));
    assert_eq!(
        decode(br#"{"resourceLogs":null}"#),
        Ok(ExportLogsServiceRequest::default())
    );
}

#[test]
fn null_is_no_element_and_no_document() {
    refuse(decode::<ExportLogsServiceRequest>(b"null"), "expected an object");
    refuse(
        decode::<ExportLogsServiceRequest>(br#"{"resourceLogs":[null]}"#),
        "expected an object",
    );
    refuse(
        histogram_point(r#""bucketCounts":[null]"#),
        "expected an unsigned integer",
    );
    refuse(
        histogram_point(r#""explicitBounds":[1,null]"#),
        "expected a number",
    );
    refuse(value(r#""arrayValue":{"values":[null]}"#), "expected an object");
}

// === Numbers ===

#[test]
fn integers_of_64_bits_are_strings_or_numbers_and_exact() {
    let as_int = |text: &str| point(&format!(r#""asInt":{text}"#)).map(|point| point.value);
    for (text, expected) in [
        (r#""5""#, 5),
        ("5", 5),
        ("0", 0),
        (r#""0""#, 0),
        ("-0", 0),
        ("-7", -7),
        (r#""-7""#, -7),
        ("1e3", 1000),
        (r#""1e3""#, 1000),
        ("1.0", 1),
        ("1.50E+1", 15),
        ("100e-2", 1),
        ("0.00e99999999999", 0),
        (r#""\u0031\u0032""#, 12),
        ("9223372036854775807", i64::MAX),
        (r#""9223372036854775807""#, i64::MAX),
        ("-9223372036854775808", i64::MIN),
        ("9223372036854775807.000", i64::MAX),
        ("9.007199254740993e15", 9_007_199_254_740_993),
        ("922337203685477580.7e1", i64::MAX),
    ] {
        assert_eq!(
            as_int(text),
            Ok(Some(number_data_point::Value::AsInt(expected))),
            "{text}"
        );
    }
    for text in [
        "9223372036854775808",
        "-9223372036854775809",
        r#""9223372036854775808""#,
        "1.5",
        r#""1.5""#,
        "1e-1",
        "1e19",
        "1e99999999999",
        "1.00000000000000000001",
        "4503599627370497.5",
        r#""""#,
        r#""-""#,
        r#"" 1""#,
        r#""1 ""#,
        r#""+1""#,
        r#""007""#,
        r#""0x10""#,
        r#""1_000""#,
        r#""1.""#,
        r#""NaN""#,
        r#""null""#,
        "true",
        "[]",
        "{}",
        r#"["1"]"#,
    ] {
        refuse(as_int(text), "expected an integer of 64 bits");
    }
}

#[test]
fn unsigned_integers_end_at_zero_and_at_their_width() {
    let time = |text: &str| point(&format!(r#""timeUnixNano":{text}"#)).map(|point| point.time_unix_nano);
    assert_eq!(time("18446744073709551615"), Ok(u64::MAX));
    assert_eq!(time(r#""18446744073709551615""#), Ok(u64::MAX));
    assert_eq!(time(r#""1.7e18""#), Ok(1_700_000_000_000_000_000));
    for text in ["18446744073709551616", "-1", r#""-1""#, "0.1", "1e20"] {
        refuse(time(text), "expected an unsigned integer of 64 bits");
    }
}

#[test]
fn integers_of_32_bits_are_numbers_or_strings() {
    let flags = |text: &str| point(&format!(r#""flags":{text}"#)).map(|point| point.flags);
    for (text, expected) in [("1", 1), (r#""1""#, 1), ("1.0", 1), ("4294967295", u32::MAX)] {
        assert_eq!(flags(text), Ok(expected), "{text}");
    }
    for text in ["4294967296", "-1", "0.5", r#""x""#, "false"] {
        refuse(flags(text), "expected an unsigned integer of 32 bits");
    }
    let scale = |text: &str| {
        let members = format!(r#""exponentialHistogram":{{"dataPoints":[{{"scale":{text}}}]}}"#);
        metric(&members).map(|metric| match metric.data {
            Some(Data::ExponentialHistogram(histogram)) => histogram.data_points[0].scale,
            other => panic!("not an exponential histogram: {other:?}"),
        })
    };
    assert_eq!(scale("-2147483648"), Ok(i32::MIN));
    assert_eq!(scale(r#""-4""#), Ok(-4));
    refuse(scale("2147483648"), "expected an integer of 32 bits");
}

#[test]
fn floating_point_is_a_number_or_a_string() {
    let as_double = |text: &str| {
        point(&format!(r#""asDouble":{text}"#)).map(|point| match point.value {
            Some(number_data_point::Value::AsDouble(value)) => value.to_bits(),
            other => panic!("not a double: {other:?}"),
        })
    };
    for (text, expected) in [
        ("1", 1.0),
        ("0", 0.0),
        ("-0.0", -0.0),
        ("-0", -0.0),
        (r#""1.5""#, 1.5),
        (r#""-1.5e-3""#, -0.0015),
        ("1e308", 1e308),
        ("4.9e-324", 4.9e-324),
        ("1e-400", 0.0),
        ("9007199254740993", 9_007_199_254_740_992.0),
        ("1.7976931348623157e308", f64::MAX),
        ("0.1000000000000000055511151231257827", 0.1),
        // A parser that rounds twice is off by one here.
        ("2.2250738585072011e-308", 2.225_073_858_507_201e-308),
        ("123456789012345678901234567890", 1.234_567_890_123_456_8e29),
        (r#""NaN""#, f64::NAN),
        (r#""Infinity""#, f64::INFINITY),
        (r#""-Infinity""#, f64::NEG_INFINITY),
    ] {
        assert_eq!(as_double(text), Ok(f64::to_bits(expected)), "{text}");
    }
    for text in [
        "1e309",
        r#""-1e309""#,
        r#""nan""#,
        r#""inf""#,
        r#""+Infinity""#,
        r#""-NaN""#,
        r#""infinity""#,
        r#""1.""#,
        r#"".5""#,
        r#""+1""#,
        r#""01""#,
        r#"" 1""#,
        r#""1,0""#,
        r#""""#,
        "true",
        "{}",
    ] {
        refuse(as_double(text), "expected a number");
    }
    refuse(as_double("NaN"), "expected value");
    refuse(as_double("01"), "invalid number");
    refuse(as_double("+1"), "expected value");
}

#[test]
fn optional_numbers_tell_zero_from_absent() {
    assert_eq!(histogram_point(r#""sum":0,"min":"NaN""#).unwrap().sum, Some(0.0));
    assert!(histogram_point(r#""min":"NaN""#).unwrap().min.unwrap().is_nan());
    assert_eq!(histogram_point("").unwrap().sum, None);
    let bounds =
        histogram_point(r#""explicitBounds":[1,"2.5","Infinity"],"bucketCounts":["1",2,3.0,"4e0"]"#).unwrap();
    assert_eq!(bounds.explicit_bounds, [1.0, 2.5, f64::INFINITY]);
    assert_eq!(bounds.bucket_counts, [1, 2, 3, 4]);
}

#[test]
fn enums_are_integers_or_names() {
    let kind = |text: &str| span(&format!(r#""kind":{text}"#)).map(|span| span.kind);
    for (text, expected) in [
        ("3", 3),
        ("3.0", 3),
        ("0", 0),
        ("77", 77),
        ("-1", -1),
        (r#""SPAN_KIND_CLIENT""#, 3),
        (r#""SPAN_KIND_UNSPECIFIED""#, 0),
        (r#""SPAN\u005fKIND_SERVER""#, 2),
    ] {
        assert_eq!(kind(text), Ok(expected), "{text}");
    }
    for text in [r#""CLIENT""#, r#""span_kind_client""#, r#""3""#, r#""""#] {
        refuse(kind(text), "unknown name");
    }
    for text in ["2.5", "2147483648", "true", "[]"] {
        refuse(kind(text), "expected the number or the name");
    }
    assert_eq!(
        log(r#""severityNumber":"SEVERITY_NUMBER_WARN2""#)
            .unwrap()
            .severity_number,
        14
    );
    assert_eq!(
        span(r#""status":{"code":"STATUS_CODE_ERROR"}"#)
            .unwrap()
            .status
            .unwrap()
            .code,
        2
    );
    let sum =
        metric(r#""sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","isMonotonic":true}"#);
    assert!(
        matches!(sum.unwrap().data, Some(Data::Sum(sum)) if sum.aggregation_temporality == 1 && sum.is_monotonic)
    );
}

#[test]
fn booleans_are_booleans() {
    assert_eq!(value(r#""boolValue":true"#), Ok(Some(Value::BoolValue(true))));
    assert_eq!(value(r#""boolValue":false"#), Ok(Some(Value::BoolValue(false))));
    for text in ["1", "0", r#""true""#, "[]"] {
        refuse(value(&format!(r#""boolValue":{text}"#)), "expected a boolean");
    }
}

// === Strings and bytes ===

#[test]
fn strings_hold_any_text_but_no_half_characters() {
    let text = |json: &str| value(&format!(r#""stringValue":"{json}""#));
    for (json, expected) in [
        ("", ""),
        (r"\u0000\b\f\n\r\t\/\\\u0022", "\0\u{8}\u{c}\n\r\t/\\\""),
        (r"\ud83d\ude00", "😀"),
        ("😀", "😀"),
        ("\u{7f}\u{2028}", "\u{7f}\u{2028}"),
    ] {
        assert_eq!(
            text(json),
            Ok(Some(Value::StringValue(expected.into()))),
            "{json}"
        );
    }
    for json in [r"\ud83d", r"\ude00", r"\ud83d\u0041", r"\x41", r"\u12g4", "\n"] {
        assert!(text(json).is_err(), "{json:?}");
    }
    refuse(value(r#""stringValue":5"#), "expected a string");
    let broken = b"{\"resourceLogs\":[{\"schemaUrl\":\"\xff\"}]}";
    refuse(decode::<ExportLogsServiceRequest>(broken), "invalid unicode");
}

#[test]
fn ids_are_hex_of_full_length_or_empty() {
    let trace_id = |text: &str| span(&format!(r#""traceId":"{text}""#)).map(|span| span.trace_id);
    let bytes: Vec<u8> = (0xa0..0xb0).collect();
    assert_eq!(trace_id("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf").as_ref(), Ok(&bytes));
    assert_eq!(trace_id("A0A1a2a3a4a5a6a7a8a9AAABACADAEAF").as_ref(), Ok(&bytes));
    assert_eq!(
        trace_id("00000000000000000000000000000000"),
        Ok(vec![0; 16]),
        "kept, for others to judge"
    );
    assert_eq!(trace_id(""), Ok(vec![]));
    for text in [
        "a0",
        "a0a1a2a3a4a5a6a7",
        "a0a1a2a3a4a5a6a7a8a9aaabacadaea",
        "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0",
        "0xa1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "g0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "oKGio6SlpqeoqaqrrK2urw==",
        "ééééééééé",
    ] {
        refuse(trace_id(text), "expected 32 hex digits or none");
    }
    refuse(span(r#""traceId":12"#), "expected 32 hex digits or none");
    refuse(span(r#""spanId":"a0""#), "expected 16 hex digits or none");
    refuse(span(r#""parentSpanId":"zz""#), "expected 16 hex digits or none");
    refuse(
        span(r#""links":[{"traceId":"0"}]"#),
        "expected 32 hex digits or none",
    );
    let written = encode(&request_of(LogRecord {
        span_id: vec![0xAB; 8],
        ..Default::default()
    }));
    assert!(
        String::from_utf8(written)
            .unwrap()
            .contains(r#""spanId":"abababababababab""#)
    );
}

#[test]
fn bytes_are_base64_of_either_alphabet() {
    let bytes = |text: &str| value(&format!(r#""bytesValue":"{text}""#));
    for (text, expected) in [
        ("", &b""[..]),
        ("aGk=", b"hi"),
        ("aGk", b"hi"),
        ("+/8=", b"\xfb\xff"),
        ("-_8", b"\xfb\xff"),
        ("-_8=", b"\xfb\xff"),
        ("-_", b"\xfb"),
        (r"\u0061Gk=", b"hi"),
    ] {
        assert_eq!(
            bytes(text),
            Ok(Some(Value::BytesValue(expected.into()))),
            "{text}"
        );
    }
    for text in ["a", "aGk==", "aG k=", "+_8=", "****", "=", "a=Gk"] {
        refuse(bytes(text), "expected base64");
    }
    refuse(value(r#""bytesValue":[104,105]"#), "expected base64");
    let written = written_value(Value::BytesValue(vec![0xfb, 0xff]));
    assert_eq!(written, r#"{"bytesValue":"+/8="}"#);
}

// === Messages and oneofs ===

#[test]
fn oneof_has_one_member() {
    refuse(value(r#""stringValue":"a","intValue":"1""#), "another member");
    refuse(value(r#""stringValue":"","boolValue":false"#), "another member");
    refuse(
        value(r#""stringValue":"a","stringValue":"a""#),
        "field appears twice",
    );
    refuse(point(r#""asDouble":1,"asInt":1"#), "another member");
    refuse(point(r#""asInt":1,"as_double":1"#), "another member");
    refuse(metric(r#""gauge":{},"sum":{}"#), "another member");
    assert_eq!(
        value(r#""stringValue":null,"intValue":1"#),
        Ok(Some(Value::IntValue(1)))
    );
    assert_eq!(
        value(r#""intValue":1,"stringValue":null"#),
        Ok(Some(Value::IntValue(1)))
    );
}

#[test]
fn any_value_may_be_empty_absent_or_nested() {
    assert_eq!(body("{}"), Ok(Some(AnyValue { value: None })));
    assert_eq!(body("null"), Ok(None));
    assert_eq!(
        value(r#""doubleValue":"NaN""#).map(|value| format!("{value:?}")),
        Ok("Some(DoubleValue(NaN))".into())
    );
    let nested = value(
        r#""kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[{},{"intValue":"3"}]}}},{"key":"n"}]}"#,
    );
    let array = ArrayValue {
        values: vec![
            AnyValue { value: None },
            AnyValue {
                value: Some(Value::IntValue(3)),
            },
        ],
    };
    let list = KeyValueList {
        values: vec![
            KeyValue {
                key: "k".into(),
                value: Some(AnyValue {
                    value: Some(Value::ArrayValue(array)),
                }),
                ..Default::default()
            },
            KeyValue {
                key: "n".into(),
                ..Default::default()
            },
        ],
    };
    assert_eq!(nested, Ok(Some(Value::KvlistValue(list))));
    assert_eq!(
        value(r#""arrayValue":{}"#),
        Ok(Some(Value::ArrayValue(ArrayValue::default())))
    );
    refuse(body(r#""text""#), "expected an object");
    refuse(body("[]"), "expected an object");
    refuse(value(r#""arrayValue":[]"#), "expected an object");
    refuse(log(r#""attributes":{"a":1}"#), "expected an array");
}

#[test]
fn depth_is_limited_as_in_protobuf() {
    // The body is the fourth message below the request; each array adds itself and its element.
    let (mut deepest, mut value) = (None, AnyValue { value: None });
    for arrays in 0..=60 {
        let request = request_of(LogRecord {
            body: Some(value.clone()),
            ..Default::default()
        });
        let protobuf = ExportLogsServiceRequest::decode(&*request.encode_to_vec());
        let json = decode::<ExportLogsServiceRequest>(&encode(&request));
        assert_eq!(json.is_ok(), protobuf.is_ok(), "{arrays} arrays");
        match json {
            Ok(json) => {
                assert_eq!(json, request);
                deepest = Some(arrays);
            }
            Err(error) => assert!(error.message().contains("more than 100 messages"), "{error}"),
        }
        value = AnyValue {
            value: Some(Value::ArrayValue(ArrayValue { values: vec![value] })),
        };
    }
    assert_eq!(deepest, Some(48));
}

#[test]
fn depth_fits_a_small_stack() {
    let text = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{}"#,
        r#"{"arrayValue":{"values":["#.repeat(5000)
    );
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    let result = thread
        .spawn(move || decode::<ExportLogsServiceRequest>(text.as_bytes()))
        .unwrap()
        .join()
        .unwrap();
    refuse(result, "more than 100 messages");
}

// === Documents ===

#[test]
fn document_is_one_object() {
    assert_eq!(decode(b" \t\r\n{ } \n"), Ok(ExportLogsServiceRequest::default()));
    for text in [
        "",
        " ",
        "[]",
        "5",
        r#""{}""#,
        "{}{}",
        "{} x",
        "{",
        "}",
        r#"{"resourceLogs":[}"#,
        "{,}",
        "{a:1}",
    ] {
        assert!(
            decode::<ExportLogsServiceRequest>(text.as_bytes()).is_err(),
            "{text}"
        );
    }
    refuse(
        decode::<ExportLogsServiceRequest>(br#"{"resourceLogs":[{},]}"#),
        "trailing comma",
    );
    refuse(
        decode::<ExportLogsServiceRequest>(br#"{"resourceLogs":[]"#),
        "EOF",
    );
}

#[test]
fn error_tells_the_place() {
    let text =
        b"{\"resourceLogs\":[{},{\"scope_logs\":[\n  {\"logRecords\":[{\"body\":{\"stringValue\":5}}]}]}]}";
    let error = decode::<ExportLogsServiceRequest>(text).unwrap_err();
    assert_eq!(
        error.path(),
        "resourceLogs[1].scope_logs[0].logRecords[0].body.stringValue"
    );
    assert_eq!((error.line(), error.column()), (2, 41));
    assert_eq!(
        error.to_string(),
        "resourceLogs[1].scope_logs[0].logRecords[0].body.stringValue: invalid type: integer `5`, expected a string \
         (line 2, column 41)"
    );
    let after = decode::<ExportLogsServiceRequest>(br#"{"resourceLogs":[{}]} x"#).unwrap_err();
    assert_eq!((after.path(), after.line(), after.column()), ("", 1, 23));
    assert_eq!(after.to_string(), "trailing characters (line 1, column 23)");
    let sibling =
        log(r#""body":{"stringValue":"a"},"attributes":[{"key":"k"}],"unknown":{},"flags":-1"#).unwrap_err();
    assert!(sibling.path().ends_with("logRecords[0].flags"), "{sibling}");
}

#[test]
fn error_is_short_whatever_it_quotes() {
    let error = body(&format!(r#""{}""#, "é".repeat(10_000))).unwrap_err();
    assert!(error.message().len() <= 200);
    assert!(error.path().ends_with("body"), "{error}");
}

// === Responses ===

#[test]
fn full_success_is_an_empty_partial_success() {
    let answer = ExportMetricsServiceResponse {
        partial_success: Some(Default::default()),
    };
    assert_eq!(encode(&answer), FULL_SUCCESS);
    assert_eq!(decode(FULL_SUCCESS), Ok(answer));
    assert_eq!(
        encode(&ExportTraceServiceResponse {
            partial_success: Some(Default::default())
        }),
        FULL_SUCCESS
    );
    assert_eq!(
        encode(&ExportLogsServiceResponse {
            partial_success: Some(Default::default())
        }),
        FULL_SUCCESS
    );
    assert_eq!(
        encode(&ExportLogsServiceResponse {
            partial_success: None
        }),
        b"{}"
    );
}

#[test]
fn partial_success_counts_in_strings() {
    let text = br#"{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"too old"}}"#;
    let metrics: ExportMetricsServiceResponse = decode(text).unwrap();
    let partial = metrics.partial_success.as_ref().unwrap();
    assert_eq!(
        (partial.rejected_data_points, partial.error_message.as_str()),
        (2, "too old")
    );
    assert_eq!(encode(&metrics), text);

    let text = br#"{"partialSuccess":{"rejectedSpans":"3"}}"#;
    let traces: ExportTraceServiceResponse = decode(text).unwrap();
    assert_eq!(traces.partial_success.as_ref().unwrap().rejected_spans, 3);
    assert_eq!(encode(&traces), text);

    let text = br#"{"partialSuccess":{"rejectedLogRecords":"4"}}"#;
    let logs: ExportLogsServiceResponse = decode(text).unwrap();
    assert_eq!(logs.partial_success.as_ref().unwrap().rejected_log_records, 4);
    assert_eq!(encode(&logs), text);
    assert_eq!(
        decode(br#"{"partial_success":{"rejected_log_records":4}}"#),
        Ok(logs)
    );
}

// === Writing ===

fn request_of(record: LogRecord) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs {
        log_records: vec![record],
        ..Default::default()
    }];
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs,
            ..Default::default()
        }],
    }
}

fn written_value(value: Value) -> String {
    let written = encode(&request_of(LogRecord {
        body: Some(AnyValue { value: Some(value) }),
        ..Default::default()
    }));
    let written = String::from_utf8(written).unwrap();
    let body = written
        .strip_prefix(r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":"#)
        .unwrap();
    body.strip_suffix("}]}]}]}").unwrap().to_owned()
}

#[test]
fn members_of_a_oneof_are_written_at_their_default() {
    for (value, expected) in [
        (Value::StringValue(String::new()), r#"{"stringValue":""}"#),
        (Value::BoolValue(false), r#"{"boolValue":false}"#),
        (Value::IntValue(0), r#"{"intValue":"0"}"#),
        (Value::DoubleValue(0.0), r#"{"doubleValue":0.0}"#),
        (Value::DoubleValue(-0.0), r#"{"doubleValue":-0.0}"#),
        (Value::DoubleValue(f64::NAN), r#"{"doubleValue":"NaN"}"#),
        (Value::DoubleValue(f64::INFINITY), r#"{"doubleValue":"Infinity"}"#),
        (
            Value::DoubleValue(f64::NEG_INFINITY),
            r#"{"doubleValue":"-Infinity"}"#,
        ),
        (Value::BytesValue(vec![]), r#"{"bytesValue":""}"#),
        (Value::ArrayValue(ArrayValue::default()), r#"{"arrayValue":{}}"#),
        (
            Value::KvlistValue(KeyValueList::default()),
            r#"{"kvlistValue":{}}"#,
        ),
        (Value::StringValueStrindex(0), r#"{"stringValueStrindex":0}"#),
        (
            Value::StringValue("\"\\\u{1}\n😀".into()),
            r#"{"stringValue":"\"\\\u0001\n😀"}"#,
        ),
    ] {
        assert_eq!(written_value(value), expected);
    }
}

#[test]
fn unset_fields_are_omitted() {
    assert_eq!(encode(&ExportLogsServiceRequest::default()), b"{}");
    let empty = String::from_utf8(encode(&request_of(LogRecord::default()))).unwrap();
    assert_eq!(empty, r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#);
    let empty_value = LogRecord {
        body: Some(AnyValue { value: None }),
        ..Default::default()
    };
    let empty_value = String::from_utf8(encode(&request_of(empty_value))).unwrap();
    assert!(
        empty_value.contains(r#"{"body":{}}"#),
        "a message that is present stays: {empty_value}"
    );
}
