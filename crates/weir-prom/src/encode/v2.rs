//! Remote write 2.0: `io.prometheus.write.v2.Request`.

mod lists;
mod run;

use lists::{List, Lists};
use run::Run;

use super::block::{Block, BlockMark, Part, can_be_copied};
use super::sample::{BITS_AT, LastSample, Sample};
use super::symbols::{self, References, Symbols};
use super::{Codec, Frame, Named};
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
    head: Head,
    /// The references of the last series of the request, and where they stand.
    labels: Vec<u8>,
    labels_at: usize,
    /// Those of the next one.
    next: Vec<u8>,
    /// Bytes of the content and metadata of the last series.
    content_len: usize,
    sample: LastSample,
    lists: Lists,
    table: Vec<u8>,
    compressor: Compressor,
}

/// Tags and lengths in front of the references of the last series of the request.
#[derive(Debug, Default)]
struct Head {
    bytes: Vec<u8>,
    /// Bytes of the series and of its references; 0 if there is no such series.
    lengths: (usize, usize),
    at: usize,
}

/// A place in the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    series: BlockMark,
    symbols: symbols::Mark,
}

impl Head {
    /// Appends the head of a series.
    #[inline]
    fn put(&mut self, lengths: (usize, usize), block: &mut Block) {
        let here = block.length();
        if self.lengths == lengths {
            block.put_again(&self.bytes, self.at);
        } else {
            self.lengths = lengths;
            self.bytes.clear();
            put_header(&mut self.bytes, SERIES, lengths.0);
            open_list(lengths.1, &mut self.bytes);
            block.put(&self.bytes);
        }
        self.at = here;
    }
}

impl V2 {
    /// Appends a series but for its content and metadata, which take `content_len` bytes.
    fn put_series(&mut self, frame: Frame<'_, u8>, extra: &[u8], content_len: usize) {
        let Frame {
            before,
            list_at,
            after,
            list,
        } = frame;
        self.next.clear();
        for part in [before, extra, after] {
            self.next.extend_from_slice(part);
        }
        let list = List {
            number: list,
            at: list_at,
            gap: before.len()..before.len() + extra.len(),
        };
        self.put_head(&list, content_len);
    }

    /// Appends a series, whose references have been gathered, but for its content and metadata.
    fn put_head(&mut self, list: &List, content_len: usize) {
        let (block, next) = (&mut self.series, &self.next);
        let len = list_head_len(next.len()) + next.len() + content_len;
        self.head.put((len, next.len()), block);
        let here = block.length();
        match self.lists.find(list, next.len()).filter(|at| block.reaches(*at)) {
            Some(at) => {
                let List { at: start, gap, .. } = list;
                block.put_like(&next[..*start], &self.labels, self.labels_at);
                block.put_again(&next[*start..gap.start], at);
                block.put(&next[gap.clone()]);
                block.put_again(&next[gap.end..], at + gap.start - start);
            }
            None => block.put_like(next, &self.labels, self.labels_at),
        }
        self.lists.note(list, next.len(), here);
        std::mem::swap(&mut self.labels, &mut self.next);
        self.labels_at = here;
        self.content_len = content_len;
    }

    /// Prepares for series of the length of the last one, which ends with a single sample and differs from them in the value and in the
    /// label at `at`. Nothing if that label is too long.
    fn begin_run(&self, label: References, at: usize) -> Option<Run> {
        let (label_len, head_len) = (label.bytes().len(), self.head.bytes.len());
        let length = self.series.length() - self.head.at;
        (label_len <= 8 && can_be_copied(length)).then(|| Run {
            label: label.word(),
            bits: self.sample.bits(),
            label_len,
            content_len: self.content_len,
            label_at: head_len + at,
            value_at: head_len + self.labels.len() + BITS_AT,
            length,
            left: 0,
        })
    }

