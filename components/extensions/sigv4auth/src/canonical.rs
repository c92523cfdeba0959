//! The form of a request that is signed: the same however it was spelled.
//!
//! Spec: AWS Signature Version 4, "Create a canonical request".

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, Method, Uri, header};
use url::form_urlencoded;

/// How the path of a request is spelled when it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathStyle {
    /// Resolves `.` and `..` and merges slashes.
    pub(crate) normalize: bool,
    /// Encodes the path as it is sent once more.
    pub(crate) encode_again: bool,
}

impl PathStyle {
    /// Returns the style that a service expects: S3 takes paths as they are, because they name objects.
    pub(crate) fn of(service: &str) -> Self {
        let usual = service != "s3";
        Self {
            normalize: usual,
            encode_again: usual,
        }
    }
}

/// What is signed of a request, but for its body.
pub(crate) struct Canonical {
    /// All of it up to the names of the headers, each line with its end.
    head: String,
    /// Names of the headers, joined by semicolons.
    pub(crate) signed_headers: String,
}

/// Headers that connections and proxies add or change, and the signature's own.
const UNSIGNED: [HeaderName; 10] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
    HeaderName::from_static("x-amzn-trace-id"),
];

impl Canonical {
    /// Brings a request into canonical form. `host` is what the server will see as `Host` or `:authority`.
    pub(crate) fn new(method: &Method, uri: &Uri, host: &str, headers: &HeaderMap, style: PathStyle) -> Self {
        let mut values: BTreeMap<&str, String> = BTreeMap::from([("host", host.to_owned())]);
        for (name, value) in headers {
            if UNSIGNED.contains(name) || name == header::HOST {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            let collapsed = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            values
                .entry(name.as_str())
                .and_modify(|joined| {
                    joined.push(',');
                    joined.push_str(&collapsed);
                })
                .or_insert(collapsed);
        }
        let path = canonical_path(uri.path(), style);
        let query = canonical_query(uri.query().unwrap_or_default());
        let mut head = format!("{method}\n{path}\n{query}\n");
        for (name, value) in &values {
            // Writing to a text cannot fail.
            let _ = writeln!(head, "{name}:{value}");
        }
        Self {
            head,
            signed_headers: values.into_keys().collect::<Vec<_>>().join(";"),
        }
    }

    /// Returns the whole, with the hash of the body in hexadecimal digits.
    pub(crate) fn with_body(&self, body_hash: &str) -> String {
        format!("{}\n{}\n{body_hash}", self.head, self.signed_headers)
    }
}

fn canonical_path(path: &str, style: PathStyle) -> String {
    let path = match style.normalize {
        true => normalized(path),
        false => path.to_owned(),
    };
    let encoded = match style.encode_again {
        true => encode(&path, b"/"),
        // Escapes stay as they are.
        false => encode(&path, b"/%"),
    };
    if encoded.is_empty() {
        "/".to_owned()
    } else {
        encoded
    }
}

/// Spec: RFC 3986, "Remove Dot Segments"; empty segments go as well.
fn normalized(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let directory = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    match segments.is_empty() {
        true => "/".to_owned(),
        false => format!("/{}{}", segments.join("/"), if directory { "/" } else { "" }),
    }
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (encode(&name, b""), encode(&value, b"")))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Escapes all bytes but the unreserved ones of RFC 3986 and those that are `kept`.
fn encode(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_again_but_for_s3() {
        let aps = PathStyle::of("aps");
        let s3 = PathStyle::of("s3");
        for (path, style, expected) in [
            (
                "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations",
                aps,
                "/2015-03-31/functions/arn%253Aaws%253Alambda/invocations",
            ),
            (
                "/test/@connections/JBDvjfGEIAMCERw%3D",
                aps,
                "/test/%40connections/JBDvjfGEIAMCERw%253D",
            ),
            ("/a//b/../c%20d", aps, "/a/c%2520d"),
            ("/a//b/../c%20d", s3, "/a//b/../c%20d"),
            ("", aps, "/"),
            ("/..", aps, "/"),
        ] {
            assert_eq!(canonical_path(path, style), expected, "{path}");
        }
    }

    #[test]
    fn queries_are_sorted_and_spelled_one_way() {
        for (query, expected) in [
            ("", ""),
            ("b=1&a=2&a=1", "a=1&a=2&b=1"),
            ("key", "key="),
            ("a+b=c%2fd&é=%C3%A9", "%C3%A9=%C3%A9&a%20b=c%2Fd"),
        ] {
            assert_eq!(canonical_query(query), expected, "{query}");
        }
    }
}
