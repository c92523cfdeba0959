//! The htpasswd format: `name:hash` lines.

use std::collections::HashMap;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA1_OUTPUT_LEN, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use subtle::ConstantTimeEq;
use weir_component::config::Secret;

/// What is kept of a password.
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    /// bcrypt: slow on purpose.
    Bcrypt(Secret),
    /// SHA-1 without salt.
    Sha1([u8; SHA1_OUTPUT_LEN]),
    /// The password itself.
    Plain(Secret),
}

/// A line that is no user. Neither names nor hashes are quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(crate) struct HtpasswdError {
    line: usize,
    what: &'static str,
}

/// Reads users; of several lines with one name the last counts. Empty lines and lines that begin with `#` are left out.
pub(crate) fn parse(text: &str) -> Result<HashMap<String, Stored>, HtpasswdError> {
    let mut users = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let error = |what| HtpasswdError {
            line: index + 1,
            what,
        };
        let (name, hash) = line.split_once(':').ok_or_else(|| error("not `name:hash`"))?;
        users.insert(name.to_owned(), Stored::parse(hash).map_err(error)?);
    }
    Ok(users)
}

/// Judges the content of a file of users.
pub(crate) fn check(content: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(content).map_err(|_| "is not valid UTF-8".to_owned())?;
    parse(text)
        .map(drop)
        .map_err(|error| format!("is no htpasswd file: {error}"))
}

impl Stored {
    fn parse(hash: &str) -> Result<Self, &'static str> {
        if ["$2y$", "$2b$", "$2a$", "$2x$"]
            .iter()
            .any(|prefix| hash.starts_with(prefix))
        {
            return match HashParts::from_str(hash) {
                Ok(_) => Ok(Self::Bcrypt(Secret::new(hash))),
                Err(_) => Err("not a bcrypt hash, though it begins like one"),
            };
        }
        if let Some(encoded) = hash.strip_prefix("{SHA}") {
            let decoded = STANDARD
                .decode(encoded)
                .ok()
                .and_then(|bytes| bytes.try_into().ok());
            return decoded.map(Self::Sha1).ok_or("not base64 of a SHA-1 hash");
        }
        if hash.is_empty() {
            return Err("no hash");
        }
        // A password that begins so is not told from a hash of another kind.
        if hash.starts_with(['$', '{']) {
            return Err("this kind of hash is not supported, use bcrypt: `htpasswd -B`");
        }
        Ok(Self::Plain(Secret::new(hash)))
    }

    /// Compares a password in time that does not depend on where it differs. Tens of milliseconds for bcrypt: not for the reactor.
    pub(crate) fn matches(&self, password: &str) -> bool {
        match self {
            // Only the first 72 bytes count, as everywhere with bcrypt.
            Self::Bcrypt(hash) => bcrypt::verify(password, hash.expose()).unwrap_or(false),
            Self::Sha1(hash) => {
                let other = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
                other.as_ref().ct_eq(hash).into()
            }
            Self::Plain(secret) => secret.expose().as_bytes().ct_eq(password.as_bytes()).into(),
        }
    }

    /// Returns true if whoever reads the list has the password, or soon.
    pub(crate) const fn is_weak(&self) -> bool {
        !matches!(self, Self::Bcrypt(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_match_what_is_stored() {
        let bcrypt = bcrypt::hash("secret", 4).unwrap();
        let text = format!(
            "# people\n\nann:{bcrypt}\nbob:{{SHA}}5en6G6MezRroT3XKqkdPOmY/BfQ=\ncid:old\n cid:secret \ndan:{}\n",
            bcrypt.replacen("$2b$", "$2y$", 1)
        );
        let users = parse(&text).unwrap();
        assert_eq!(users.len(), 4);
        for (name, stored) in &users {
            assert!(stored.matches("secret"), "{name}");
            assert!(!stored.matches("Secret"), "{name}");
            assert!(!stored.matches(""), "{name}");
        }
        assert!(users["cid"].is_weak() && !users["ann"].is_weak());
    }

    #[test]
    fn other_lines_are_refused_without_quoting_them() {
        for (line, what) in [
            ("ann", "not `name:hash`"),
            ("ann:", "no hash"),
            ("ann:$2y$05$short", "not a bcrypt hash, though it begins like one"),
            ("ann:{SHA}x", "not base64 of a SHA-1 hash"),
            (
                "ann:$apr1$a$b",
                "this kind of hash is not supported, use bcrypt: `htpasswd -B`",
            ),
            (
                "ann:{SSHA}x",
                "this kind of hash is not supported, use bcrypt: `htpasswd -B`",
            ),
        ] {
            let error = parse(&format!("bob:x\n{line}")).unwrap_err();
            assert_eq!(error.to_string(), format!("line 2: {what}"));
        }
    }
}
