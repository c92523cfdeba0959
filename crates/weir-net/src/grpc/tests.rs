mod streaming;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::BodyExt;
use weir_component::Host;

use super::*;
use crate::body::Body;
use crate::client::Transport;
use crate::server::{GrpcServer, Running};
use crate::testing::{grpc_server, port_of, service, soon, transport};

const PATH: &str = "/test.Echo/Call";

/// Answers with the message; the message itself says what else to do.
#[derive(Debug, Default)]
struct Echo {
    admitted: AtomicUsize,
    refuse_above: Option<usize>,
}

impl Unary for Echo {
    type Permit = MessageSize;

    async fn admit(&self, size: MessageSize) -> Result<MessageSize, Status> {
        if self.refuse_above.is_some_and(|max| size.wire > max) {
            return Err(Status::new(Code::Unavailable, "no memory").with_retry_delay(Duration::from_secs(2)));
        }
        self.admitted.fetch_add(1, Ordering::Relaxed);
        Ok(size)
    }

    async fn call(&self, call: ServerCall, permit: MessageSize) -> Result<Bytes, Status> {
        assert_eq!(call.size, permit);
        match &call.message[..] {
            b"fail" => Err(Status::new(Code::InvalidArgument, "100 % wrong\n")),
            b"hang" => std::future::pending().await,
            b"deadline" => Ok(Bytes::from(format!("{}", call.deadline.is_some()))),
            _ => Ok(call.message),
        }
    }
}

use super::Call as ServerCall;

async fn start(config: &GrpcServer, echo: Echo) -> (Running, Arc<Echo>) {
    let echo = Arc::new(echo);
    let (shared, limits) = (Arc::clone(&echo), config.limits());
    let service = service(move |request: Request<hyper::body::Incoming>| {
        let echo = Arc::clone(&shared);
        async move {
            if request.uri().path() == PATH {
                serve(&*echo, limits, request).await
            } else {
                status_response(&Status::new(Code::Unimplemented, "unknown method"))
            }
        }
    });
    (config.bind(&Host::default()).await.unwrap().start(service), echo)
}

fn origin(running: &Running) -> Uri {
    Uri::try_from(format!("http://127.0.0.1:{}", port_of(running))).unwrap()
}

fn client(running: &Running) -> Client {
    Client::new(transport(true), origin(running), "weir-test/1")
}

fn call(message: impl Into<Bytes>) -> ClientCall {
    ClientCall::new(PathAndQuery::from_static(PATH), message)
}

fn noise(len: usize) -> Bytes {
    let mut state = 7u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(len)
    .collect()
}

/// Sends a hand-made body.
async fn raw(
    running: &Running,
    headers: &[(&'static str, &'static str)],
    body: Body,
) -> (StatusCode, Result<(), Status>, HeaderMap) {
    let uri = Uri::try_from(format!("http://127.0.0.1:{}{PATH}", port_of(running))).unwrap();
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    request.headers_mut().insert("content-type", CONTENT_TYPE);
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(*name, HeaderValue::from_static(value));
    }
    let response = transport(true).send(request).await.unwrap();
    let (head, body) = response.into_parts();
    let trailers = body
        .collect()
        .await
        .unwrap()
        .trailers()
        .cloned()
        .unwrap_or_default();
    let outcome = Status::read(&head.headers)
        .or_else(|| Status::read(&trailers))
        .unwrap_or(Ok(()));
    (head.status, outcome, head.headers)
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![flag];
    bytes.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(message);
    bytes
}

#[tokio::test]
async fn messages_come_back_in_every_encoding() {
    let (running, _) = start(&grpc_server(), Echo::default()).await;
    let client = client(&running);
    let compressible = Bytes::from(vec![b'x'; 300_000]);
    for encoding in [
        Encoding::Identity,
        Encoding::Gzip,
        Encoding::Zstd,
        Encoding::Snappy,
    ] {
        let client = client.clone().with_compression(encoding);
        for message in [
            Bytes::new(),
            Bytes::from_static(b"small"),
            compressible.clone(),
            noise(3_000_000),
        ] {
            let reply = client.unary(call(message.clone())).await.unwrap();
            assert_eq!(reply.message, message, "{encoding}");
        }
    }
    assert_eq!(running.shutdown(soon()).await.cut, 0);
}

