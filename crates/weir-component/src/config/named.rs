//! What a configuration names that lies outside of it: extensions and files.
//!
//! Validation only notes them, as it touches neither disk nor other components. Whoever has the whole configuration checks the
//! extensions before anything starts, and `validate` looks for the files.

use std::path::PathBuf;

use crate::{ComponentId, Extension};

/// What a component wants of an extension that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Credentials for the requests of a client.
    ClientAuth,
    /// Judgement of the requests to a server.
    ServerAuth,
    /// A decision on the requests to a server before their bodies are read.
    ServerMiddleware,
    /// A store for what must survive the process.
    Storage,
}

impl Role {
    /// Returns whether an extension, as it is configured, can play the role.
    pub fn suits(self, extension: &dyn Extension) -> bool {
        match self {
            Self::ClientAuth => extension.client_auth().is_some(),
            Self::ServerAuth => extension.server_auth().is_some(),
            Self::ServerMiddleware => extension.server_middleware().is_some(),
            Self::Storage => extension.storage().is_some(),
        }
    }

    /// Returns what an extension in this role is, for messages: `an authenticator for clients`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientAuth => "an authenticator for clients",
            Self::ServerAuth => "an authenticator for servers",
            Self::ServerMiddleware => "a middleware for servers",
            Self::Storage => "a storage",
        }
    }
}

/// A configuration value that names an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedExtension {
    /// Keys from the validated value down to the one that names the extension.
    pub path: Vec<String>,
    /// The extension.
    pub id: ComponentId,
    /// What it is wanted for.
    pub role: Role,
}

/// A configuration value that names a file to read.
#[derive(Debug, Clone)]
pub struct NamedFile {
    /// Keys from the validated value down to the one that names the file.
    pub path: Vec<String>,
    /// The file.
    pub file: PathBuf,
    /// Judges the content of the file.
    pub check: CheckContent,
}

/// Judges the content of a file: says as a lower-case fragment what is wrong with it ("holds no certificate in PEM").
pub type CheckContent = fn(&[u8]) -> Result<(), String>;

/// Judges a file that may hold any text: a token, a password.
///
/// # Errors
///
/// The content is not UTF-8.
pub fn check_text(content: &[u8]) -> Result<(), String> {
    std::str::from_utf8(content)
        .map(drop)
        .map_err(|error| format!("is not valid UTF-8 at byte {}", error.valid_up_to()))
}
