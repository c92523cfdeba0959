//! What configuration reads from outside: variables, files, addresses. Passed in, so that tests hold them, and because this crate
//! opens no socket.

use std::{ffi::OsString, fs::File, io, io::Read, path::Path};

use weir_component::BoxError;

/// The world outside, as far as configuration looks at it.
pub trait Environment {
    /// Returns the value of an environment variable, `None` if it is not set.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// Reads a file whole. A relative path is relative to the working directory.
    ///
    /// # Errors
    ///
    /// Those of the file system, and [`io::ErrorKind::FileTooLarge`] for more than `limit` bytes.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// Gets what is at an `http` or `https` URI. Blocks, for a bounded time.
    ///
    /// # Errors
    ///
    /// Why there is nothing, or more than `limit` bytes. The message leaves out the URI. Without an implementation of its own
    /// this always fails.
    fn fetch(&self, uri: &str, limit: u64) -> Result<Vec<u8>, BoxError> {
        let _ = (uri, limit);
        Err("this program reads no configuration over the network".into())
    }
}

/// The environment and the file system of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Environment for System {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        File::open(path)?
            .take(limit.saturating_add(1))
            .read_to_end(&mut content)?;
        if content.len() as u64 > limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("larger than {limit} bytes"),
            ));
        }
        Ok(content)
    }
}
