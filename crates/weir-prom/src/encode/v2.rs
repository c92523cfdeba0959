//! Remote write 2.0: `io.prometheus.write.v2.Request`.

use super::symbols::Symbols;
use super::{Codec, Mark};
use crate::Protocol;
use crate::family::Family;
use crate::labels::{LabelId, LabelTable};
use crate::wire::{put_header, put_number, varint_len};

/// Strings stand in the request's symbol table; metadata stands in every series.
#[derive(Debug, Default)]
pub(crate) struct V2 {
    symbols: Symbols,
}

impl Codec for V2 {
    const PROTOCOL: Protocol = Protocol::V2;
    const SERIES: u8 = 0x2a;
    const EXEMPLAR: u8 = 0x22;
    const HISTOGRAM: u8 = 0x1a;
    const START_TIMES: bool = true;

    #[inline]
    fn label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>) {
        self.symbols.put_label(id, table, out);
    }

    #[inline]
    fn labels_head_len(len: usize) -> usize {
        if len == 0 { 0 } else { 1 + varint_len(len as u64) }
    }

    #[inline(always)]
    fn open_labels(len: usize, out: &mut Vec<u8>) {
        if len > 0 {
            put_header(out, 0x0a, len);
        }
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

    fn head_len(&self) -> usize {
        self.symbols.len()
    }

    fn metadata_records(&self) -> u64 {
        0
    }

    fn mark(&self) -> Mark {
        self.symbols.mark()
    }

    fn rewind(&mut self, mark: Mark) {
        self.symbols.rewind(mark);
    }

    fn finish(&mut self, series: &mut Vec<u8>, out: &mut Vec<u8>) {
        out.reserve(self.symbols.len() + series.len());
        // The table first: a receiver that decodes as it reads can resolve references at once.
        self.symbols.finish(out);
        out.extend_from_slice(series);
    }
}
