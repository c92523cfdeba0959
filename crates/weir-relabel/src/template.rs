//! Texts with references to the groups of a pattern, as Go's `Regexp.Expand` reads them.
//!
//! `$name` takes the longest name there is, so `$1x` is the group named `1x`; `${name}` says where it ends. A name is made of letters,
//! digits and underscores; one of digits alone is a number, if no zero leads it. Groups that do not exist or matched nothing are empty.
//! `$$` is `$`, and a `$` that begins no reference stands for itself.

use regex::{Captures, Regex};

use crate::labels::{MAX_BYTES, TooLarge};

/// A text with references.
#[derive(Debug, Clone)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads a text whose references are to groups of `regex`.
    pub(crate) fn new(text: &str, regex: &Regex) -> Self {
        let mut template = Self(Vec::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            template.text(before);
            rest = if let Some(after) = after.strip_prefix('$') {
                template.text("$");
                after
            } else if let Some((name, after)) = reference(after) {
                template.0.extend(group(name, regex).map(Part::Group));
                after
            } else {
                template.text("$");
                after
            };
        }
        template.text(rest);
        template
    }

    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }

    /// Returns the text with the groups of a match in place of the references.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] beyond what a label set may have.
    pub(crate) fn expand(&self, groups: &Captures<'_>) -> Result<String, TooLarge> {
        let mut out = String::new();
        for part in &self.0 {
            let text = match part {
                Part::Text(text) => text,
                Part::Group(index) => groups.get(*index).map_or("", |group| group.as_str()),
            };
            if out.len() + text.len() > MAX_BYTES {
                return Err(TooLarge);
            }
            out.push_str(text);
        }
        Ok(out)
    }
}

/// Splits what follows a `$` into the name and what comes after the reference, if it is one.
fn reference(after: &str) -> Option<(&str, &str)> {
    let (braced, text) = match after.strip_prefix('{') {
        Some(text) => (true, text),
        None => (false, after),
    };
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = if braced { rest.strip_prefix('}')? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

/// Returns true for letters, decimal digits and underscores, of all scripts.
fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    // `char::is_alphabetic` and `char::is_numeric` know more than letters and digits.
    static WORD: std::sync::LazyLock<Regex> =
        std::sync::LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}]$").expect("a pattern of our own"));
    WORD.is_match(c.encode_utf8(&mut [0; 4]))
}

/// Returns the index of a group, if it exists.
fn group(name: &str, regex: &Regex) -> Option<usize> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    if is_number {
        return name.parse().ok().filter(|index| *index < regex.captures_len());
    }
    regex.capture_names().position(|own| own == Some(name))
}
