//! What a probe is told.

use http::{HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use weir_component::config::duration;
use weir_net::Body;

use crate::config::{Config, ResponseBody};

/// Since when all pipelines run; `None` while they do not.
pub(crate) type Health = Option<Timestamp>;

/// The usual answer. Keys and values are those of the Collector.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    status: &'static str,
    up_since: String,
    uptime: String,
}

impl Report {
    fn of(health: Health, now: Timestamp) -> Self {
        match health {
            Some(since) => {
                let uptime = now.duration_since(since).try_into().unwrap_or_default();
                Self {
                    status: "Server available",
                    up_since: since.to_string(),
                    uptime: duration::format(uptime),
                }
            }
            None => Self {
                status: "Server not available",
                // The zero time of Go, which the Collector shows.
                up_since: "0001-01-01T00:00:00Z".to_owned(),
                uptime: String::new(),
            },
        }
    }
}

/// Answers a request for `path`.
pub(crate) fn answer(config: &Config, path: &str, health: Health, now: Timestamp) -> Response<Body> {
    if !serves(&config.path, path) {
        return response(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            "404 page not found\n".to_owned(),
        );
    }
    let status = if health.is_some() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    match config.response_body.as_ref() {
        Some(ResponseBody { healthy, unhealthy }) => {
            let text = if health.is_some() { healthy } else { unhealthy };
            response(status, "text/plain; charset=utf-8", text.clone())
        }
        None => {
            let report = Report::of(health, now);
            // Three strings always serialize.
            response(
                status,
                "application/json",
                serde_json::to_string(&report).unwrap_or_default(),
            )
        }
    }
}

/// Returns true if a probe of `path` is answered: the configured path itself, or below it if it ends in `/`.
fn serves(configured: &str, path: &str) -> bool {
    path == configured || (configured.ends_with('/') && path.starts_with(configured))
}

fn response(status: StatusCode, media_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
mod tests {
    use super::serves;

    #[test]
    fn a_path_with_a_slash_at_the_end_serves_what_is_below() {
        for (configured, path, expect) in [
            ("/", "/", true),
            ("/", "/anything", true),
            ("/health", "/health", true),
            ("/health", "/health/live", false),
            ("/health/", "/health/live", true),
            ("/health/", "/health", false),
        ] {
            assert_eq!(serves(configured, path), expect, "{configured} {path}");
        }
    }
}
