//! Rows to remote-write requests.
//!
//! [`RequestWriter`] is the one engine: it lays out series, decides where a request ends and counts what is in
//! it. The two protocol versions differ in a [`Codec`]: how labels and metadata are written, and how the request is
//! compressed.

mod block;
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

/// What differs between the versions of remote write. It owns the request that is being written.
pub(crate) trait Codec: Default {
    const PROTOCOL: Protocol;
    /// Tag of an exemplar in a series.
    const EXEMPLAR: u8;
    /// Tag of a native histogram in a series.
    const HISTOGRAM: u8;
    /// Whether samples and histograms have start times.
    const START_TIMES: bool;

    /// A place in the request.
    type Mark: Copy;

    /// Appends what stands for a label in the lists that [`Codec::series`] takes.
    fn label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>);

    /// Appends a series: its labels, in two lists one after the other, and what follows them.
    fn series(&mut self, labels: [&[u8]; 2], content: &[u8], metadata: &[u8], table: &mut LabelTable);

    /// Appends one label of an exemplar, as one piece of its list of labels.
    fn exemplar_label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>);

    /// Returns the bytes that [`Codec::open_exemplar_labels`] writes.
    fn exemplar_labels_head_len(len: usize) -> usize;

    /// Begins an exemplar's list of labels whose pieces take `len` bytes together.
    fn open_exemplar_labels(len: usize, out: &mut Vec<u8>);

    /// Files the metadata of a family of which series are about to be written; what goes to `out` stands in
    /// each of them.
    fn metadata(&mut self, family: &mut Family, table: &LabelTable, out: &mut Vec<u8>);

    /// Returns the bytes of the request so far, before compression.
    fn length(&self) -> usize;

    /// Returns the number of metadata records besides the series.
    fn metadata_records(&self) -> u64;

    /// Notes a place to which [`Codec::rewind`] can go back.
    fn mark(&self) -> Self::Mark;

    /// Forgets what was written and filed after the mark. The request must be finished or restarted next.
    fn rewind(&mut self, mark: Self::Mark);

    /// Writes the request to `out`, an empty buffer, as a snappy block, and begins the next.
    fn finish(&mut self, out: &mut Vec<u8>);
}
