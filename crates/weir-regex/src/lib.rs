//! Regular expressions as RE2, and so Go, the Collector and Prometheus, read them.
//!
//! The engine is the `regex` crate, which is of the same family: linear time, leftmost-first, no look-around. Their syntaxes differ in
//! details that configurations depend on, so a pattern is rewritten before it is compiled:
//!
//! | Pattern | RE2 | `regex` crate |
//! |---|---|---|
//! | `\d \w \s \b` | ASCII | all of Unicode |
//! | `\Q...\E`, `\123` | literal text, octal character | refused |
//! | `[a&&b]`, `[a--b]`, `[[]` | plain characters | set operations, a class in a class |
//! | `a{`, `{x}` | plain characters | refused |
//! | `\<`, `\>` | plain characters | word boundaries |
//! | `(?x)`, `(?u)`, `(?R)` | refused | flags |
//!
//! Not the same: `\B` is not defined between bytes of one character here; repetitions beyond 1,000 are refused by RE2 for their number
//! and here for the size of the compiled pattern (10 MiB); `x**` is refused by RE2 alone.
//!
//! This crate does no matching of its own and keeps nothing.

mod translate;

use regex::Regex;

use translate::translate;

/// A pattern that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// RE2 has no such flag.
    #[error("flag `{0}` is not supported")]
    Flag(char),
    /// The pattern is malformed.
    #[error("{0}")]
    Malformed(String),
    /// The pattern compiles to more than 10 MiB.
    #[error("the pattern is too large")]
    TooLarge,
}

impl From<regex::Error> for PatternError {
    fn from(error: regex::Error) -> Self {
        match error {
            regex::Error::CompiledTooBig(_) => Self::TooLarge,
            // The pattern with a mark under the fault, and then what is wrong: the pattern is not as the user wrote it.
            other => {
                let text = other.to_string();
                let reason = text
                    .rsplit_once("error: ")
                    .map_or(text.as_str(), |(_, reason)| reason);
                Self::Malformed(reason.trim().to_owned())
            }
        }
    }
}

/// Compiles a pattern that matches anywhere in a text.
///
/// # Errors
///
/// [`PatternError`] if it is malformed, uses what RE2 lacks, or is too large.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    Ok(Regex::new(&translate(pattern)?)?)
}

/// Compiles a pattern that matches a text as a whole, newlines included: how Prometheus reads patterns.
///
/// # Errors
///
/// Those of [`compile`].
pub fn compile_anchored(pattern: &str) -> Result<Regex, PatternError> {
    // Apart, so that a pattern such as `a)(b` does not become sound by what is put around it.
    compile(pattern)?;
    Ok(Regex::new(&format!("^(?s:{})$", translate(pattern)?))?)
}

/// Compiles patterns for the question whether one of them matches anywhere in a text.
///
/// # Errors
///
/// The index of the first pattern that does not compile and its [`PatternError`], or that of the whole set if it is too large.
pub fn compile_set<'p>(
    patterns: impl IntoIterator<Item = &'p str>,
) -> Result<regex::RegexSet, (usize, PatternError)> {
    let mut translated = Vec::new();
    for (index, pattern) in patterns.into_iter().enumerate() {
        compile(pattern).map_err(|error| (index, error))?;
        translated.push(translate(pattern).map_err(|error| (index, error))?);
    }
    regex::RegexSet::new(&translated).map_err(|error| (translated.len().saturating_sub(1), error.into()))
}

#[cfg(test)]
mod tests;
