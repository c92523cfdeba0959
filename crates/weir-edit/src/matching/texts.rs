//! A list of texts or expressions, one of which must match.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use regex::RegexSet;
use weir_component::BuildError;
use weir_pdata::view::Text;

use super::{MatchType, RegexpOptions};

/// Most results that are remembered if the configuration does not say.
const CACHED: usize = 1 << 16;

/// Longest text that is remembered, in bytes.
const CACHED_LENGTH: usize = 1 << 10;

/// A list of texts or expressions.
#[derive(Debug)]
pub(super) enum Texts {
    Strict(HashSet<Vec<u8>>),
    Regexp(RegexSet, Option<Cache>),
}

/// Results of expressions.
#[derive(Debug)]
pub(super) struct Cache {
    results: Mutex<HashMap<Box<str>, bool>>,
    limit: usize,
}

/// How lists of texts are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) match_type: MatchType,
    pub(super) regexp: Option<&'a RegexpOptions>,
}

impl Comparison<'_> {
    /// Makes a list; nothing of an empty one.
    pub(super) fn list(&self, texts: &[String]) -> Result<Option<Texts>, BuildError> {
        if texts.is_empty() {
            return Ok(None);
        }
        self.texts(texts.iter().map(String::as_str)).map(Some)
    }

    pub(super) fn texts<'t>(
        &self,
        texts: impl Iterator<Item = &'t str> + Clone,
    ) -> Result<Texts, BuildError> {
        if self.match_type == MatchType::Strict {
            return Ok(Texts::Strict(
                texts.map(|text| text.as_bytes().to_vec()).collect(),
            ));
        }
        let set = weir_regex::compile_set(texts.clone()).map_err(|(index, error)| {
            let text = texts.clone().nth(index).unwrap_or_default();
            BuildError::new(format!("`{text}` is not a regular expression")).caused_by(error)
        })?;
        let cache = self
            .regexp
            .filter(|options| options.cacheenabled)
            .map(|options| Cache {
                results: Mutex::default(),
                limit: match options.cachemaxnumentries {
                    0 => CACHED,
                    limit => limit as usize,
                },
            });
        Ok(Texts::Regexp(set, cache))
    }
}

impl Texts {
    /// Returns true if one of the list matches. A text that is not UTF-8 matches no expression.
    pub(super) fn match_text(&self, text: Text<'_>) -> bool {
        match self {
            Self::Strict(texts) => texts.contains(text.as_bytes()),
            Self::Regexp(set, None) => text.to_str().is_ok_and(|text| set.is_match(text)),
            Self::Regexp(set, Some(cache)) => text.to_str().is_ok_and(|text| cache.is_match(set, text)),
        }
    }

    pub(super) fn match_str(&self, text: &str) -> bool {
        self.match_text(Text::from(text))
    }
}

impl Cache {
    fn is_match(&self, set: &RegexSet, text: &str) -> bool {
        let results = || self.results.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = results().get(text) {
            return *known;
        }
        let matched = set.is_match(text);
        if text.len() <= CACHED_LENGTH {
            let mut results = results();
            if results.len() >= self.limit {
                results.clear();
            }
            results.insert(text.into(), matched);
        }
        matched
    }
}
