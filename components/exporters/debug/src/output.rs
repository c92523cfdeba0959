//! Where plain text goes when the internal logger is not used.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// Open outputs, written to in turn.
pub(crate) struct Outputs(Mutex<Vec<Output>>);

enum Output {
    Stdout,
    Stderr,
    File(File),
}

impl Outputs {
    /// Opens the outputs; files are appended to.
    pub(crate) fn open(paths: &[String]) -> io::Result<Self> {
        let open = |path: &String| match path.as_str() {
            "stdout" => Ok(Output::Stdout),
            "stderr" => Ok(Output::Stderr),
            path => {
                let path = path.strip_prefix("file://").unwrap_or(path);
                let file = OpenOptions::new().create(true).append(true).open(path);
                file.map(Output::File)
                    .map_err(|error| io::Error::new(error.kind(), format!("`{path}`: {error}")))
            }
        };
        paths
            .iter()
            .map(open)
            .collect::<io::Result<_>>()
            .map(|outputs| Self(Mutex::new(outputs)))
    }

    /// Writes text to all outputs.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        for output in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            match output {
                Output::Stdout => io::stdout().lock().write_all(text.as_bytes())?,
                Output::Stderr => io::stderr().lock().write_all(text.as_bytes())?,
                Output::File(file) => file.write_all(text.as_bytes())?,
            }
        }
        Ok(())
    }
}
