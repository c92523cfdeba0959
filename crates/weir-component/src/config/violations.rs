//! What is wrong with a configuration, all of it at once, and which extensions and files it names.

use super::named::{CheckContent, NamedExtension, NamedFile, Role};
use crate::InvalidId;

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
    extensions: Vec<NamedExtension>,
    files: Vec<NamedFile>,
}

impl Violations {
    /// Adds a violation at `key` (a path of keys joined by `::`; empty for the value itself).
    pub fn add(&mut self, key: &str, message: impl Into<String>) {
        let path = self.path(key);
        self.found.push(Violation {
            path,
            message: message.into(),
        });
    }

    /// Notes that the value at `key` is the id of an extension that must run and play `role`, or adds a violation if it is no id.
    /// Whether it does is for whoever reads the whole configuration to say.
    pub fn names_extension(&mut self, key: &str, id: &str, role: Role) {
        match id.parse() {
            Ok(id) => {
                let path = self.path(key);
                self.extensions.push(NamedExtension { path, id, role });
            }
            Err(_) if id.is_empty() => self.add(key, "required: the id of an extension"),
            Err(error) => {
                let error: InvalidId = error;
                self.add(key, error.to_string());
            }
        }
    }

    /// Notes that the value at `key` is a file that is read when the component starts, and how to judge its content. An empty text
    /// names none.
    pub fn names_file(&mut self, key: &str, file: &str, check: CheckContent) {
        if !file.is_empty() {
            let (path, file) = (self.path(key), file.into());
            self.files.push(NamedFile { path, file, check });
        }
    }

    fn path(&self, key: &str) -> Vec<String> {
        let keys = key.split("::").filter(|part| !part.is_empty());
        self.prefix
            .iter()
            .cloned()
            .chain(keys.map(str::to_owned))
            .collect()
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

    /// Returns the extensions that the configuration names, in the order of discovery.
    pub fn named_extensions(&self) -> &[NamedExtension] {
        &self.extensions
    }

    /// Returns the files that the configuration names, in the order of discovery.
    pub fn named_files(&self) -> &[NamedFile] {
        &self.files
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

    #[test]
    fn named_extensions_are_kept_with_their_path() {
        struct Section;

        impl Validate for Section {
            fn validate(&self, found: &mut Violations) {
                found.names_extension("auth::authenticator", "basicauth/in", Role::ServerAuth);
                found.names_extension("auth::authenticator", "", Role::ServerAuth);
                found.names_extension("auth::authenticator", "a b", Role::ServerAuth);
            }
        }

        let mut found = Violations::default();
        found.nested("http", &Section);
        let named = found.named_extensions();
        assert_eq!(named.len(), 1);
        assert_eq!(named[0].path.join("::"), "http::auth::authenticator");
        assert_eq!(named[0].id.to_string(), "basicauth/in");
        assert_eq!(found.into_found().len(), 2);
    }

    #[test]
    fn named_files_are_kept_with_their_path() {
        struct Tls;

        impl Validate for Tls {
            fn validate(&self, found: &mut Violations) {
                found.names_file("ca_file", "/certs/ca.pem", |content| {
                    content
                        .is_empty()
                        .then_some(())
                        .ok_or_else(|| "is too long".to_owned())
                });
                found.names_file("cert_file", "", |_| Ok(()));
            }
        }

        let mut found = Violations::default();
        found.nested("tls", &Tls);
        let [file] = found.named_files() else {
            panic!("one file: {found:?}")
        };
        assert_eq!(file.path, ["tls", "ca_file"]);
        assert_eq!((file.check)(b"x"), Err("is too long".to_owned()));
        assert!(found.into_found().is_empty());
    }

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
