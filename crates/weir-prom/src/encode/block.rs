//! A snappy block, written piece by piece.
//!
//! Whoever writes a message knows which of its parts stood in it before; a compressor has to search for them. Pieces become literals,
//! known repetitions become copies, and nothing is ever written in full to be compressed afterwards.
//!
//! Format: <https://github.com/google/snappy/blob/main/format_description.txt>, sections 1 and 2.

use crate::wire::put_varint;

/// Longest literal whose length fits into its tag.
const MAX_LITERAL: usize = 60;

/// Longest copy.
const MAX_COPY: usize = 64;

/// Furthest that a copy of three bytes reaches back.
const MAX_OFFSET: usize = u16::MAX as usize;

/// Shortest copy that does not go on with the one before: it takes three bytes, and may end a literal.
const MIN_COPY: usize = 4;

/// Kind of an element that is a copy with an offset of two bytes.
const COPY: u8 = 0b10;

/// The elements of a block so far.
#[derive(Debug, Default)]
pub(super) struct Block {
    elements: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Bytes of the message so far.
    length: usize,
    /// Where the literal at the end of the elements begins, with its tag.
    literal: Option<usize>,
    /// A copy that is not among the elements yet; not beside an open literal.
    copy: Copy,
}

/// Bytes that stood in the message before.
#[derive(Debug, Clone, Copy, Default)]
struct Copy {
    from: usize,
    length: usize,
}

/// A place to which a block can go back.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockMark {
    elements: usize,
    state: State,
}

impl Block {
    /// Returns the length of the message so far.
    #[inline]
    pub(super) fn length(&self) -> usize {
        self.state.length
    }

    /// Appends bytes to the message.
    #[inline]
    pub(super) fn put(&mut self, mut bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.end_copy();
        self.state.length += bytes.len();
        while !bytes.is_empty() {
            let at = match self.state.literal {
                Some(at) if self.elements.len() - at <= MAX_LITERAL => at,
                _ => {
                    let at = self.elements.len();
                    self.elements.push(0);
                    self.state.literal = Some(at);
                    at
                }
            };
            let room = MAX_LITERAL + 1 - (self.elements.len() - at);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.elements.extend_from_slice(now);
            self.tag_literal(at);
            bytes = later;
        }
    }

    /// Appends bytes that stood in the message before, at `from`, as a copy if that is possible and worth it. Returns whether it is.
    #[inline]
    pub(super) fn repeat(&mut self, from: usize, length: usize) -> bool {
        let copy = &mut self.state.copy;
        if copy.length > 0 && copy.from + copy.length == from {
            copy.length += length;
        } else if length < MIN_COPY || self.state.length - from > MAX_OFFSET {
            return false;
        } else {
            self.end_copy();
            self.state.copy = Copy { from, length };
        }
        self.state.literal = None;
        self.state.length += length;
        true
    }

    pub(super) fn mark(&self) -> BlockMark {
        BlockMark {
            elements: self.elements.len(),
            state: self.state,
        }
    }

    /// Forgets what was appended after the mark. Places after it must not be repeated any more.
    pub(super) fn rewind(&mut self, mark: BlockMark) {
        self.elements.truncate(mark.elements);
        self.state = mark.state;
        if let Some(at) = self.state.literal {
            self.tag_literal(at);
        }
    }

    /// Appends the block to `out` with the elements of another one, whose message follows, and begins the next.
    pub(super) fn finish(&mut self, last: &[u8], last_length: usize, out: &mut Vec<u8>) {
        self.end_copy();
        put_varint(out, (self.state.length + last_length) as u64);
        out.extend_from_slice(&self.elements);
        out.extend_from_slice(last);
        self.elements.clear();
        self.state = State::default();
    }

    /// Writes the length of the literal that begins at `at` and ends with the elements.
    #[inline]
    fn tag_literal(&mut self, at: usize) {
        let length = self.elements.len() - at - 1;
        self.elements[at] = (length as u8 - 1) << 2;
    }

    #[inline]
    fn end_copy(&mut self) {
        let Copy { from, length } = std::mem::take(&mut self.state.copy);
        if length == 0 {
            return;
        }
        // All parts of the copy have the same way back.
        let [low, high] = ((self.state.length - length - from) as u16).to_le_bytes();
        let mut left = length;
        while left > 0 {
            let now = left.min(MAX_COPY);
            self.elements
                .extend_from_slice(&[(now as u8 - 1) << 2 | COPY, low, high]);
            left -= now;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Put(Vec<u8>),
        /// Bytes that stood there, by shares of the message.
        Repeat(f64, f64),
        /// Appends something and takes it back.
        Rewind(Vec<u8>),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let bytes = prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 0..100),
            1 => prop::collection::vec(any::<u8>(), 20_000..40_000),
        ];
        let step = prop_oneof![
            bytes.clone().prop_map(Step::Put),
            (0.0..1.0, 0.0..1.0).prop_map(|(from, length)| Step::Repeat(from, length)),
            (0.9..1.0, 0.0..1.0).prop_map(|(from, length)| Step::Repeat(from, length)),
            bytes.prop_map(Step::Rewind),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(steps in steps(), last in prop::collection::vec(any::<u8>(), 0..300)) {
            let (mut block, mut want) = (Block::default(), Vec::new());
            // A second message begins anew.
            for _ in 0..2 {
                want.clear();
                for step in &steps {
                    match step {
                        Step::Put(bytes) => {
                            block.put(bytes);
                            want.extend_from_slice(bytes);
                        }
                        Step::Repeat(from, length) => {
                            let from = (want.len() as f64 * from) as usize;
                            let length = ((want.len() - from) as f64 * length) as usize;
                            if block.repeat(from, length) {
                                want.extend_from_within(from..from + length);
                            }
                        }
                        Step::Rewind(bytes) => {
                            let mark = block.mark();
                            block.put(bytes);
                            block.repeat(want.len(), bytes.len());
                            block.rewind(mark);
                        }
                    }
                    prop_assert_eq!(block.length(), want.len());
                }
                let mut out = Vec::new();
                let mut compressor = crate::compress::Compressor::default();
                let compressed = compressor.compress(&last).unwrap();
                block.finish(crate::compress::elements(compressed), last.len(), &mut out);
                want.extend_from_slice(&last);
                prop_assert_eq!(&snap::raw::Decoder::new().decompress_vec(&out).unwrap(), &want);
            }
        }
    }

    #[test]
    fn copies_that_go_on_are_one() {
        let (mut block, mut out) = (Block::default(), Vec::new());
        block.put(b"one two");
        assert!(block.repeat(0, 4) && block.repeat(4, 3), "short, but it goes on");
        assert!(!block.repeat(0, 3), "as long as the bytes");
        block.finish(&[], 0, &mut out);
        assert_eq!(out, b"\x0e\x18one two\x1a\x07\x00");
    }

    #[test]
    fn nothing_out_of_reach_is_copied() {
        let mut block = Block::default();
        block.put(&[7; MAX_OFFSET]);
        assert!(block.repeat(0, 10));
        assert!(!block.repeat(0, 10));
    }
}
