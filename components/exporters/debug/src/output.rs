//! Where printed batches go.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::text::Summary;

/// A place to print to.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    /// Weir's own log, at level info.
    Log,
    /// Streams and files, each of which gets everything.
    Places(Arc<Mutex<Vec<Place>>>),
}

/// A stream or file.
#[derive(Debug)]
pub(crate) enum Place {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, appended to.
    File(File),
}

impl Output {
    /// Opens the places. Files are created if they do not exist.
    pub(crate) fn open(paths: &[String]) -> io::Result<Self> {
        let places = paths.iter().map(|path| Place::open(path)).collect::<io::Result<Vec<_>>>()?;
        Ok(Self::Places(Arc::new(Mutex::new(places))))
    }

    /// Prints the counts of a batch, and its text if there is one.
    pub(crate) fn print(&self, summary: &Summary, text: Option<&str>) -> io::Result<()> {
        match self {
            Self::Log => {
                summary.log();
                if let Some(text) = text {
                    tracing::info!("{text}");
                }
                Ok(())
            }
            Self::Places(places) => {
                let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
                let lines = format!("{summary}\n{}{}", text.unwrap_or_default(), if text.is_some() { "\n" } else { "" });
                places.iter_mut().try_for_each(|place| place.write(lines.as_bytes()))
            }
        }
    }
}

impl Place {
    fn open(path: &str) -> io::Result<Self> {
        Ok(match path {
            "stdout" => Self::Stdout,
            "stderr" => Self::Stderr,
            path => Self::File(OpenOptions::new().append(true).create(true).open(path)?),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => io::stdout().lock().write_all(bytes),
            Self::Stderr => io::stderr().lock().write_all(bytes),
            Self::File(file) => file.write_all(bytes),
        }
    }
}
