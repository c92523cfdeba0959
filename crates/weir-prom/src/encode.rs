//! Rows to remote-write requests.
//!
//! [`RequestWriter`] is the one engine: it lays out series, decides where a request ends and counts what is in
//! it. The two protocol versions differ in a [`Codec`]: how labels, metadata and the request's head are
//! written.

mod native;
mod relabeled;
mod request;
mod series;
mod symbols;
mod v1;
mod v2;

use crate::Protocol;
use crate::family::Family;
use crate::labels::{LabelId, LabelTable};

pub(crate) use native::put_native;
pub(crate) use request::{Limits, RequestWriter, Source};
pub(crate) use v1::V1;
pub(crate) use v2::V2;

/// What differs between the versions of remote write.
pub(crate) trait Codec: Default {
    const PROTOCOL: Protocol;
    /// Tag of a series in the request.
    const SERIES: u8;
    /// Tag of an exemplar in a series.
    const EXEMPLAR: u8;
    /// Tag of a native histogram in a series.
    const HISTOGRAM: u8;
    /// Whether samples and histograms have start times.
    const START_TIMES: bool;

    /// Appends one label of a series or an exemplar, as one piece of its list of labels.
    fn label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>);

    /// Returns the bytes that [`Codec::open_labels`] writes.
    fn labels_head_len(len: usize) -> usize;

    /// Begins a list of labels whose pieces take `len` bytes together.
    fn open_labels(len: usize, out: &mut Vec<u8>);

    /// Files the metadata of a family of which series are about to be written; what goes to `out` stands in
    /// each of them.
    fn metadata(&mut self, family: &mut Family, table: &LabelTable, out: &mut Vec<u8>);

    /// Returns the bytes of the request besides its series.
    fn head_len(&self) -> usize;

    /// Returns the number of metadata records besides the series.
    fn metadata_records(&self) -> u64;

    /// Notes a place to which [`Codec::rewind`] can go back.
    fn mark(&self) -> Mark;

    /// Forgets what was filed after the mark. The request must be finished or restarted next.
    fn rewind(&mut self, mark: Mark);

    /// Writes the request whose series are `series` to `out`, an empty buffer, and begins the next. What is left in
    /// `series` means nothing.
    fn finish(&mut self, series: &mut Vec<u8>, out: &mut Vec<u8>);
}

/// A place in a codec's own data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) bytes: usize,
    pub(crate) count: usize,
}
