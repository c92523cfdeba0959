//! Remote write 1.0: `prometheus.WriteRequest`.

use std::collections::HashSet;

use super::{Codec, Mark};
use crate::Protocol;
use crate::family::{Family, Suffix};
use crate::labels::{LabelId, LabelTable};
use crate::wire::{field_len, put_bytes, put_header, put_number, varint_len};

/// Tag of a metadata record in the request.
const METADATA: u8 = 0x1a;

/// Labels stand in full in every series; metadata stands beside the series.
#[derive(Debug, Default)]
pub(crate) struct V1 {
    /// Whether metadata is sent at all.
    send_metadata: bool,
    metadata: Vec<u8>,
    records: usize,
    /// Hashes of the names that have a record in this request.
    described: HashSet<u64>,
}

impl V1 {
    pub(crate) fn new(send_metadata: bool) -> Self {
        Self {
            send_metadata,
            ..Self::default()
        }
    }
}

impl Codec for V1 {
    const PROTOCOL: Protocol = Protocol::V1;
    const SERIES: u8 = 0x0a;
    const EXEMPLAR: u8 = 0x1a;
    const HISTOGRAM: u8 = 0x22;
    const START_TIMES: bool = false;

    #[inline]
    fn label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>) {
        out.extend_from_slice(table.encoded(id));
    }

    #[inline]
    fn labels_head_len(_len: usize) -> usize {
        0
    }

    #[inline]
    fn open_labels(_len: usize, _out: &mut Vec<u8>) {}

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

    fn head_len(&self) -> usize {
        self.metadata.len()
    }

    fn metadata_records(&self) -> u64 {
        self.records as u64
    }

    fn mark(&self) -> Mark {
        Mark {
            bytes: self.metadata.len(),
            count: self.records,
        }
    }

    fn rewind(&mut self, mark: Mark) {
        self.metadata.truncate(mark.bytes);
        self.records = mark.count;
    }

    fn finish(&mut self, series: &mut Vec<u8>, out: &mut Vec<u8>) {
        std::mem::swap(series, out);
        out.extend_from_slice(&self.metadata);
        self.metadata.clear();
        self.records = 0;
        self.described.clear();
    }
}
