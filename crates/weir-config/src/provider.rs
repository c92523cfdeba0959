//! The schemes of a location: `file:`, `env:`, `yaml:`, `http:`, `https:`.
//!
//! The same for a `--config` flag and for `${…}`, except that only `${…}` takes a bare variable name.

use std::{borrow::Cow, error::Error, iter, path::Path};

use weir_component::BoxError;

use crate::environment::Environment;

/// The most bytes that one location may yield, 16 MiB.
pub(crate) const MAX_BYTES: u64 = 16 << 20;

/// What a location yielded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Retrieved {
    pub(crate) text: String,
    /// True for the empty default of `env:X:-`, which is an empty text and not null.
    pub(crate) empty_text: bool,
}

/// Why a location yielded nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A variable that is not set, without a default.
    Unset(String),
    /// Anything else: message and hint.
    Bad(String, Option<String>),
}

impl Failure {
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::Bad(message.into(), None)
    }

    pub(crate) fn bad_with(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Bad(message.into(), Some(hint.into()))
    }
}

/// Splits `scheme:rest`. A scheme has at least two characters, so that `C:\weir.yaml` has none.
pub(crate) fn split_scheme(location: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = location.split_once(':')?;
    let mut characters = scheme.chars();
    let first = characters.next()?;
    let valid = first.is_ascii_alphabetic()
        && scheme.len() >= 2
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'));
    valid.then_some((scheme, rest))
}

/// Retrieves `rest` by `scheme`.
pub(crate) fn retrieve(
    scheme: &str,
    rest: &str,
    environment: &dyn Environment,
) -> Result<Retrieved, Failure> {
    match scheme {
        "env" => variable(rest, environment),
        "file" => file(rest, environment),
        "yaml" => Ok(Retrieved {
            text: rest.to_owned(),
            empty_text: false,
        }),
        "http" | "https" => web(&format!("{scheme}:{rest}"), environment),
        _ => {
            let hint = if rest.starts_with('-') {
                format!("a default is written `${{env:{scheme}:{rest}}}`")
            } else {
                "the schemes are `env`, `file`, `http`, `https` and `yaml`".to_owned()
            };
            Err(Failure::bad_with(
                format!("the scheme `{scheme}` is not supported"),
                hint,
            ))
        }
    }
}

fn variable(rest: &str, environment: &dyn Environment) -> Result<Retrieved, Failure> {
    let (name, default) = match rest.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (rest, None),
    };
    let mut characters = name.chars();
    let valid = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !valid {
        return Err(Failure::bad_with(
            format!("`{name}` is no name of an environment variable"),
            "letters, digits and `_`, no digit first; for a literal `${` write `$${`",
        ));
    }
    match (environment.variable(name), default) {
        (Some(value), _) => match value.into_string() {
            Ok(text) => Ok(Retrieved {
                text,
                empty_text: false,
            }),
            Err(_) => Err(Failure::bad(format!(
                "the environment variable `{name}` is not valid UTF-8"
            ))),
        },
        (None, Some(default)) => Ok(Retrieved {
            text: default.to_owned(),
            empty_text: default.is_empty(),
        }),
        (None, None) => Err(Failure::Unset(name.to_owned())),
    }
}

fn file(path: &str, environment: &dyn Environment) -> Result<Retrieved, Failure> {
    let content = environment
        .read(Path::new(path), MAX_BYTES)
        .map_err(|error| Failure::bad(format!("cannot read the file `{path}`: {error}")))?;
    let text = String::from_utf8(content)
        .map_err(|_| Failure::bad(format!("the file `{path}` is not valid UTF-8")))?;
    Ok(Retrieved {
        text,
        empty_text: false,
    })
}

fn web(uri: &str, environment: &dyn Environment) -> Result<Retrieved, Failure> {
    let shown = without_credentials(uri);
    let content = environment
        .fetch(uri, MAX_BYTES)
        .map_err(|error| Failure::bad(format!("cannot fetch `{shown}`: {}", causes(&error))))?;
    let text = String::from_utf8(content)
        .map_err(|_| Failure::bad(format!("what is at `{shown}` is not valid UTF-8")))?;
    Ok(Retrieved {
        text,
        empty_text: false,
    })
}

/// Returns a location as it may be shown: a URI without user name, password and query, which may be secret.
pub(crate) fn without_credentials(location: &str) -> Cow<'_, str> {
    let Some((scheme @ ("http" | "https"), rest)) = split_scheme(location) else {
        return Cow::Borrowed(location);
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.trim_start_matches('/');
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    Cow::Owned(format!("{scheme}://{host}{path}"))
}

fn causes(error: &BoxError) -> String {
    let first: &(dyn Error + 'static) = &**error;
    let texts = iter::successors(Some(first), |error| (*error).source()).map(ToString::to_string);
    texts.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_locations_do_not_show() {
        for (location, shown) in [
            ("https://a.example/weir.yaml", "https://a.example/weir.yaml"),
            (
                "https://user:hunter2@a.example:8443/x?token=hunter2#y",
                "https://a.example:8443/x",
            ),
            ("http://hunter@2@a.example", "http://a.example"),
            ("https:", "https://"),
            ("file:/a?b@c", "file:/a?b@c"),
        ] {
            assert_eq!(without_credentials(location), shown);
        }
    }
}
