//! Label names: attribute keys to Prometheus label names.
//!
//! One namer serves every label of a translator (points, resource, scope, exemplars, `target_info`), so one
//! key is named alike everywhere.

use std::borrow::Cow;

/// How attribute keys become label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelNamer {
    /// Leaves keys as they are. Goes with the UTF-8 naming strategies.
    pub utf8: bool,
    /// Keeps runs of underscores (`a..b` to `a__b`); otherwise they collapse to one. Prometheus' own OTLP
    /// endpoint keeps them, the Collector collapses them (default).
    pub preserve_multiple_underscores: bool,
    /// Puts `key` before a single leading underscore (`_x` to `key_x`). Default on.
    pub underscore_prefix: bool,
}

impl Default for LabelNamer {
    fn default() -> Self {
        Self {
            utf8: false,
            preserve_multiple_underscores: false,
            underscore_prefix: true,
        }
    }
}

/// Why a key has no label name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// The key is empty.
    #[error("label name is empty")]
    Empty,
    /// Nothing but underscores is left.
    #[error("label name consists of underscores only")]
    OnlyUnderscores,
}

impl LabelNamer {
    /// Returns the label name of an attribute key; borrowed if the key is fine as it is.
    ///
    /// # Errors
    /// [`LabelError`] if no usable name results.
    pub fn name<'k>(&self, key: &'k str) -> Result<Cow<'k, str>, LabelError> {
        if key.is_empty() {
            return Err(LabelError::Empty);
        }
        let name = if self.utf8 {
            Cow::Borrowed(key)
        } else {
            self.escaped(key)
        };
        if name.bytes().all(|b| b == b'_') {
            return Err(LabelError::OnlyUnderscores);
        }
        Ok(name)
    }

    fn escaped<'k>(&self, key: &'k str) -> Cow<'k, str> {
        let clean = self.sanitised(key);
        if clean.starts_with(|c: char| c.is_ascii_digit()) {
            return Cow::Owned(format!("key_{clean}"));
        }
        if self.underscore_prefix && clean.starts_with('_') && !clean.starts_with("__") {
            return Cow::Owned(format!("key{clean}"));
        }
        clean
    }

    fn sanitised<'k>(&self, key: &'k str) -> Cow<'k, str> {
        let collapse = !self.preserve_multiple_underscores;
        let legal = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if legal && !(collapse && key.contains("__")) {
            return Cow::Borrowed(key);
        }
        // A reserved name keeps its double underscores at both ends.
        if collapse && key.len() >= 4 && key.starts_with("__") && key.ends_with("__") {
            return Cow::Owned(format!("__{}__", replace(&key[2..key.len() - 2], true)));
        }
        Cow::Owned(replace(key, collapse))
    }
}

fn replace(key: &str, collapse: bool) -> String {
    let mut out = String::with_capacity(key.len());
    for c in key.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !(collapse && out.ends_with('_')) {
            out.push('_');
        }
    }
    out
}
