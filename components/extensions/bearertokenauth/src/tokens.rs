//! A set of tokens, and where it comes from.

use http::HeaderValue;
use subtle::{Choice, ConstantTimeEq};
use weir_component::BoxError;
use weir_component::config::Secret;
use weir_net::{Watched, WatchedError};

use crate::config::{Config, NOT_A_VALUE};

/// Tokens, none of them empty; at least one.
pub(crate) struct Tokens(Vec<Secret>);

impl Tokens {
    /// Reads the file of a configuration, or takes its tokens. Blocks on the file system.
    pub(crate) fn open(config: &Config) -> Result<Watched<Self>, WatchedError> {
        if !config.filename.is_empty() {
            return Watched::file(&config.filename, Self::parse);
        }
        let tokens = match config.tokens.is_empty() {
            true => vec![config.token.clone()],
            false => config.tokens.clone(),
        };
        Ok(Watched::fixed(Self(tokens)))
    }

    /// Reads tokens, one per line; what follows a blank is a remark.
    fn parse(text: &str) -> Result<Self, BoxError> {
        let tokens: Vec<Secret> = text
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .map(Secret::new)
            .collect();
        if tokens.is_empty() {
            return Err("there is no token in it".into());
        }
        match tokens
            .iter()
            .all(|token| HeaderValue::try_from(token.expose()).is_ok())
        {
            true => Ok(Self(tokens)),
            false => Err(format!("a token {NOT_A_VALUE}").into()),
        }
    }

    /// Returns the token that clients send.
    pub(crate) fn first(&self) -> Option<&Secret> {
        self.0.first()
    }

    /// Returns true if a token is one of these. Takes the same time wherever they differ and whichever it is.
    pub(crate) fn contains(&self, token: &[u8]) -> bool {
        self.0
            .iter()
            .fold(Choice::from(0), |found, known| {
                found | known.expose().as_bytes().ct_eq(token)
            })
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hold_a_token_per_line() {
        let tokens = Tokens::parse("\none two\n  three\r\n\n").unwrap();
        assert_eq!(tokens.first().unwrap().expose(), "one");
        for (token, known) in [("one", true), ("three", true), ("two", false), ("", false)] {
            assert_eq!(tokens.contains(token.as_bytes()), known, "{token}");
        }
        for text in ["", " \n", "a\u{7f}"] {
            assert!(Tokens::parse(text).is_err(), "{text:?}");
        }
    }
}
