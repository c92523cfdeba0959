//! The second form over HTTP.

use std::collections::BTreeMap;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;
use weir_component::{ComponentStatus, ServiceInfo};
use weir_net::Body;

use crate::condition::Condition;
use crate::config::{ComponentHealth, HttpService};

/// What a probe is told. Keys and values are those of the Collector.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    healthy: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    status_time: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    components: BTreeMap<String, Report>,
}

impl Report {
    fn of(condition: &Condition, verbose: bool, rules: &ComponentHealth, now: Instant) -> Self {
        let parts = condition.parts.iter().filter(|_| verbose);
        Self {
            start_time: None,
            healthy: condition.is_healthy(rules, now),
            status: condition.status.as_str(),
            error: condition.error.clone(),
            status_time: time(condition.time),
            components: parts
                .map(|(name, part)| (name.clone(), Self::of(part, verbose, rules, now)))
                .collect(),
        }
    }
}

fn time(time: std::time::SystemTime) -> String {
    Timestamp::try_from(time)
        .map(|time| time.to_string())
        .unwrap_or_default()
}

/// Answers a request.
pub(crate) fn answer<B>(
    request: &Request<B>,
    config: &HttpService,
    rules: &ComponentHealth,
    service: &ServiceInfo,
) -> Response<Body> {
    let path = Some(request.uri().path());
    let is_status = path == config.status_path();
    if !is_status && path != config.config_path() {
        return text(StatusCode::NOT_FOUND, "404 page not found\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        refusal
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    if is_status {
        status(request.uri().query().unwrap_or_default(), rules, service)
    } else {
        json(StatusCode::OK, service.config.clone())
    }
}

fn status(query: &str, rules: &ComponentHealth, service: &ServiceInfo) -> Response<Body> {
    let asked = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find_map(|(key, value)| (key == name).then_some(value))
    };
    let scope = asked("pipeline").unwrap_or_default();
    let verbose = asked("verbose").is_some_and(|value| value != "false");
    let Some(condition) = Condition::of(service, &scope, rules) else {
        return text(StatusCode::NOT_FOUND, "no such pipeline\n");
    };
    let now = Instant::now();
    let report = Report {
        start_time: Some(time(service.start_time)),
        ..Report::of(&condition, verbose, rules, now)
    };
    // Strings and maps of them always serialize.
    json(
        code_of(&condition, rules, now),
        serde_json::to_string(&report).unwrap_or_default(),
    )
}

fn code_of(condition: &Condition, rules: &ComponentHealth, now: Instant) -> StatusCode {
    use ComponentStatus::{None, Starting, Stopped, Stopping};
    match condition.status {
        None | Starting | Stopping | Stopped => StatusCode::SERVICE_UNAVAILABLE,
        _ if condition.is_healthy(rules, now) => StatusCode::OK,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn json(status: StatusCode, body: String) -> Response<Body> {
    response(status, "application/json", Body::from(body))
}

fn text(status: StatusCode, body: &'static str) -> Response<Body> {
    response(status, "text/plain; charset=utf-8", Body::from(body))
}

fn response(status: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
