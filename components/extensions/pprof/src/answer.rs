//! From a request to a profile.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use weir_net::Body;

use crate::cpu::Recording;
use crate::heap::Heap;

/// Where profiles are.
const ROOT: &str = "/debug/pprof/";

/// How long a CPU profile takes unless asked otherwise, in seconds; as in Go.
const DEFAULT_SECONDS: u64 = 30;

/// How long a CPU profile may take, in seconds.
const MAX_SECONDS: u64 = 300;

/// What the list of profiles says.
const INDEX: &str = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Profiles</title></head><body>\
    <h1>Profiles</h1><ul>\
    <li><a href=\"profile?seconds=30\">profile</a> CPU, for <code>seconds</code> (1 to 300)</li>\
    <li><a href=\"heap\">heap</a> memory in use</li>\
    </ul><p>For <code>go tool pprof</code>.</p></body></html>\n";

/// Why there is no profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, text }
    }

    #[cfg_attr(
        all(feature = "cpu", feature = "heap"),
        expect(dead_code, reason = "both kinds are built in")
    )]
    pub(crate) fn not_built(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            format!("this binary is built without {what} profiles: build it with `--features profiling`"),
        )
    }
}

/// Answers a request. A client that goes away ends its profile.
pub(crate) async fn answer<B>(request: &Request<B>, heap: Arc<Heap>) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET".to_owned());
        refusal
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let path = request.uri().path();
    let profile = match path.strip_prefix(ROOT) {
        None if path == ROOT.trim_end_matches('/') => return index(),
        Some("") => return index(),
        Some("profile") => cpu(request.uri().query().unwrap_or_default()).await,
        Some("heap") => blocking(move || heap.profile()).await,
        other => Err(Refusal::new(StatusCode::NOT_FOUND, missing(other))),
    };
    match profile {
        Ok(profile) => binary(profile),
        Err(Refusal { status, text: why }) => text(status, why),
    }
}

/// Says why there is no such profile.
fn missing(name: Option<&str>) -> String {
    let why = match name {
        Some("allocs") => "the allocator samples memory in use only: see heap",
        Some("block" | "mutex" | "goroutine" | "threadcreate") => {
            "that is a profile of the Go runtime, which is not here"
        }
        Some("trace") => "traces of the Go runtime do not exist here",
        Some("cmdline") => "the command line may have secrets and is not shown",
        Some("symbol") => "CPU profiles carry their symbols; for heap profiles give the binary to the tool",
        _ => "no such page",
    };
    format!("{why}; see {ROOT}")
}

async fn cpu(query: &str) -> Result<Vec<u8>, Refusal> {
    let asked = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "seconds");
    let seconds = asked.map_or(Ok(DEFAULT_SECONDS), |(_, value)| value.parse());
    let seconds = seconds.ok().filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
    let Some(seconds) = seconds else {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("`seconds` must be from 1 to {MAX_SECONDS}"),
        ));
    };
    let recording = Recording::begin()?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    blocking(move || recording.finish()).await
}

/// Runs what blocks or takes long where it stalls nobody.
async fn blocking(
    make: impl FnOnce() -> Result<Vec<u8>, Refusal> + Send + 'static,
) -> Result<Vec<u8>, Refusal> {
    let made = tokio::task::spawn_blocking(make).await;
    made.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the profile could not be made",
        ))
    })
}

fn index() -> Response<Body> {
    response(StatusCode::OK, "text/html; charset=utf-8", Body::from(INDEX))
}

fn text(status: StatusCode, why: String) -> Response<Body> {
    response(status, "text/plain; charset=utf-8", Body::from(why + "\n"))
}

fn binary(profile: Vec<u8>) -> Response<Body> {
    let body = Body::from_chunks([profile.into()]);
    response(StatusCode::OK, "application/octet-stream", body)
}

fn response(status: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
