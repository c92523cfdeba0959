//! Properties: what is written is read back, and no input makes the reader panic.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;

use crate::json::{Document, decode, encode};
use crate::sample::{Dice, entropy};

/// `Debug` shows every field, shows NaN as itself and tells `-0.0` from `0.0`; `PartialEq` does neither.
fn assert_identity<T: Document + Debug>(message: &T) {
    let json = encode(message);
    let back =
        decode::<T>(&json).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&json)));
    assert_eq!(format!("{back:?}"), format!("{message:?}"));
    serde_json::from_slice::<serde::de::IgnoredAny>(&json).expect("valid JSON for others too");
}

/// Changes the text here and there. Most changes break it, some turn it into another message.
fn mutate(mut json: Vec<u8>, changes: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    const BYTES: &[u8] = b"{}[]\",:\\0123456789eE.-+nulltruefalse \xff\xed\xa0_";
    for (at, what, byte) in changes {
        if json.is_empty() {
            break;
        }
        let (at, byte) = (at.index(json.len()), BYTES[usize::from(*byte) % BYTES.len()]);
        match what % 4 {
            0 => json[at] = byte,
            1 => json.insert(at, byte),
            2 => drop(json.remove(at)),
            _ => json.truncate(at),
        }
    }
    json
}

/// Whatever is accepted must be stable from then on.
fn assert_no_panic<T: Document + Debug>(json: &[u8]) {
    match decode::<T>(json) {
        Ok(message) => assert_identity(&message),
        Err(error) => assert!(error.message().len() <= 200, "{error}"),
    }
}

proptest! {
    #[test]
    fn metrics_survive_both_ways(bytes in entropy()) {
        assert_identity(&Dice(&bytes).metrics());
    }

    #[test]
    fn traces_survive_both_ways(bytes in entropy()) {
        assert_identity(&Dice(&bytes).traces());
    }

    #[test]
    fn logs_survive_both_ways(bytes in entropy()) {
        assert_identity(&Dice(&bytes).logs());
    }

    #[test]
    fn doubles_survive_to_the_last_bit(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        let text = serde_json::to_string(&value).unwrap();
        prop_assume!(value.is_finite());
        let json = format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"summary":{{"dataPoints":[{{"sum":{text}}}]}}}}]}}]}}]}}"#);
        let request = decode::<ExportMetricsServiceRequest>(json.as_bytes()).unwrap();
        let shown = format!("{request:?}");
        let needle = format!("sum: {value:?},");
        prop_assert!(shown.contains(&needle), "{shown} has no {needle}");
    }

    #[test]
    fn broken_text_never_panics(
        bytes in entropy(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..6),
    ) {
        let json = mutate(encode(&Dice(&bytes).metrics()), &changes);
        assert_no_panic::<ExportMetricsServiceRequest>(&json);
        let json = mutate(encode(&Dice(&bytes).traces()), &changes);
        assert_no_panic::<ExportTraceServiceRequest>(&json);
        let json = mutate(encode(&Dice(&bytes).logs()), &changes);
        assert_no_panic::<ExportLogsServiceRequest>(&json);
    }

    #[test]
    fn any_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        assert_no_panic::<ExportMetricsServiceRequest>(&bytes);
    }
}
