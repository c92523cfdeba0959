//! Certificates that change under load: of the servers, of their clients, and the authority of these. No request fails, and what is new
//! is really in use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use weir_component::Host;
use weir_component::config::OffUnlessSet;

use super::*;
use crate::body::Body;
use crate::client::{ProxyEnvironment, Transport, TransportSettings};
use crate::grpc::{self, Call as ServerCall, MessageSize, Status, Unary};
use crate::server::{ConnectionInfo, GrpcServer, HttpServer, Running};
use crate::testing::{grpc_server, http_server, port_of, service, soon};

const ROUNDS: usize = 100;

/// On new connections, one per request, and on one connection that is kept; over HTTP and gRPC.
const LOADS: [&str; 4] = ["/http/new", "/http/kept", "/grpc/new", "/grpc/kept"];

/// What servers know of the clients that use a path.
#[derive(Debug, Default)]
struct Known {
    requests: usize,
    ports: BTreeSet<u16>,
    /// Of the last request.
    certificate: Vec<u8>,
}

type Seen = Arc<Mutex<BTreeMap<String, Known>>>;

fn note(seen: &Seen, request: &Request<Incoming>) {
    let info = request.extensions().get::<Arc<ConnectionInfo>>().unwrap();
    let mut seen = seen.lock().unwrap();
    let known = seen.entry(request.uri().path().to_owned()).or_default();
    known.requests += 1;
    known.ports.insert(info.peer.unwrap().port());
    known.certificate = info.tls.as_ref().unwrap().certificates[0].to_vec();
}

struct Echo;

impl Unary for Echo {
    type Permit = ();

    async fn admit(&self, _: MessageSize) -> Result<(), Status> {
        Ok(())
    }

    async fn call(&self, call: ServerCall, (): ()) -> Result<Bytes, Status> {
        Ok(call.message)
    }
}

async fn servers(section: &TlsServer, seen: &Seen) -> [Running; 2] {
    let http = HttpServer {
        tls: OffUnlessSet::on(section.clone()),
        ..http_server()
    };
    let grpc = GrpcServer {
        tls: OffUnlessSet::on(section.clone()),
        ..grpc_server()
    };
    let limits = grpc.limits();
    let (http, grpc) = (
        http.bind(&Host::default()).await.unwrap(),
        grpc.bind(&Host::default()).await.unwrap(),
    );
    let by_http = Arc::clone(seen);
    let by_grpc = Arc::clone(seen);
    [
        http.start(service(move |request| {
            note(&by_http, &request);
            async { Response::new(Body::from(Bytes::from_static(b"well"))) }
        })),
        grpc.start(service(move |request| {
            note(&by_grpc, &request);
            async move { grpc::serve(&Echo, limits, request).await }
        })),
    ]
}

/// Sends requests one after the other, until one fails; returns why.
async fn load(path: &'static str, port: u16, tls: TlsClient) -> String {
    let settings = TransportSettings {
        tls,
        http2_only: path.starts_with("/grpc"),
        offer_http2: path.starts_with("/grpc"),
        max_idle_per_host: usize::from(path.ends_with("/kept")),
        ..TransportSettings::default()
    };
    let transport = Transport::new(&settings, &ProxyEnvironment::default()).unwrap();
    let origin = format!("https://localhost:{port}");
    let client = grpc::Client::new(transport.clone(), Uri::try_from(&origin).unwrap(), "test/1");
    loop {
        let answer = if settings.http2_only {
            let call = grpc::ClientCall::new(PathAndQuery::from_static(path), "well");
            client
                .unary(call)
                .await
                .map(|reply| reply.message)
                .map_err(|status| status.to_string())
        } else {
            get(&transport, &format!("{origin}{path}")).await
        };
        match answer {
            // A connection that is kept is not the load: leave time for the others.
            Ok(answer) if &answer[..] == b"well" => {
                for _ in 0..if path.ends_with("/kept") { 50 } else { 0 } {
                    tokio::task::yield_now().await;
                }
            }
            other => return format!("{path}: {other:?}"),
        }
    }
}

