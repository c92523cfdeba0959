//! Amazon's published vectors: `testdata/vectors.json` has requests and, step by step, what becomes of them.

use serde::Deserialize;
use weir_component::config::Secret;

use super::*;

#[derive(Deserialize)]
struct Vector {
    name: String,
    normalize: bool,
    sign_body: bool,
    token: Option<String>,
    omit_session_token: bool,
    request: String,
    canonical: String,
    string_to_sign: String,
    signature: String,
}

/// A request as the vectors spell it.
struct Request {
    method: Method,
    uri: Uri,
    host: String,
    headers: HeaderMap,
    body: Bytes,
}

fn read(text: &str) -> Request {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    // Values may go on in lines that begin with a blank.
    let head = head.replace("\n ", " ");
    let mut lines = head.lines();
    let line = lines.next().unwrap().strip_suffix(" HTTP/1.1").unwrap();
    let (method, target) = line.split_once(' ').unwrap();
    let mut headers = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::try_from(value).unwrap(),
        );
    }
    // What a client cannot send unescaped.
    let target = target.replace(' ', "%20");
    Request {
        method: method.parse().unwrap(),
        uri: Uri::try_from(target).unwrap(),
        host: headers.remove(header::HOST).unwrap().to_str().unwrap().to_owned(),
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

const TIME: &str = "2015-08-30T12:36:00Z";

fn credentials(token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: token.map(Secret::new),
    }
}

fn scope() -> Scope<'static> {
    Scope {
        region: "us-east-1",
        service: "service",
        time: TIME.parse().unwrap(),
    }
}

#[test]
fn the_published_vectors_hold() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../testdata/vectors.json")).unwrap();
    assert_eq!(vectors.len(), 38);
    for vector in vectors {
        let mut request = read(&vector.request);
        let hash = body_hash(std::slice::from_ref(&request.body));
        let signed = [
            (X_AMZ_DATE, Some(scope().date_time())),
            (
                X_AMZ_SECURITY_TOKEN,
                vector.token.clone().filter(|_| !vector.omit_session_token),
            ),
            (X_AMZ_CONTENT_SHA256, vector.sign_body.then(|| hash.clone())),
        ];
        for (name, value) in signed {
            if let Some(value) = value {
                request
                    .headers
                    .insert(name, HeaderValue::try_from(value).unwrap());
            }
        }
        // The vectors are signed without the second escaping, which has its own test.
        let style = PathStyle {
            normalize: vector.normalize,
            encode_again: false,
        };
        let canonical = Canonical::new(
            &request.method,
            &request.uri,
            &request.host,
            &request.headers,
            style,
        );
        let name = &vector.name;
        let whole = canonical.with_body(&hash);
        assert_eq!(whole, vector.canonical, "{name}");
        assert_eq!(scope().string_to_sign(&whole), vector.string_to_sign, "{name}");
        let credentials = credentials(vector.token.as_deref());
        assert_eq!(
            authorization(&canonical, &hash, &credentials, scope()),
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={}, Signature={}",
                canonical.signed_headers, vector.signature
            ),
            "{name}"
        );
    }
}

#[test]
fn what_proves_and_dates_a_request_replaces_what_was_there() {
    let mut headers = HeaderMap::new();
    for name in [
        header::AUTHORIZATION,
        X_AMZ_SECURITY_TOKEN,
        X_AMZ_DATE,
        X_AMZ_CONTENT_SHA256,
    ] {
        headers.append(&name, HeaderValue::from_static("old"));
        headers.append(&name, HeaderValue::from_static("older"));
    }
    let uri = Uri::from_static("https://aps-workspaces.us-east-1.amazonaws.com/x");
    let hash = body_hash(&[Bytes::from_static(b"a"), Bytes::from_static(b"b")]);
    assert_eq!(hash, body_hash(&[Bytes::from_static(b"ab")]));
    let mut sign = |token| {
        let credentials = credentials(token);
        sign(
            &Method::POST,
            &uri,
            "host",
            &mut headers,
            &hash,
            &credentials,
            scope(),
        )
        .unwrap();
        assert!(headers[header::AUTHORIZATION].is_sensitive());
        (headers.len(), headers.get(X_AMZ_SECURITY_TOKEN).cloned())
    };
    let (count, token) = sign(Some("session"));
    assert_eq!((count, token.unwrap().as_bytes()), (4, &b"session"[..]));
    assert_eq!(sign(None), (3, None));
}
