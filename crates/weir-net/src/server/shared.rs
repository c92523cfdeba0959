//! The service of a server, shared by its connections.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tower::ServiceExt;

use super::HttpService;
use crate::body::Body;

/// An answer under way.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Any service. Servers and kinds of connections share one build of the HTTP stack; a call costs one allocation.
#[derive(Clone)]
pub(super) struct SharedService(Arc<dyn Serve>);

trait Serve: Send + Sync {
    fn serve(&self, request: Request<Incoming>) -> Answer;
}

impl<S: HttpService> Serve for S {
    fn serve(&self, request: Request<Incoming>) -> Answer {
        Box::pin(self.clone().oneshot(request))
    }
}

impl SharedService {
    pub(super) fn new(service: impl HttpService) -> Self {
        Self(Arc::new(service))
    }

    pub(super) fn call(&self, request: Request<Incoming>) -> Answer {
        self.0.serve(request)
    }
}

impl fmt::Debug for SharedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedService")
    }
}