#[tokio::test]
async fn chunks_of_a_message_are_joined() {
    let (running, _) = start(&grpc_server(), Echo::default()).await;
    for encoding in [Encoding::Identity, Encoding::Gzip] {
        let mut call = call("first ");
        call.message.push(Bytes::from_static(b"second"));
        assert_eq!(
            client(&running)
                .with_compression(encoding)
                .unary(call)
                .await
                .unwrap()
                .message,
            "first second"
        );
    }
}

#[tokio::test]
async fn errors_carry_code_message_and_details() {
    let (running, echo) = start(
        &grpc_server(),
        Echo {
            refuse_above: Some(100),
            ..Echo::default()
        },
    )
    .await;
    let client = client(&running);
    let status = client.unary(call("fail")).await.unwrap_err();
    assert_eq!(
        (status.code, status.message.as_str()),
        (Code::InvalidArgument, "100 % wrong\n")
    );
    let status = client.unary(call(noise(2_000_000))).await.unwrap_err();
    assert_eq!(
        (status.code, status.retry_delay()),
        (Code::Unavailable, Some(Duration::from_secs(2)))
    );
    assert_eq!(
        echo.admitted.load(Ordering::Relaxed),
        1,
        "the second call must be refused before its message is read"
    );
    let other = ClientCall {
        path: PathAndQuery::from_static("/test.Echo/Other"),
        ..call("x")
    };
    assert_eq!(client.unary(other).await.unwrap_err().code, Code::Unimplemented);
}

#[tokio::test]
async fn messages_beyond_the_limit_are_refused_on_the_wire_and_decoded() {
    let config = GrpcServer {
        max_recv_msg_size_mib: 1,
        ..grpc_server()
    };
    let (running, echo) = start(&config, Echo::default()).await;
    let client = client(&running);
    let limit = 1 << 20;
    assert_eq!(
        client.unary(call(noise(limit))).await.unwrap().message.len(),
        limit
    );
    let status = client.unary(call(noise(limit + 1))).await.unwrap_err();
    assert_eq!(status.code, Code::ResourceExhausted);
    assert_eq!(echo.admitted.load(Ordering::Relaxed), 1, "refused by its prefix");
    for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Snappy] {
        let bomb = vec![0; limit + 1];
        let status = client
            .clone()
            .with_compression(encoding)
            .unary(call(bomb))
            .await
            .unwrap_err();
        assert_eq!(status.code, Code::ResourceExhausted, "{encoding}");
    }
}

#[tokio::test]
async fn answers_beyond_the_limit_of_the_client_are_refused() {
    let (running, _) = start(&grpc_server(), Echo::default()).await;
    let client = client(&running).with_max_message_bytes(1000);
    assert_eq!(client.unary(call(noise(1000))).await.unwrap().message.len(), 1000);
    assert_eq!(
        client.unary(call(noise(1001))).await.unwrap_err().code,
        Code::ResourceExhausted
    );
}

