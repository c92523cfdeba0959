//! What a translation yields.

use crate::Protocol;
use crate::drops::Drops;
use crate::outcome::Counts;

mod split;

/// Takes the requests of a batch, by lane and within a lane in the order in which they must be sent.
pub trait Requests {
    /// Takes a request when it is complete: what is done with it at once finds its bytes in the processor's cache.
    fn take(&mut self, request: EncodedRequest);
}

/// The requests of one batch and what was left out.
#[derive(Debug, Default)]
pub struct Output {
    /// Requests, by lane and within a lane in the order in which they must be sent.
    pub requests: Vec<EncodedRequest>,
    /// What is in none of the requests.
    pub drops: Drops,
}

impl Output {
    /// Forgets the requests and counts.
    pub fn clear(&mut self) {
        self.requests.clear();
        self.drops.clear();
    }
}

impl Requests for Vec<EncodedRequest> {
    fn take(&mut self, request: EncodedRequest) {
        self.push(request);
    }
}

/// One remote-write request. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedRequest {
    /// Which message it is.
    pub protocol: Protocol,
    /// Lane it belongs to, from 0.
    pub lane: usize,
    /// The message as a snappy block: the body to send.
    pub block: Vec<u8>,
    /// Bytes of the message before compression.
    pub length: usize,
    /// OTLP data points that it carries whole. Over all requests of a batch, plus those dropped, each point
    /// counts once.
    pub points: u64,
    /// Series in it.
    pub series: u64,
    /// Samples, native histograms and exemplars in it: what a receiver's Written headers are compared with.
    pub counts: Counts,
    /// Metadata records besides the series (remote write 1.0 only).
    pub metadata: u64,
    pub(crate) groups: Vec<GroupEnd>,
}

impl EncodedRequest {
    /// Returns the message before compression. Nothing if `block` is not what this crate wrote.
    #[must_use]
    pub fn message(&self) -> Option<Vec<u8>> {
        snap::raw::Decoder::new().decompress_vec(&self.block).ok()
    }
}

/// How much of a request ends with a group of series that stay together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupEnd {
    pub(crate) points: u64,
    pub(crate) series: u64,
}
