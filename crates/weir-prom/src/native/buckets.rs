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
        let mut buckets = buckets.filter(|(_, count)| *count > 0);
        let Some((index, count)) = buckets.next() else {
            return Ok(0);
        };
        let mut total = in_range(count)?;
        let mut last = Last {
            index,
            count: total as i64,
        };
        self.deltas.push(last.count);
        self.spans.push(Span {
            offset: offset(index)?,
            length: 1,
        });
        for (index, count) in buckets {
            // The total bounds every merged count, so checking it suffices.
            total = in_range(total.checked_add(count).ok_or(NativeError::OutOfRange)?)?;
            let count = count as i64;
            match index - last.index {
                0 => {
                    last.count += count;
                    if let Some(delta) = self.deltas.last_mut() {
                        *delta += count;
                    }
                    continue;
                }
                1 => self.extend(1),
                step => self.skip(step - 1, &mut last)?,
            }
            self.deltas.push(count - last.count);
            last = Last { index, count };
        }
        offset(last.index)?;
        Ok(total)
    }

    /// Makes room in the last span.
    fn extend(&mut self, buckets: u32) {
        if let Some(span) = self.spans.last_mut() {
            span.length += buckets;
        }
    }

    /// Lays out empty buckets, one or more, and makes room for the bucket behind them.
    fn skip(&mut self, gap: i64, last: &mut Last) -> Result<(), NativeError> {
        if gap > MAX_FILLED_GAP {
            self.spans.push(Span {
                offset: offset(gap)?,
                length: 1,
            });
            return Ok(());
        }
        for _ in 0..gap {
            self.deltas.push(-last.count);
            last.count = 0;
            self.extend(1);
        }
        self.extend(1);
        Ok(())
    }
}

fn offset(value: i64) -> Result<i32, NativeError> {
    i32::try_from(value).map_err(|_| NativeError::OutOfRange)
}

/// Returns a count that a receiver can represent.
fn in_range(count: u64) -> Result<u64, NativeError> {
    match i64::try_from(count) {
        Ok(_) => Ok(count),
        Err(_) => Err(NativeError::OutOfRange),
    }
}

/// The bucket written last.
struct Last {
    index: i64,
    count: i64,
}
