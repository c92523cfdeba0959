//! What an HTTP server does around its service: headers of every response, cross-origin requests.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use tower::{Service, ServiceExt};

use super::HttpService;
use super::cors::{CorsPolicy, Verdict};
use crate::body::Body;

/// Wraps services. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(super) struct Around(Option<Arc<Parts>>);

#[derive(Debug)]
struct Parts {
    response_headers: HeaderMap,
    cors: Option<CorsPolicy>,
}

impl Around {
    pub(super) fn new(response_headers: HeaderMap, cors: Option<CorsPolicy>) -> Self {
        let needed = !response_headers.is_empty() || cors.is_some();
        Self(needed.then(|| {
            Arc::new(Parts {
                response_headers,
                cors,
            })
        }))
    }

    pub(super) fn wrap<S: HttpService>(&self, inner: S) -> Wrapped<S> {
        Wrapped {
            inner,
            around: self.clone(),
        }
    }
}

/// A service with what goes around it.
#[derive(Debug, Clone)]
pub(super) struct Wrapped<S> {
    inner: S,
    around: Around,
}

impl<S: HttpService> Service<Request<Incoming>> for Wrapped<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let Some(parts) = self.around.0.clone() else {
            return Box::pin(self.inner.call(request));
        };
        let inner = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, inner);
        Box::pin(async move {
            let verdict = parts
                .cors
                .as_ref()
                .map(|cors| cors.judge(request.method(), request.headers()));
            let mut response = match verdict {
                Some(Verdict::Preflight(response)) => response,
                Some(Verdict::Actual(headers)) => {
                    let mut response = ready.oneshot(request).await?;
                    extend(response.headers_mut(), &headers);
                    response
                }
                None => ready.oneshot(request).await?,
            };
            for (name, value) in &parts.response_headers {
                response.headers_mut().insert(name, value.clone());
            }
            Ok(response)
        })
    }
}

fn extend(headers: &mut HeaderMap, more: &HeaderMap) {
    for (name, value) in more {
        headers.append(name, value.clone());
    }
}
