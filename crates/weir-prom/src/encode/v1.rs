//! Remote write 1.0: `prometheus.WriteRequest`.

use std::collections::HashSet;

use super::block::{Block, BlockMark, Part};
use super::sample::{LastSample, Sample};
use super::{Codec, Frame, Named};
use crate::Protocol;
use crate::compress::{Compressor, FITS, elements};
use crate::family::{Family, Suffix};
use crate::labels::{LabelId, LabelTable, Latest, Seen};
use crate::wire::{field_len, put_bytes, put_header, put_number, varint_len};

/// Tag of a metadata record in the request.
const METADATA: u8 = 0x1a;

/// Tag of a series in the request.
const SERIES: u8 = 0x0a;

/// Labels stand in full in every series; metadata stands beside the series.
///
/// Nearly all of a message stood in it before: labels, a histogram's fourteen times in a row, lengths, times. So series are written as
/// the elements of a snappy block, in which what is known to repeat becomes a copy.
#[derive(Debug)]
pub(crate) struct V1 {
    series: Block,
    /// Number of the request, from 1: places in others are void.
    request: u64,
    /// Tag and length of the last series, and where it stands.
    head: Vec<u8>,
    head_len: Option<usize>,
    head_at: Seen,
    sample: LastSample,
    /// Whether metadata is sent at all.
    send_metadata: bool,
    metadata: Vec<u8>,
    records: usize,
    /// Hashes of the names that have a record in this request.
    described: HashSet<u64>,
    compressor: Compressor,
}

/// A label and its encoded length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    id: LabelId,
    len: u32,
}

impl Measured {
    #[inline]
    fn new(id: LabelId, table: &LabelTable) -> Self {
        let len = table.encoded(id).len() as u32;
        Self { id, len }
    }

    #[inline]
    fn len(self) -> usize {
        self.len as usize
    }
}

/// A place in the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    series: BlockMark,
    metadata: usize,
    records: usize,
}

impl Default for V1 {
    fn default() -> Self {
        Self::new(false)
    }
}

impl V1 {
    pub(crate) fn new(send_metadata: bool) -> Self {
        Self {
            series: Block::default(),
            request: 1,
            head: Vec::new(),
            head_len: None,
            head_at: Seen::default(),
            sample: LastSample::default(),
            send_metadata,
            metadata: Vec::new(),
            records: 0,
            described: HashSet::new(),
            compressor: Compressor::default(),
        }
    }

    /// Returns the place at the end of the request.
    fn here(&self) -> Seen {
        Seen {
            request: self.request,
            at: self.series.length(),
        }
    }

    /// Appends tag and length of a series.
    fn put_head(&mut self, len: usize) {
        let (here, before) = (self.here(), self.head_at);
        let mut is_known = before.request == self.request;
        if self.head_len != Some(len) {
            is_known = false;
            self.head_len = Some(len);
            self.head.clear();
            put_header(&mut self.head, SERIES, len);
        }
        if !is_known || !self.series.repeat(before.at, self.head.len()) {
            self.series.put(&self.head);
        }
        self.head_at = here;
    }

    #[inline]
    fn put_label(&mut self, label: Measured, table: &mut LabelTable) {
        let here = self.here();
        let before = std::mem::replace(table.seen_mut(label.id), here);
        if before.request != here.request || !self.series.repeat(before.at, label.len()) {
            self.put_new_label(label.id, table);
        }
    }

    /// Appends a label that is out of reach, as far as possible as a copy of the new one of its name before it.
    #[inline(never)]
    fn put_new_label(&mut self, id: LabelId, table: &mut LabelTable) {
        let name = table.name(id);
        let request = self.request;
        let before = std::mem::replace(table.names.latest(name), Latest { request, label: id });
        let (mut rest, head_len) = (table.encoded(id), table.head_len(id));
        if before.request == request && before.label != id {
            let (mut other, mut at) = (table.encoded(before.label), table.seen(before.label).at);
            if rest.len() != other.len() {
                // The lengths in front differ, the names behind them do not.
                let other_head_len = table.head_len(before.label);
                self.series.put(&rest[..head_len]);
                rest = &rest[head_len..];
                other = &other[other_head_len..];
                at += other_head_len;
            }
            let same = common_prefix(rest, other);
            if self.series.repeat(at, same) {
                rest = &rest[same..];
            }
        }
        self.series.put(rest);
    }

    /// Appends labels: in one piece if they stood side by side at `before`, else one by one. Returns where they stand now.
    #[inline]
    fn put_labels(&mut self, labels: Labels<'_>, before: Option<usize>, table: &mut LabelTable) -> usize {
        let here = self.series.length();
        if before.is_none_or(|at| !self.series.repeat(at, labels.len)) {
            for label in labels.list {
                self.put_label(*label, table);
            }
        }
        here
    }

    /// Appends a series but for its content, which takes `content_len` bytes.
    #[inline]
    fn put_series(
        &mut self,
        frame: Frame<'_, Measured>,
        extra: Option<LabelId>,
        content_len: usize,
        table: &mut LabelTable,
    ) {
        let extra = extra.map(|id| Measured::new(id, table));
        let [before, after] = [frame.before, frame.after].map(Labels::new);
        self.put_head(before.len + extra.map_or(0, Measured::len) + after.len + content_len);
        self.put_labels(before, None, table);
        if let Some(label) = extra {
            self.put_label(label, table);
        }
        self.put_labels(after, None, table);
    }
}

/// A list of labels, and their encoded length together.
#[derive(Clone, Copy)]
struct Labels<'l> {
    list: &'l [Measured],
    len: usize,
}

