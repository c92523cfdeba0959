//! Places in lists, small enough that a row is one cache line.

use std::num::NonZeroU32;
use std::ops::Range;

/// Part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl From<Range<usize>> for Span {
    #[inline]
    fn from(range: Range<usize>) -> Self {
        Self {
            start: small(range.start),
            end: small(range.end),
        }
    }
}

/// An element of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Index(
    /// Counted from 1.
    NonZeroU32,
);

impl Index {
    /// Appends an element and returns its place.
    #[inline]
    pub(crate) fn push<T>(list: &mut Vec<T>, element: T) -> Self {
        list.push(element);
        Self(NonZeroU32::new(small(list.len())).unwrap_or(NonZeroU32::MIN))
    }

    #[inline]
    pub(crate) fn number(self) -> usize {
        self.0.get() as usize - 1
    }
}

#[inline]
fn small(number: usize) -> u32 {
    u32::try_from(number).expect("memory ends before four billion things")
}
