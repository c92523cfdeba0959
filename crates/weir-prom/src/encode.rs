//! Rows to remote-write requests.
//!
//! [`RequestWriter`] is the one engine: it lays out series, decides where a request ends and counts what is in
//! it. The two protocol versions differ in a [`Codec`]: how labels and metadata are written, and how the request is
//! compressed.

mod block;
mod native;
mod relabeled;
mod request;
mod sample;
mod series;
mod symbols;
mod v1;
mod v2;

use crate::Protocol;
use crate::family::Family;
use crate::labels::{LabelId, LabelTable};

pub(crate) use native::put_native;
use sample::Sample;

pub(crate) use request::{Limits, RequestWriter, Source};
pub(crate) use v1::V1;
pub(crate) use v2::V2;

/// The labels that series share, as [`Codec::labels`] made them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'f, P> {
    /// Labels before a generated one.
    before: &'f [P],
    /// Where in them those begin that [`Frame::list`] stands for.
    list_at: usize,
    /// Labels after the generated one.
    after: &'f [P],
    /// Says which labels stand at the end of `before` and in `after`: the same number in a batch, the same labels.
    list: usize,
}

/// The labels of one series of a row: a name and those of the row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'n> {
    name: LabelId,
    /// Labels before the name.
    before: &'n [LabelId],
    after: &'n [LabelId],
    /// As in a [`Frame`].
    list: usize,
}

/// What differs between the versions of remote write. It owns the request that is being written.
pub(crate) trait Codec: Default {
    const PROTOCOL: Protocol;
    /// Tag of an exemplar in a series.
    const EXEMPLAR: u8;
    /// Tag of a native histogram in a series.
    const HISTOGRAM: u8;
    /// Whether samples and histograms have start times.
    const START_TIMES: bool;

    /// What stands for labels, or a part of one, in a [`Frame`].
    type Piece: Copy;

    /// A place in the request.
    type Mark: Copy;

    /// Begins a batch: labels of the one before are void.
    fn begin_batch(&mut self);

    /// Appends what stands for labels in a [`Frame`].
    fn labels(&mut self, ids: &[LabelId], table: &mut LabelTable, out: &mut Vec<Self::Piece>);

    /// Appends a series with `extra` among its labels, and `content` and metadata behind them.
    fn series(
        &mut self,
        frame: Frame<'_, Self::Piece>,
        extra: Option<LabelId>,
        content: &[u8],
        metadata: &[u8],
        table: &mut LabelTable,
    );

    /// Appends a series of one sample.
    fn sample(
        &mut self,
        frame: Frame<'_, Self::Piece>,
        extra: Option<LabelId>,
        bits: u64,
        sample: &mut Sample,
        table: &mut LabelTable,
    );

    /// Appends the only series of a row, which has one sample.
    fn only(&mut self, labels: Named<'_>, bits: u64, sample: &mut Sample, table: &mut LabelTable);

    /// Appends series of one sample each, which differ in one label and in the value.
    fn buckets(
        &mut self,
        frame: Frame<'_, Self::Piece>,
        buckets: impl Iterator<Item = (LabelId, u64)>,
        sample: &mut Sample,
        table: &mut LabelTable,
    );

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

    /// Returns the request as a snappy block, and begins the next.
    fn finish(&mut self) -> Vec<u8>;
}
