//! What the server answers.

use std::time::Duration;

/// An answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) written: bool,
    pub(super) hangs: bool,
}

impl Answer {
    /// 204; with the Written headers for a 2.0 request, all of it counted as written.
    pub fn ok() -> Self {
        Self {
            written: true,
            ..Self::status(204)
        }
    }

    /// A status without a body and without Written headers.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            written: false,
            hangs: false,
        }
    }

    /// No answer until the server stops.
    pub fn hang() -> Self {
        Self {
            hangs: true,
            ..Self::status(503)
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds `Retry-After` in seconds.
    #[must_use]
    pub fn retry_after(self, delay: Duration) -> Self {
        self.header("retry-after", delay.as_secs())
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, text: impl Into<String>) -> Self {
        self.body = text.into();
        self
    }

    /// Sets the Written headers.
    #[must_use]
    pub fn written(self, samples: u64, histograms: u64, exemplars: u64) -> Self {
        self.header("x-prometheus-remote-write-samples-written", samples)
            .header("x-prometheus-remote-write-histograms-written", histograms)
            .header("x-prometheus-remote-write-exemplars-written", exemplars)
    }
}
