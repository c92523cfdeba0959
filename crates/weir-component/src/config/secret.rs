//! Text that must not be shown.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is shown in place of a secret.
const REDACTED: &str = "[REDACTED]";

thread_local! {
    static REVEALED: Cell<bool> = const { Cell::new(false) };
}

/// A text that never reaches logs, metrics or printed configuration: it shows as `[REDACTED]`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text itself, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns true if the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = if REVEALED.get() { &self.0 } else { REDACTED };
        serializer.serialize_str(shown)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password" })
    }
}

/// Runs `print` with secrets serialized as they are, on this thread only: for `print-config --mode unredacted`.
pub fn reveal<R>(print: impl FnOnce() -> R) -> R {
    /// Hides secrets again, even if `print` panics.
    struct HideAgain;

    impl Drop for HideAgain {
        fn drop(&mut self) {
            REVEALED.set(false);
        }
    }

    REVEALED.set(true);
    let _hide_again = HideAgain;
    print()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {secret}"), "[REDACTED] [REDACTED]");
        assert_eq!(secret.expose(), "hunter2");
    }
    #[test]
    fn secrets_are_revealed_only_while_printing() {
        let secret = Secret::new("hunter2");
        let print = || serde_json::to_string(&secret).expect("text");
        assert_eq!(
            (print(), reveal(print), print()),
            (
                r#""[REDACTED]""#.into(),
                r#""hunter2""#.into(),
                r#""[REDACTED]""#.into()
            )
        );
        assert!(std::panic::catch_unwind(|| reveal(|| panic!("expected panic"))).is_err());
        assert_eq!(print(), r#""[REDACTED]""#);
    }
}
