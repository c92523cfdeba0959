//! The `Basic` scheme of `Authorization`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header::InvalidHeaderValue};
use weir_component::AuthError;

/// A user name and a password as a client sent them.
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// Writes the value of `Authorization`, marked sensitive.
pub(crate) fn write(user: &str, password: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value =
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads the value of `Authorization`. The scheme's name goes without case.
pub(crate) fn read(value: &HeaderValue) -> Result<Credentials, AuthError> {
    let text = value.to_str().unwrap_or_default();
    let (scheme, encoded) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(AuthError::refused("not the Basic scheme"));
    }
    let decoded = STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((user, password)) => Ok(Credentials {
            user: user.to_owned(),
            password: password.to_owned(),
        }),
        None => Err(AuthError::refused(
            "credentials are not base64 of `user:password`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_read_back() {
        // The example of RFC 7617, section 2.
        let value = write("Aladdin", "open sesame").unwrap();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(value.is_sensitive());
        let read = read(&value).unwrap();
        assert_eq!((&*read.user, &*read.password), ("Aladdin", "open sesame"));
    }

    #[test]
    fn the_first_colon_ends_the_user_name() {
        let read = read(&HeaderValue::from_static("bAsIc YTpiOmM=")).unwrap();
        assert_eq!((&*read.user, &*read.password), ("a", "b:c"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "Basic", "Basic !", "Bearer YTpi", "Basic YWI=", "Basic /zo="] {
            let error = read(&HeaderValue::from_static(text)).err().unwrap();
            assert!(!error.is_retryable(), "{text}");
        }
    }
}