impl<'l> Labels<'l> {
    fn new(list: &'l [Measured]) -> Self {
        let len = list.iter().map(|label| label.len()).sum();
        Self { list, len }
    }
}

/// Returns how many bytes both begin with.
#[inline]
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (index, (a, b)) in a_words.iter().zip(b_words).enumerate() {
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return index * 8 + differ.trailing_zeros() as usize / 8;
        }
    }
    if a_words.len() != b_words.len() {
        return a_words.len().min(b_words.len()) * 8;
    }
    let rest = a_rest.iter().zip(b_rest).take_while(|(a, b)| a == b);
    a_words.len() * 8 + rest.count()
}

impl Codec for V1 {
    const PROTOCOL: Protocol = Protocol::V1;
    const EXEMPLAR: u8 = 0x1a;
    const HISTOGRAM: u8 = 0x22;
    const START_TIMES: bool = false;

    type Piece = Measured;
    type Mark = Mark;

    fn begin_batch(&mut self) {}

    #[inline]
    fn labels(&mut self, ids: &[LabelId], table: &mut LabelTable, out: &mut Vec<Measured>) {
        out.extend(ids.iter().map(|id| Measured::new(*id, table)));
    }

    fn series(
        &mut self,
        frame: Frame<'_, Measured>,
        extra: Option<LabelId>,
        content: &[u8],
        metadata: &[u8],
        table: &mut LabelTable,
    ) {
        debug_assert!(metadata.is_empty(), "it stands beside the series");
        self.put_series(frame, extra, content.len(), table);
        self.series.put(content);
        self.sample.forget();
    }

    fn sample(
        &mut self,
        frame: Frame<'_, Measured>,
        extra: Option<LabelId>,
        bits: u64,
        sample: &mut Sample,
        table: &mut LabelTable,
    ) {
        self.put_series(frame, extra, sample.len(bits), table);
        self.sample.put(sample, bits, &mut self.series);
    }

    fn only(&mut self, labels: Named<'_>, bits: u64, sample: &mut Sample, table: &mut LabelTable) {
        let Named {
            name, before, after, ..
        } = labels;
        let ids = before.iter().chain([&name]).chain(after);
        let len: usize = ids.clone().map(|id| table.encoded(*id).len()).sum();
        self.put_head(len + sample.len(bits));
        ids.for_each(|id| self.put_label(Measured::new(*id, table), table));
        self.sample.put(sample, bits, &mut self.series);
    }

    fn buckets(
        &mut self,
        frame: Frame<'_, Measured>,
        buckets: impl Iterator<Item = (LabelId, u64)>,
        sample: &mut Sample,
        table: &mut LabelTable,
    ) {
        let [before, after] = [frame.before, frame.after].map(Labels::new);
        let (mut before_at, mut after_at) = (None, None);
        for (label, bits) in buckets {
            let label = Measured::new(label, table);
            self.put_head(before.len + label.len() + after.len + sample.len(bits));
            before_at = Some(self.put_labels(before, before_at, table));
            self.put_label(label, table);
            after_at = Some(self.put_labels(after, after_at, table));
            self.sample.put(sample, bits, &mut self.series);
        }
    }

    #[inline]
    fn exemplar_label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>) {
        out.extend_from_slice(table.encoded(id));
    }

    #[inline]
    fn exemplar_labels_head_len(_len: usize) -> usize {
        0
    }

    #[inline]
    fn open_exemplar_labels(_len: usize, _out: &mut Vec<u8>) {}

    fn metadata(&mut self, family: &mut Family, table: &LabelTable, _out: &mut Vec<u8>) {
        let name = family.name(Suffix::None);
        if !self.send_metadata || !self.described.insert(table.hash(name)) {
            return;
        }
        let name = table.value(name);
        let kind = family.metric_type as u64;
        let optional = |text: &str| if text.is_empty() { 0 } else { field_len(text.len()) };
        let kind_len = if kind == 0 { 0 } else { 1 + varint_len(kind) };
        let len = kind_len + field_len(name.len()) + optional(&family.help) + optional(&family.unit);
        put_header(&mut self.metadata, METADATA, len);
        put_number(&mut self.metadata, 0x08, kind);
        put_bytes(&mut self.metadata, 0x12, name);
        for (tag, text) in [(0x22, &family.help), (0x2a, &family.unit)] {
            if !text.is_empty() {
                put_bytes(&mut self.metadata, tag, text.as_bytes());
            }
        }
        self.records += 1;
    }

    fn length(&self) -> usize {
        self.series.length() + self.metadata.len()
    }

    fn metadata_records(&self) -> u64 {
        self.records as u64
    }

    fn mark(&self) -> Mark {
        Mark {
            series: self.series.mark(),
            metadata: self.metadata.len(),
            records: self.records,
        }
    }

    fn rewind(&mut self, mark: Mark) {
        self.series.rewind(mark.series);
        self.metadata.truncate(mark.metadata);
        self.records = mark.records;
        // What stood after the mark must not be copied.
        self.request += 1;
        self.sample.forget();
    }

    fn finish(&mut self) -> Vec<u8> {
        let metadata = self.compressor.compress(&self.metadata).expect(FITS);
        let metadata = Part {
            elements: elements(metadata),
            length: self.metadata.len(),
        };
        let block = self.series.finish(Part::default(), metadata);
        self.metadata.clear();
        self.records = 0;
        self.described.clear();
        self.request += 1;
        self.sample.forget();
        block
    }
}
