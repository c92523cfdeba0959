//! Remote write 2.0: `io.prometheus.write.v2.Request`.

use super::Codec;
use super::symbols::{self, Symbols};
use crate::compress::Compressor;
use crate::family::Family;
use crate::labels::{LabelId, LabelTable};
use crate::wire::{put_header, put_number, varint_len};
use crate::{Protocol, compress};

/// Tag of a series in the request.
const SERIES: u8 = 0x2a;

/// Tag of the references in a series or an exemplar.
const LABELS: u8 = 0x0a;

/// Strings stand in the request's symbol table; metadata stands in every series.
#[derive(Debug, Default)]
pub(crate) struct V2 {
    symbols: Symbols,
    /// All series so far.
    series: Vec<u8>,
    message: Vec<u8>,
    compressor: Compressor,
}

/// A place in the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    series: usize,
    symbols: symbols::Mark,
}

impl Codec for V2 {
    const PROTOCOL: Protocol = Protocol::V2;
    const EXEMPLAR: u8 = 0x22;
    const HISTOGRAM: u8 = 0x1a;
    const START_TIMES: bool = true;

    type Mark = Mark;

    #[inline]
    fn label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>) {
        self.symbols.put_label(id, table, out);
    }

    #[inline]
    fn series(&mut self, labels: [&[u8]; 2], content: &[u8], metadata: &[u8], _table: &mut LabelTable) {
        let [first, second] = labels;
        let labels_len = first.len() + second.len();
        let len = list_head_len(labels_len) + labels_len + content.len() + metadata.len();
        let out = &mut self.series;
        out.reserve(len + 8);
        put_header(out, SERIES, len);
        open_list(labels_len, out);
        out.extend_from_slice(first);
        out.extend_from_slice(second);
        out.extend_from_slice(content);
        out.extend_from_slice(metadata);
    }

    #[inline]
    fn exemplar_label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>) {
        self.label(id, table, out);
    }

    #[inline]
    fn exemplar_labels_head_len(len: usize) -> usize {
        list_head_len(len)
    }

    #[inline]
    fn open_exemplar_labels(len: usize, out: &mut Vec<u8>) {
        open_list(len, out);
    }

    fn metadata(&mut self, family: &mut Family, _table: &LabelTable, out: &mut Vec<u8>) {
        let kind = family.metric_type as u64;
        let help = u64::from(self.symbols.get(&mut family.help_symbol, family.help.as_bytes()));
        let unit = u64::from(self.symbols.get(&mut family.unit_symbol, family.unit.as_bytes()));
        if kind | help | unit != 0 {
            // Three numbers of 32 bits: the length takes one byte.
            out.extend_from_slice(&[0x2a, 0]);
            let start = out.len();
            put_number(out, 0x08, kind);
            put_number(out, 0x18, help);
            put_number(out, 0x20, unit);
            out[start - 1] = (out.len() - start) as u8;
        }
    }

    fn length(&self) -> usize {
        self.symbols.len() + self.series.len()
    }

    fn metadata_records(&self) -> u64 {
        0
    }

    fn mark(&self) -> Mark {
        Mark {
            series: self.series.len(),
            symbols: self.symbols.mark(),
        }
    }

    fn rewind(&mut self, mark: Mark) {
        self.series.truncate(mark.series);
        self.symbols.rewind(mark.symbols);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.message.clear();
        // The table first: a receiver that decodes as it reads can resolve references at once.
        self.symbols.finish(&mut self.message);
        self.message.extend_from_slice(&self.series);
        self.series.clear();
        out.extend_from_slice(self.compressor.compress(&self.message).expect(compress::FITS));
    }
}

/// Returns the bytes in front of a list of references.
#[inline]
fn list_head_len(len: usize) -> usize {
    if len == 0 { 0 } else { 1 + varint_len(len as u64) }
}

/// Begins a list of references, of a series or of an exemplar.
#[inline(always)]
fn open_list(len: usize, out: &mut Vec<u8>) {
    if len > 0 {
        put_header(out, LABELS, len);
    }
}
