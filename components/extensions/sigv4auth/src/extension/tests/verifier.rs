//! Checks signatures as a server does: from what arrived, by code of its own.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use http::{header, request};

/// What a request that is signed right says about itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) access_key_id: String,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) signed_headers: Vec<String>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}

/// Checks a request without a query whose path needs no escapes. `secret` knows the secret of an access key.
pub(super) fn verify(
    head: &request::Parts,
    body: &[u8],
    secret: impl Fn(&str) -> Option<String>,
) -> Result<Signed, String> {
    let header = |name: &str| {
        head.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .ok_or(format!("no {name}"))
    };
    let authorization = header(header::AUTHORIZATION.as_str())?;
    let rest = authorization
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or("another scheme")?;
    let part = |name: &str| {
        rest.split(", ")
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            .ok_or(format!("no {name}"))
    };
    let scope: Vec<&str> = part("Credential")?.split('/').collect();
    let [id, date, region, service, "aws4_request"] = scope[..] else {
        return Err("no scope".to_owned());
    };
    let time = header("x-amz-date")?;
    if !time.starts_with(date) || time.len() != 16 {
        return Err(format!("{time} is not on {date}"));
    }
    let hash = hex(digest::digest(&digest::SHA256, body).as_ref());
    if header("x-amz-content-sha256")? != hash {
        return Err("another body".to_owned());
    }
    let names = part("SignedHeaders")?;
    let mut canonical = format!("{}\n{}\n\n", head.method, head.uri.path());
    for name in names.split(';') {
        let values: Vec<&str> = head
            .headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        if values.is_empty() {
            return Err(format!("{name} is signed and missing"));
        }
        writeln!(canonical, "{name}:{}", values.join(",")).unwrap();
    }
    write!(canonical, "\n{names}\n{hash}").unwrap();
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{date}/{region}/{service}/aws4_request\n{}",
        hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    );
    let secret = secret(id).ok_or("an unknown key")?;
    let key = [date, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, text| mac(&key, text));
    if hex(&mac(&key, &text)) != part("Signature")? {
        return Err(format!("another signature; it would be of:\n{canonical}"));
    }
    Ok(Signed {
        access_key_id: id.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers: names.split(';').map(str::to_owned).collect(),
    })
}
