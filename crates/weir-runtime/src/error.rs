//! Why a graph does not run.

use std::error::Error as _;
use std::fmt;

use crate::{BuildFailure, StartFailure};

/// Why a graph does not run.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// Components that cannot be built, all of them.
    #[error("{}", Lines(.0))]
    Build(Vec<BuildFailure>),
    /// A component that cannot start.
    #[error(transparent)]
    Start(#[from] StartFailure),
}

/// Build failures, one per line, each with its causes.
struct Lines<'a>(&'a [BuildFailure]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.0.iter().enumerate() {
            let separator = if index > 0 { "\n" } else { "" };
            write!(f, "{separator}{failure}")?;
            let mut cause = failure.source();
            while let Some(error) = cause {
                write!(f, ": {error}")?;
                cause = error.source();
            }
        }
        Ok(())
    }
}
