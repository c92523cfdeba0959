//! Writing a changed copy of a message.
//!
//! A [`Patch`] goes through its source from front to back. What stays is copied in one piece from one change to the next, with the
//! headers of all messages on the way; when a message ends around a change, its length is put right where it stands in the copy.
//! Without a change nothing is copied.

use std::ops::Range;

use crate::wire::cursor::set_length;

/// A copy of `source` in the making.
#[derive(Debug)]
pub(super) struct Patch<'a> {
    source: &'a [u8],
    out: Vec<u8>,
    /// Up to here the source is in `out`, or was replaced.
    done: usize,
    touched: bool,
}

/// A message of the source while it is gone through. Frames close in the order in which stacks do.
#[derive(Debug)]
pub(super) struct Frame {
    /// The field as a whole, in the source.
    field: Range<usize>,
    /// Length of the content, in the source.
    length: usize,
    /// Where the field begins in the copy.
    target: usize,
    /// Where its length stands in the copy.
    length_at: usize,
    /// Bytes that the length takes there.
    width: usize,
}

impl<'a> Patch<'a> {
    pub(super) fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            out: Vec::new(),
            done: 0,
            touched: false,
        }
    }

    /// Returns where a slice of the source stands in it.
    pub(super) fn range(&self, slice: &[u8]) -> Range<usize> {
        let start = slice.as_ptr().addr() - self.source.as_ptr().addr();
        start..start + slice.len()
    }

    /// Returns where a place of the source that is still to come will stand in the copy, if nothing changes before it.
    fn target(&self, at: usize) -> usize {
        self.out.len() + (at - self.done)
    }

    /// Copies what comes before `range` and leaves `range` out. What the caller appends to the answer stands in its place.
    #[inline]
    pub(super) fn replace(&mut self, range: Range<usize>) -> &mut Vec<u8> {
        if self.out.capacity() == 0 {
            // Most edits shrink, or add little.
            self.out.reserve(self.source.len() + self.source.len() / 16);
        }
        self.touched = true;
        self.out.extend_from_slice(&self.source[self.done..range.start]);
        self.done = range.end;
        &mut self.out
    }

    /// Enters a message field, tag included, with this content.
    pub(super) fn open(&self, raw: &[u8], content: &[u8]) -> Frame {
        let field = self.range(raw);
        let header = raw.len() - content.len();
        let tag = raw.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let target = self.target(field.start);
        Frame {
            field,
            length: content.len(),
            target,
            length_at: target + tag,
            width: header - tag,
        }
    }

    /// Leaves a message: its length in the copy becomes right.
    pub(super) fn close(&mut self, frame: &Frame) {
        let length = self.target(frame.field.end) - (frame.length_at + frame.width);
        if length != frame.length {
            set_length(&mut self.out, frame.length_at, frame.width, length);
        }
    }

    /// Takes a message out again, whatever was changed in it.
    pub(super) fn remove(&mut self, frame: &Frame) {
        if self.done > frame.field.start {
            self.out.truncate(frame.target);
            self.done = frame.field.end;
        } else {
            self.replace(frame.field.clone());
        }
    }

    /// Returns the end of a message in the source: the place for what is appended to it.
    pub(super) fn end(frame: &Frame) -> Range<usize> {
        frame.field.end..frame.field.end
    }

    /// Returns the bytes written so far.
    pub(super) fn written(&self) -> usize {
        self.out.len()
    }

    /// Returns the copy, or nothing if it is the source.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        self.out.extend_from_slice(&self.source[self.done..]);
        self.touched.then_some(self.out)
    }
}
