//! Calls with many answers.

use tokio::sync::mpsc;

use super::*;

/// Hands calls with their answers to the test, unless the message is `no`.
struct Hands(mpsc::Sender<(Bytes, Answers)>);

impl ServerStreaming for Hands {
    fn begin(&self, call: ServerCall, answers: Answers) -> Result<(), Status> {
        if call.message == "no" {
            return Err(Status::new(Code::NotFound, "no"));
        }
        self.0
            .try_send((call.message, answers))
            .expect("the test listens");
        Ok(())
    }
}

async fn start_streaming() -> (Running, mpsc::Receiver<(Bytes, Answers)>) {
    let (hands, calls) = mpsc::channel(4);
    let service = service(move |request: Request<hyper::body::Incoming>| {
        let hands = Hands(hands.clone());
        async move { serve_streaming(&hands, Limits::default(), request).await }
    });
    let running = grpc_server().bind(&Host::default()).await.unwrap().start(service);
    (running, calls)
}

/// Sends a message and returns the answer's head and its body, unread.
async fn open(
    running: &Running,
    message: &[u8],
    timeout: Option<&'static str>,
) -> (HeaderMap, hyper::body::Incoming) {
    let uri = Uri::try_from(format!("http://127.0.0.1:{}{PATH}", port_of(running))).unwrap();
    let mut request = Request::new(Body::from(Bytes::from(framed(0, message))));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    request.headers_mut().insert("content-type", CONTENT_TYPE);
    if let Some(timeout) = timeout {
        let value = HeaderValue::from_static(timeout);
        request.headers_mut().insert("grpc-timeout", value);
    }
    let (head, body) = transport(true).send(request).await.unwrap().into_parts();
    assert_eq!(head.status, StatusCode::OK);
    (head.headers, body)
}

/// Reads a message, or the status that ends the answer.
async fn next(body: &mut hyper::body::Incoming) -> Result<Bytes, Result<(), Status>> {
    let frame = body.frame().await.expect("an answer has an end").unwrap();
    match frame.into_data() {
        Ok(data) => Ok(data.slice(5..)),
        Err(frame) => Err(Status::read(&frame.into_trailers().unwrap()).unwrap()),
    }
}

#[tokio::test]
async fn messages_arrive_as_they_are_sent_and_the_status_last() {
    let (running, mut calls) = start_streaming().await;
    let (_, mut body) = open(&running, b"hello", None).await;
    let (message, answers) = calls.recv().await.unwrap();
    assert_eq!(message, "hello");
    for text in ["one", "two"] {
        answers.send(Bytes::from(text)).await.unwrap();
        assert_eq!(next(&mut body).await.unwrap(), text);
    }
    answers.finish(Err(Status::new(Code::Cancelled, "enough"))).await;
    let status = next(&mut body).await.unwrap_err().unwrap_err();
    assert_eq!(
        (status.code, status.message.as_str()),
        (Code::Cancelled, "enough")
    );
    running.shutdown(soon()).await;
}

#[tokio::test]
async fn a_call_that_is_refused_has_a_status_only() {
    let (running, _calls) = start_streaming().await;
    let (headers, _) = open(&running, b"no", None).await;
    let status = Status::read(&headers).unwrap().unwrap_err();
    assert_eq!(status.code, Code::NotFound);
    running.shutdown(soon()).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_is_noticed() {
    let (running, mut calls) = start_streaming().await;
    let (_, body) = open(&running, b"hello", None).await;
    let (_, answers) = calls.recv().await.unwrap();
    drop(body);
    answers.gone().await;
    running.shutdown(soon()).await;
}

#[tokio::test]
async fn a_deadline_ends_the_wait() {
    let (running, mut calls) = start_streaming().await;
    let (_, _body) = open(&running, b"hello", Some("20m")).await;
    let (_, answers) = calls.recv().await.unwrap();
    answers.gone().await;
    answers.finish(Ok(())).await;
    running.shutdown(soon()).await;
}
