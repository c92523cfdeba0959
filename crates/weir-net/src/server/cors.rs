//! Cross-origin resource sharing.
//!
//! Spec: Fetch standard, section "CORS protocol", <https://fetch.spec.whatwg.org/#http-cors-protocol>.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::Cors;
use crate::body::Body;

/// Request headers that every origin may send; the safelisted ones and the one that scripts mark themselves with.
const USUAL_HEADERS: [&str; 4] = ["accept", "content-type", "origin", "x-requested-with"];

/// Methods that other origins may use.
const METHODS: [Method; 3] = [Method::GET, Method::POST, Method::HEAD];

/// A [`Cors`] section ready for use.
#[derive(Debug, Clone)]
pub(super) struct CorsPolicy {
    any_origin: bool,
    /// What stands before and after the `*`; equal texts without one.
    origins: Vec<(String, Option<String>)>,
    any_header: bool,
    headers: Vec<String>,
    exposed: Option<HeaderValue>,
    max_age: u32,
}

/// What to do with a request.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Answer it with this.
    Preflight(Response<Body>),
    /// Serve it and add these headers.
    Actual(HeaderMap),
}

impl CorsPolicy {
    /// Returns the policy, or `None` if no origin is allowed anything.
    pub(super) fn new(cors: &Cors) -> Option<Self> {
        if cors.allowed_origins.is_empty() {
            if !cors.allowed_headers.is_empty() {
                tracing::warn!("cors::allowed_headers has no effect without cors::allowed_origins");
            }
            return None;
        }
        let split = |origin: &String| {
            let origin = origin.to_ascii_lowercase();
            match origin.split_once('*') {
                Some((before, after)) => (before.to_owned(), Some(after.to_owned())),
                None => (origin, None),
            }
        };
        Some(Self {
            any_origin: cors.allowed_origins.iter().any(|origin| origin == "*"),
            origins: cors.allowed_origins.iter().map(split).collect(),
            any_header: cors.allowed_headers.iter().any(|name| name == "*"),
            headers: cors
                .allowed_headers
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            exposed: HeaderValue::try_from(cors.exposed_headers.join(", "))
                .ok()
                .filter(|value| !value.is_empty()),
            max_age: cors.max_age,
        })
    }

    /// Judges a request by its method and headers.
    pub(super) fn judge(&self, method: &Method, headers: &HeaderMap) -> Verdict {
        if *method == Method::OPTIONS
            && let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_METHOD)
        {
            return Verdict::Preflight(self.preflight(wanted, headers));
        }
        let mut answer = HeaderMap::from_iter([(VARY, HeaderValue::from_static("Origin"))]);
        if let Some(origin) = self.allowed_origin(headers)
            && METHODS.contains(method)
        {
            self.allow(origin, &mut answer);
            if let Some(exposed) = &self.exposed {
                answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
            }
        }
        Verdict::Actual(answer)
    }

    /// Answers a preflight request. Without the allowing headers the browser gives up.
    fn preflight(&self, wanted: &HeaderValue, headers: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(
            VARY,
            HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        );
        let requested = headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
        let names = requested
            .map(|value| value.to_str().unwrap_or("\0"))
            .unwrap_or_default();
        let allowed = METHODS
            .iter()
            .any(|method| method.as_str().as_bytes() == wanted.as_bytes())
            && names
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .all(|name| self.allows_header(name));
        if let Some(origin) = self.allowed_origin(headers).filter(|_| allowed) {
            self.allow(origin, answer);
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, wanted.clone());
            if let Some(requested) = requested {
                answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, requested.clone());
            }
            if self.max_age > 0 {
                answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age));
            }
        }
        response
    }

    fn allow(&self, origin: &HeaderValue, answer: &mut HeaderMap) {
        let origin = if self.any_origin {
            HeaderValue::from_static("*")
        } else {
            origin.clone()
        };
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }

    fn allowed_origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let value = headers.get(ORIGIN)?;
        let origin = value.to_str().ok()?.to_ascii_lowercase();
        let fits = |(before, after): &(String, Option<String>)| match after {
            None => origin == *before,
            Some(after) => {
                origin.len() >= before.len() + after.len()
                    && origin.starts_with(before)
                    && origin.ends_with(after)
            }
        };
        (self.any_origin || self.origins.iter().any(fits)).then_some(value)
    }

    fn allows_header(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.any_header || self.headers.contains(&name) || USUAL_HEADERS.contains(&name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> CorsPolicy {
        CorsPolicy::new(&Cors {
            allowed_origins: vec![
                "https://*.example.com".to_owned(),
                "http://localhost:3000".to_owned(),
            ],
            allowed_headers: vec!["X-Tenant".to_owned()],
            exposed_headers: vec!["X-Seen".to_owned()],
            max_age: 600,
        })
        .unwrap()
    }

    fn request(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect()
    }

    fn preflight(origin: &'static str, method: &'static str, headers: &'static str) -> HeaderMap {
        let request = request(&[
            (ORIGIN, origin),
            (ACCESS_CONTROL_REQUEST_METHOD, method),
            (ACCESS_CONTROL_REQUEST_HEADERS, headers),
        ]);
        match policy().judge(&Method::OPTIONS, &request) {
            Verdict::Preflight(response) => {
                assert_eq!(response.status(), StatusCode::NO_CONTENT);
                response.headers().clone()
            }
            Verdict::Actual(_) => panic!("preflight not recognised"),
        }
    }

    #[test]
    fn preflights_of_allowed_origins_are_granted() {
        let headers = preflight("https://a.example.com", "POST", "content-type, x-tenant");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example.com");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_METHODS], "POST");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_HEADERS], "content-type, x-tenant");
        assert_eq!(headers[ACCESS_CONTROL_MAX_AGE], "600");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    }

    #[test]
    fn other_origins_methods_and_headers_are_not() {
        for (origin, method, headers) in [
            ("https://example.org", "POST", ""),
            ("https://.example.co", "POST", ""),
            ("https://a.example.com", "DELETE", ""),
            ("https://a.example.com", "POST", "x-other"),
        ] {
            assert!(
                !preflight(origin, method, headers).contains_key(ACCESS_CONTROL_ALLOW_ORIGIN),
                "{origin} {method} {headers}"
            );
        }
    }

    #[test]
    fn actual_requests_get_headers_if_their_origin_is_allowed() {
        let judge = |origin| match policy().judge(&Method::POST, &request(&[(ORIGIN, origin)])) {
            Verdict::Actual(headers) => headers,
            Verdict::Preflight(_) => panic!("not a preflight"),
        };
        let headers = judge("http://localhost:3000");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:3000");
        assert_eq!(headers[ACCESS_CONTROL_EXPOSE_HEADERS], "X-Seen");
        assert_eq!(headers[VARY], "Origin");
        assert!(!judge("http://localhost:3001").contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }

    #[test]
    fn without_origins_there_is_no_policy() {
        assert!(CorsPolicy::new(&Cors::default()).is_none());
    }
}
