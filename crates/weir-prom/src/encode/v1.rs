//! Remote write 1.0: `prometheus.WriteRequest`.

use std::collections::HashSet;

use super::Codec;
use super::block::{Block, BlockMark};
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
    /// What follows the labels of the last series, and where it stands.
    content: Vec<u8>,
    content_at: Seen,
    /// Whether metadata is sent at all.
    send_metadata: bool,
    metadata: Vec<u8>,
    records: usize,
    /// Hashes of the names that have a record in this request.
    described: HashSet<u64>,
    compressor: Compressor,
}

/// A label and its encoded length, together in one number of 64 bits.
#[derive(Debug, Clone, Copy)]
struct Measured {
    id: LabelId,
    len: usize,
}

impl Measured {
    #[inline]
    fn to_bytes(self) -> [u8; 8] {
        (u64::from(self.id.number()) << 32 | self.len as u64).to_le_bytes()
    }

    #[inline]
    fn from_bytes(bytes: [u8; 8]) -> Self {
        let number = u64::from_le_bytes(bytes);
        Self {
            id: LabelId::from_number((number >> 32) as u32),
            len: number as u32 as usize,
        }
    }
}

/// Longest content of a series that is compared with the one before: a few samples.
const COMPARED: usize = 64;

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
            content: Vec::new(),
            content_at: Seen::default(),
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
        if before.request != here.request || !self.series.repeat(before.at, label.len) {
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

    /// Appends what follows the labels. A sample mostly has the frame and the times of the one before it.
    fn put_content(&mut self, content: &[u8]) {
        let (here, before) = (self.here(), self.content_at);
        let (mut first, mut last) = (0, 0);
        if before.request == self.request && self.content.len() == content.len() {
            first = common_prefix(content, &self.content);
            last = common_suffix(&content[first..], &self.content[first..]);
        }
        let last_at = content.len() - last;
        for (at, length, may_repeat) in [
            (0, first, true),
            (first, last_at - first, false),
            (last_at, last, true),
        ] {
            if !may_repeat || !self.series.repeat(before.at + at, length) {
                self.series.put(&content[at..at + length]);
            }
        }
        self.content.clear();
        self.content_at = Seen::default();
        if content.len() <= COMPARED {
            self.content.extend_from_slice(content);
            self.content_at = here;
        }
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

/// Returns how many bytes both, of one length, end with.
#[inline]
fn common_suffix(a: &[u8], b: &[u8]) -> usize {
    let ((a_rest, a_words), (b_rest, b_words)) = (a.as_rchunks::<8>(), b.as_rchunks::<8>());
    for (index, (a, b)) in a_words.iter().rev().zip(b_words.iter().rev()).enumerate() {
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return index * 8 + differ.leading_zeros() as usize / 8;
        }
    }
    let rest = a_rest
        .iter()
        .rev()
        .zip(b_rest.iter().rev())
        .take_while(|(a, b)| a == b);
    a_words.len() * 8 + rest.count()
}

impl Codec for V1 {
    const PROTOCOL: Protocol = Protocol::V1;
    const EXEMPLAR: u8 = 0x1a;
    const HISTOGRAM: u8 = 0x22;
    const START_TIMES: bool = false;

    type Mark = Mark;

    #[inline]
    fn label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>) {
        let len = table.encoded(id).len();
        out.extend_from_slice(&Measured { id, len }.to_bytes());
    }

    fn series(&mut self, labels: [&[u8]; 2], content: &[u8], metadata: &[u8], table: &mut LabelTable) {
        debug_assert!(metadata.is_empty(), "it stands beside the series");
        let lists = labels.map(|list| list.as_chunks().0);
        let sum = |list: &[[u8; 8]]| {
            list.iter()
                .map(|label| Measured::from_bytes(*label).len)
                .sum::<usize>()
        };
        self.put_head(lists.map(sum).iter().sum::<usize>() + content.len());
        for list in lists {
            for label in list {
                self.put_label(Measured::from_bytes(*label), table);
            }
        }
        self.put_content(content);
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
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let metadata = self.compressor.compress(&self.metadata).expect(FITS);
        self.series.finish(elements(metadata), self.metadata.len(), out);
        self.metadata.clear();
        self.records = 0;
        self.described.clear();
        self.request += 1;
    }
}
