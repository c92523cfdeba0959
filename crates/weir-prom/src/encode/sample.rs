//! Float samples.

use super::block::{Block, WORD, word};
use crate::wire::{put_bytes, set_varint};

/// Tag of a float sample in a series.
const SAMPLE: u8 = 0x12;

/// Where the value of an encoded sample begins, with its tag: the length of a sample takes one byte.
const VALUE_AT: usize = 2;

/// Where the eight bytes of a value that is not 0 stand in an encoded sample.
pub(super) const BITS_AT: usize = VALUE_AT + 1;

/// Where the times of a sample begin whose value is not 0.
const TIMES_AT: usize = BITS_AT + 8;

/// An encoded sample whose value is yet to be filled in, with the metadata of its series. Most samples of a batch have the times of the
/// one before.
pub(crate) struct Sample {
    times: (i64, i64),
    /// Tag and length, tag and 8 bytes of the value, times, metadata.
    bytes: Vec<u8>,
    /// Where the metadata begins.
    metadata_at: usize,
    /// Number of these times and metadata, from 1.
    version: u64,
    /// The version with which the metadata came.
    metadata_version: u64,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            times: (0, 0),
            bytes: vec![SAMPLE, 9, 0x09, 0, 0, 0, 0, 0, 0, 0, 0],
            metadata_at: TIMES_AT,
            version: 1,
            metadata_version: 1,
        }
    }
}

impl Sample {
    /// Sets the times of the samples that follow; a start of 0 is none.
    #[inline]
    pub(super) fn set_times(&mut self, time: i64, start: i64) {
        if self.times != (time, start) {
            self.encode(time, start);
        }
    }

    fn encode(&mut self, time: i64, start: i64) {
        self.times = (time, start);
        let mut times = Times::default();
        times.put(0x10, time as u64);
        times.put(0x18, start as u64);
        let end = TIMES_AT + times.len;
        if self.metadata_at == end {
            self.bytes[TIMES_AT..end].copy_from_slice(times.bytes());
        } else {
            self.bytes
                .splice(TIMES_AT..self.metadata_at, times.bytes().iter().copied());
            self.bytes[1] = (end - VALUE_AT) as u8;
            self.metadata_at = end;
        }
        self.version += 1;
    }

    /// Sets what follows the samples of a series.
    pub(super) fn set_metadata(&mut self, metadata: &[u8]) {
        self.bytes.truncate(self.metadata_at);
        self.bytes.extend_from_slice(metadata);
        self.version += 1;
        self.metadata_version = self.version;
    }

    pub(super) fn metadata(&self) -> &[u8] {
        &self.bytes[self.metadata_at..]
    }

    /// Appends a sample with the value of these bits, without metadata.
    #[inline]
    pub(super) fn put(&mut self, bits: u64, out: &mut Vec<u8>) {
        if bits == 0 {
            put_bytes(out, SAMPLE, &self.bytes[TIMES_AT..self.metadata_at]);
        } else {
            self.bytes[BITS_AT..TIMES_AT].copy_from_slice(&bits.to_le_bytes());
            out.extend_from_slice(&self.bytes[..self.metadata_at]);
        }
    }

    /// Returns the bytes of a sample with the value of these bits and of the metadata.
    #[inline]
    pub(super) fn len(&self, bits: u64) -> usize {
        // A value of 0 is left out.
        self.bytes.len() - if bits == 0 { 9 } else { 0 }
    }
}

/// Encoded times: at most two numbers.
#[derive(Default)]
struct Times {
    bytes: [u8; 24],
    len: usize,
}

