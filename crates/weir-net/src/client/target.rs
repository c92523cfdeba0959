//! Where requests go.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use url::Url;

/// An `http` or `https` URL, split into what goes into the request line and what goes into `Authorization`.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

/// A text is not the URL of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL at all.
    #[error("`{0}` is not a URL such as `https://host:port/path`")]
    Url(String),
    /// Neither `http` nor `https`.
    #[error("scheme `{0}` is not supported, use http or https")]
    Scheme(String),
}

impl Target {
    /// Parses a URL. User name and password in it become a basic `Authorization`.
    ///
    /// # Errors
    ///
    /// [`TargetError`]; passwords are not part of the message.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let invalid = || TargetError::Url(without_user_info(text));
        let mut url = Url::parse(text).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") {
            // `host:port` parses as scheme and path.
            return Err(if text.contains("://") {
                TargetError::Scheme(url.scheme().to_owned())
            } else {
                invalid()
            });
        }
        let authorization = basic_authorization(&url);
        // Neither can fail for these schemes.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        let uri = Uri::try_from(url.as_str()).map_err(|_| invalid())?;
        Ok(Self { uri, authorization })
    }

    /// Returns the URL without user information.
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the value of `Authorization` that follows from the user information.
    pub const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Returns where a redirection leads: an absolute URL, or one relative to this. Credentials stay with their host.
    ///
    /// # Errors
    ///
    /// [`TargetError`].
    pub fn redirected(&self, location: &str) -> Result<Self, TargetError> {
        let invalid = || TargetError::Url(without_user_info(location));
        let base = Url::parse(&self.uri.to_string()).map_err(|_| invalid())?;
        let mut target = Self::parse(base.join(location).map_err(|_| invalid())?.as_str())?;
        if target.authorization.is_none() && target.uri.authority() == self.uri.authority() {
            target.authorization.clone_from(&self.authorization);
        }
        Ok(target)
    }

    /// Returns the target with `path` appended to its own, with one slash between.
    ///
    /// # Errors
    ///
    /// [`TargetError::Url`] if `path` has characters that paths cannot have.
    pub fn join(&self, path: &str) -> Result<Self, TargetError> {
        let base = self.uri.to_string();
        let joined = format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'));
        let uri = Uri::try_from(&joined).map_err(|_| TargetError::Url(joined))?;
        Ok(Self {
            uri,
            authorization: self.authorization.clone(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.uri)
    }
}

/// Returns basic credentials for the user information of a URL.
fn basic_authorization(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let user = percent_decode(url.username());
    let password = percent_decode(url.password().unwrap_or_default());
    let credentials = STANDARD.encode([&user[..], b":", &password[..]].concat());
    let mut value = HeaderValue::try_from(format!("Basic {credentials}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape = tail.first_chunk::<2>().filter(|_| first == b'%').and_then(|hex| {
            let [high, low] = hex.map(|digit| char::from(digit).to_digit(16));
            u8::try_from(high? << 4 | low?).ok()
        });
        bytes.push(escape.unwrap_or(first));
        rest = if escape.is_some() { &tail[2..] } else { tail };
    }
    bytes
}

/// Cuts what looks like user information out of a text that is to be shown.
fn without_user_info(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => format!("{}{}", &text[..scheme + 3], &text[at + 1..]),
        (None, Some(at)) => text[at + 1..].to_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_moves_into_authorization() {
        let target = Target::parse("https://us%40er:p%3Ass@host:8443/api/push?x=1").unwrap();
        assert_eq!(target.to_string(), "https://host:8443/api/push?x=1");
        assert_eq!(
            target.authorization().unwrap(),
            &format!("Basic {}", STANDARD.encode("us@er:p:ss"))
        );
        assert!(!format!("{target:?}").contains("p%3Ass"));
        assert_eq!(Target::parse("http://host").unwrap().authorization(), None);
    }

    #[test]
    fn what_is_no_url_is_refused_without_showing_passwords() {
        assert_eq!(
            Target::parse("localhost:4318"),
            Err(TargetError::Url("localhost:4318".into()))
        );
        assert_eq!(
            Target::parse("ftp://host/"),
            Err(TargetError::Scheme("ftp".into()))
        );
        assert_eq!(
            Target::parse("http://user:secret@"),
            Err(TargetError::Url("http://".into()))
        );
        assert!(Target::parse("").is_err());
    }

    #[test]
    fn paths_are_joined_with_one_slash() {
        for base in ["http://host:1/base", "http://host:1/base/"] {
            for path in ["v1/metrics", "/v1/metrics"] {
                assert_eq!(
                    Target::parse(base).unwrap().join(path).unwrap().to_string(),
                    "http://host:1/base/v1/metrics"
                );
            }
        }
    }
}
