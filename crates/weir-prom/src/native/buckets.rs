//! The canonical sparse layout of one side of a native histogram.

use super::NativeError;

/// A run of buckets that are written in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Index of the first bucket for the first span, else the number of empty buckets skipped since the
    /// span before.
    pub offset: i32,
    /// Number of buckets, at least 1.
    pub length: u32,
}

/// Largest run of empty buckets that is written as zeros rather than skipped with a new span: a span costs
/// about as many bytes as two zero deltas.
const MAX_FILLED_GAP: i64 = 2;

/// Spans and deltas of one side. No leading, trailing or needless zero buckets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buckets {
    /// Where the buckets are.
    pub spans: Vec<Span>,
    /// Count of the first bucket, then differences to the bucket written before.
    pub deltas: Vec<i64>,
}

impl Buckets {
    /// Forgets all buckets and keeps the memory.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.deltas.clear();
    }

    /// Replaces the content with (index, count) pairs whose indexes never decrease; counts of one index are
    /// added up and empty buckets left out before anything is laid out. Returns the total.
    ///
    /// # Errors
    /// [`NativeError::OutOfRange`] if an index leaves `i32`, or a count or the total leaves `i64`.
    pub fn fill(&mut self, buckets: impl Iterator<Item = (i64, u64)>) -> Result<u64, NativeError> {
        self.clear();
        let mut total: u64 = 0;
        let mut open: Option<(i64, u64)> = None;
        let mut last = Last { index: 0, count: 0 };
        for (index, count) in buckets {
            if count == 0 {
                continue;
            }
            // The total bounds every merged count, so checking it suffices.
            total = total
                .checked_add(count)
                .filter(|t| i64::try_from(*t).is_ok())
                .ok_or(NativeError::OutOfRange)?;
            open = match open {
                Some((at, sum)) if at == index => Some((at, sum + count)),
                Some(done) => {
                    self.push(&mut last, done)?;
                    Some((index, count))
                }
                None => Some((index, count)),
            };
        }
        if let Some(done) = open {
            self.push(&mut last, done)?;
        }
        Ok(total)
    }

    fn push(&mut self, last: &mut Last, (index, count): (i64, u64)) -> Result<(), NativeError> {
        let offset = |value: i64| i32::try_from(value).map_err(|_| NativeError::OutOfRange);
        let count = i64::try_from(count).map_err(|_| NativeError::OutOfRange)?;
        offset(index)?;
        let gap = index - last.index - 1;
        match self.spans.last_mut() {
            Some(span) if gap <= MAX_FILLED_GAP => {
                for _ in 0..gap {
                    self.deltas.push(-last.count);
                    last.count = 0;
                }
                // `gap` is at most `MAX_FILLED_GAP` and never negative, as indexes increase.
                span.length += u32::try_from(gap).unwrap_or(0) + 1;
            }
            Some(_) => self.spans.push(Span {
                offset: offset(gap)?,
                length: 1,
            }),
            None => self.spans.push(Span {
                offset: offset(index)?,
                length: 1,
            }),
        }
        self.deltas.push(count - last.count);
        *last = Last { index, count };
        Ok(())
    }
}

/// The bucket written last.
struct Last {
    index: i64,
    count: i64,
}
