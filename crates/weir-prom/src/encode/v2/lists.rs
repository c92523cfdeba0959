//! Lists of labels that come back.

use std::ops::Range;

/// Lists that are told apart.
const LISTS: usize = 1024;

/// A list among the references of a series: all from a place on but for those of a generated label.
#[derive(Debug)]
pub(super) struct List {
    /// The same number in a batch, the same labels.
    pub(super) number: usize,
    pub(super) at: usize,
    /// The references of the generated label; empty without one.
    pub(super) gap: Range<usize>,
}

impl List {
    /// Returns the bytes of the list in a series whose references take `labels_len`.
    fn len(&self, labels_len: usize) -> usize {
        labels_len - self.gap.len() - self.at
    }
}

/// Where lists stood last in the request, in one piece.
#[derive(Debug)]
pub(super) struct Lists(Box<[Stood; LISTS]>);

#[derive(Debug, Clone, Copy, Default)]
struct Stood {
    number: usize,
    /// Bytes of it; 0 is none.
    len: usize,
    at: usize,
}

impl Default for Lists {
    fn default() -> Self {
        Self(Box::new([Stood::default(); LISTS]))
    }
}

impl Lists {
    pub(super) fn clear(&mut self) {
        self.0.fill(Stood::default());
    }

    /// Returns where a list of a series whose references take `labels_len` bytes stood last.
    #[inline]
    pub(super) fn find(&self, list: &List, labels_len: usize) -> Option<usize> {
        let stood = self.0[list.number % LISTS];
        (stood.number == list.number && stood.len == list.len(labels_len) && stood.len > 0)
            .then_some(stood.at)
    }

    /// Notes that the references of a series stand at `at`.
    #[inline]
    pub(super) fn note(&mut self, list: &List, labels_len: usize, at: usize) {
        if list.gap.is_empty() {
            self.0[list.number % LISTS] = Stood {
                number: list.number,
                len: list.len(labels_len),
                at: at + list.at,
            };
        }
    }
}
