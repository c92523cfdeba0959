//! Points that are added up: which attributes the result has, what it covers, what it says.

use std::collections::HashMap;
use std::sync::Arc;

use weir_pdata::view::Number;
use weir_streams::{ExplicitHistogram, ExponentialHistogram, MAX_BUCKETS, StreamId, add};

use crate::state::Span;

/// What a delta says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Amount {
    Number(Number),
    Histogram(Box<ExplicitHistogram>),
    Exponential(Box<ExponentialHistogram>),
}

/// A delta that cannot be added to another: it is no number, bounds differ, or a count would overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unmergeable;

impl Amount {
    /// Returns what a point of a sum says. `grows`: the sum never falls.
    ///
    /// # Errors
    ///
    /// [`Unmergeable`] if the value is none that a sum can have.
    pub(crate) fn of_number(value: Option<Number>, grows: bool) -> Result<Self, Unmergeable> {
        let sound = |value: &Number| value.as_f64().is_finite() && !(grows && value.as_f64() < 0.0);
        value.filter(sound).map(Self::Number).ok_or(Unmergeable)
    }

    fn add(&mut self, other: Self) -> Result<(), Unmergeable> {
        match (&mut *self, other) {
            (Self::Number(sum), Self::Number(more)) => {
                // Integers that leave 64 bits go on as a double, which every reader of a sum must take.
                let added = add(*sum, more).unwrap_or_else(|| Number::Double(sum.as_f64() + more.as_f64()));
                *sum = Some(added)
                    .filter(|sum| sum.as_f64().is_finite())
                    .ok_or(Unmergeable)?;
                Ok(())
            }
            (Self::Histogram(sum), Self::Histogram(more)) if sum.fits(&more) => {
                sum.add(&more).map_err(|_| Unmergeable)
            }
            (Self::Exponential(sum), Self::Exponential(more)) => {
                let mut all = sum.clone();
                all.add(&more, MAX_BUCKETS).map_err(|_| Unmergeable)?;
                *sum = all;
                Ok(())
            }
            _ => Err(Unmergeable),
        }
    }
}

/// What becomes of a point's attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Keys whose values go, for the overflow value.
    pub(crate) values: Vec<Vec<u8>>,
    /// All attributes go but those to keep, for the overflow mark.
    pub(crate) all: bool,
}

/// Points of a batch that are added up in the first of them.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) id: StreamId,
    pub(crate) change: Change,
    pub(crate) amount: Amount,
    /// 0 if a point does not say.
    start_ns: u64,
    time_ns: u64,
    /// What it is to cover; known when all points are in.
    pub(crate) span: Option<Span>,
}

/// What one point brings.
#[derive(Debug)]
pub(crate) struct Share {
    /// 0 if unset.
    pub(crate) start_ns: u64,
    pub(crate) time_ns: u64,
    /// None for the flag "no recorded value".
    pub(crate) amount: Option<Result<Amount, Unmergeable>>,
}

/// All that is added up in a batch.
#[derive(Debug, Default)]
pub(crate) struct Merges {
    all: Vec<Merged>,
    by_id: HashMap<StreamId, usize>,
    /// Bounds of the last histogram: the next one nearly always has the same.
    pub(crate) bounds: Option<Arc<[f64]>>,
}

/// Where a point went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    /// It is the first of a series: its point carries the sum.
    First(u32),
    /// It is part of another point.
    ToAnother,
}

impl Merges {
    /// Adds what a point says, from its start to its time, to a series.
    ///
    /// # Errors
    ///
    /// [`Unmergeable`]: nothing was added.
    pub(crate) fn add(
        &mut self,
        id: StreamId,
        [start_ns, time_ns]: [u64; 2],
        amount: Amount,
        change: Change,
    ) -> Result<Added, Unmergeable> {
        if let Some(index) = self.by_id.get(&id) {
            let merged = &mut self.all[*index];
            merged.amount.add(amount)?;
            merged.start_ns = merged.start_ns.min(start_ns);
            merged.time_ns = merged.time_ns.max(time_ns);
            return Ok(Added::ToAnother);
        }
        let index = self.all.len();
        let number = u32::try_from(index).map_err(|_| Unmergeable)?;
        self.by_id.insert(id, index);
        self.all.push(Merged {
            id,
            change,
            amount,
            start_ns,
            time_ns,
            span: None,
        });
        Ok(Added::First(number))
    }

    /// Says of each sum what it covers, given its series, start and time.
    pub(crate) fn settle(&mut self, mut span: impl FnMut(StreamId, u64, u64) -> Span) {
        for merged in &mut self.all {
            merged.span = Some(span(merged.id, merged.start_ns, merged.time_ns));
        }
    }

    /// Returns what each series was said to cover.
    pub(crate) fn spans(&self) -> Vec<(StreamId, Span)> {
        let span = |merged: &Merged| merged.span.map(|span| (merged.id, span));
        self.all.iter().filter_map(span).collect()
    }

    pub(crate) fn get(&self, index: u32) -> Option<&Merged> {
        self.all.get(index as usize)
    }
}
