//! Loopback servers, clients and certificates for the tests of this crate.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use weir_component::config::{Validate, Violations};

use crate::body::Body;
use crate::client::{ProxyEnvironment, Transport, TransportSettings};
use crate::server::{GrpcServer, HttpServer, HttpService, LocalAddress, Running};

/// Far enough for any test that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

pub(crate) fn port_of(running: &Running) -> u16 {
    address_of(running).port()
}

pub(crate) fn address_of(running: &Running) -> SocketAddr {
    match running.local_address() {
        LocalAddress::Tcp(address) => *address,
        LocalAddress::Unix(path) => panic!("unix socket {path}"),
    }
}

/// Makes a service of a function.
pub(crate) fn service<F, R>(handle: F) -> impl HttpService
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    tower::service_fn(move |request| {
        let answer = handle(request);
        async move { Ok::<_, Infallible>(answer.await) }
    })
}

pub(crate) fn http_server() -> HttpServer {
    HttpServer {
        endpoint: "127.0.0.1:0".to_owned(),
        ..HttpServer::default()
    }
}

pub(crate) fn grpc_server() -> GrpcServer {
    GrpcServer {
        endpoint: "127.0.0.1:0".to_owned(),
        ..GrpcServer::default()
    }
}

pub(crate) fn transport(http2_only: bool) -> Transport {
    let settings = TransportSettings {
        http2_only,
        ..TransportSettings::default()
    };
    Transport::new(&settings, &ProxyEnvironment::default()).unwrap()
}

/// Returns what validation finds, as `path: message` lines.
pub(crate) fn violations(value: &dyn Validate) -> Vec<String> {
    let mut found = Violations::default();
    value.validate(&mut found);
    found
        .into_found()
        .into_iter()
        .map(|violation| format!("{}: {}", violation.path.join("::"), violation.message))
        .collect()
}

/// An authority and the certificates it signs, as files.
pub(crate) struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "test authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: rcgen::Issuer::new(params, key),
            pem,
        }
    }

    /// Signs a certificate for the names; returns certificate and key in PEM.
    pub(crate) fn sign(&self, names: &[&str]) -> (String, String) {
        self.sign_as(names, |_| {})
    }

    /// The same, with a change to what is signed.
    pub(crate) fn sign_as(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut rcgen::CertificateParams),
    ) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params =
            rcgen::CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
                .unwrap();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, names[0]);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}
