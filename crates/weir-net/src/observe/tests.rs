//! What is measured of requests.

use http::{Request, Response, StatusCode};
use weir_component::Host;
use weir_telemetry::{Level, Metrics};

use super::*;
use crate::body::Body;
use crate::grpc::{Status, status_response};

fn watch(level: Level, spoken: Spoken) -> (Option<ServerWatch>, Metrics) {
    let metrics = Metrics::new(level);
    let host = Host::default().with_metrics(metrics.clone());
    (ServerWatch::new(&host, spoken, "0.0.0.0:4318", false), metrics)
}

fn serve(watch: &ServerWatch, method: &str, path: &str, response: &Response<Body>) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "made.up")
        .header("content-length", "7")
        .body(())
        .unwrap();
    let serving = watch.begin(&mut request);
    watch.end(serving, response);
}

#[test]
fn below_the_level_detailed_nothing_is_watched() {
    assert!(watch(Level::Normal, Spoken::Http).0.is_none());
}

#[test]
fn http_requests_are_measured_without_what_clients_choose() {
    let (watch, metrics) = watch(Level::Detailed, Spoken::Http);
    let watch = watch.unwrap();
    let mut response = Response::new(Body::from(&b"hello"[..]));
    serve(&watch, "POST", "/v1/metrics", &response);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    serve(&watch, "BREW", "/any", &response);
    let text = metrics.render();
    let rest = "network_protocol_name=\"http\",network_protocol_version=\"1.1\",server_address=\"0.0.0.0\",server_port=\"4318\",\
        url_scheme=\"http\"}";
    for line in [
        format!(
            "http_server_request_duration_count{{http_request_method=\"POST\",http_response_status_code=\"200\",{rest} 1"
        ),
        format!(
            "http_server_request_duration_count{{http_request_method=\"_OTHER\",http_response_status_code=\"405\",{rest} 1"
        ),
        format!(
            "http_server_request_body_size_sum{{http_request_method=\"POST\",http_response_status_code=\"200\",{rest} 7"
        ),
        format!(
            "http_server_response_body_size_sum{{http_request_method=\"POST\",http_response_status_code=\"200\",{rest} 5"
        ),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    for made_up in ["BREW", "/any", "made.up"] {
        assert!(!text.contains(made_up), "{made_up}: {text}");
    }
}

#[test]
fn calls_are_measured_by_status() {
    let (watch, metrics) = watch(Level::Detailed, Spoken::Grpc);
    let watch = watch.unwrap();
    serve(&watch, "POST", "/a.B/C", &Response::new(Body::default()));
    serve(
        &watch,
        "POST",
        "/a.B/C",
        &status_response(&Status::new(Code::Unavailable, "")),
    );
    serve(
        &watch,
        "POST",
        "/made.up",
        &status_response(&Status::new(Code::Unimplemented, "")),
    );
    let text = metrics.render();
    for labels in [
        "rpc_method=\"a.B/C\",rpc_response_status_code=\"OK\"",
        "rpc_method=\"a.B/C\",rpc_response_status_code=\"UNAVAILABLE\",error_type=\"UNAVAILABLE\"",
        "rpc_method=\"_OTHER\",rpc_response_status_code=\"UNIMPLEMENTED\",error_type=\"UNIMPLEMENTED\"",
    ] {
        let line = format!("rpc_server_call_duration_count{{rpc_system_name=\"grpc\",{labels}}} 1");
        assert!(text.contains(&line), "{line}: {text}");
    }
}