    fn end_run(&mut self, run: &Run) {
        let (here, head_len) = (
            self.series.length() + run.left - run.length,
            self.head.bytes.len(),
        );
        if run.left > 0 {
            self.series.put_back(run.left, run.length);
        }
        let at = run.label_at - head_len;
        self.labels[at..at + run.label_len].copy_from_slice(&run.label.to_le_bytes()[..run.label_len]);
        self.head.at = here;
        self.labels_at = here + head_len;
        self.sample.replace(run.bits, here + run.value_at - BITS_AT);
    }

    /// Forgets what could be copied.
    fn forget(&mut self) {
        self.head.lengths = (0, 0);
        self.labels.clear();
        self.sample.forget();
        self.lists.clear();
    }
}

impl Codec for V2 {
    const PROTOCOL: Protocol = Protocol::V2;
    const EXEMPLAR: u8 = 0x22;
    const HISTOGRAM: u8 = 0x1a;
    const START_TIMES: bool = true;

    type Piece = u8;
    type Mark = Mark;

    fn begin_batch(&mut self) {
        self.symbols.forget_labels();
        self.lists.clear();
    }

    #[inline]
    fn labels(&mut self, ids: &[LabelId], table: &mut LabelTable, out: &mut Vec<u8>) {
        self.symbols.put_labels(ids, table, out);
    }

    fn series(
        &mut self,
        frame: Frame<'_, u8>,
        extra: Option<LabelId>,
        content: &[u8],
        metadata: &[u8],
        table: &mut LabelTable,
    ) {
        let extra = extra.map_or_else(References::default, |id| self.symbols.references(id, table));
        self.put_series(frame, extra.bytes(), content.len() + metadata.len());
        self.series.put(content);
        self.series.put(metadata);
        self.sample.forget();
    }

    fn sample(
        &mut self,
        frame: Frame<'_, u8>,
        extra: Option<LabelId>,
        bits: u64,
        sample: &mut Sample,
        table: &mut LabelTable,
    ) {
        let extra = extra.map_or_else(References::default, |id| self.symbols.references(id, table));
        self.put_series(frame, extra.bytes(), sample.len(bits));
        self.sample.put(sample, bits, &mut self.series);
    }

    fn only(&mut self, labels: Named<'_>, bits: u64, sample: &mut Sample, table: &mut LabelTable) {
        self.next.clear();
        self.symbols.put_labels(labels.before, table, &mut self.next);
        self.symbols.put_labels(&[labels.name], table, &mut self.next);
        let at = self.next.len();
        self.symbols.put_labels(labels.after, table, &mut self.next);
        let end = self.next.len();
        let list = List {
            number: labels.list,
            at,
            gap: end..end,
        };
        self.put_head(&list, sample.len(bits));
        self.sample.put(sample, bits, &mut self.series);
    }

    fn buckets(
        &mut self,
        frame: Frame<'_, u8>,
        buckets: impl Iterator<Item = (LabelId, u64)>,
        sample: &mut Sample,
        table: &mut LabelTable,
    ) {
        let mut run: Option<Run> = None;
        for (label, bits) in buckets {
            let label = self.symbols.references(label, table);
            let content_len = sample.len(bits);
            match &mut run {
                Some(run) if run.fits(&label, content_len) => run.put(label.word(), bits, &mut self.series),
                _ => {
                    if let Some(run) = run.take() {
                        self.end_run(&run);
                    }
                    self.put_series(frame, label.bytes(), content_len);
                    self.sample.put(sample, bits, &mut self.series);
                    run = self.begin_run(label, frame.before.len());
                }
            }
        }
        if let Some(run) = run {
            self.end_run(&run);
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

    fn finish(&mut self) -> Vec<u8> {
        // The table first: a receiver that decodes as it reads can resolve references at once.
        self.table.clear();
        self.symbols.finish(&mut self.table);
        let table = self.compressor.compress(&self.table).expect(FITS);
        let table = Part {
            elements: elements(table),
            length: self.table.len(),
        };
        let block = self.series.finish(table, Part::default());
        self.forget();
        block
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
