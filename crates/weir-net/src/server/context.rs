//! What a request says about its sender, in the form that batches carry.

use std::sync::Arc;

use http::request::Parts;
use weir_component::{Context, Identity};
use weir_pdata::{ContextParts, Metadata, Trace};

use super::ConnectionInfo;

/// Makes the context of the data in a request: the peer's address, its authenticated identity, the place in a trace that the server gave
/// it, and all headers if `include_metadata`.
///
/// Header names are in lower case, several values keep their order; `host` is the authority of HTTP/2 requests. Values that are not
/// UTF-8 have the bytes in question replaced. The size is bounded by that of a request's header, 64 KiB.
pub fn context_of(
    request: &Parts,
    include_metadata: bool,
    deadline: Option<tokio::time::Instant>,
) -> Context {
    let peer = request
        .extensions
        .get::<Arc<ConnectionInfo>>()
        .and_then(|info| info.peer);
    let metadata = if include_metadata {
        metadata_of(request)
    } else {
        Metadata::new()
    };
    let context = Context::new(ContextParts {
        peer,
        identity: request.extensions.get::<Identity>().cloned(),
        metadata,
        deadline: deadline.map(tokio::time::Instant::into_std),
        ..ContextParts::default()
    });
    match request.extensions.get::<Trace>() {
        Some(trace) => context.with_trace(trace.clone()),
        None => context,
    }
}

fn metadata_of(request: &Parts) -> Metadata {
    let mut metadata = Metadata::new();
    for (name, value) in &request.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        metadata.entry(name.as_str().to_owned()).or_default().push(value);
    }
    if let Some(authority) = request.uri.authority() {
        metadata
            .entry("host".to_owned())
            .or_insert_with(|| vec![authority.to_string()]);
    }
    metadata
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn headers_become_metadata_only_if_asked() {
        let request = Request::builder()
            .uri("http://gateway.test:4317/x")
            .header("X-Tenant", "a")
            .header("x-tenant", "b")
            .extension(Arc::new(ConnectionInfo {
                peer: Some(([10, 0, 0, 1], 5).into()),
                tls: None,
            }))
            .extension(Trace {
                traceparent: Some("00-1-2-01".to_owned()),
                ..Trace::default()
            })
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let context = context_of(&parts, true, None);
        assert_eq!(context.metadata["x-tenant"], ["a", "b"]);
        assert_eq!(context.metadata["host"], ["gateway.test:4317"]);
        assert_eq!(context.peer.unwrap().port(), 5);
        let trace = context.trace().unwrap();
        assert_eq!(trace.traceparent.as_deref(), Some("00-1-2-01"));
        assert!(context_of(&parts, false, None).metadata.is_empty());
    }
}
