//! Series in a row that hardly differ.

use super::super::block::Block;
use super::super::sample::differing;
use super::super::symbols::References;

/// Series of one length that differ in a label and the value alone, such as buckets: all else of each is copied from the one before.
pub(super) struct Run {
    /// Of the last series.
    pub(super) label: u64,
    pub(super) bits: u64,
    pub(super) label_len: usize,
    /// Bytes of content and metadata.
    pub(super) content_len: usize,
    /// Where the label and the bytes of the value stand in a series.
    pub(super) label_at: usize,
    pub(super) value_at: usize,
    /// Bytes of a series.
    pub(super) length: usize,
    /// Bytes of the last series that are not appended yet: they are as those before.
    pub(super) left: usize,
}

impl Run {
    /// Returns whether a series has the length of the last one.
    #[inline]
    pub(super) fn fits(&self, label: &References, content_len: usize) -> bool {
        label.bytes().len() == self.label_len && content_len == self.content_len
    }

    /// Appends a series.
    #[inline]
    pub(super) fn put(&mut self, label: u64, bits: u64, block: &mut Block) {
        let mut at = 0;
        for (word_at, old, new) in [
            (self.label_at, self.label, label),
            (self.value_at, self.bits, bits),
        ] {
            if old != new {
                let (first, last) = differing(old ^ new);
                let length = self.left + word_at + first - at;
                block.put_back_and_word(length, self.length, new >> (8 * first), last - first);
                (self.left, at) = (0, word_at + last);
            }
        }
        self.left += self.length - at;
        (self.label, self.bits) = (label, bits);
    }
}
