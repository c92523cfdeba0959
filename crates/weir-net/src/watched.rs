//! Values that are kept in files, such as credentials, and follow them.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;
use weir_component::BoxError;

/// How often a file is looked at, while its value is asked for: soon enough for a person who waits, cheap for a small file.
const PERIOD: Duration = Duration::from_secs(1);

/// Largest file that is read: 1 MiB, thousands of credentials.
const MAX_BYTES: u64 = 1 << 20;

/// Makes the value of a file's text.
type Parse<T> = Box<dyn Fn(&str) -> Result<T, BoxError> + Send + Sync>;

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WatchedError {
    /// It cannot be read, is no UTF-8 or larger than 1 MiB.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its text is not what it should be.
    #[error("cannot use `{}`", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why, without quoting the text.
        source: BoxError,
    },
}

/// A value that is fixed, or made of a file's text and made again when the file changes. Cloning shares it.
///
/// Nothing runs in the background: [`current`](Self::current) looks at the file at most once a second. A file that cannot be used any
/// more leaves the last value in place, with a warning.
pub struct Watched<T>(Arc<Inner<T>>);

struct Inner<T> {
    current: ArcSwap<T>,
    file: Option<File<T>>,
}

struct File<T> {
    path: PathBuf,
    parse: Parse<T>,
    state: Mutex<State>,
}

struct State {
    text: String,
    due: Instant,
    /// Someone is looking at the file.
    busy: bool,
    /// The last look failed, and the log says so.
    failed: bool,
}

impl<T: Send + Sync + 'static> Watched<T> {
    /// A value that does not change.
    pub fn fixed(value: T) -> Self {
        Self(Arc::new(Inner {
            current: ArcSwap::from_pointee(value),
            file: None,
        }))
    }

    /// Reads a file. Blocks on the file system. `parse` must not quote the text in errors if it is secret.
    ///
    /// # Errors
    ///
    /// [`WatchedError`]: the file cannot be read or used.
    pub fn file(
        path: impl Into<PathBuf>,
        parse: impl Fn(&str) -> Result<T, BoxError> + Send + Sync + 'static,
    ) -> Result<Self, WatchedError> {
        let path = path.into();
        let text = read(&path)?;
        let value = parse(&text).map_err(|source| WatchedError::Parse {
            path: path.clone(),
            source,
        })?;
        Ok(Self(Arc::new(Inner {
            current: ArcSwap::from_pointee(value),
            file: Some(File {
                path,
                parse: Box::new(parse),
                state: Mutex::new(State {
                    text,
                    due: Instant::now() + PERIOD,
                    busy: false,
                    failed: false,
                }),
            }),
        })))
    }

    /// Returns the value, after a look at the file if it is time for one.
    ///
    /// While one caller looks, the others get the value as it is.
    ///
    /// # Cancel safety
    ///
    /// The look at the file goes on when the future is dropped.
    pub async fn current(&self) -> Arc<T> {
        if self.0.file.as_ref().is_some_and(File::claim) {
            let inner = Arc::clone(&self.0);
            // A panic in the task would leave the last value in place, which is what a failure does.
            let _ = tokio::task::spawn_blocking(move || inner.look()).await;
        }
        self.0.current.load_full()
    }
}

impl<T> Inner<T> {
    fn look(&self) {
        let Some(file) = &self.file else { return };
        let outcome = file.changed();
        let mut state = file.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy = false;
        state.due = Instant::now() + PERIOD;
        let failed = outcome.is_err();
        match outcome {
            Ok(None) => {}
            Ok(Some((text, value))) => {
                state.text = text;
                self.current.store(Arc::new(value));
                tracing::info!(path = %file.path.display(), "file changed and is in use");
            }
            Err(_) if state.failed => {}
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot follow a file, its last contents stay in use"
            ),
        }
        state.failed = failed;
    }
}

impl<T> File<T> {
    /// Returns true if it is time to look and nobody else does.
    fn claim(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let claimed = !state.busy && state.due <= Instant::now();
        state.busy |= claimed;
        claimed
    }

    /// Returns text and value if the file has changed.
    fn changed(&self) -> Result<Option<(String, T)>, WatchedError> {
        let text = read(&self.path)?;
        if self.state.lock().unwrap_or_else(PoisonError::into_inner).text == text {
            return Ok(None);
        }
        match (self.parse)(&text) {
            Ok(value) => Ok(Some((text, value))),
            Err(source) => Err(WatchedError::Parse {
                path: self.path.clone(),
                source,
            }),
        }
    }
}

fn read(path: &Path) -> Result<String, WatchedError> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    let bounded = read.and_then(|_| match text.len() as u64 > MAX_BYTES {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB")),
        false => Ok(()),
    });
    bounded.map(|()| text).map_err(|source| WatchedError::Read {
        path: path.to_owned(),
        source,
    })
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<u32, BoxError> {
        Ok(text.trim().parse()?)
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_file_is_used_and_a_broken_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("number");
        std::fs::write(&path, "1\n").unwrap();
        let watched = Watched::file(&path, number).unwrap();
        std::fs::write(&path, "2").unwrap();
        assert_eq!(*watched.current().await, 1, "it is not time to look yet");
        tokio::time::advance(PERIOD).await;
        assert_eq!(*watched.current().await, 2);
        for broken in ["two", "3"] {
            std::fs::write(&path, broken).unwrap();
            tokio::time::advance(PERIOD).await;
            assert_eq!(*watched.current().await, if broken == "3" { 3 } else { 2 });
        }
        std::fs::remove_file(&path).unwrap();
        tokio::time::advance(PERIOD).await;
        assert_eq!(*watched.current().await, 3);
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let error = Watched::file(&path, number).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot read") && error.contains("/x`"),
            "{error}"
        );
        std::fs::write(&path, "many").unwrap();
        let error = Watched::file(&path, number).unwrap_err().to_string();
        assert!(error.starts_with("cannot use"), "{error}");
        std::fs::write(&path, vec![b'1'; MAX_BYTES as usize + 1]).unwrap();
        let error = Watched::file(&path, number).unwrap_err().to_string();
        assert!(error.starts_with("cannot read"), "{error}");
    }
}