#[tokio::test]
async fn deadlines_reach_the_service_and_end_the_call() {
    let (running, _) = start(&grpc_server(), Echo::default()).await;
    let client = client(&running);
    let patient = ClientCall {
        timeout: Some(Duration::from_secs(60)),
        ..call("deadline")
    };
    assert_eq!(client.unary(patient).await.unwrap().message, "true");
    assert_eq!(client.unary(call("deadline")).await.unwrap().message, "false");
    let hasty = ClientCall {
        timeout: Some(Duration::from_millis(20)),
        ..call("hang")
    };
    assert_eq!(
        client.unary(hasty).await.unwrap_err().code,
        Code::DeadlineExceeded
    );
    // The server ends it as well, without a client that gives up.
    let (_, outcome, _) = raw(
        &running,
        &[("grpc-timeout", "20m")],
        Bytes::from(framed(0, b"hang")).into(),
    )
    .await;
    assert_eq!(outcome.unwrap_err().code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn wrong_requests_get_the_status_that_the_specification_names() {
    let (running, _) = start(&grpc_server(), Echo::default()).await;
    let plain = |bytes: Vec<u8>| Body::from(Bytes::from(bytes));
    let code = async |headers: &[(&'static str, &'static str)], bytes| {
        let (http, outcome, headers) = raw(&running, headers, plain(bytes)).await;
        assert_eq!(http, StatusCode::OK);
        assert_eq!(headers["grpc-accept-encoding"], "identity,gzip,zstd,snappy");
        outcome.unwrap_err().code
    };
    assert_eq!(
        code(&[("grpc-encoding", "br")], framed(1, b"x")).await,
        Code::Unimplemented
    );
    assert_eq!(code(&[], framed(1, b"x")).await, Code::Internal);
    assert_eq!(code(&[], framed(2, b"x")).await, Code::Internal);
    assert_eq!(
        code(&[("grpc-encoding", "gzip")], framed(1, b"x")).await,
        Code::Internal
    );
    assert_eq!(code(&[], vec![]).await, Code::Internal);
    assert_eq!(code(&[], vec![0, 0]).await, Code::Internal);
    assert_eq!(code(&[], vec![0, 0, 0, 0, 9, b'x']).await, Code::Internal);
    assert_eq!(
        code(&[], vec![0, 0xff, 0xff, 0xff, 0xff]).await,
        Code::ResourceExhausted
    );
    assert_eq!(
        code(&[], [framed(0, b"one"), framed(0, b"two")].concat()).await,
        Code::Unimplemented
    );
    // An uncompressed message is fine whatever grpc-encoding says.
    let (_, outcome, _) = raw(&running, &[("grpc-encoding", "gzip")], plain(framed(0, b"x"))).await;
    assert_eq!(outcome, Ok(()));

    let (http, _, _) = raw(
        &running,
        &[("content-type", "application/json")],
        plain(framed(0, b"x")),
    )
    .await;
    assert_eq!(http, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (http, outcome, _) = raw(
        &running,
        &[("content-type", "application/grpc+proto; v=1")],
        plain(framed(0, b"x")),
    )
    .await;
    assert_eq!((http, outcome), (StatusCode::OK, Ok(())));
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let client = Client::new(
        transport(true),
        Uri::from_static("http://127.0.0.1:1"),
        "weir-test/1",
    );
    let status = client.unary(call("x")).await.unwrap_err();
    assert_eq!(status.code, Code::Unavailable);
    assert!(status.message.contains("refused"), "{status}");
}

#[tokio::test]
async fn answers_that_are_not_grpc_are_mapped() {
    let server = crate::testing::http_server()
        .bind(&Host::default())
        .await
        .unwrap();
    let running = server.start(service(|_| async {
        let mut response = http::Response::new(Body::from("busy"));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }));
    assert_eq!(
        client(&running).unary(call("x")).await.unwrap_err().code,
        Code::Unavailable
    );
}

#[tokio::test]
async fn prefix_and_message_are_read_across_any_frames() {
    let message = noise(1000);
    let bytes = Bytes::from(framed(0, &message));
    for step in [1, 2, 3, 7, 64, 999, 2000] {
        let body = Body::from_chunks(bytes.chunks(step).map(Bytes::copy_from_slice).collect::<Vec<_>>());
        let mut reader = framing::Reader::new(body, 1000);
        let size = reader.prefix(Encoding::Identity).await.unwrap().unwrap();
        assert_eq!(
            size,
            MessageSize {
                wire: 1000,
                encoding: Encoding::Identity,
                limit: 1000
            }
        );
        assert_eq!(reader.message(size).await.unwrap(), message, "frames of {step}");
    }
}

#[tokio::test]
async fn a_message_in_one_frame_is_not_copied() {
    let bytes = Bytes::from(framed(0, b"payload"));
    let mut reader = framing::Reader::new(Body::from(bytes.clone()), 100);
    let size = reader.prefix(Encoding::Identity).await.unwrap().unwrap();
    assert_eq!(reader.message(size).await.unwrap().as_ptr(), bytes[5..].as_ptr());
}

#[tokio::test]
async fn a_claim_of_a_large_message_takes_no_memory_in_advance() {
    let mut announced = BytesMut::from(&[0, 0x40, 0, 0, 0][..]);
    announced.extend_from_slice(b"little");
    let mut reader = framing::Reader::new(Body::from(announced.freeze()), 1 << 30);
    let size = reader.prefix(Encoding::Identity).await.unwrap().unwrap();
    assert_eq!(size.wire, 1 << 30);
    assert_eq!(reader.message(size).await.unwrap_err().code, Code::Internal);
}

#[expect(
    dead_code,
    reason = "asserts at compile time that clients and their futures cross threads"
)]
fn client_is_send(client: &Client, transport: Transport) -> impl Send {
    (client.unary(call("x")), transport)
}
