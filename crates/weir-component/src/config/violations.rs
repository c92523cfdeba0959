//! What is wrong with a configuration, all of it at once.

/// One thing wrong with a configuration value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Keys from the validated value down to the one at fault; empty for the value itself.
    pub path: Vec<String>,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
}

/// A collection of [`Violation`]s, filled by [`Validate`].
#[derive(Debug, Default)]
pub struct Violations {
    prefix: Vec<String>,
    found: Vec<Violation>,
}

impl Violations {
    /// Adds a violation at `key` (a path of keys joined by `::`; empty for the value itself).
    pub fn add(&mut self, key: &str, message: impl Into<String>) {
        let mut path = self.prefix.clone();
        path.extend(key.split("::").filter(|part| !part.is_empty()).map(str::to_owned));
        self.found.push(Violation {
            path,
            message: message.into(),
        });
    }

    /// Adds a violation at `key` unless `holds`.
    pub fn require(&mut self, holds: bool, key: &str, message: impl Into<String>) {
        if !holds {
            self.add(key, message);
        }
    }

    /// Validates a nested value under `key`.
    pub fn nested(&mut self, key: &str, value: &dyn Validate) {
        let depth = self.prefix.len();
        self.prefix
            .extend(key.split("::").filter(|part| !part.is_empty()).map(str::to_owned));
        value.validate(self);
        self.prefix.truncate(depth);
    }

    /// Returns what was found, in the order of discovery.
    pub fn into_found(self) -> Vec<Violation> {
        self.found
    }
}

/// A configuration that can be checked beyond what its types say.
///
/// Validation touches no network and no disk, and reports everything it finds.
pub trait Validate {
    /// Adds everything that is wrong to `found`. Finds nothing by default.
    fn validate(&self, found: &mut Violations) {
        let _ = found;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Inner;

    impl Validate for Inner {
        fn validate(&self, found: &mut Violations) {
            found.add("", "is wrong");
            found.require(false, "a::b", "is wrong too");
            found.require(true, "a", "is never told");
        }
    }

    #[test]
    fn paths_lead_from_the_outermost_key() {
        let mut found = Violations::default();
        found.nested("outer::section", &Inner);
        found.add("last", "after the nested one");
        let found: Vec<_> = found
            .into_found()
            .into_iter()
            .map(|violation| (violation.path.join("/"), violation.message))
            .collect();
        let expected = [
            ("outer/section", "is wrong"),
            ("outer/section/a/b", "is wrong too"),
            ("last", "after the nested one"),
        ];
        assert_eq!(
            found,
            expected.map(|(path, message)| (path.to_owned(), message.to_owned()))
        );
    }
}
