//! What must hold of the requests that arrive: the wire specifications request by request, and time order, counter
//! order and totals over all of them.
//!
//! Owns the rules and the memory of each series. Knows neither sockets nor how a request was answered; a sink feeds it
//! and asks for [`Findings`] in the end. An independent reading of the specifications: shares no code with what it
//! checks.

mod histogram;
mod labels;
mod otlp;
mod rule;
mod series;
mod totals;
mod v1;
mod v2;

#[cfg(test)]
mod tests;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};

pub use rule::{Level, Rule, Violation, Violations};
pub use series::{SeriesState, SeriesTable, SeriesValue};
pub use totals::{Mismatch, compare};

/// Version of remote write that a request claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteWrite {
    /// `prometheus.WriteRequest`.
    V1,
    /// `io.prometheus.write.v2.Request`.
    V2,
}

impl RemoteWrite {
    /// Tells the version from the content type, which is how receivers do; anything but the 2.0 message is 1.0.
    pub fn of(headers: &HeaderMap) -> Self {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let v2 = content_type
            .split(';')
            .any(|part| part.trim() == "proto=io.prometheus.write.v2.Request");
        if v2 { Self::V2 } else { Self::V1 }
    }
}

/// Remembers each series and collects what is wrong.
#[derive(Debug, Default)]
pub struct Checker {
    violations: Violations,
    series: SeriesTable,
}

/// What a [`Checker`] has found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Broken rules.
    pub violations: Violations,
    /// All series seen.
    pub series: SeriesTable,
}

impl Checker {
    /// Checks method-independent parts of a remote-write request: headers and form of compression.
    pub fn remote_write_envelope(&mut self, version: RemoteWrite, headers: &HeaderMap, body: &[u8]) {
        let found = &mut self.violations;
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let content_type = text(CONTENT_TYPE.as_str()).replace(' ', "");
        let (content_types, expected_version): (&[&str], _) = match version {
            RemoteWrite::V1 => (
                &[
                    "application/x-protobuf",
                    "application/x-protobuf;proto=prometheus.WriteRequest",
                ],
                "0.1.0",
            ),
            RemoteWrite::V2 => (
                &["application/x-protobuf;proto=io.prometheus.write.v2.Request"],
                "2.0.0",
            ),
        };
        found.require(content_types.contains(&&*content_type), Rule::ContentType, || {
            content_type.clone()
        });
        let encoding = text(CONTENT_ENCODING.as_str());
        found.require(encoding == "snappy", Rule::ContentEncoding, || {
            encoding.to_owned()
        });
        let sent = text("x-prometheus-remote-write-version");
        found.require(sent == expected_version, Rule::VersionHeader, || sent.to_owned());
        found.require(
            !text(USER_AGENT.as_str()).is_empty(),
            Rule::UserAgent,
            String::new,
        );
        // The stream identifier of the framed format is never the start of a sane block: it would declare 255 bytes.
        let framed = body.starts_with(b"\xff\x06\x00\x00sNaPpY");
        found.require(!framed, Rule::SnappyBlock, || "framed stream".to_owned());
    }

    /// Checks the decompressed body of a remote-write request.
    pub fn remote_write(&mut self, version: RemoteWrite, body: &[u8]) {
        match version {
            RemoteWrite::V1 => v1::check(body, &mut self.violations, &mut self.series),
            RemoteWrite::V2 => v2::check(body, &mut self.violations, &mut self.series),
        }
    }

    /// Checks an encoded `ExportMetricsServiceRequest`.
    pub fn otlp(&mut self, body: &[u8]) {
        otlp::check(body, &mut self.violations, &mut self.series);
    }

    /// Notes that a body could not be decompressed.
    pub fn undecodable(&mut self, detail: String) {
        self.violations.require(false, Rule::SnappyBlock, || detail);
    }

    /// Returns what was found so far.
    pub fn findings(&self) -> Findings {
        Findings {
            violations: self.violations.clone(),
            series: self.series.clone(),
        }
    }

    /// Returns the memory of all series.
    pub fn series(&self) -> &SeriesTable {
        &self.series
    }
}
