//! A snappy block, written piece by piece.
//!
//! Whoever writes a message knows which of its parts stood in it before; a compressor has to search for them. Pieces become literals,
//! known repetitions become copies, and nothing is ever written in full to be compressed afterwards.
//!
//! Format: <https://github.com/google/snappy/blob/main/format_description.txt>, sections 1 and 2.

use crate::wire::{put_varint, varint_len};

/// Longest literal whose length fits into its tag.
const MAX_LITERAL: usize = 60;

/// Longest copy.
const MAX_COPY: usize = 64;

/// Furthest that a copy of three bytes reaches back.
const MAX_OFFSET: usize = u16::MAX as usize;

/// Shortest copy that does not go on with the one before: it takes two or three bytes, and may end a literal.
const MIN_COPY: usize = 4;

/// Kind of an element that is a copy with an offset of two bytes.
const COPY: u64 = 0b10;

/// Kind of an element that is a copy of few bytes with an offset of eleven bits.
const NEAR_COPY: u64 = 0b01;

/// Longest near copy; the shortest is [`MIN_COPY`].
const MAX_NEAR_COPY: usize = 11;

/// Furthest that a near copy reaches back.
const MAX_NEAR_OFFSET: usize = (1 << 11) - 1;

/// Bytes behind the elements over which words may be written: a copy, a tag and two words.
const SLACK: usize = 32;

/// The elements of a block so far.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// With at least [`SLACK`] bytes behind them once there are any.
    elements: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Bytes of the message so far.
    length: usize,
    /// End of the elements.
    end: usize,
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

/// Elements that were made elsewhere, and the length of what they stand for. Copies in them do not reach beyond it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part<'p> {
    pub(super) elements: &'p [u8],
    pub(super) length: usize,
}

/// A place to which a block can go back.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockMark(State);

impl Block {
    /// Returns the length of the message so far.
    #[inline]
    pub(super) fn length(&self) -> usize {
        self.state.length
    }

