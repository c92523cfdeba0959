//! What a token says about the sender.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use weir_component::{AuthError, Identity};

use crate::config::Provider;

/// The claims of a token.
pub(crate) type Claims = Map<String, Value>;

/// Claims that differ from token to token. The identity does without: senders must be the same with their next token, so that their
/// data can be batched.
const OF_THE_TOKEN: [&str; 11] = [
    "exp",
    "iat",
    "nbf",
    "jti",
    "auth_time",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "session_state",
];

/// Makes the identity: the subject, and as attributes `subject`, `membership` (groups, joined by commas) and the other claims, texts as
/// they are and everything else as JSON.
///
/// # Errors
///
/// A claim that the configuration names is missing, or no text.
pub(crate) fn identity(claims: Claims, provider: &Provider) -> Result<Identity, AuthError> {
    let subject = match provider.username_claim.as_str() {
        "" => claims.get("sub").and_then(Value::as_str).unwrap_or_default(),
        name => claims
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| AuthError::refused(format!("the token has no text `{name}`")))?,
    };
    let subject = subject.to_owned();
    let groups = groups(&claims, &provider.groups_claim)?;
    let mut attributes: BTreeMap<String, String> = claims
        .into_iter()
        .filter(|(name, _)| !OF_THE_TOKEN.contains(&name.as_str()))
        .map(|(name, value)| (name, text(value)))
        .collect();
    attributes.insert("subject".to_owned(), subject.clone());
    if let Some(groups) = groups {
        attributes.insert("membership".to_owned(), groups);
    }
    Ok(Identity { subject, attributes })
}

fn groups(claims: &Claims, name: &str) -> Result<Option<String>, AuthError> {
    match claims.get(name) {
        _ if name.is_empty() => Ok(None),
        Some(Value::String(group)) => Ok(Some(group.clone())),
        Some(Value::Array(groups)) => {
            let groups: Vec<String> = groups.iter().cloned().map(text).collect();
            Ok(Some(groups.join(",")))
        }
        _ => Err(AuthError::refused(format!("the token has no list `{name}`"))),
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity(claims: Value, username: &str, groups: &str) -> Result<Identity, AuthError> {
        let provider = Provider {
            username_claim: username.to_owned(),
            groups_claim: groups.to_owned(),
            ..Provider::default()
        };
        super::identity(claims.as_object().unwrap().clone(), &provider)
    }

    #[test]
    fn claims_become_attributes_but_for_those_of_the_token() {
        let claims = json!({"sub": "s", "email": "a@b", "exp": 1, "jti": "x", "level": 3, "roles": ["r", 1], "subject": "forged"});
        let found = identity(claims, "email", "roles").unwrap();
        assert_eq!(found.subject, "a@b");
        let expected = [
            ("email", "a@b"),
            ("level", "3"),
            ("membership", "r,1"),
            ("roles", r#"["r",1]"#),
            ("sub", "s"),
            ("subject", "a@b"),
        ];
        assert_eq!(
            found.attributes,
            expected
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into()
        );
    }

    #[test]
    fn claims_that_are_configured_must_be_there() {
        assert_eq!(identity(json!({}), "", "").unwrap().subject, "");
        assert_eq!(
            identity(json!({"g": "one"}), "", "g").unwrap().attributes["membership"],
            "one"
        );
        for claims in [json!({}), json!({"u": 1, "g": 1})] {
            assert!(identity(claims.clone(), "u", "").is_err());
            assert!(identity(claims, "", "g").is_err());
        }
    }
}