async fn get(transport: &Transport, url: &str) -> Result<Bytes, String> {
    let mut request = Request::new(Body::from(Bytes::new()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::try_from(url).unwrap();
    if url.ends_with("/new") {
        let headers = request.headers_mut();
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    let answer = transport
        .send(request)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let body = answer.into_body().collect().await;
    body.map(http_body_util::Collected::to_bytes)
        .map_err(|error| format!("{error:?}"))
}

/// Lets the others go on, and a little time pass for them.
///
/// While someone does this the clock does not jump to the next timeout by itself.
async fn turn(loads: &mut JoinSet<String>) {
    tokio::time::advance(Duration::from_micros(1)).await;
    if let Some(ended) = loads.try_join_next() {
        panic!("a request failed: {}", ended.unwrap());
    }
}

/// Replaces a file: in one go as `mv` does, or in place as `cp` does, with half of it there for a while.
async fn replace(files: &Files, name: &str, content: &str, in_place: bool, loads: &mut JoinSet<String>) {
    if in_place {
        files.write(name, &content[..content.len() / 2]);
        for _ in 0..10 {
            turn(loads).await;
        }
        files.write(name, content);
    } else {
        files.write("next", content);
        std::fs::rename(files.path("next"), files.path(name)).unwrap();
    }
    turn(loads).await;
}

/// Replaces a certificate and its key; in between they do not fit.
async fn replace_pair(
    files: &Files,
    name: &str,
    (certificate, key): (&str, &str),
    in_place: bool,
    loads: &mut JoinSet<String>,
) {
    replace(files, &format!("{name}.pem"), certificate, in_place, loads).await;
    replace(files, &format!("{name}.key"), key, in_place, loads).await;
}

/// Returns the certificate that a server shows on a new connection.
async fn shown(port: u16, client: &ClientTls) -> Vec<u8> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let stream = client.connect("localhost", stream).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

#[tokio::test(start_paused = true)]
async fn no_request_fails_while_certificates_change() {
    let files = Files::new();
    let mut clients = Authority::new();
    let sign = |authority: &Authority| authority.sign(&["client.test"]);
    files.write("client-ca.pem", &clients.pem);
    let (certificate, key) = sign(&clients);
    files.write("client.pem", &certificate);
    files.write("client.key", &key);
    let followed = |name: &str| TlsFiles {
        reload_interval: Duration::from_nanos(1),
        ..files.identity(name)
    };
    let server = TlsServer {
        files: followed("server"),
        client_ca_file: files.name("client-ca.pem"),
        client_ca_file_reload: true,
    };
    let client = TlsClient {
        files: TlsFiles {
            ca_file: files.name("ca.pem"),
            ..followed("client")
        },
        ..TlsClient::default()
    };
    let seen = Seen::default();
    let servers = servers(&server, &seen).await;
    let ports = [port_of(&servers[0]), port_of(&servers[1])];
    let mut loads = JoinSet::new();
    for path in LOADS {
        let port = ports[usize::from(path.starts_with("/grpc"))];
        loads.spawn(load(path, port, client.clone()));
    }
    let probe = client.build(&[]).unwrap();

    for round in 0..ROUNDS {
        let in_place = round % 2 == 1;
        // The authority of the clients: for a while the old one and the new one count.
        let next = Authority::new();
        let both = format!("{}{}", clients.pem, next.pem);
        replace(&files, "client-ca.pem", &both, in_place, &mut loads).await;
        clients = next;
        // Servers look at it once a second, at the next connection.
        tokio::time::advance(Duration::from_millis(1001)).await;
        let requests = |seen: &Seen| -> Vec<usize> {
            let seen = seen.lock().unwrap();
            let of = |path: &&str| seen.get(*path).map_or(0, |known| known.requests);
            LOADS.iter().map(of).collect()
        };
        let before = requests(&seen);
        while requests(&seen)
            .iter()
            .zip(&before)
            .any(|(now, before)| *now < before + 2)
        {
            turn(&mut loads).await;
        }
        // The clients themselves.
        let (certificate, key) = sign(&clients);
        replace_pair(&files, "client", (&certificate, &key), in_place, &mut loads).await;
        let certificate = der(&certificate);
        let news = LOADS.iter().filter(|path| path.ends_with("/new"));
        while news
            .clone()
            .any(|path| seen.lock().unwrap()[*path].certificate != certificate)
        {
            turn(&mut loads).await;
        }
        // The servers.
        let (certificate, key) = files.authority.sign(&["localhost", "server.test"]);
        replace_pair(&files, "server", (&certificate, &key), in_place, &mut loads).await;
        for port in ports {
            while shown(port, &probe).await != der(&certificate) {
                turn(&mut loads).await;
            }
        }
    }

    let ports = |path: &str| seen.lock().unwrap()[path].ports.len();
    for path in LOADS {
        if path.ends_with("/kept") {
            assert_eq!(ports(path), 1, "{path} is one connection");
        } else {
            assert!(ports(path) >= ROUNDS, "{path}: {} connections", ports(path));
        }
    }
    loads.shutdown().await;
    for server in servers {
        server.shutdown(soon()).await;
    }
}