    /// Appends bytes to the message.
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if bytes.len() <= 2 * WORD {
            self.put_words(bytes, 0, bytes.len());
        } else {
            self.put_long(bytes);
        }
    }

    #[inline(never)]
    fn put_long(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(MAX_LITERAL) {
            let at = self.open_literal(bytes.len());
            self.elements[at..at + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// Appends the bytes from `at` to `end`, a few.
    #[inline]
    fn put_words(&mut self, bytes: &[u8], mut at: usize, end: usize) {
        while at < end {
            let length = (end - at).min(WORD);
            self.put_word(word(bytes, at), length);
            at += length;
        }
    }

    /// Appends the lower 1 to 8 bytes of a number.
    #[inline]
    pub(super) fn put_word(&mut self, word: u64, length: usize) {
        let at = self.open_literal(length);
        put_word_at(&mut self.elements, at, word);
    }

    /// Begins a literal of so many bytes, at most [`MAX_LITERAL`], or makes the last one longer. Returns where they go; words may be
    /// written over their end.
    #[inline]
    fn open_literal(&mut self, length: usize) -> usize {
        let tag = match self.state.literal {
            Some(tag) if self.state.end - tag + length <= MAX_LITERAL + 1 => tag,
            _ => {
                self.end_copy();
                let tag = self.state.end;
                self.state.literal = Some(tag);
                self.state.end += 1;
                tag
            }
        };
        self.reserve(length);
        let state = &mut self.state;
        let at = state.end;
        state.end += length;
        state.length += length;
        self.elements[tag] = ((state.end - tag - 2) << 2) as u8;
        at
    }

    /// Appends bytes that stood in the message before, at `from`, as a copy if that is possible and worth it. Returns whether it is.
    #[inline]
    pub(super) fn repeat(&mut self, from: usize, length: usize) -> bool {
        let copy = &mut self.state.copy;
        if copy.length > 0 && copy.from + copy.length == from {
            copy.length += length;
        } else if length < MIN_COPY || !self.reaches(from) {
            return false;
        } else {
            self.end_copy();
            self.state.copy = Copy { from, length };
            self.state.literal = None;
        }
        self.state.length += length;
        true
    }

    /// Returns whether what stands at `from` can be copied to the end of the message.
    #[inline]
    pub(super) fn reaches(&self, from: usize) -> bool {
        can_be_copied(self.state.length - from)
    }

    /// Appends `length` bytes, one or more, that stood `back` bytes before them, which [can be copied](can_be_copied).
    #[inline]
    pub(super) fn put_back(&mut self, length: usize, back: usize) {
        self.end_copy();
        let state = &mut self.state;
        state.copy = Copy {
            from: state.length - back,
            length,
        };
        state.literal = None;
        state.length += length;
    }

    /// The same, followed by the lower 1 to 8 bytes of a number.
    #[inline]
    pub(super) fn put_back_and_word(&mut self, length: usize, back: usize, word: u64, bytes: usize) {
        if length > MAX_COPY || self.state.copy.length > 0 {
            self.put_back(length, back);
            return self.put_word(word, bytes);
        }
        self.reserve(0);
        let state = &mut self.state;
        let (copy, tag) = (
            (length as u64 - 1) << 2 | COPY | (back as u64) << 8,
            (bytes as u64 - 1) << 2,
        );
        put_word_at(&mut self.elements, state.end, copy | tag << 24);
        put_word_at(&mut self.elements, state.end + 4, word);
        state.literal = Some(state.end + 3);
        state.end += 4 + bytes;
        state.length += length + bytes;
    }

    /// Appends bytes that stood in the message before, at `from`: as a copy if that is possible and worth it.
    #[inline]
    pub(super) fn put_again(&mut self, bytes: &[u8], from: usize) {
        if !self.repeat(from, bytes.len()) {
            self.put(bytes);
        }
    }

    /// Appends bytes of which many are those at the same places of `model`, which stood in the message before, at `from`.
    #[inline]
    pub(super) fn put_like(&mut self, bytes: &[u8], model: &[u8], mut from: usize) {
        let (mut alike, rest) = bytes.split_at(bytes.len().min(model.len()));
        let mut model = &model[..alike.len()];
        while !alike.is_empty() {
            let len = alike.len().min(MAX_RUNS);
            let runs = runs(&alike[..len], &model[..len]);
            let mut at = 0;
            while at < len {
                let differ = at + ((runs >> at).trailing_zeros() as usize).min(len - at);
                self.put_words(alike, at, differ);
                if differ == len {
                    break;
                }
                let agree = differ + (!(runs >> differ)).trailing_zeros() as usize;
                self.put_again(&alike[differ..agree], from + differ);
                at = agree;
            }
            (alike, model) = (&alike[len..], &model[len..]);
            from += len;
        }
        self.put(rest);
    }

    pub(super) fn mark(&self) -> BlockMark {
        BlockMark(self.state)
    }

    /// Forgets what was appended after the mark. Places after it must not be repeated any more.
    pub(super) fn rewind(&mut self, mark: BlockMark) {
        self.state = mark.0;
        if let Some(tag) = self.state.literal {
            self.elements[tag] = ((self.state.end - tag - 2) << 2) as u8;
        }
    }

    /// Returns the block between the elements of others, whose messages come before and after, and begins the next.
    pub(super) fn finish(&mut self, first: Part<'_>, last: Part<'_>) -> Vec<u8> {
        self.end_copy();
        let elements = &self.elements[..self.state.end];
        let length = (first.length + self.state.length + last.length) as u64;
        let parts_len = first.elements.len() + elements.len() + last.elements.len();
        let mut out = Vec::with_capacity(varint_len(length) + parts_len);
        put_varint(&mut out, length);
        out.extend_from_slice(first.elements);
        out.extend_from_slice(elements);
        out.extend_from_slice(last.elements);
        self.state = State::default();
        out
    }

    /// Makes room for elements of `bytes` and the slack behind them.
    #[inline]
    fn reserve(&mut self, bytes: usize) {
        if self.elements.len() < self.state.end + bytes + SLACK {
            self.grow(bytes);
        }
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        let len = (2 * self.elements.len()).max(self.state.end + bytes + SLACK);
        self.elements.resize(len, 0);
    }

    /// Writes the copy that is not among the elements yet, if there is one.
    #[inline]
    fn end_copy(&mut self) {
        if self.state.copy.length > MAX_COPY {
            self.split_copy();
        }
        let state = &mut self.state;
        let Copy { from, length } = state.copy;
        if length > 0 {
            state.copy.length = 0;
            let (element, len) = copy(length, state.length - length - from);
            self.reserve(0);
            put_word_at(&mut self.elements, self.state.end, element);
            self.state.end += len;
        }
    }

    /// Writes all parts of the copy but the last. They have the same way back.
    #[inline(never)]
    fn split_copy(&mut self) {
        let Copy { from, length } = self.state.copy;
        let offset = self.state.length - length - from;
        let mut left = length;
        while left > MAX_COPY {
            let (element, len) = copy(MAX_COPY, offset);
            self.reserve(0);
            put_word_at(&mut self.elements, self.state.end, element);
            self.state.end += len;
            left -= MAX_COPY;
        }
        self.state.copy = Copy {
            from: from + length - left,
            length: left,
        };
    }
}

/// Returns whether bytes can be copied from so far back.
#[inline]
pub(super) fn can_be_copied(back: usize) -> bool {
    back <= MAX_OFFSET
}

/// Returns a copy of at most [`MAX_COPY`] bytes as an element, and how many bytes that takes.
#[inline]
fn copy(length: usize, offset: usize) -> (u64, usize) {
    let is_near = (MIN_COPY..=MAX_NEAR_COPY).contains(&length) & (offset <= MAX_NEAR_OFFSET);
    let (len, way) = (length as u64, offset as u64);
    let far = (len - 1) << 2 | COPY | way << 8;
    let near =
        (way & 0x700) >> 3 | (len.wrapping_sub(MIN_COPY as u64) & 0b111) << 2 | NEAR_COPY | (way & 0xff) << 8;
    // Which of the two it is cannot be foretold, so both are made.
    let mask = 0u64.wrapping_sub(u64::from(is_near));
    (near & mask | far & !mask, 3 - usize::from(is_near))
}

/// Bytes of a word.
pub(super) const WORD: usize = 8;

#[inline]
fn put_word_at(elements: &mut [u8], at: usize, word: u64) {
    elements[at..at + WORD].copy_from_slice(&word.to_le_bytes());
}

/// Returns the bytes from `at` as the lower ones of a word; what follows the last byte is 0.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    if let Some(word) = bytes[at..].first_chunk() {
        return u64::from_le_bytes(*word);
    }
    let left = bytes.len() - at;
    match bytes.last_chunk::<WORD>() {
        Some(word) => u64::from_le_bytes(*word) >> (8 * (WORD - left)),
        None => bytes[at..]
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Most bytes that [`runs`] compares.
const MAX_RUNS: usize = 64;

/// Returns which bytes of two slices of one length are equal and worth a copy, as bits from the lowest: six or more in a row. A copy of
/// fewer saves a byte or two and costs as much time as others.
#[inline]
fn runs(a: &[u8], b: &[u8]) -> u64 {
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<WORD>(), b.as_chunks::<WORD>());
    let mut equal = 0;
    for (index, (a, b)) in a_words.iter().zip(b_words).enumerate() {
        equal |= equal_bytes(*a, *b) << (WORD * index);
    }
    let done = WORD * a_words.len();
    match (a.last_chunk::<WORD>(), b.last_chunk::<WORD>()) {
        // Compared twice, some of them, to the same effect.
        (Some(a_last), Some(b_last)) => {
            equal |= equal_bytes(*a_last, *b_last) << (a.len() - WORD);
        }
        _ => {
            for (index, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
                equal |= u64::from(a == b) << (done + index);
            }
        }
    }
    // The first of six, then all of them.
    let pairs = equal & equal >> 1;
    let firsts = pairs & pairs >> 2 & pairs >> 4;
    let most = firsts | firsts << 1;
    most | most << 2 | most << 4
}

/// Returns which bytes are equal, as eight bits from the lowest.
#[inline]
fn equal_bytes(a: [u8; 8], b: [u8; 8]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differ = u64::from_le_bytes(a) ^ u64::from_le_bytes(b);
    // The top bit of each byte that is 0.
    let equal = !(((differ & LOW) + LOW) | differ | LOW);
    // Each of the eight ends up in the top byte, in order, and nothing carries into it.
    (equal >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
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
        /// Bytes that are mostly those which stood there, by share of the message.
        Like(Vec<u8>, f64),
        /// Bytes that stood so far back, by share of the message, and a word of so many bytes or none.
        Back(f64, usize, u64, usize),
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
            (prop::collection::vec(any::<u8>(), 0..300), 0.0..1.0)
                .prop_map(|(bytes, from)| Step::Like(bytes, from)),
            (prop::collection::vec(any::<u8>(), 0..300), 0.9..1.0)
                .prop_map(|(bytes, from)| Step::Like(bytes, from)),
            (0.0..1.0, 1..200usize, any::<u64>(), 0..9usize)
                .prop_map(|(from, length, word, bytes)| Step::Back(from, length, word, bytes)),
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
                        Step::Like(bytes, share) => {
                            let from = (want.len() as f64 * share) as usize;
                            let model = &want[from..];
                            let like: Vec<u8> = bytes
                                .iter()
                                .enumerate()
                                .map(|(at, byte)| match model.get(at) {
                                    Some(other) if byte % 16 > 0 => *other,
                                    _ => *byte,
                                })
                                .collect();
                            block.put_like(&like, &model[..model.len().min(200)], from);
                            want.extend_from_slice(&like);
                        }
                        Step::Back(share, length, word, bytes) => {
                            let back = ((want.len() as f64 * share) as usize).max(1);
                            if want.is_empty() || !can_be_copied(back) {
                                continue;
                            }
                            match bytes {
                                0 => block.put_back(*length, back),
                                _ => block.put_back_and_word(*length, back, *word, *bytes),
                            }
                            for _ in 0..*length {
                                want.push(want[want.len() - back]);
                            }
                            want.extend_from_slice(&word.to_le_bytes()[..*bytes]);
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
                let mut compressor = crate::compress::Compressor::default();
                let compressed = compressor.compress(&last).unwrap();
                let part = Part {
                    elements: crate::compress::elements(compressed),
                    length: last.len(),
                };
                let out = block.finish(part, part);
                want.splice(..0, last.iter().copied());
                want.extend_from_slice(&last);
                prop_assert_eq!(&snap::raw::Decoder::new().decompress_vec(&out).unwrap(), &want);
            }
        }
    }

    #[test]
    fn copies_that_go_on_are_one() {
        let mut block = Block::default();
        block.put(b"one two");
        assert!(block.repeat(0, 4) && block.repeat(4, 3), "short, but it goes on");
        assert!(!block.repeat(0, 3), "as long as the bytes");
        let out = block.finish(Part::default(), Part::default());
        assert_eq!(out, b"\x0e\x18one two\x0d\x07");
    }

    #[test]
    fn a_literal_has_room_behind_a_copy_of_many_parts() {
        for length in (1..2000).step_by(7) {
            let mut block = Block::default();
            block.put(&[7; 100]);
            block.put_back(length, 1);
            block.put(&[8; MAX_LITERAL]);
            let out = block.finish(Part::default(), Part::default());
            let message = snap::raw::Decoder::new().decompress_vec(&out).unwrap();
            assert_eq!(message, [vec![7; 100 + length], vec![8; MAX_LITERAL]].concat());
        }
    }

    #[test]
    fn nothing_out_of_reach_is_copied() {
        let mut block = Block::default();
        block.put(&[7; MAX_OFFSET]);
        assert!(block.repeat(0, 10));
        assert!(!block.repeat(0, 10));
    }
}