impl Times {
    /// Appends a number unless it is 0.
    #[inline]
    fn put(&mut self, tag: u8, value: u64) {
        if value != 0 {
            self.bytes[self.len] = tag;
            self.len += 1;
            self.len += set_varint(&mut self.bytes[self.len..], value);
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The last sample of a request, if it was the only one of its series, and where it stands.
#[derive(Debug, Default)]
pub(super) struct LastSample {
    /// Version of the [`Sample`]; 0 if there is none.
    version: u64,
    bits: u64,
    /// With the metadata.
    bytes: Vec<u8>,
    at: usize,
    /// Room for the next one.
    next: Vec<u8>,
}

impl LastSample {
    /// Says that what comes next is no single sample, or stands in another request.
    pub(super) fn forget(&mut self) {
        self.version = 0;
        self.bytes.clear();
    }

    /// Appends a sample and metadata, as copies of the last ones as far as they agree.
    #[inline]
    pub(super) fn put(&mut self, sample: &mut Sample, bits: u64, block: &mut Block) {
        let (here, differ) = (block.length(), self.bits ^ bits);
        let at = std::mem::replace(&mut self.at, here);
        if self.version != sample.version || (differ != 0 && (self.bits == 0 || bits == 0)) {
            self.put_other(sample, bits, at, block);
        } else if differ == 0 {
            block.put_again(&self.bytes, at);
        } else {
            self.bytes[BITS_AT..TIMES_AT].copy_from_slice(&bits.to_le_bytes());
            let (first, last) = differing(differ);
            block.put_again(&self.bytes[..BITS_AT + first], at);
            block.put_word(bits >> (8 * first), last - first);
            block.put_again(&self.bytes[BITS_AT + last..], at + BITS_AT + last);
        }
        self.bits = bits;
    }

    /// Returns the bits of the value.
    pub(super) fn bits(&self) -> u64 {
        self.bits
    }

    /// Says that the same sample with other bits, which take as many bytes, was appended elsewise, at `at`.
    pub(super) fn replace(&mut self, bits: u64, at: usize) {
        if bits != 0 {
            self.bytes[BITS_AT..TIMES_AT].copy_from_slice(&bits.to_le_bytes());
        }
        (self.bits, self.at) = (bits, at);
    }

    fn put_other(&mut self, sample: &mut Sample, bits: u64, at: usize, block: &mut Block) {
        let is_like = self.version >= sample.metadata_version && self.bytes.len() == sample.bytes.len();
        if is_like && self.bits != 0 && bits != 0 {
            self.put_later(sample, bits, at, block);
        } else {
            self.next.clear();
            sample.put(bits, &mut self.next);
            self.next.extend_from_slice(sample.metadata());
            block.put_like(&self.next, &self.bytes, at);
            std::mem::swap(&mut self.bytes, &mut self.next);
        }
        self.version = sample.version;
    }

    /// Appends a sample that differs in nothing but value and times, neither value 0, as one piece between copies: from where the values
    /// begin to differ to where the times do for the last time.
    fn put_later(&mut self, sample: &Sample, bits: u64, at: usize, block: &mut Block) {
        let first = BITS_AT + (self.bits ^ bits).trailing_zeros() as usize / 8;
        let end = sample.metadata_at;
        let differ = word(&self.bytes, end - WORD) ^ word(&sample.bytes, end - WORD);
        let last = (end - differ.leading_zeros() as usize / 8).max(TIMES_AT);
        self.bytes.copy_from_slice(&sample.bytes);
        self.bytes[BITS_AT..TIMES_AT].copy_from_slice(&bits.to_le_bytes());
        block.put_again(&self.bytes[..first], at);
        block.put(&self.bytes[first..last]);
        block.put_again(&self.bytes[last..], at + last);
    }
}

/// Returns from where to where the bytes of two words differ, given the bits in which they do; not of equal words.
#[inline]
pub(super) fn differing(bits: u64) -> (usize, usize) {
    let (low, high) = (bits.trailing_zeros() as usize, bits.leading_zeros() as usize);
    (low / 8, 8 - high / 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encode::block::Part;
    use crate::wire::{put_fixed64, put_number};

    /// Values, times and metadata as they follow one another: most keep something of the one before.
    fn steps() -> impl Strategy<Value = Vec<(u64, i64, i64, usize)>> {
        let bits = prop_oneof![
            Just(0),
            any::<u64>(),
            (0u32..1000).prop_map(|count| f64::from(count).to_bits())
        ];
        let time = prop_oneof![
            4 => Just(0),
            4 => Just(1_700_000_000_000),
            1 => 1_700_000_000_000i64..1_700_000_300_000,
            1 => any::<i64>()
        ];
        prop::collection::vec((bits, time.clone(), time, 0usize..12), 1..100)
    }

    proptest! {
        #[test]
        fn samples_read_as_if_written_one_by_one(steps in steps()) {
            let (mut sample, mut last) = (Sample::default(), LastSample::default());
            let (mut block, mut expected) = (Block::default(), Vec::new());
            for (bits, time, start, metadata) in steps {
                // Most metadata stays.
                if metadata < 3 {
                    sample.set_metadata(&[7, 8, 9][..metadata]);
                }
                // Times that no sample had.
                if metadata > 6 {
                    sample.set_times(1, 1);
                }
                sample.set_times(time, start);
                last.put(&mut sample, bits, &mut block);
                let mut fields = Vec::new();
                put_fixed64(&mut fields, 0x09, bits);
                put_number(&mut fields, 0x10, time as u64);
                put_number(&mut fields, 0x18, start as u64);
                put_bytes(&mut expected, SAMPLE, &fields);
                expected.extend_from_slice(sample.metadata());
            }
            let compressed = block.finish(Part::default(), Part::default());
            let written = snap::raw::Decoder::new().decompress_vec(&compressed).unwrap();
            prop_assert_eq!(written, expected);
        }
    }
}
