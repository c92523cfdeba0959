//! What a server does around its service: headers of every response, cross-origin requests, authentication, middlewares,
//! and what it tells about requests.

use std::convert::Infallible;
use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;

use super::cors::{CorsPolicy, Verdict};
use super::guard::Guard;
use super::middleware::Middlewares;
use super::shared::{Answer, SharedService};
use crate::body::Body;
use crate::observe::ServerWatch;

/// Goes around calls of a service. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(super) struct Around(Option<Arc<Parts>>);

#[derive(Debug)]
struct Parts {
    response_headers: HeaderMap,
    cors: Option<CorsPolicy>,
    guard: Option<Guard>,
    middlewares: Option<Middlewares>,
    watch: Option<ServerWatch>,
}

impl Around {
    pub(super) fn new(
        response_headers: HeaderMap,
        cors: Option<CorsPolicy>,
        guard: Option<Guard>,
        middlewares: Option<Middlewares>,
        watch: Option<ServerWatch>,
    ) -> Self {
        let needed = !response_headers.is_empty()
            || cors.is_some()
            || guard.is_some()
            || middlewares.is_some()
            || watch.is_some();
        Self(needed.then(|| {
            Arc::new(Parts {
                response_headers,
                cors,
                guard,
                middlewares,
                watch,
            })
        }))
    }

    /// Calls `service`, unless the request is for a layer itself or refused. Preflight requests carry no credentials and need none.
    pub(super) fn call(&self, service: &SharedService, request: Request<Incoming>) -> Answer {
        match &self.0 {
            None => service.call(request),
            Some(parts) => Box::pin(Arc::clone(parts).watched(service.clone(), request)),
        }
    }
}

impl Parts {
    async fn watched(
        self: Arc<Self>,
        service: SharedService,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let Some(watch) = &self.watch else {
            return self.call(&service, request).await;
        };
        let serving = watch.begin(&mut request);
        let response = self.call(&service, request).await?;
        watch.end(serving, &response);
        Ok(response)
    }

    async fn call(
        &self,
        service: &SharedService,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let verdict = self
            .cors
            .as_ref()
            .map(|cors| cors.judge(request.method(), request.headers()));
        let mut response = match verdict {
            Some(Verdict::Preflight(response)) => response,
            Some(Verdict::Actual(headers)) => {
                let mut response = self.guarded(service, request).await?;
                for (name, value) in &headers {
                    response.headers_mut().append(name, value.clone());
                }
                response
            }
            None => self.guarded(service, request).await?,
        };
        for (name, value) in &self.response_headers {
            response.headers_mut().insert(name, value.clone());
        }
        Ok(response)
    }

    /// Calls `service` if the request is authenticated or need not be, and no middleware refuses it.
    async fn guarded(
        &self,
        service: &SharedService,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        if let Some(guard) = &self.guard
            && let Err(refusal) = guard.admit(&mut request).await
        {
            return Ok(refusal);
        }
        if let Some(middlewares) = &self.middlewares
            && let Some(refusal) = middlewares.refuse(&request)
        {
            return Ok(refusal);
        }
        service.call(request).await
    }
}
