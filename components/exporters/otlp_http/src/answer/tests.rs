use http::{HeaderValue, Version, header};
use weir_component::{Extent, Retry};
use weir_proto::rpc::{Any, Duration as ProtoDuration, RETRY_INFO_TYPE_URL, RetryInfo};

use super::*;

fn reply(status: u16, media_type: &'static str, body: impl Into<bytes::Bytes>) -> Reply {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        version: Version::HTTP_11,
        headers,
        body: body.into(),
        truncated: false,
    }
}

fn judge(reply: &Reply) -> Result<(), ConsumeError> {
    verdict(reply, Signal::Metrics, SystemTime::UNIX_EPOCH)
}

#[test]
fn every_status_has_a_meaning() {
    for status in 200..600 {
        let answer = judge(&reply(status, "text/plain", "because"));
        let (code, retry) = match status {
            200..300 => {
                assert!(answer.is_ok(), "{status}");
                continue;
            }
            429 => (Code::ResourceExhausted, Retry::Later),
            502..=504 => (Code::Unavailable, Retry::Later),
            400 => (Code::InvalidArgument, Retry::Never),
            401 => (Code::Unauthenticated, Retry::Never),
            403 => (Code::PermissionDenied, Retry::Never),
            404 => (Code::Unimplemented, Retry::Never),
            _ => (Code::Unknown, Retry::Never),
        };
        let error = answer.unwrap_err();
        assert_eq!((error.code(), error.retry()), (code, retry), "{status}");
        assert_eq!(error.to_string(), format!("server answered {status}: because"));
    }
}

#[test]
fn the_server_says_when_to_come_back() {
    let later = |status, value: &'static str| {
        let mut reply = reply(status, "text/plain", "");
        reply
            .headers
            .insert(header::RETRY_AFTER, HeaderValue::from_static(value));
        judge(&reply).unwrap_err().retry()
    };
    for status in [429, 502, 503, 504] {
        assert_eq!(
            later(status, "7"),
            Retry::After(Duration::from_secs(7)),
            "{status}"
        );
    }
    assert_eq!(
        later(503, "Thu, 01 Jan 1970 00:00:30 GMT"),
        Retry::After(Duration::from_secs(30))
    );
    assert_eq!(later(503, "soon"), Retry::Later);
    assert_eq!(later(400, "7"), Retry::Never, "a refusal for good stays one");
}

#[test]
fn statuses_in_bodies_are_told_on() {
    let info = RetryInfo {
        retry_delay: Some(ProtoDuration { seconds: 4, nanos: 0 }),
    };
    let status = rpc::Status {
        code: 14,
        message: "queue is full".to_owned(),
        details: vec![Any {
            type_url: RETRY_INFO_TYPE_URL.to_owned(),
            value: info.encode_to_vec(),
        }],
    };
    let error = judge(&reply(503, "application/x-protobuf", status.encode_to_vec())).unwrap_err();
    assert_eq!(error.to_string(), "server answered 503: queue is full");
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(4)));

    let json = r#"{"code": 3, "message": "no such tenant"}"#;
    let error = judge(&reply(400, "application/json", json)).unwrap_err();
    assert_eq!(error.to_string(), "server answered 400: no such tenant");

    for (media_type, body) in [
        ("application/x-protobuf", "<html>"),
        ("application/json", "<html>"),
    ] {
        let error = judge(&reply(500, media_type, body)).unwrap_err();
        assert_eq!(error.to_string(), "server answered 500: <html>");
    }
    let long = "x".repeat(5000);
    let error = judge(&reply(500, "text/plain", long)).unwrap_err();
    assert!(error.to_string().len() < 1100);
}

#[test]
fn partial_successes_are_refusals_of_some() {
    for (media_type, body) in [
        ("application/x-protobuf", &b"\x0a\x06\x08\x03\x12\x02no"[..]),
        (
            "application/json",
            br#"{"partialSuccess": {"rejectedDataPoints": 3, "errorMessage": "no"}}"#,
        ),
    ] {
        let error = judge(&reply(200, media_type, body)).unwrap_err();
        let Extent::Part(refusals) = error.extent() else {
            panic!("{error}")
        };
        assert_eq!((refusals[0].reason, refusals[0].items), ("partial_success", 3));
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[test]
fn what_was_taken_is_taken_whatever_the_body_says() {
    for (media_type, body) in [
        ("application/x-protobuf", &b""[..]),
        ("application/json", b""),
        ("application/json", br#"{"partialSuccess": {}}"#),
        ("application/json", b"<html>"),
        ("application/x-protobuf", b"<html>"),
        ("text/html", b"<html>"),
        // A warning: nothing was refused.
        ("application/x-protobuf", b"\x0a\x04\x12\x02hm"),
        // The media type must be exact, as in the Collector.
        (
            "application/x-protobuf; charset=utf-8",
            b"\x0a\x06\x08\x03\x12\x02no",
        ),
    ] {
        judge(&reply(200, media_type, body)).unwrap();
    }
    let mut long = reply(200, "application/x-protobuf", &b"\x0a\x06\x08\x03\x12\x02no"[..]);
    long.truncated = true;
    judge(&long).unwrap();
}
