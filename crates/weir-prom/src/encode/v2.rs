//! Remote write 2.0: `io.prometheus.write.v2.Request`.

use super::block::{Block, BlockMark, Part};
use super::sample::{LastSample, Sample};
use super::symbols::{self, References, Symbols};
use super::{Codec, Frame};
use crate::Protocol;
use crate::compress::{Compressor, FITS, elements};
use crate::family::Family;
use crate::labels::{LabelId, LabelTable};
use crate::wire::{put_header, put_number, varint_len};

/// Tag of a series in the request.
const SERIES: u8 = 0x2a;

/// Tag of the references in a series or an exemplar.
const LABELS: u8 = 0x0a;

/// Strings stand in the request's symbol table; metadata stands in every series.
///
/// A series mostly has the references, times and metadata of the one before it but for a few, at the same places, and often the labels of
/// one of another metric. So series are written as the elements of a snappy block, in which what is the same becomes a copy.
#[derive(Debug, Default)]
pub(crate) struct V2 {
    symbols: Symbols,
    series: Block,
    /// What the last series of the request has before its content, and where it stands.
    head: Vec<u8>,
    head_at: usize,
    /// Bytes of its content and metadata.
    content_len: usize,
    /// Room for the next one.
    next_head: Vec<u8>,
    sample: LastSample,
    lists: Lists,
    table: Vec<u8>,
    compressor: Compressor,
}

/// A place in the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    series: BlockMark,
    symbols: symbols::Mark,
}

impl V2 {
    /// Appends a series but for its content and metadata, which take `content_len` bytes.
    fn put_head(&mut self, frame: Frame<'_>, extra: &[u8], content_len: usize) {
        let Frame {
            before,
            list_at,
            after,
            list,
        } = frame;
        let labels_len = before.len() + extra.len() + after.len();
        let head = &mut self.next_head;
        head.clear();
        head.reserve(labels_len + 16);
        put_header(head, SERIES, list_head_len(labels_len) + labels_len + content_len);
        open_list(labels_len, head);
        let before_at = head.len();
        head.extend_from_slice(before);
        head.extend_from_slice(extra);
        head.extend_from_slice(after);
        let here = self.series.length();
        let block = &mut self.series;
        let (first, rest) = (&before[list_at..], after);
        let (len, list_at) = (first.len() + rest.len(), before_at + list_at);
        match self.lists.get(list, len).filter(|at| block.reaches(*at)) {
            Some(at) => {
                block.put_like(&head[..list_at], &self.head, self.head_at);
                block.put_again(first, at);
                block.put(extra);
                block.put_again(rest, at + first.len());
            }
            None => block.put_like(head, &self.head, self.head_at),
        }
        if extra.is_empty() {
            self.lists.note(list, len, here + list_at);
        }
        std::mem::swap(&mut self.head, &mut self.next_head);
        self.head_at = here;
        self.content_len = content_len;
    }

    /// Appends the head of the last series once more with a label of the same length in the place of one; `after` bytes of labels follow it.
    fn put_head_again(&mut self, label: &[u8], after: usize) {
        let here = self.series.length();
        let end = self.head.len() - after;
        let start = end - label.len();
        self.head[start..end].copy_from_slice(label);
        self.series.put_again(&self.head[..start], self.head_at);
        self.series.put(label);
        self.series.put_again(&self.head[end..], self.head_at + end);
        self.head_at = here;
    }

    /// Forgets what could be copied.
    fn forget(&mut self) {
        self.head.clear();
        self.sample.forget();
        self.lists.clear();
    }
}

/// Lists of labels that are told apart.
const LISTS: usize = 1024;

/// Where lists of labels stood last in the request.
#[derive(Debug)]
struct Lists(Box<[List; LISTS]>);

#[derive(Debug, Clone, Copy, Default)]
struct List {
    number: usize,
    /// Bytes of it; 0 is none.
    len: usize,
    at: usize,
}

impl Default for Lists {
    fn default() -> Self {
        Self(Box::new([List::default(); LISTS]))
    }
}

impl Lists {
    fn clear(&mut self) {
        self.0.fill(List::default());
    }

    #[inline]
    fn get(&self, number: usize, len: usize) -> Option<usize> {
        let list = self.0[number % LISTS];
        (list.number == number && list.len == len && len > 0).then_some(list.at)
    }

    #[inline]
    fn note(&mut self, number: usize, len: usize, at: usize) {
        self.0[number % LISTS] = List { number, len, at };
    }
}

impl Codec for V2 {
    const PROTOCOL: Protocol = Protocol::V2;
    const EXEMPLAR: u8 = 0x22;
    const HISTOGRAM: u8 = 0x1a;
    const START_TIMES: bool = true;

    type Mark = Mark;

    fn begin_batch(&mut self) {
        self.symbols.forget_labels();
        self.lists.clear();
    }

    #[inline]
    fn labels(&mut self, ids: &[LabelId], table: &mut LabelTable, out: &mut Vec<u8>) {
        if let [id] = ids {
            out.extend_from_slice(self.symbols.references(*id, table).bytes());
        } else if !ids.is_empty() {
            self.symbols.put_labels(ids, table, out);
        }
    }

    fn series(
        &mut self,
        frame: Frame<'_>,
        extra: Option<LabelId>,
        content: &[u8],
        metadata: &[u8],
        table: &mut LabelTable,
    ) {
        let extra = extra.map_or_else(References::default, |id| self.symbols.references(id, table));
        self.put_head(frame, extra.bytes(), content.len() + metadata.len());
        self.series.put(content);
        self.series.put(metadata);
        self.sample.forget();
    }

    #[inline]
    fn sample(
        &mut self,
        frame: Frame<'_>,
        extra: Option<LabelId>,
        bits: u64,
        sample: &mut Sample,
        table: &mut LabelTable,
    ) {
        let extra = extra.map_or_else(References::default, |id| self.symbols.references(id, table));
        self.put_head(frame, extra.bytes(), sample.len(bits));
        self.sample.put(sample, bits, &mut self.series);
    }

    fn buckets(
        &mut self,
        frame: Frame<'_>,
        buckets: impl Iterator<Item = (LabelId, u64)>,
        sample: &mut Sample,
        table: &mut LabelTable,
    ) {
        let mut label_len = None;
        for (label, bits) in buckets {
            let label = self.symbols.references(label, table);
            let (label, content_len) = (label.bytes(), sample.len(bits));
            if label_len == Some(label.len()) && content_len == self.content_len {
                self.put_head_again(label, frame.after.len());
            } else {
                self.put_head(frame, label, content_len);
                label_len = Some(label.len());
            }
            self.sample.put(sample, bits, &mut self.series);
        }
    }

    #[inline]
    fn exemplar_label(&mut self, id: LabelId, table: &mut LabelTable, out: &mut Vec<u8>) {
        self.symbols.put_labels(&[id], table, out);
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
        self.symbols.len() + self.series.length()
    }

    fn metadata_records(&self) -> u64 {
        0
    }

    fn mark(&self) -> Mark {
        Mark {
            series: self.series.mark(),
            symbols: self.symbols.mark(),
        }
    }

    fn rewind(&mut self, mark: Mark) {
        self.series.rewind(mark.series);
        self.symbols.rewind(mark.symbols);
        self.forget();
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        // The table first: a receiver that decodes as it reads can resolve references at once.
        self.table.clear();
        self.symbols.finish(&mut self.table);
        let table = self.compressor.compress(&self.table).expect(FITS);
        let table = Part {
            elements: elements(table),
            length: self.table.len(),
        };
        self.series.finish(table, Part::default(), out);
        self.forget();
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
