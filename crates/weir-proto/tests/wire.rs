//! Properties of the definitions that receivers in the field rely on.

use prost::Message;
use weir_proto::prometheus::{v1, v2};
use weir_proto::rpc::{Any, Duration, RETRY_INFO_TYPE_URL, RetryInfo, Status};

/// Remote write 2.0 keeps the field numbers of 1.0 free, so an old receiver answers as if nothing were written.
#[test]
fn a_v2_request_is_empty_to_a_v1_receiver() {
    let request = v2::Request {
        symbols: vec![String::new(), "__name__".into(), "up".into()],
        timeseries: vec![v2::TimeSeries {
            labels_refs: vec![1, 2],
            samples: vec![v2::Sample {
                value: 1.0,
                timestamp: 1,
                start_timestamp: 0,
            }],
            ..v2::TimeSeries::default()
        }],
    };
    let read = v1::WriteRequest::decode(request.encode_to_vec().as_slice()).unwrap();
    assert_eq!(read, v1::WriteRequest::default());
}

#[test]
fn label_references_are_packed() {
    let series = v2::TimeSeries {
        labels_refs: vec![1, 2],
        ..v2::TimeSeries::default()
    };
    assert_eq!(series.encode_to_vec(), [0x0a, 2, 1, 2]);
}

#[test]
fn a_count_of_zero_is_written() {
    let histogram = v2::Histogram {
        count: Some(v2::histogram::Count::CountInt(0)),
        ..v2::Histogram::default()
    };
    assert_eq!(histogram.encode_to_vec(), [0x08, 0]);
}

#[test]
fn retry_info_travels_as_a_detail_of_a_status() {
    let info = RetryInfo {
        retry_delay: Some(Duration { seconds: 3, nanos: 0 }),
    };
    let status = Status {
        code: 14,
        message: "busy".into(),
        details: vec![Any {
            type_url: RETRY_INFO_TYPE_URL.into(),
            value: info.encode_to_vec(),
        }],
    };
    let read = Status::decode(status.encode_to_vec().as_slice()).unwrap();
    assert_eq!(RetryInfo::decode(read.details[0].value.as_slice()).unwrap(), info);
}
