//! From a request to a page.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use weir_net::Body;

use crate::extension::Sources;
use crate::pages;

/// Nothing is loaded, nothing runs; styles are in the page.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Html,
    Json,
}

impl Format {
    /// Returns what a request asks for: JSON by `?format=json` or `Accept`, otherwise HTML.
    fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let by_query = query.is_some_and(|query| query.split('&').any(|pair| pair == "format=json"));
        let accept = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        // Browsers ask for HTML first and take anything.
        if by_query || (accept.contains("application/json") && !accept.contains("text/html")) {
            Self::Json
        } else {
            Self::Html
        }
    }

    const fn media_type(self) -> HeaderValue {
        match self {
            Self::Html => HeaderValue::from_static("text/html; charset=utf-8"),
            Self::Json => HeaderValue::from_static("application/json"),
        }
    }
}

/// Answers a request.
pub(crate) async fn answer<B>(request: &Request<B>, sources: Sources) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET");
        refusal
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let format = Format::of(request.uri().query(), request.headers());
    let path = request.uri().path().trim_end_matches('/').to_owned();
    // Large graphs take longer to write than a thread of the runtime should be held.
    let written = tokio::task::spawn_blocking(move || pages::write(&path, format, &sources));
    match written.await {
        Ok(Some(text)) => page(text, format),
        Ok(None) => plain(StatusCode::NOT_FOUND, "no such page; see /debug/"),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written"),
    }
}

fn page(text: String, format: Format) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, format.media_type());
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_what_asks_for_it() {
        let json = "application/json";
        for (query, accept, expect) in [
            (None, "", Format::Html),
            (None, "*/*", Format::Html),
            (None, json, Format::Json),
            (None, "text/html, application/json;q=0.9", Format::Html),
            (Some("format=json"), "text/html", Format::Json),
            (Some("a=b&format=json"), "", Format::Json),
            (Some("format=html"), "", Format::Html),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(Format::of(query, &headers), expect, "{query:?} {accept}");
        }
    }
}
