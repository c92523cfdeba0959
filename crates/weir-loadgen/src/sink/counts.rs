//! What a sink has taken.

use serde::Serialize;

use crate::count::{Points, Written};

/// Counters of a sink. Refused and unanswered requests count under `injected` alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests taken.
    pub requests: u64,
    /// Bytes of their bodies as they came.
    pub bytes: u64,
    /// Bytes of their bodies, decompressed; of discarded bodies none.
    pub decompressed_bytes: u64,
    /// Data points of OTLP requests.
    pub points: Points,
    /// Content of remote-write requests.
    pub written: Written,
    /// Requests of remote write 2.0 among all.
    pub v2_requests: u64,
    /// Requests whose body could not be decompressed or walked; answered 400.
    pub damaged: u64,
    /// Requests refused or left unanswered on purpose.
    pub injected: u64,
}

impl Counts {
    /// Returns a number that rises with each request taken, for telling whether anything still arrives.
    pub fn progress(&self) -> u64 {
        self.requests
    }
}
